# SPDX-License-Identifier: Apache-2.0
"""Whole models beside their bounds, answers beside the medians, predictions beside what was measured."""
import math
import re

from .. import intervals
from ..intervals import is_rough
from ..results import label_of, lasts, subject_of, version_of, weights_of
from ..runs import link_bytes, near
from ..text import digits, three_digits
from .noise import told
from .samples import figure

# Times what the calibrated rate allows. The CPU's memory is shared with others on the host, who may
# have slowed it down while it was calibrated.
MARGINS = {"link": 1.03, "host_memory": 1.25, "device_memory": 1.05, "one_memory": 1.05}
FAR = 2.0  # times the bound that a pass may take before it is the kernel's time and not the machine's
RESIDENT = re.compile(r"with all weights resident (?:\((\w+)\) )?([\d.]+) tokens/s")


def with_model(part):
    return [case for case in part.passed if case.get("model")]


def tokens_are_of_a_state_that_lasts(part):
    for case in with_model(part):
        rate = case["model"]["tokens_per_second_ceiling"]
        if rate is None or lasts(case):
            continue
        why = ("of weights that are on the GPU, which is no offloading"
               if case["path"] == "device_memory" else
               "of a first pass from cold, in which no engine can stay")
        yield case["name"], f"{three_digits(rate)} tokens/s {why}"


def least_seconds(case, calibration):
    """{what of the machine: seconds that all layers need of it at least}"""
    model, weights = case["model"], case["weights"]
    slice_bytes = weights["bytes"]
    offloaded = sum(tensor["bytes"] for tensor in weights["tensors"] if not tensor.get("resident"))
    by_cpu = case.get("cpu_bytes", 0)
    on_gpu = model["resident_bytes"]
    if case["path"] == "device_memory":
        on_gpu += model["offloaded_bytes"]
    # Again over the link is a kernel's doing, once is the least; of experts only those chosen.
    once = max(0, offloaded - by_cpu)
    crossing = link_bytes(case)
    over_link = (once if crossing is None else min(crossing, once)) * model["scale"]
    link_rate = max(calibration["copy_h2d_bytes_per_second"] or 0,
                    calibration["sm_read_pinned_bytes_per_second"] or 0)
    asked = min(1, case["bytes"]["requested"] / slice_bytes) if slice_bytes else 0
    if case["path"] == "one_memory":  # all that the GPU reads comes out of it
        by_gpu = (model["offloaded_bytes"] + model["resident_bytes"]) * asked - by_cpu * model["scale"]
        gpu_rate = max(calibration["device_read_bytes_per_second"] or 0,
                       calibration["sm_read_pinned_bytes_per_second"] or 0)
        found = {"one_memory": (max(0, by_gpu), gpu_rate),
                 "host_memory": (by_cpu * model["scale"], calibration["host_read_bytes_per_second"])}
        return {what: moved / rate for what, (moved, rate) in found.items() if moved and rate}
    found = {
        "link": (0 if case["path"] == "peer" else over_link, link_rate),
        "host_memory": (by_cpu * model["scale"], calibration["host_read_bytes_per_second"]),
        "device_memory": (on_gpu * asked, calibration["device_read_bytes_per_second"]),
    }
    return {what: moved / rate for what, (moved, rate) in found.items() if moved and rate}


def tokens_are_below_the_bound(part):
    for case in with_model(part):
        rate = case["model"]["tokens_per_second_ceiling"]
        if rate is None or not lasts(case):
            continue
        for what, seconds in least_seconds(case, part.run["calibration"]).items():
            most = case.get("tokens", 0) / seconds
            if rate > most * MARGINS[what]:
                yield case["name"], (f"{three_digits(rate)} tokens/s, above the {three_digits(most)} "
                                     f"that {what.replace('_', ' ')} allows as calibrated")


