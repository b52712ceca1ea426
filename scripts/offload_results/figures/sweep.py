# SPDX-License-Identifier: Apache-2.0
"""GB/s over something: the panels of curves that bandwidth and granularity have in common."""
from ..results import passed
from ..runs import memory_rate
from . import styles
from .data import SIMILAR, Axis, Curve, Line, Panel
from .runs import on_the_gpu, point


def curves(cases, x_of, point_of):
    """One per policy, start and graph; of two cases at one x, the first."""
    found, style = {}, styles.of_cases(cases)
    for case in cases:
        key = (case["policy"], case["start"], case.get("captured", False))
        found.setdefault(key, {}).setdefault(x_of(case), case)
    return tuple(
        Curve(policy, start, tuple(point_of(x, by_x[x]) for x in sorted(by_x)), graph)
        for (policy, start, graph), by_x in sorted(
            found.items(), key=lambda item: (style[item[0][0]].place, item[0][1:])))


def rate(x, case):
    def of(seconds):
        return case["bytes"]["requested"] / seconds / 1e9

    return point(x, case, case["gb_per_s"], of)


def levels(run):
    """What the link could carry, and what the copy engine of this very run makes of it; of one memory
    what it gives whoever reads it fastest."""
    shared = memory_rate(run.run)
    if shared:
        return (Line(shared / 1e9, "the memory of GPU and CPU (measured)"),)
    link, calibration = run.platform["link"], run.calibration
    found = []
    if link is not None and link["peak_bytes_per_second"]:
        found.append(Line(link["peak_bytes_per_second"] / 1e9, "link peak (in theory)"))
    if calibration["copy_h2d_bytes_per_second"]:
        found.append(Line(calibration["copy_h2d_bytes_per_second"] / 1e9, "copy engine (measured)"))
    return tuple(found)


def panels(run, cases, x, x_of, y_label, log):
    """Weights that cross the link or stay with the CPU, as often as they are read; and the first
    read of those that migrate, and of pages that are mapped by faults."""
    shown = [case for case in cases if passed(case)]
    away = [case for case in shown if not on_the_gpu(case)]
    parts = [
        ("Every pass: weights stay in host memory (steady; warm where named)",
         [case for case in away if case["start"] != "cold"], 3.3),
        ("First pass: nothing is on the GPU before (cold)",
         [case for case in away if case["start"] == "cold"], 2.6),
    ]
    return tuple(
        Panel(title, x, Axis(y_label, "rate", log), curves(chosen, x_of, rate), levels(run),
              height=height)
        for title, chosen, height in parts if chosen)


def panels_on_the_gpu(cases, x, x_of, y_label):
    """Weights that are there, or have moved there: their rate says nothing of the link."""
    chosen = [case for case in cases if passed(case) and on_the_gpu(case)]
    if not chosen:
        return ()
    return (Panel("For comparison: weights are on the GPU already (log scale)", x,
                  Axis(y_label, "rate", True), curves(chosen, x_of, rate), height=1.9),)


SPREAD = "Points: median of the samples; whiskers, where visible: 5th to 95th percentile."
MERGED = f"Curves that agree within {SIMILAR:.0%} everywhere are drawn as one."
