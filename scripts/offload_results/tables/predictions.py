# SPDX-License-Identifier: Apache-2.0
"""How accurate predictions are (scripts/prediction_accuracy.py), as tables in Markdown."""
import statistics

from ..results import BadInput, passed
from ..sanity.models import is_outside
from ..text import percent, percent_number, row, times
from . import condensed


def error_of(case):
    """By which factor the longer of predicted and measured exceeds the other, less 1."""
    ratio = case["summary"]["median_s"] / case["predicted"]["seconds"]
    return max(ratio, 1 / ratio) - 1


def render(files):
    cases = [case for results in files for case in results["cases"]
             if passed(case) and case.get("predicted")]
    if not cases:
        raise BadInput("no case has a prediction: they have since schema 2.3")
    by_policy = {}
    for case in cases:
        by_policy.setdefault(case["policy"], []).append(case)
    lines = ["| policy | cases | median error, % | worst, % | outside the range |",
             "|---|---:|---:|---:|---:|"]
    for policy, some in [*by_policy.items(), ("all", cases)]:
        errors = list(map(error_of, some))
        lines.append(row([
            f"`{policy}`" if policy != "all" else policy, str(len(some)),
            percent_number(statistics.median(errors)), percent_number(max(errors)),
            str(sum(map(is_outside, some)))]))
    return "\n".join(lines)


# Within what copies, reads in place and products are expected.
EXACT = 0.07
AS_FAST = 0.03  # of the fastest

WAYS_OF_THE_LINK = "copies, rings, prefetches, zero-copy, read-once, batched copies"
REST = "CPU and faults"
GROUPS = {
    WAYS_OF_THE_LINK: (
        "pinned_copy", "pinned_prefetch_copy", "pinned_prefetch2_copy", "pinned_ring_copy",
        "pinned_batch_copy", "pinned_zero_copy", "registered_zero_copy", "writecombined_zero_copy",
        "hostvmm_zero_copy", "managed_accessed_by", "pinned_read_once", "pinned_fewest_reads"),
    "windows": ("managed_readmostly_window", "managed_migrate_window"),
    "`device_resident`": ("device_resident",),
}


def group_of(policy):
    return next((group for group, policies in GROUPS.items() if policy in policies), REST)


def width_of(case):
    return case["predicted"]["most_s"] / case["predicted"]["least_s"]


def by(key, cases):
    """{key of a case: its cases}, in the order in which they come."""
    found = {}
    for case in cases:
        found.setdefault(key(case), []).append(case)
    return found


def accuracy(paths, names):
    cases = [case for case in condensed.cases_of(paths) if case["predicted"]]
    if not cases:
        raise BadInput(f"{paths[0]}: no case has a prediction")
    if names not in ("", "models"):
        raise BadInput(f"accuracy:{names}: there are accuracy and accuracy:models")
    return of_models(cases) if names else of_policies(cases)


def of_policies(cases):
    lines = [row(["policy", "cases", "median error, %", "within 7 %, %", "worst, %", "inside the range, %",
                  "width of the range"]),
             "|---|---:|---:|---:|---:|---:|---:|"]
    groups = by(lambda case: group_of(case["policy"]), cases)
    for group in (*GROUPS, REST):
        policies = by(lambda case: case["policy"], groups.get(group, ()))
        if len(policies) > 1:
            lines.append(accuracy_row(f"**{group}**", groups[group]))
        lines += [accuracy_row(f"`{policy}`", some) for policy, some in sorted(policies.items())]
    return "\n".join([*lines, accuracy_row("all", cases)])


def accuracy_row(name, cases):
    errors = list(map(error_of, cases))
    return row([
        name, str(len(cases)), percent_number(statistics.median(errors)),
        percent_number(share(error <= EXACT for error in errors)), percent_number(max(errors)),
        percent_number(1 - share(map(is_outside, cases))), times(statistics.median(map(width_of, cases)))])


def share(truths):
    return statistics.fmean(map(float, truths))


def of_models(cases):
    """Of the first group only: what two runs of one machine repeat."""
    some = [case for case in cases if group_of(case["policy"]) == WAYS_OF_THE_LINK]
    if not some:
        raise BadInput(f"no case of {WAYS_OF_THE_LINK}")
    lines = ["| model | cases | median error, % | worst, % | where |", "|---|---:|---:|---:|---|"]
    for model, of_model in by(lambda case: case["model"], some).items():
        worst = max(of_model, key=error_of)
        lines.append(row([
            f"`{model}`", str(len(of_model)), percent_number(statistics.median(map(error_of, of_model))),
            percent_number(error_of(worst)),
            f"`{worst['label']}`, `{worst['policy']}`, {percent(worst['budget'])} on the GPU"]))
    return "\n".join(lines)


def winners(paths, names):
    """Of each model and workload: the policy of the least predicted time, and the one that was fastest."""
    if names:
        raise BadInput(f"winners:{names}: there is winners")
    contenders = [case for case in condensed.cases_of(paths) if case["contends"]]
    cells = by(lambda case: (case["budget"], case["model"], case["label"], case["captured"]), contenders)
    choices = [choice(cases) for cases in cells.values()
               if len(cases) > 1 and any(case["predicted"] for case in cases)]
    if not choices:
        raise BadInput(f"{paths[0]}: no two policies of one workload to choose from")
    lines = [row(["on the GPU", "models x workloads", "the fastest was chosen", "or within 3 % of it",
                  "worst loss, %", "where"]),
             "|---:|---:|---:|---:|---:|---|"]
    for budget, some in sorted(by(lambda found: found["chosen"]["budget"], choices).items()):
        lines.append(winners_row(percent(budget), some))
    return "\n".join([*lines, winners_row("all", choices)])


def choice(cases):
    predicted = [case for case in cases if case["predicted"]]
    chosen = min(predicted, key=lambda case: case["predicted"]["seconds"])
    fastest = min(cases, key=lambda case: case["summary"]["median_s"])
    return {"chosen": chosen, "fastest": fastest,
            "loss": chosen["summary"]["median_s"] / fastest["summary"]["median_s"] - 1}


def winners_row(name, choices):
    worst = max(choices, key=lambda found: found["loss"])
    chosen, fastest = worst["chosen"], worst["fastest"]
    where = (f"`{chosen['model']}`, `{chosen['label']}`: `{chosen['policy']}`, not `{fastest['policy']}`"
             if worst["loss"] else "-")
    return row([
        name, str(len(choices)), str(sum(found["loss"] == 0 for found in choices)),
        str(sum(found["loss"] <= AS_FAST for found in choices)), percent_number(worst["loss"]), where])