def rates_stand_beside_their_bound(part):
    """Tokens/s far below what the machine allows are a kernel's: alone they read as a ceiling. Weights
    that stay on the GPU are multiplied there no slower, which bounds whatever crosses the link."""
    rated = [case for case in with_model(part) if lasts(case)
             and case["model"]["tokens_per_second_ceiling"] and not case["model"].get("bound")]
    resident = {(label_of(case), weights_of(case)): case["model"]["pass_s"] for case in rated
                if case["path"] == "device_memory"}
    far = []
    for case in rated:
        least = least_seconds(case, part.run["calibration"])
        if not least or case["path"] == "device_memory" and case.get("tokens", 0) > 1:
            continue  # a product of many tokens may be all that the GPU can compute
        by = max(least, key=least.get)
        seconds = least[by]
        if case["path"] == "link":
            seconds = max(seconds, resident.get((label_of(case), weights_of(case)), 0))
        if case["model"]["pass_s"] > seconds * FAR:
            far.append((case["model"]["pass_s"] / seconds, by, case))
    if far:
        times, by, case = max(far, key=lambda one: one[0])
        rate = case["model"]["tokens_per_second_ceiling"]
        yield "run", (f"{len(far)} of {len(rated)} tokens/s stand there without their bound, and the "
                      f"machine allows more than {FAR:g} times as many: of {case['name']} "
                      f"{three_digits(rate)}, and {three_digits(rate * times)} by the "
                      f"{by.replace('_', ' ')}")


def bounds_follow_from_the_calibration(part):
    for case in with_model(part):
        bound = case["model"].get("bound")
        if not bound:
            continue
        least = least_seconds(case, part.run["calibration"])
        expected = max(least.values(), default=0)
        if bound["by"] == "compute":
            if bound["pass_s"] < expected * (1 - 1e-6):
                yield case["name"], (f"bound by computing for {bound['pass_s']:g} s, though "
                                     f"{max(least, key=least.get)} needs {expected:g}")
        elif not near(bound["pass_s"], expected, 1e-5) or not near(
                bound["pass_s"], least.get(bound["by"]), 1e-5):
            yield case["name"], (f"model.bound is {bound['pass_s']:g} s by {bound['by']}, by its "
                                 f"formula {expected:g}")
        tokens = bound["tokens_per_second"]
        if (tokens is None) == lasts(case) or (
                tokens is not None and not near(tokens, case["tokens"] / bound["pass_s"])):
            yield case["name"], f"model.bound.tokens_per_second is {tokens}"


def resident_never_left_the_gpu(part):
    """What answers compare with, and what their sentences say of it."""
    cases = {case["name"]: case for case in part.cases}
    for answer in part.run.get("answers") or ():
        where = f"answer of {answer['label']}, {answer['weights']}"
        for start in ("cold", "warm"):
            named = answer[start] and answer[start]["resident"]
            case = named and cases.get(named["case"])
            if case and (case["start"] != "steady" or case["path"] != "device_memory"):
                yield where, f"resident when {start} is {case['name']}, which came to the GPU"
        said = [match for text in answer["sentences"] for match in RESIDENT.finditer(text)]
        rates = {case["policy"]: digits(is_rough(case))(case["model"]["tokens_per_second_ceiling"])
                 for case in with_model(part)
                 if case["path"] == "device_memory" and case["start"] == "steady"
                 and (label_of(case), weights_of(case)) == subject_of(answer)
                 and case["model"]["tokens_per_second_ceiling"]}
        for match in said:
            policy, rate = match.groups()
            if rate not in ([rates.get(policy)] if policy else rates.values()):
                yield where, (f"{rate} tokens/s with all weights resident, but with weights that never "
                              f"leave the GPU {' or '.join(rates.values()) or 'nothing'} was measured")


MODEL_CHECKS = (tokens_are_of_a_state_that_lasts, tokens_are_below_the_bound,
          rates_stand_beside_their_bound, bounds_follow_from_the_calibration, resident_never_left_the_gpu)


