# SPDX-License-Identifier: Apache-2.0
"""A comparison as JSON; results/schema/comparison-1.json describes it."""
import json
import math

from . import comparison_table as table
from .comparison import FINE, REGRESSION

FORMAT_VERSION = "1.0.0"


def render(compared, _):
    return json.dumps({"offload_bench_comparison": {
        "format_version": FORMAT_VERSION,
        "comparisons": [one(found) for found in compared],
    }}, indent=1) + "\n"


def one(found):
    outcome = {FINE: "no regression", REGRESSION: "regression"}.get(found.exit_code, "undecided")
    return {
        "outcome": outcome,
        "exit_code": found.exit_code,
        "summary": table.sentence(found),
        "baseline": str(found.baseline.path),
        "candidate": str(found.candidate.path),
        "threshold": found.terms.threshold,
        "confidence": found.terms.confidence,
        "run_to_run": {kind: {"standard_deviation": math.sqrt(spread.variance),
                              "degrees_of_freedom": spread.freedom}
                       for kind, spread in found.spreads.items()},
        "differences": [{"what": difference.what, "baseline": difference.baseline,
                         "candidate": difference.candidate, "forbids": difference.forbids}
                        for difference in found.differences],
        "counts": found.counts,
        "cases": [case(row) for row in table.ordered(found.rows)],
    }


def case(row):
    key, ratio = row.key, row.ratio
    return {
        "label": key.label, "policy": key.policy, "weights": key.weights, "start": key.start,
        "captured": key.captured, "verdict": row.verdict, "regression": row.regression,
        "reason": row.reason, "kind": row.kind,
        "ratio": ratio and ratio.value, "low": ratio and ratio.low, "high": ratio and ratio.high,
        "resolution": ratio and ratio.resolution,
        "baseline": side(row.baseline), "candidate": side(row.candidate),
    }


def side(found):
    return found and {"median_s": found.median_s, "runs": found.runs, "samples": found.samples}
