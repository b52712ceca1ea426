# SPDX-License-Identifier: Apache-2.0
"""Sanity of who wins: places that follow from the medians, and answers that name the first of them."""
import math

from .. import variability
from ..parts import near
from ..results import label_of, version_of
from .samples import figure


def answers_follow_from_the_medians(part):
    """Of cases with a place; files before schema 2 have none."""
    groups = {}
    for case in part.cases:
        for start in case.get("standing") or {}:
            key = (label_of(case), case["weights"]["name"], start)
            groups.setdefault(key, []).append(case)
    for (_, _, start), cases in groups.items():
        yield from places(start, sorted(cases, key=lambda case: case["standing"][start]["rank"]),
                          version_of(part.run) >= (2, 2))
    first = {key: [case["name"] for case in cases if case["standing"][key[2]]["rank"] == 1]
             for key, cases in groups.items()}
    for answer in part.run.get("answers") or ():
        for start in ("cold", "warm"):
            names = first.get((answer["label"], answer["weights"], start), [])
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
    spreads = [variability.ASSUMED[variability.kind_of(case)].variance for case in (one, other)]
    return max(0.01, math.sqrt(sum(spreads))) * 0.99


def time_of(case, cases):
    """Of a whole model where all are passes over one."""
    if all(one.get("model") for one in cases):
        return case["model"]["pass_s"]
    return case["summary"]["median_s"]


CHECKS = (answers_follow_from_the_medians,)
