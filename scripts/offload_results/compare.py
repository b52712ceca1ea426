# SPDX-License-Identifier: Apache-2.0
"""Say for each case whether it became faster or slower than in a baseline, from the samples of both
results files, and end with an exit code to gate on."""
import argparse
import fnmatch
import math
import pathlib

from . import (
    across, baseline_text, command, comparability, comparison, comparison_text, intervals, resolution)

EPILOGUE = """\
verdicts:
  slower, faster   the medians' ratio is beyond the threshold, and its interval excludes no change
  same             within the threshold, and a change of its size would have shown
  ambiguous        neither can be said: take more runs (--plan says how many) and merge them
  failed, missing  passed in the baseline, and now does not, or is gone: both count as regressions
  not comparable   the same name, but other weights, bytes or tokens, or another path
  new              not in the baseline

exit codes:
  0  every case is the same, better or ambiguous
  1  a regression: a case is slower, failed or missing
  2  no regression, but cases that are not comparable; or files that are not, or bad input
  With --across there is no regression: 0, or 2 for bad input.

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
    parser.add_argument("--plan", type=percent, metavar="PERCENT",
                        help="how many runs, of the baseline and of the candidate, bring each kind of "
                        "case to a resolution; without a candidate by the baseline alone")
    parser.add_argument("--across", action="store_true",
                        help="results of two machines side by side: ratios and changes of rank, no "
                        "verdicts; not a gate")
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
                        "that are ambiguous or the same included (default: 40)")
    parser.add_argument("--output", type=pathlib.Path, metavar="FILE",
                        help="write there, and print the summary only (default: stdout)")
    options = parser.parse_intermixed_args()
    refuse_contradictions(parser, options)
    return options


def refuse_contradictions(parser, options):
    if not options.candidates and not options.tolerances and options.plan is None:
        parser.error("give candidates, or none with --tolerances or --plan")
    if options.tolerances and (options.candidates or options.plan is not None):
        parser.error("--tolerances are of the baseline alone: give no candidate and no --plan")
    if options.across and (not options.candidates or options.plan is not None):
        parser.error("--across takes a candidate, and no --plan")
    if not options.candidates and options.format not in baseline_text.PLAN_FORMATS:
        parser.error("what is said of a baseline alone comes as "
                     + " or ".join(baseline_text.PLAN_FORMATS))


def percent(text):
    value = number(text[:-1] if text.endswith("%") else text)
    if not 0 < value < 1000:
        raise argparse.ArgumentTypeError("give percent above 0, such as 3 or 3%")
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


FORMATS = {"table": comparison_text.as_table, "markdown": comparison_text.as_markdown,
           "json": comparison_text.as_json}


def main():
    options = arguments(__doc__)
    terms = comparison.Terms(options.threshold, options.confidence, options.allow_missing,
                             intervals.ASSUMED | dict(options.run_to_run), options.plan)
    command.refuse_overwriting(options.output, [options.baseline, *options.candidates])
    baseline = comparison.load(options.baseline)
    if not options.candidates:
        return of_baseline(baseline, options, terms)
    compared = [comparison.compare(baseline, candidate, terms, wanted(options.filters))
                for candidate in map(comparison.load, options.candidates)]
    return side_by_side(compared, options) if options.across else gate(compared, options)


def of_baseline(baseline, options, terms):
    if options.tolerances:
        found = resolution.tolerances(baseline, terms, wanted(options.filters))
        text = baseline_text.TOLERANCE_FORMATS[options.format](baseline, found, terms)
        write(text, options.output, [f"Tolerances of {len(found)} cases."])
    else:
        sides = resolution.sides_of(baseline, wanted(options.filters))
        found = resolution.plans([(kind, side.measured) for _, kind, side in sides], terms.plan, terms)
        text = baseline_text.PLAN_FORMATS[options.format](baseline, found, terms)
        write(text, options.output, [f"Runs for {len(sides)} cases."])
    return comparison.FINE


def side_by_side(compared, options):
    for found in compared:
        across.refuse_empty(found)
    write(across.FORMATS[options.format](compared, options.rows), options.output,
          map(across.summary, compared))
    return comparison.FINE


def gate(compared, options):
    for found in compared:
        if not options.force:
            comparability.refuse(found.baseline, found.candidate, found.differences)
    write(FORMATS[options.format](compared, options.rows), options.output,
          map(comparison_text.sentence, compared))
    codes = {found.exit_code for found in compared}
    return next(code for code in (comparison.REGRESSION, comparison.UNDECIDED, comparison.FINE)
                if code in codes)


def write(text, output, summary):
    if output:
        command.write_whole(output, text)
        print(*summary, sep="\n")
    else:
        print(text, end="")
