# SPDX-License-Identifier: Apache-2.0
"""Make one HTML page of results files: the answer, a table of policies by runs, charts, evidence."""
import argparse
import pathlib
import sys

from . import command
from .page import build

EPILOG = """\
The page is one file that needs no network: open it from disk, or attach it to an issue. It says what
it holds of your machine; --redact leaves host names, paths, command lines and environment out.

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
    parser.add_argument("--title", default=build.TITLE, help=f"of the page (default: {build.TITLE})")
    parser.add_argument("--redact", action="store_true",
                        help="leave out what names the machine or its user, even if the results hold it")
    given = parser.parse_intermixed_args()
    command.refuse_overwriting(given.output, given.results)
    page, lacking = build.html_of(given.results, given.title, given.redact)
    if given.output == "-":
        sys.stdout.buffer.write(page.encode("utf-8"))
    else:
        command.write_whole(given.output, page)
        print(f"{pathlib.Path(given.output)}: {len(page.encode('utf-8')) / 1e3:.0f} kB",
              file=sys.stderr)
    if lacking:
        print(f"offload-results report: {lacking}", file=sys.stderr)
    return 0
