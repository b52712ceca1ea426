#!/usr/bin/env python3
# /// script
# requires-python = ">=3.9"
# dependencies = ["jsonschema>=4.0"]
# ///
# SPDX-License-Identifier: Apache-2.0
"""Check results files: valid by their schema, and possible by arithmetic and physics."""
import json

from offload_results import command, validation

EPILOG = """exit codes: 0 nothing found, 1 a finding: figures that cannot all be true, 2 no
results, or not valid by the schema in results/schema/. A figure outside the published range is not a
fault: other machines differ, and the code stays 0."""


def main():
    parser = command.Parser(description=__doc__, epilog=EPILOG)
    parser.add_argument("files", nargs="+", metavar="FILE", help="what --output or merge.py wrote")
    parser.add_argument("--reference", action="store_true",
                        help="also compare with figures published for machines of this kind")
    parser.add_argument("--json", metavar="FILE", help="write all of it to FILE, too")
    arguments = parser.parse_intermixed_args()

    command.refuse_overwriting(arguments.json, arguments.files)
    verdicts = [validation.examine(path, arguments.reference) for path in arguments.files]
    for verdict in verdicts:
        if verdict.unreadable:
            command.bad_input(verdict.unreadable)
            continue
        for line in validation.report(verdict, arguments.reference):
            print(line)
    if arguments.json:
        document = {"files": [validation.as_json(verdict) for verdict in verdicts]}
        command.write_whole(arguments.json, json.dumps(document, indent=1) + "\n")
    return max(verdict.exit_code for verdict in verdicts)


if __name__ == "__main__":
    command.run(main)
