#!/usr/bin/env python3
# /// script
# requires-python = ">=3.9"
# dependencies = ["jsonschema>=4.0"]
# ///
# SPDX-License-Identifier: Apache-2.0
"""Merge results files, of several GPUs, ranks or days, into one; no sample is lost or averaged."""
import json

from offload_results import command, merging
from offload_results.text import count

EPILOG = """The merged file is a results file: every case says which of offload_bench.sources it is
from, and sources stand in the order given. Merged files can be merged again. exit codes: 0 written,
2 bad input."""


def main():
    parser = command.Parser(description=__doc__, epilog=EPILOG)
    parser.add_argument("files", nargs="+", metavar="FILE", help="what --output or merge.py wrote")
    parser.add_argument("--output", required=True, metavar="OUT", help="the merged file")
    parser.add_argument("--incomplete", action="store_true",
                        help="take runs that were interrupted, too")
    parser.add_argument("--no-rows", action="store_true",
                        help="leave out Google Benchmark's rows: a quarter of the size, as for a "
                        "baseline, but its own tools find nothing in it")
    arguments = parser.parse_intermixed_args()

    command.refuse_overwriting(arguments.output, arguments.files)
    document = merging.merge(arguments.files, arguments.incomplete, not arguments.no_rows)
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    command.write_whole(arguments.output, text + "\n")
    ours = document["offload_bench"]
    print(f"{arguments.output}: {count(len(ours['cases']), 'case')} of "
          f"{count(len(ours['sources']), 'run')}")
    return 0


if __name__ == "__main__":
    command.run(main)
