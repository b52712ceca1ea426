# SPDX-License-Identifier: Apache-2.0
"""Make one HTML page of results files: the answer, tables, charts, evidence, platform."""
import argparse
import pathlib
import sys

from . import command
from .report import make

EPILOG = """\
The page is one file that needs no network: open it from disk, or attach it to an issue. What it
holds of the results is rounded and says so; the results files stay the record.

  offload-results report build/results/*.json --output report.html
  offload-results report results/h200-sxm-pcie5/{decode,prefill}-*.json --output models.html
"""


def main():
    parser = command.Parser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="+", metavar="RESULTS.json",
                        help="what --output of offload_bench or of offload-results merge wrote")
    parser.add_argument("--output", default="report.html", metavar="FILE",
                        help="the page (default: report.html); - is stdout")
    given = parser.parse_intermixed_args()
    command.refuse_overwriting(given.output, given.results)
    text, lacking = make.html_of(given.results)
    if given.output == "-":
        sys.stdout.buffer.write(text.encode("utf-8"))
    else:
        command.write_whole(given.output, text)
        print(f"{pathlib.Path(given.output)}: {len(text.encode('utf-8')) / 1e3:.0f} kB",
              file=sys.stderr)
    if lacking:
        print(f"offload-results report: {lacking}", file=sys.stderr)
    return 0
