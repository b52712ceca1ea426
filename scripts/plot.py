#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# /// script
# requires-python = ">=3.9"
# dependencies = ["jsonschema>=4.0", "matplotlib>=3.6"]
# ///
"""Draw figures of results files: SVG for documents, PNG for everything else."""
import argparse
import sys

from offload_results import command, plotting

EPILOG = """\
kinds of figures, and what they need:
  bandwidth    GB/s over the size of the weights     --suite micro (stream_read)
  batch        time over tokens, with the link floor --suite gemm
  granularity  useful GB/s over the chunk size       --suite micro (row_gather)
  latency      time of one dependent read            --suite quick, micro (pointer_chase)
  tokens       tokens/s of whole models              --suite decode, prefill
  rates        GB/s by policy                        any other workload
  adaptation   consecutive passes                    --passes N
  evidence     what driver and hardware did          --evidence all

Several files may be given; models of several files stand in one figure.

  scripts/plot.py results/h200-sxm-pcie5/micro.json
  scripts/plot.py results/h200-sxm-pcie5/decode-*.json --kind tokens --output-dir figures
"""


def names_of(known):
    def parse(text):
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")
        return list(dict.fromkeys(names))

    return parse


def parsed(arguments=None):
    parser = command.Parser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="+", metavar="RESULTS.json", help="what --output wrote")
    parser.add_argument("--kind", type=names_of(plotting.KINDS), metavar="KIND,...",
                        help="only these; else every kind that the results have data for")
    parser.add_argument("--label", help="of tokens and evidence: only that of decode/tokens:1, say, "
                                        "or row_gather/chunk:4096 (default: of tokens all, of evidence "
                                        "stream_read, else gemv, else the first)")
    parser.add_argument("--format", type=names_of(plotting.FORMATS), default=["svg"],
                        metavar="FORMAT,...", help="svg, png (default: svg)")
    parser.add_argument("--output-dir", default=".", metavar="DIR",
                        help="where the files go, made if missing (default: here)")
    return parser.parse_intermixed_args(arguments)


def main():
    given = parsed()
    plotting.check_directory(given.output_dir)
    lacking = []
    named = plotting.data_of(given.results, given.kind, given.label, lacking)
    written = plotting.draw_all(named, given.format, given.output_dir)
    for line in lacking:
        print(line, file=sys.stderr)
    for path in written:
        print(path)
    return 0


if __name__ == "__main__":
    command.run(main)
