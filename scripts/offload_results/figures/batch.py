# SPDX-License-Identifier: Apache-2.0
"""Time of a matrix product over the number of tokens, against what the link alone needs."""
from ..results import passed, weights_of
from ..runs import memory_rate
from .data import Axis, CurveFigure, Line, Panel, Point, of_each
from .runs import contests, not_shown, of_workload, on_the_gpu, point, time_text, titled
from .sweep import MERGED, SPREAD, curves

NEEDS = "gemm with several numbers of tokens: --suite gemm"


def tokens_of(case):
    return case["tokens"]


def milliseconds(tokens, case):
    def of(seconds):
        return seconds * 1e3

    return point(tokens, case, of(case["summary"]["median_s"]), of)


def reads(tokens, case):
    """How often the weight crosses the link in a pass: counted by the hardware, else as the kernel's tiles
    have it."""
    times = case["evidence"].get("link_payload_per_requested")
    return Point(tokens, times if times is not None else case["link_bytes"] / case["bytes"]["requested"])


def figures(runs):
    return of_each(runs, of_run, NEEDS)


def of_run(run):
    by_weights = {}
    for case in of_workload(run, "gemm"):
        by_weights.setdefault(weights_of(case), []).append(case)
    for weights, cases in by_weights.items():
        shown = [case for case in cases if passed(case)]
        if len({tokens_of(case) for case in shown}) < 2:
            continue
        # Where weights stayed on the GPU under a policy that migrates, nothing was offloaded.
        drawn = [case for case in shown if not on_the_gpu(case) or case["start"] == "steady"]
        panel = Panel(
            "Time of a product", Axis("tokens multiplied at once", "count", True),
            Axis("time of a pass", "ms", True),
            curves(drawn, tokens_of, milliseconds), floor(run, cases[0]),
            height=4.0)
        crossing = [case for case in drawn if case.get("link_bytes")]
        panels = (panel, Panel(
            "How often the weight crosses the link in a pass", Axis("tokens multiplied at once", "count", True),
            Axis("reads of the weight", "times", True), curves(crossing, tokens_of, reads), height=2.2))
        yield CurveFigure(
            "batch" if len(by_weights) == 1 else f"batch-{weights}",
            titled(f"Tokens multiplied by an offloaded weight ({weights})", contests(run, shown), time_text),
            f"gemm, time of one product. {SPREAD} {MERGED} Below: how often the weight crosses the link, by the "
            "hardware's counters, and where they cannot count as much, by the kernel's tiles.",
            panels if crossing else panels[:1], not_shown([run], cases), (run,))


def floor(run, case):
    """What the weight's bytes take over the link at the copy engine's rate, the arithmetic free."""
    shared = memory_rate(run.run)
    if shared:
        return (Line(case["weights"]["bytes"] / shared * 1e3, "floor (memory of GPU and CPU)"),)
    rate = run.calibration["copy_h2d_bytes_per_second"]
    if not rate:
        return ()
    return (Line(case["weights"]["bytes"] / rate * 1e3, "link floor (copy engine)"),)
