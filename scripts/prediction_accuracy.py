#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measure how far predictions are off: runs offload_bench over models, with all of their linear weights
in host memory and with shares of them kept on the GPU, and writes what was predicted and measured of each
case to one small file, of which offload-results table makes tables (accuracy, winners)."""
import argparse
import os
import re
import signal
import sys

from accuracy_runs import invocations, program
from offload_results.tables import condensed
from offload_results import command
from offload_results.results import BadInput
from offload_results.text import from_to
from offload_results.text import count

INTERRUPTED = 130
EPILOG = """A budget is the share of the linear weights that stays in GPU memory. Each model and budget is one
run, which calibrates; two where passes of policies that read weights over the link again, or bring them by
page faults, would take too long. The file is written after each run. A run that takes too long, or this script when it is
interrupted, ends with what was measured until then; --append leaves out the runs that are complete and
repeats others, last. Runs of two machines or builds do not go into one file.
exit codes: 0 all runs are complete, 1 some are not and the file says why, 2 bad input, 130
interrupted."""


def names(text):
    return listed(text, str)


def labels(text):
    def label(part):
        invocations.tokens_of(part)
        return part
    return listed(text, label)


def budgets(text):
    def budget(part):
        if not re.fullmatch(r"0(\.[0-9]{1,4})?", part):
            raise ValueError(f"'{part}' is not a share such as 0 or 0.25")
        return float(part)
    return listed(text, budget)


def listed(text, of_one):
    """What is between commas, each once."""
    try:
        found = [of_one(part) for part in text.split(",")]
    except ValueError as rule:
        raise argparse.ArgumentTypeError(str(rule)) from None
    if "" in found or len(set(found)) < len(found):
        raise argparse.ArgumentTypeError(f"has something twice, or nothing between commas: '{text}'")
    return found


def parsed():
    parser = command.Parser(description=__doc__, epilog=EPILOG)
    parser.add_argument("--output", metavar="FILE", help="the file; needed but for --dry-run")
    parser.add_argument("--append", action="store_true", help="go on with FILE, if it is there")
    parser.add_argument("--dry-run", action="store_true", help="print the command lines, and run none")
    parser.add_argument("--bench", metavar="PATH", default="offload_bench",
                        help="the program [default: offload_bench on the PATH]")
    parser.add_argument("--models", type=names, metavar="NAME,...", help="[default: all presets]")
    parser.add_argument("--budgets", type=budgets, metavar="SHARE,...", default=[0.0, 0.25, 0.5, 0.75],
                        help="[default: 0,0.25,0.5,0.75]")
    for option, default, of in (("--policies", invocations.POLICIES, "0"),
                                ("--budget-policies", invocations.BUDGET_POLICIES, "others")):
        parser.add_argument(option, type=names, metavar="NAME,...", default=list(default),
                            help=f"of budget {of} [default: {','.join(default)}]")
    for option, default, of in (("--workloads", invocations.LABELS, "0"),
                                ("--budget-workloads", invocations.BUDGET_LABELS, "others")):
        parser.add_argument(option, type=labels, metavar="LABEL,...", default=list(default),
                            help=f"of budget {of} [default: {','.join(default)}]")
    parser.add_argument("--slice", metavar="SIZE", default="512MiB",
                        help="of each model's layers [default: 512MiB]")
    parser.add_argument("--samples", type=from_to(1, 1000), metavar="N", default=3, help="[default: 3]")
    parser.add_argument("--seconds-per-run", type=from_to(1, 100_000), metavar="N", default=300,
                        help="[default: 300]")
    return parser.parse_args()


def main():
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return measured_or_printed(parsed())
    except KeyboardInterrupt:
        return INTERRUPTED


def measured_or_printed(options):
    if not options.output and not options.dry_run:
        raise BadInput("give --output FILE, or --dry-run")
    options.bench = program.found(options.bench)
    document = begun(options)
    complete = {run["command"]: run["complete"] for run in document["runs"]}
    wanted = [one for one in invocations.of_models(options) if not complete.get(one.command)]
    wanted.sort(key=lambda one: one.command in complete)
    if options.dry_run:
        print("\n".join(one.command for one in wanted))
        return 0
    return measure(wanted, document, options)


def begun(options):
    if not options.output or not os.path.exists(options.output):
        return condensed.empty()
    if not options.append:
        raise BadInput(f"{options.output}: is there already: --append goes on with it")
    return condensed.load(options.output)


def measure(wanted, document, options):
    for number, one in enumerate(wanted, 1):
        outcome = program.measured(options.bench, one.arguments, options.seconds_per_run)
        document = condensed.with_run(document, one, outcome)
        command.write_whole(options.output, condensed.text_of(document))
        cases = count(len(document["runs"][-1]["cases"]), "case")
        print(f"{number} of {len(wanted)}: {one.model}, budget {one.budget:g}: {cases}"
              + (f"; {outcome.reason}" if outcome.reason else ""), file=sys.stderr)
        if outcome.interrupted:
            return INTERRUPTED
    return 0 if all(run["complete"] for run in document["runs"]) else command.FINDING


if __name__ == "__main__":
    command.run(main)
