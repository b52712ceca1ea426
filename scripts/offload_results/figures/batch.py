# SPDX-License-Identifier: Apache-2.0
"""Time of a matrix product over the number of tokens, against what the link alone needs."""
from ..results import passed
from .data import Axis, CurveFigure, Line, Panel, of_each
from .runs import contests, not_shown, of_workload, on_the_gpu, point, time_text, titled
from .sweep import MERGED, SPREAD, curves

NEEDS = "gemm with several numbers of tokens: --suite gemm"
READ_AGAIN = 1.5  # times; below, the difference is headers and other traffic


def tokens_of(case):
    return case["tokens"]


def milliseconds(tokens, case):
    def of(seconds):
        return seconds * 1e3

    return point(tokens, case, of(case["summary"]["median_s"]), of, read_again(case))


def read_again(case):
    """How often the weights crossed the link in a pass, by the hardware's counters."""
    times = case["evidence"].get("link_payload_per_requested")
    return f"read {times:.1f}x" if times is not None and times >= READ_AGAIN else None


def figures(runs):
    return of_each(runs, of_run, NEEDS)


def of_run(run):
    by_weights = {}
    for case in of_workload(run, "gemm"):
        by_weights.setdefault(case["weights"]["name"], []).append(case)
    for weights, cases in by_weights.items():
        shown = [case for case in cases if passed(case)]
        if len({tokens_of(case) for case in shown}) < 2:
            continue
        # Where weights stayed on the GPU under a policy that migrates, nothing was offloaded.
        drawn = [case for case in shown if not on_the_gpu(case) or case["start"] == "steady"]
        panel = Panel(
            "", Axis("tokens multiplied at once", "count", True),
            Axis("time of a pass", "ms", True),
            curves(drawn, tokens_of, milliseconds), floor(run, cases[0]),
            height=4.6)
        yield CurveFigure(
            "batch" if len(by_weights) == 1 else f"batch-{weights}",
            titled(f"Tokens multiplied by an offloaded weight ({weights})", contests(run, shown), time_text),
            f"gemm, time of one product. {SPREAD} {MERGED} \"read 2.0x\": how often the weight "
            "crossed the link, by the hardware's counters, where they could count it.",
            (panel,), not_shown([run], cases), (run,))


def floor(run, case):
    """What the weight's bytes take over the link at the copy engine's rate, the arithmetic free."""
    rate = run.calibration["copy_h2d_bytes_per_second"]
    if not rate:
        return ()
    return (Line(case["weights"]["bytes"] / rate * 1e3, "link floor (copy engine)"),)
