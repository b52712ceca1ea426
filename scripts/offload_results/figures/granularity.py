# SPDX-License-Identifier: Apache-2.0
"""Useful GB/s over the size of the chunks that are read from all over a weight."""
from ..results import parameter_of, passed, weights_of
from .data import Axis, CurveFigure, of_each
from .runs import contests, not_shown, of_workload, rate_text, titled
from .sweep import MERGED, SPREAD, panels

NEEDS = ("row_gather with several chunk sizes: --suite micro, or --workloads row_gather "
         "--chunks A,B,...")


def chunk_of(case):
    name, value = parameter_of(case)
    return int(value) if name == "chunk" else None


def figures(runs):
    return of_each(runs, of_run, NEEDS)


def of_run(run):
    by_weights = {}
    for case in of_workload(run, "row_gather"):
        if chunk_of(case) is not None:
            by_weights.setdefault(weights_of(case), []).append(case)
    for weights, cases in by_weights.items():
        if len({chunk_of(case) for case in cases if passed(case)}) < 2:
            continue
        name = "granularity" if len(by_weights) == 1 else f"granularity-{weights}"
        share = cases[0]["bytes"]["requested"] / cases[0]["weights"]["bytes"]
        yield CurveFigure(
            name, titled(f"Scattered chunks of a weight ({weights})", contests(
                run, [case for case in cases if passed(case)]), rate_text),
            f"row_gather, useful GB/s: chunks from all over the weight, {share:.1%} of its bytes "
            f"in all; weights that are on the GPU are not shown. {SPREAD} {MERGED}",
            panels(run, cases, Axis("size of a chunk", "bytes", True), chunk_of, "useful GB/s",
                   True),
            not_shown([run], cases), (run,))
