# SPDX-License-Identifier: Apache-2.0
"""GB/s over the size of the weight."""
from ..results import passed
from .data import Axis, CurveFigure, of_each
from .runs import not_shown, of_workload
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
    x = Axis("size of the weights", "bytes", True)
    yield CurveFigure(
        "bandwidth", "Reading weights once, by their size",
        f"stream_read, GB/s over the size of one weight tensor. {SPREAD} {MERGED}",
        panels(run, cases, x, size_of, "GB/s", False)
        + panels_on_the_gpu(cases, x, size_of, "GB/s"),
        not_shown([run], cases), (run,))