def answers_follow_from_the_medians(part):
    """Of cases with a place; files before schema 2 have none."""
    groups = {}
    for case in part.cases:
        for start in case.get("standing") or {}:
            key = (label_of(case), weights_of(case), start)
            groups.setdefault(key, []).append(case)
    for (_, _, start), cases in groups.items():
        yield from places(start, sorted(cases, key=lambda case: case["standing"][start]["rank"]),
                          version_of(part.run) >= (2, 2))
    first = {key: [case["name"] for case in cases if case["standing"][key[2]]["rank"] == 1]
             for key, cases in groups.items()}
    for answer in part.run.get("answers") or ():
        for start in ("cold", "warm"):
            names = first.get((*subject_of(answer), start), [])
            best = answer[start] and answer[start]["best"]["case"]
            if best not in (names or [None]):
                yield f"answer of {answer['label']}, {answer['weights']}", (
                    f"{best or 'nothing'} is the best {start}, by its places "
                    f"{' or '.join(names) or 'nothing'}")


def places(start, cases, by_runs):
    """`by_runs`: what runs differ by decides on ties, as since 2.2; before, medians alone do."""
    apart = None
    for rank, case in enumerate(cases, 1):
        place = case["standing"][start]
        if case["summary"] is None:
            yield case["name"], f"has a place among the {start} cases, and no samples"
            return
        if place["rank"] != rank:
            yield case["name"], f"has place {place['rank']} of {len(cases)} {start} cases"
            return
        margin = by_runs and tie_margin(cases[0], case)
        if margin and not apart and not place["ties_with_best"] and (
                case["summary"]["median_s"] < cases[0]["summary"]["median_s"] * (1 + margin)):
            yield case["name"], (f"stands apart from {cases[0]['name']}, whose median is less than "
                                 f"{margin:.0%} away: runs of such cases differ by as much")
        if not place["ties_with_best"]:
            apart = apart or case
        elif by_runs and apart:
            yield case["name"], (f"{start}, it ties with {cases[0]['name']} as {apart['name']} "
                                 "does not, which is faster")
        before = cases[max(0, rank - 2)]
        if case["summary"]["median_s"] < before["summary"]["median_s"]:
            yield case["name"], f"has place {rank}, faster than {before['name']} before it"
            return
        expected = time_of(case, cases) / time_of(cases[0], cases)
        if not near(place["times_slower"], expected):
            yield case["name"], (f"standing.{start}.times_slower is "
                                 f"{figure(place['times_slower'])}, by its formula {expected:g}")


def tie_margin(one, other):
    """Of what runs of two such cases differ by."""
    spreads = [intervals.ASSUMED[intervals.kind_of(case)].variance for case in (one, other)]
    return max(0.01, math.sqrt(sum(spreads))) * 0.99


def time_of(case, cases):
    """Of a whole model where all are passes over one."""
    if all(one.get("model") for one in cases):
        return case["model"]["pass_s"]
    return case["summary"]["median_s"]


ANSWER_CHECKS = (answers_follow_from_the_medians,)


def predictions_are_ranges(part):
    for case in part.cases:
        found = case.get("predicted")
        if found and not found["least_s"] <= found["seconds"] <= found["most_s"]:
            yield case["name"], (f"predicted.seconds is {figure(found['seconds'])}, outside its range "
                                 f"of {figure(found['least_s'])} to {figure(found['most_s'])}")


def what_lies_outside_its_range_is_told(part):
    listed = told(part, "prediction") or set()
    outside = {case["name"]: case for case in part.passed if is_outside(case)}
    for name in sorted(outside.keys() - listed):
        found = outside[name]["predicted"]
        yield name, (f"takes {figure(outside[name]['summary']['median_s'])} s, predicted were "
                     f"{figure(found['least_s'])} to {figure(found['most_s'])}, and the run does not "
                     "say so")
    for name in sorted(listed - outside.keys()):
        yield name, "is said to lie outside what was predicted, and does not"


def is_outside(case):
    found = case.get("predicted")
    return bool(found) and not found["least_s"] <= case["summary"]["median_s"] <= found["most_s"]


PREDICTION_CHECKS = (predictions_are_ranges, what_lies_outside_its_range_is_told)
