# SPDX-License-Identifier: Apache-2.0
"""Whether results can be true: arithmetic, physics, evidence against what a case says of itself.

Each check is a function of a run, named after what holds, that yields (where, what is wrong).
"""
import dataclasses
import json
import statistics

from .. import intervals
from ..runs import near, parts
from ..results import passed, source_of
from ..text import seconds
from . import models, contenders, evidence, noise, physics, samples

WALL_MARGIN = 1.01


@dataclasses.dataclass(frozen=True)
class Finding:
    where: str
    check: str
    text: str

    def __str__(self):
        return f"{self.where}: {self.text}"


def wall_times_add_up(part):
    wall = part.run["wall_time"]
    total = wall["total_s"]
    inside = sum(seconds for name, seconds in wall.items() if name != "total_s")
    if inside > total * WALL_MARGIN:
        yield "wall_time", f"its parts are {inside:g} s in total, the whole run {total:g} s"
    sampled = sum(sum(case["samples_s"]) * case["passes_per_sample"] for case in part.cases)
    if sampled > wall["measured_s"] * WALL_MARGIN:
        yield "wall_time", (f"samples of {sampled:g} s in total, but measured_s is "
                            f"{wall['measured_s']:g}")


def limits_follow_from_what_was_measured(part):
    for limit in part.limits:
        name = f"limit {limit['id']}"
        ratio, goal = limit["ratio"], limit["goal"]
        one, other = limit["measured"], limit["reference"]
        if one and other and not near(ratio, one / other) and not near(ratio, other / one):
            yield name, (f"a ratio of {ratio:g}, but of {one:g} and {other:g} it would be "
                         f"{one / other:g}")
        if limit["met"] != (ratio >= goal if limit["at_least"] else ratio <= goal):
            sign = ">=" if limit["at_least"] else "<="
            yield name, (f"{'met' if limit['met'] else 'not met'}, with a ratio of {ratio:g} and a "
                         f"goal of {sign} {goal:g}")


def limits_stand_for_any_kernel(part):
    """A goal that a better kernel misses is none: one that reads each weight once takes about as long
    under zero-copy as the ring does."""
    for limit in part.limits:
        if limit["id"].startswith("zero_copy_vs_ring") and limit["at_least"] and limit["goal"] > 1:
            yield f"limit {limit['id']}", (f"asks zero-copy to be {limit['goal']:g} times slower than "
                                           "the ring, which a kernel that reads weights once is not")


def allocators_round_up(part):
    for cost in part.memory_costs:
        if cost["rounded_bytes"] < cost["asked_bytes"]:
            yield f"memory cost of {cost['allocator']}", (
                f"{cost['asked_bytes']} bytes asked for were rounded to {cost['rounded_bytes']}")


def loading_costs_are_of_their_samples(part):
    for cost in part.loading_costs:
        if cost["failure"] is None and not near(cost["median_s"], statistics.median(cost["samples_s"])):
            yield f"loading cost of {cost['way']}", f"median_s is {cost['median_s']:g}, and not of its samples"


def cases_have_a_source(results):
    if "sources" in results.run:
        for case in results.cases:
            if "source" not in case:
                yield Finding(case["name"], "cases_have_a_source",
                              "the file is merged, but it does not say of which source")


CHECKS = (*samples.CHECKS, *models.MODEL_CHECKS, *models.ANSWER_CHECKS, *physics.CHECKS, *evidence.CHECKS,
          *noise.CHECKS, *models.PREDICTION_CHECKS,
          *contenders.CHECKS, wall_times_add_up, limits_follow_from_what_was_measured,
          limits_stand_for_any_kernel, allocators_round_up, loading_costs_are_of_their_samples)


def runs_differ_by_what_is_told(results):
    """Of merged runs of one build on one machine: a case they do not repeat to 5 % is of a kind that
    says so, or tables print its figure as a constant."""
    runs = {index: (source["host_name"], source["git_commit"], source["rank"], json.dumps(source["gpu"]))
            for index, source in enumerate(results.run.get("sources") or ())}
    rates, several = [], 0
    for key, cases in results.by_key().items() if runs else ():
        medians = [case["summary"]["median_s"] for case in cases if passed(case)]
        if len(medians) < 3 or len({runs.get(source_of(case)) for case in cases}) > 1:
            continue
        several += 1
        told = min((case.get("variability") or {"run_to_run": 0.0})["run_to_run"] for case in cases)
        if max(medians) > min(medians) * (1 + intervals.ROUGH) and told <= intervals.ROUGH:
            rates.append((max(medians) / min(medians), key, min(medians), max(medians)))
    if rates:
        _, key, least, most = max(rates, key=lambda one: one[0])
        yield Finding("runs", "runs_differ_by_what_is_told", (
            f"{len(rates)} of {several} cases differ by more than {intervals.ROUGH:.0%} between runs of "
            f"one build and do not say so: {key} took {seconds(least)} to {seconds(most)}"))


def findings(results):
    """What cannot be true in results that are valid by their schema."""
    yield from cases_have_a_source(results)
    yield from runs_differ_by_what_is_told(results)
    for part in parts(results):
        for check in CHECKS:
            for where, text in check(part):
                yield Finding(part.prefix + where, check.__name__, text)
