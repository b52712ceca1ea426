# SPDX-License-Identifier: Apache-2.0
"""GB/s over the size of the weight."""
from ..results import passed
from ..text import size
from .data import Axis, CurveFigure, of_each
from .runs import not_shown, of_workload, rate_text, titled
from .sweep import MERGED, SPREAD, panels, panels_on_the_gpu

NEEDS = "stream_read over several sizes: --suite micro, or --workloads stream_read --sizes A,B,..."


def size_of(case):
    return case["weights"]["bytes"]


def figures(runs):
    return of_each(runs, of_run, NEEDS)


def of_run(run):
    cases = of_workload(run, "stream_read")
    if len({size_of(case) for case in cases if passed(case)}) < 2:
        return
    largest = max(cases, key=size_of)
    x = Axis("size of the weights", "bytes", True)
    yield CurveFigure(
        "bandwidth", titled(f"Reading {size(size_of(largest))} of weights once", [("", run, [
            case for case in cases if case["weights"] == largest["weights"]])], rate_text),
        f"stream_read, GB/s over the size of one weight tensor. {SPREAD} {MERGED}",
        panels(run, cases, x, size_of, "GB/s", False)
        + panels_on_the_gpu(cases, x, size_of, "GB/s"),
        not_shown([run], cases), (run,))
