# SPDX-License-Identifier: Apache-2.0
"""Draw figures of results files: SVG for documents, PNG for everything else."""
import argparse
import functools
import os
import pathlib
import re
import sys

from . import command
from .command import write_whole
from .figures import (
    adaptation, bandwidth, batch, beside, evidence, gpus, granularity, latency, machines, rates, runs, tokens)
from .figures.data import NoData
from .packages import imported
from .results import BadInput

KINDS = {
    "bandwidth": bandwidth.figures,
    "batch": batch.figures,
    "granularity": granularity.figures,
    "latency": latency.figures,
    "tokens": tokens.figures,
    "rates": rates.figures,
    "adaptation": adaptation.figures,
    "machines": machines.figures,
    "gpus": gpus.figures,
    "beside": beside.figures,
    "evidence": evidence.figures,
}
LABELLED = ("tokens", "rates", "machines", "gpus", "beside", "evidence")
FORMATS = ("svg", "png")


def data_of(paths, kinds, label=None, lacking=None):
    """The figures, named apart. Kinds that were asked for must have data; of all others that have
    none, `lacking`, a list, gets a line that says why."""
    lacking = [] if lacking is None else lacking
    shown = ", ".join(map(str, paths))
    found = runs.load(paths)
    figures = []
    for kind in kinds or KINDS:
        extract = KINDS[kind]
        if kind in LABELLED:
            extract = functools.partial(extract, wanted=label)
        try:
            figures += extract(found)
        except NoData as reason:
            if kinds:
                raise BadInput(f"{shown}: nothing to draw for {kind}: {reason}") from None
            lacking.append(f"no figure {kind}: {reason}")
    if not figures:
        raise BadInput(f"{shown}: nothing to draw: {'; '.join(lacking)}")
    return apart(figures)


def apart(figures):
    """(name, figure), the runs' names added where two figures would be one file."""
    names = [figure.name for figure in figures]
    named = [
        file_name(name if names.count(name) == 1
                  else "-".join([name, *(run.name for run in figure.runs)]))
        for name, figure in zip(names, figures)
    ]
    doubled = {name for name in named if named.count(name) > 1}
    if doubled:
        raise BadInput(f"two files would become {min(doubled)}: draw them one by one, into "
                       "directories of their own (--output-dir)")
    return list(zip(named, figures))


def file_name(name):
    """Without what would leave the directory, or needs quotes; names come from the results."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", re.sub("[/:]", "-", name)).lstrip(".")


def check_directory(directory):
    """Whether files can go there, before anything is read for them; made is it later."""
    path = pathlib.Path(directory)
    there = next(one for one in (path, *path.absolute().parents) if os.path.exists(one))
    if not os.path.isdir(there):
        raise BadInput(f"{directory}: cannot be made: {there} is not a directory")


def draw_all(named, formats, directory):
    """Every figure is drawn before the first is written."""
    imported("matplotlib", "matplotlib", " 3.6 or newer")
    from .drawing import draw, page
    written = []
    with page.settings():
        for name, figure in named:
            drawn = draw(figure)
            written += [(f"{name}.{kind}", drawn.written(kind, figure.title)) for kind in formats]
    directory = pathlib.Path(directory)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{directory}: cannot be made: {error.strerror.lower()}") from None
    for name, content in written:
        write_whole(directory / name, content)
    return [directory / name for name, _ in written]


EPILOG = """\
kinds of figures, and what they need:
  bandwidth    GB/s over the size of the weights     --suite micro (stream_read)
  batch        time over tokens, with the link floor --suite gemm
  granularity  useful GB/s over the chunk size       --suite micro (row_gather)
  latency      time of one dependent read            --suite quick, micro (pointer_chase)
  tokens       tokens/s of whole models              --suite decode, prefill
  rates        GB/s by policy                        any other workload
  machines     GB/s by policy and machine            one workload and weights on several machines
  gpus         GB/s over the number of GPUs          --gpus all
  beside       % kept by cases and other traffic     --beside kv_out,attention
  adaptation   consecutive passes                    --passes N
  evidence     what driver and hardware did          --evidence all

Several files may be given; models and machines of several files stand in one figure.

  offload-results plot results/h200-sxm-pcie5/micro.json
  offload-results plot results/h200-sxm-pcie5/decode-*.json --kind tokens --output-dir figures
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
    parser.add_argument("--kind", type=names_of(KINDS), metavar="KIND,...",
                        help="only these; else every kind that the results have data for")
    parser.add_argument("--label", help="of tokens, rates, machines, gpus, beside and evidence: only that of decode/tokens:1, "
                                        "say, or row_gather/chunk:4096 (default: all; of evidence "
                                        "stream_read, else gemv, else the first)")
    parser.add_argument("--format", type=names_of(FORMATS), default=["svg"],
                        metavar="FORMAT,...", help="svg, png (default: svg)")
    parser.add_argument("--output-dir", default=".", metavar="DIR",
                        help="where the files go, made if missing (default: here)")
    return parser.parse_intermixed_args(arguments)


def main():
    given = parsed()
    check_directory(given.output_dir)
    lacking = []
    named = data_of(given.results, given.kind, given.label, lacking)
    written = draw_all(named, given.format, given.output_dir)
    for line in lacking:
        print(line, file=sys.stderr)
    for path in written:
        print(path)
    return 0
