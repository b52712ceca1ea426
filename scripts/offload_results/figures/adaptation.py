# SPDX-License-Identifier: Apache-2.0
"""Consecutive passes without a reset: the time of each, and the bytes moved to the GPU so far."""
import itertools

from ..results import label_of, passed, weights_of
from ..intervals import is_rough
from . import styles
from .data import Axis, Curve, CurveFigure, Panel, Point, of_each
from .runs import not_shown
from .sweep import MERGED

NEEDS = "series of passes: --passes N"


def figures(runs):
    return of_each(runs, of_run, NEEDS)


def of_run(run):
    groups = {}
    for case in run.cases:
        if case.get("series"):
            groups.setdefault((label_of(case), weights_of(case)), []).append(case)
    for (label, weights), cases in groups.items():
        found = styles.of_cases(cases)
        cases.sort(key=lambda case: (found[case["policy"]].place, case["start"]))
        shown = [case for case in cases if passed(case) and case["series"]["pass_s"]]
        if not shown:
            continue
        x = Axis("pass", "number")
        moved = tuple(found for found in map(moved_so_far, shown) if found is not None)
        panels = [Panel("Time of each pass", x, Axis("time of the pass", "ms", True),
                        tuple(map(times, shown)), height=3.6)]
        if moved:
            panels.append(Panel(
                "Bytes migrated to the GPU so far (copies and reads over the link are none)", x,
                Axis("migrated so far", "bytes"), moved, references=tuple(distinct(shown[0])),
                height=2.6))
        resident = tuple(found for found in map(on_gpu, shown) if found is not None)
        if resident:
            panels.append(Panel("Pages on the GPU behind each pass, by the page tables", x,
                                Axis("pages on the GPU (%)", "number"), resident, height=2.2))
        yield CurveFigure(
            "adaptation" if len(groups) == 1 else f"adaptation-{label}-{weights}",
            "How each policy adapts when the same weights are read again and again",
            f"{label} of {weights}: {len(shown[0]['series']['pass_s'])} consecutive passes, the first "
            "from the case's start; each reads what its tokens route to. One series per policy; "
            f"bytes are those of the same passes again, counted. {counters(run)}{MERGED}",
            tuple(panels), (*unknown(shown), *not_shown([run], cases)), (run,))


def counters(run):
    """What reads over the link do by themselves, as the driver was loaded; nothing of older runs."""
    found = (run.platform["gpu"] or {}).get("access_counters")
    if found is None:
        return ""
    if found["move_pages"] is False:
        return f"Access counters move nothing here: {found['reason']}. "
    after = f"{found['threshold']} reads" if found["threshold"] else "so many reads as the driver has it"
    return f"Access counters {'move' if found['move_pages'] else 'may move'} 2 MiB after {after} of it. "


def on_gpu(case):
    """None where it was not asked for."""
    shares = case["series"].get("on_gpu")
    return Curve(case["policy"], case["start"], tuple(
        Point(index, share * 100) for index, share in enumerate(shares, 1))) if shares else None


def times(case):
    return Curve(case["policy"], case["start"], tuple(
        Point(index, seconds * 1e3, rough=is_rough(case))
        for index, seconds in enumerate(case["series"]["pass_s"], 1)))


def moved_so_far(case):
    """None where it is not known."""
    um, count = case["series"]["um"], len(case["series"]["pass_s"])
    if um["state"] == "zero by design":
        moved = [0] * count
    elif um["state"] == "measured":
        moved = [figures["to_device"]["total"] for figures in um["passes"]]
    else:
        return None
    return Curve(case["policy"], case["start"], running(moved)) if moved else None


def distinct(case):
    """What has been read at least once: all that need be moved."""
    if case["series"]["distinct_bytes"]:
        yield Curve("distinct bytes read", "", running(case["series"]["distinct_bytes"]))


def running(values):
    return tuple(Point(index, total) for index, total in enumerate(itertools.accumulate(values), 1))


def unknown(cases):
    for case in cases:
        um = case["series"]["um"]
        if um["state"] == "unavailable":
            yield f"Moved bytes of {case['policy']} n/a: {um['reason']}."
