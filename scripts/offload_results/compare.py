# SPDX-License-Identifier: Apache-2.0
"""Say for each case whether it became faster or slower than in a baseline, from the samples of both
results files, and end with an exit code to gate on."""
import argparse
import fnmatch
import json
import math
import pathlib

from . import command, comparability, comparison, comparison_text, intervals
from .comparison import measured
from .results import BadInput

EPILOGUE = """\
verdicts:
  slower, faster   the medians' ratio is beyond the threshold, and its interval excludes no change
  same             within the threshold, and a change of its size would have shown
  ambiguous        neither can be said: take more samples or runs (offload-results merge)
  failed, missing  passed in the baseline, and now does not, or is gone: both count as regressions
  not comparable   the same name, but other weights, bytes or tokens, or another path
  new              not in the baseline

exit codes:
  0  every case is the same, better or ambiguous
  1  a regression: a case is slower, failed or missing
  2  no regression, but cases that are not comparable; or files that are not, or bad input

docs/compare.md explains how verdicts are made.
"""
FIELDS = ("label", "workload", "policy", "weights", "start", "path")


def arguments(description):
    parser = command.Parser(description=description, epilog=EPILOGUE,
                            formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("baseline", type=pathlib.Path, metavar="BASELINE",
                        help="results file, of one run or merged from several")
    parser.add_argument("candidates", type=pathlib.Path, nargs="*", metavar="CANDIDATE",
                        help="results files, each compared with the baseline")
    parser.add_argument("--tolerances", action="store_true",
                        help="without a candidate: by how much one run of each case may differ "
                        "from the baseline before it counts")
    parser.add_argument("--threshold", type=percent, default=0.03, metavar="PERCENT",
                        help="the least change of the time that counts (default: 3)")
    parser.add_argument("--confidence", type=probability, default=0.998, metavar="P",
                        help="of each case's interval (default: 0.998)")
    parser.add_argument("--run-to-run", type=assumed_spread, action="append", default=[],
                        metavar="KIND=PERCENT", help="standard deviation to assume between runs of "
                        f"one build, of cases that hang on {', '.join(intervals.ASSUMED)} (defaults: "
                        + ", ".join(f"{math.sqrt(spread.variance) * 100:g}"
                                    for spread in intervals.ASSUMED.values()) + ")")
    parser.add_argument("--filter", type=field_filter, action="append", default=[],
                        metavar="FIELD=PATTERN,...", dest="filters",
                        help="only cases whose FIELD matches one of the patterns (with * and ?); "
                        "all of several filters must hold; FIELD is one of "
                        + ", ".join(FIELDS))
    parser.add_argument("--allow-missing", action="store_true",
                        help="cases that the candidate lacks are not regressions")
    parser.add_argument("--force", action="store_true",
                        help="compare in spite of another GPU, driver, link, build type or CPU")
    parser.add_argument("--format", choices=FORMATS, default="table")
    parser.add_argument("--rows", type=row_count, default=40, metavar="N",
                        help="at most so many of a table, what changed most first; 0: all, those "
                        "that are the same included (default: 40)")
    parser.add_argument("--output", type=pathlib.Path, metavar="FILE",
                        help="write there, and print the summary only (default: stdout)")
    options = parser.parse_intermixed_args()
    if bool(options.candidates) == options.tolerances:
        parser.error("give candidates, or --tolerances and none")
    if options.tolerances and options.format not in TOLERANCE_FORMATS:
        parser.error(f"--tolerances come as {' or '.join(TOLERANCE_FORMATS)}")
    return options


def percent(text):
    value = number(text)
    if not 0 < value < 1000:
        raise argparse.ArgumentTypeError("give percent above 0, such as 3")
    return value / 100


def probability(text):
    value = number(text)
    if not 0.5 <= value <= 0.999999:
        raise argparse.ArgumentTypeError("give a probability from 0.5 to 0.999999, such as 0.99")
    return value


def number(text):
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None


def assumed_spread(text):
    kind, _, deviation = text.partition("=")
    if kind not in intervals.ASSUMED:
        raise argparse.ArgumentTypeError(f"give KIND=PERCENT with a KIND of "
                                         f"{', '.join(intervals.ASSUMED)}")
    return kind, intervals.ASSUMED[kind]._replace(variance=percent(deviation)**2)


def row_count(text):
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a count")
    return int(text)


def field_filter(text):
    field, equals, patterns = text.partition("=")
    if field not in FIELDS or not equals or not patterns:
        raise argparse.ArgumentTypeError(f"give FIELD=PATTERN with a FIELD of {', '.join(FIELDS)}")
    return field, patterns.split(",")


def wanted(filters):
    if not filters:
        return None

    def holds(key, case):
        for field, patterns in filters:
            value = getattr(key, field) if hasattr(key, field) else str(getattr(case, field))
            if not any(fnmatch.fnmatchcase(value, pattern) for pattern in patterns):
                return False
        return True

    return holds


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
    sides = {key: (intervals.of_runs([case.kind for case in of_key]), measured(baseline, of_key))
             for key, of_key in cases.items()}
    spreads = intervals.spreads([(kind, side.measured) for kind, side in sides.values()],
                            terms.assumed)
    return [(key, kind, side, limit(side.measured, spreads[kind], terms))
            for key, (kind, side) in sides.items()]


def limit(runs, spread, terms):
    """None where the baseline's samples are too few to say."""
    known = [run.variance for run in runs if run.variance is not None]
    new = intervals.Run(intervals.mean(runs), sum(known) / len(known) if known else None,
                       max(run.freedom for run in runs))
    found = intervals.ratio(runs, [new], spread, terms.confidence)
    return None if found.low is None else 1 + max(terms.threshold, found.resolution)


def tolerances_as_table(baseline, found, terms):
    lines = [f"What passes against {comparison_text.file_text(baseline)}: one run, a threshold of "
             f"{terms.threshold * 100:g} %, intervals of {terms.confidence * 100:g} %", ""]
    cells = [(comparison_text.printable(str(key)), kind, str(side.runs), comparison_text.side_text(side),
              comparison_text.change(1 / slower) if slower else "-", comparison_text.change(slower) if slower else "-")
             for key, kind, side, slower in found]
    return "\n".join(lines + comparison_text.aligned([TITLES, *cells], set(TITLES[2:]))) + "\n"


def tolerances_as_json(baseline, found, terms):
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


FORMATS = {"table": comparison_text.as_table, "markdown": comparison_text.as_markdown,
           "json": comparison_text.as_json}
TOLERANCE_FORMATS = {"table": tolerances_as_table, "json": tolerances_as_json}


def main():
    options = arguments(__doc__)
    terms = comparison.Terms(options.threshold, options.confidence, options.allow_missing,
                             intervals.ASSUMED | dict(options.run_to_run))
    command.refuse_overwriting(options.output, [options.baseline, *options.candidates])
    baseline = comparison.load(options.baseline)
    if options.tolerances:
        found = tolerances(baseline, terms, wanted(options.filters))
        text = TOLERANCE_FORMATS[options.format](baseline, found, terms)
        write(text, options.output, [f"Tolerances of {len(found)} cases."])
        return comparison.FINE
    compared = []
    for candidate in map(comparison.load, options.candidates):
        found = comparison.compare(baseline, candidate, terms, wanted(options.filters))
        if not options.force:
            comparability.refuse(baseline, candidate, found.differences)
        compared.append(found)
    text = FORMATS[options.format](compared, options.rows)
    write(text, options.output, map(comparison_text.sentence, compared))
    codes = {found.exit_code for found in compared}
    return next(code for code in (comparison.REGRESSION, comparison.UNDECIDED, comparison.FINE)
                if code in codes)


def write(text, output, summary):
    if output:
        command.write_whole(output, text)
        print(*summary, sep="\n")
    else:
        print(text, end="")
