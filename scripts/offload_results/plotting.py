# SPDX-License-Identifier: Apache-2.0
"""scripts/plot.py: which figures the given results have data for, and the files they become."""
import functools
import os
import pathlib
import re

from .command import write_whole
from .figures import (
    adaptation, bandwidth, batch, evidence, granularity, latency, rates, runs, tokens)
from .figures.data import BarFigure, NoData
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
    "evidence": evidence.figures,
}
LABELLED = ("tokens", "evidence")
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
    from .drawing import bars, curves, page
    written = []
    with page.settings():
        for name, figure in named:
            drawn = (bars if isinstance(figure, BarFigure) else curves).draw(figure)
            written += [(f"{name}.{kind}", drawn.written(kind, figure.title)) for kind in formats]
    directory = pathlib.Path(directory)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{directory}: cannot be made: {error.strerror.lower()}") from None
    for name, content in written:
        write_whole(directory / name, content)
    return [directory / name for name, _ in written]
