# SPDX-License-Identifier: Apache-2.0
"""The answer on top of the page, in five lines at most: of one workload, the best of each way to get at
weights in CPU memory, the best of all, and the best that an engine switches on today. The ranks are those of
the results; where these hold none, nothing is ranked."""
from .. import text
from ..figures.styles import group_of
from ..results import BadInput, label_of, passed, subject_of, weights_of
from . import drawer
from .table import figure, machine, text_and_number

HEADLINES = ("decode", "gemv")  # the workload of the answer, if it is there; else the first
MOST_RUNS = 3  # that the lines name; the table has all
WAYS = {  # groups of policies, by what people call them; those of ASKED are told of even if absent
    "zero-copy": "UVA zero-copy", "managed, faults": "UVM by page faults", "managed, mapped": "UVM mapped",
    "managed, prefetch": "UVM prefetched", "copy": "Copies", "cpu": "CPU", "hybrid": "CPU and link together",
    "system": "System memory", "file": "Mapped files", "peer": "Another GPU's memory"}
ASKED = ("zero-copy", "managed, faults", "managed, mapped", "copy", "cpu")


def of_runs(runs):
    """What the template writes; {"none": why} where there is nothing to rank."""
    told = [(run, answer) for run in runs for answer in run.run.get("answers") or () if answer["cold"]]
    if not told:
        return {"none": why_none(runs)}
    subject = headline(told)
    same = [run for run, answer in told if subject_of(answer) == subject]
    most = max(len(cases_of(run, *subject)) for run in same)
    # A run of a few policies ranks those alone.
    shown = [(run, answer) for run, answer in told if subject_of(answer) == subject
             and len(cases_of(run, *subject)) > most / 2][:MOST_RUNS]
    return {
        "none": None, "label": subject[0], "weights": subject[1], "several": len(shown) > 1,
        "runs": [{"name": run.name, "machine": machine(run, with_link=True)} for run, _ in shown],
        "others": len({subject_of(answer) for _, answer in told}) - 1, "more_runs": len(same) - len(shown),
        "unranked": [run.name for run in runs if run.run.get("answers") is None and cases_of(run, *subject)],
        "best": [best(run, answer) for run, answer in shown],
        "today": [today(run, answer) for run, answer in shown],
        "ways": ways([(run, cases_of(run, *subject)) for run, _ in shown]),
    }


def headline(told):
    """The label and weights of the answer that readers ask for first: by workload, fewest tokens, most cases."""
    run, answer = min(told, key=lambda pair: (place(pair[1]["workload"]), text_and_number(pair[1]["label"])[1],
                                              -len(cases_of(pair[0], *subject_of(pair[1])))))
    return subject_of(answer)


def place(workload):
    return HEADLINES.index(workload) if workload in HEADLINES else len(HEADLINES)


def why_none(runs):
    if not any(run.cases for run in runs):
        return "These files hold no measured case."
    if any(run.run.get("answers") is None for run in runs):
        return ("Nothing is ranked here: these files were made before 2.0. Run again for an answer; the table "
                "has their figures.")
    return "Nothing is ranked here: the results hold no answer, as where no case that offloads has passed."


def cases_of(run, label, weights):
    return [case for case in run.cases if label_of(case) == label and weights_of(case) == weights]


def named(run, name):
    for case in run.cases:
        if case["name"] == name:
            return case
    raise BadInput(f"{run.name}: damaged results: an answer names {name}, which is no case of it; "
                   "offload-results validate says more")


def best(run, answer):
    contest = answer["cold"]
    case, resident = named(run, contest["best"]["case"]), contest["resident"]
    return {**of_case(run, case), "tied": [tied["policy"] for tied in contest["tied"]],
            "limited_by": drawer.SLOWED.get(contest["limited_by"]),
            "kept": kept(contest.get("by_memory") or ()),
            "resident": resident and text.times(resident["times_faster"])}


ONCE = 1.05  # times the weights' bytes: pages and small slots are no second copy


def kept(ranked):
    """How often policies keep the weights in the one memory of GPU and CPU; None where each has its own."""
    once = [one["policy"] for one in ranked if one["times_kept"] < ONCE]
    more = [f"{one['policy']} {text.times(one['times_kept'])}" for one in ranked if one["times_kept"] >= ONCE]
    if not ranked:
        return None
    told = f"kept once by {text.enumerate_names(once, 4)}" if once else "kept once by none"
    return told + (f", more often by {text.enumerate_names(more, 4)}" if more else "")


def today(run, answer):
    second = answer["cold"]["switchable"]
    if second is None:
        return {"run": run.name, "policy": None}
    is_best = second["case"] == answer["cold"]["best"]["case"]
    return {**of_case(run, named(run, second["case"])), "flags": second["engine_flags"].split("; "),
            "slower": None if is_best else text.times(second["times_slower"])}


def of_case(run, case):
    return {"run": run.name, "machine": machine(run), "policy": case["policy"], "start": case["start"],
            "figure": figure(case, ranged=False), "tip": drawer.tip(case, figure),
            "marks": drawer.marks(case, run)}


def ways(measured):
    """[{way, cells}] with a cell per run: the best policy of that way, or why there is none."""
    groups = dict.fromkeys(ASKED)
    for _, cases in measured:
        groups.update(dict.fromkeys(map(group_of, cases)))
    groups.pop("resident", None)
    order = [*WAYS, *groups]
    return [{"way": WAYS.get(group, group), "group": group,
             "cells": [of_way(run, [case for case in cases if group_of(case) == group])
                       for run, cases in measured]}
            for group in sorted(groups, key=order.index)]


def of_way(run, cases):
    if not cases:
        return {"run": run.name, "policy": None, "words": "not measured"}
    best_, words = representative(cases)
    if best_ is None:
        return {"run": run.name, "policy": None, "words": words}
    return {**of_case(run, best_), "words": words, "engines": in_engines(run, cases, best_)}


def in_engines(run, cases, best_):
    """What of this way an engine switches on, where that is not its best; None where it is, or there is none."""
    switched, _ = representative([case for case in cases if case["engine_flags"]])
    return of_case(run, switched) if switched and switched["policy"] != best_["policy"] else None


def representative(cases):
    """(case, what is to be said of it): the first by the results' ranks, else what comes closest to one."""
    for start in ("cold", "warm"):
        ranked = [case for case in cases if start in (case["standing"] or {})]
        if ranked:
            found = min(ranked, key=lambda case: case["standing"][start]["rank"])
            return found, drawer.place_words(found["standing"][start])
    first = [case for case in cases if passed(case) and case.get("excluded") in ("first_pass", "unsettled")]
    if first:
        return min(first, key=lambda case: case["summary"]["median_s"]), "no state to stay in"
    on_gpu = [case for case in cases if passed(case)]
    if on_gpu:
        return on_gpu[0], "moves to the GPU"
    return None, "failed" if any(case["failure"] for case in cases) else "not finished"
