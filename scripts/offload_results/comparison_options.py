# SPDX-License-Identifier: Apache-2.0
"""The command line of scripts/compare.py."""
import argparse
import fnmatch
import math
import pathlib

from . import command, variability

EPILOGUE = """\
verdicts:
  slower, faster   the medians' ratio is beyond the threshold, and its interval excludes no change
  same             within the threshold, and a change of its size would have shown
  ambiguous        neither can be said: take more samples or runs (scripts/merge.py)
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
FORMATS = ("table", "markdown", "json")
TOLERANCE_FORMATS = ("table", "json")


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
                        f"one build, of cases that hang on {', '.join(variability.ASSUMED)} (defaults: "
                        + ", ".join(f"{math.sqrt(spread.variance) * 100:g}"
                                    for spread in variability.ASSUMED.values()) + ")")
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
    if kind not in variability.ASSUMED:
        raise argparse.ArgumentTypeError(f"give KIND=PERCENT with a KIND of "
                                         f"{', '.join(variability.ASSUMED)}")
    return kind, variability.ASSUMED[kind]._replace(variance=percent(deviation)**2)


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
