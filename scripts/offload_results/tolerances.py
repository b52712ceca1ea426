# SPDX-License-Identifier: Apache-2.0
"""What a baseline will let pass: by how much one new run of each case may differ from it."""
import json

from . import comparison_table as table
from . import interval, variability
from .comparison import measured
from .json_reader import BadInput

FORMAT_VERSION = "1.0.0"
TITLES = ("case", "kind", "runs", "median", "faster below", "slower above")


def tolerances(baseline, terms, wanted=None):
    """[(key, kind, Side, slower), ...]: a median of more than slower times the baseline's is
    slower, one of less than 1 / slower is faster. A new run's samples are taken to vary as the
    baseline's."""
    cases = {key: of_key for key, of_key in baseline.compared.items()
             if any(case.passed for case in of_key) and (wanted is None or wanted(key, of_key[0]))}
    if not cases:
        raise BadInput(f"{baseline.path}: no case in it passed (and matches --filter)")
    sides = {key: (variability.of_runs([case.kind for case in of_key]), measured(baseline, of_key))
             for key, of_key in cases.items()}
    spreads = variability.spreads([(kind, side.measured) for kind, side in sides.values()],
                            terms.assumed)
    return [(key, kind, side, limit(side.measured, spreads[kind], terms))
            for key, (kind, side) in sides.items()]


def limit(runs, spread, terms):
    """None where the baseline's samples are too few to say."""
    known = [run.variance for run in runs if run.variance is not None]
    new = interval.Run(interval.mean(runs), sum(known) / len(known) if known else None,
                       max(run.freedom for run in runs))
    found = interval.ratio(runs, [new], spread, terms.confidence)
    return None if found.low is None else 1 + max(terms.threshold, found.resolution)


def render_table(baseline, found, terms):
    lines = [f"What passes against {table.file_text(baseline)}: one run, a threshold of "
             f"{terms.threshold * 100:g} %, intervals of {terms.confidence * 100:g} %", ""]
    cells = [(table.printable(str(key)), kind, str(side.runs), table.side_text(side),
              table.change(1 / slower) if slower else "-", table.change(slower) if slower else "-")
             for key, kind, side, slower in found]
    return "\n".join(lines + table.aligned([TITLES, *cells], set(TITLES[2:]))) + "\n"


def render_json(baseline, found, terms):
    """Per case value, lower and upper tolerance as fractions, and unit: what ReFrame's references
    hold."""
    return json.dumps({"offload_bench_tolerances": {
        "format_version": FORMAT_VERSION, "baseline": str(baseline.path),
        "threshold": terms.threshold, "confidence": terms.confidence,
        "cases": [{
            "label": key.label, "policy": key.policy, "weights": key.weights, "start": key.start,
            "captured": key.captured, "kind": kind, "runs": side.runs, "value": side.median_s,
            "lower": 1 / slower - 1 if slower else None, "upper": slower - 1 if slower else None,
            "unit": "s",
        } for key, kind, side, slower in found],
    }}, indent=1) + "\n"
