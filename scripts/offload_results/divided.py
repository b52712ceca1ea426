# SPDX-License-Identifier: Apache-2.0
"""Large results read some rows or cases at a time, by several processes where there are CPUs."""
import contextlib
import itertools
import json
import mmap
import os
import re
import secrets

from . import json_reader
from .elsewhere import CAN_FORK, Shared

# The lists that are nearly all of a file, by the field behind the name of an item. The programs
# here write items so; where one seems to begin is no more than a guess.
LISTS = {b"family_index": "benchmarks", b"run_name": "cases"}
ITEM = re.compile(rb'\{\s*"name"\s*:\s*"[^"\\]*"\s*,\s*"(family_index|run_name)"\s*:')
LONGEST = 2**16  # bytes of an item; of a longer one a beginning may not be found
LEAST = 2**22  # bytes that are worth a process, or a run of items
MOST = 16  # processes: what one does alone takes longer than the rest from there on
PLACES = 32  # for each process, in which an item is looked for, to begin a run of items with


def processes():
    """As many as may read one file, for a second is read beside it, and more than there are CPUs
    hinder each other: they take a quarter more time of them."""
    if not CAN_FORK:
        return 1
    can_tell = hasattr(os, "sched_getaffinity")
    cpus = len(os.sched_getaffinity(0)) if can_tell else os.cpu_count() or 1
    return max(1, min(MOST, cpus // 2))


def read_json(path, reduced, kept):
    """What json_reader.read_json() returns, or raises. JSON is whole if runs of items of its lists
    are, and if it is without them; where that does not hold, it is read as one, which says why.
    `kept` is a field without which `reduced` keeps nothing of an item."""
    document = None
    if json_reader.is_large(path):
        with contextlib.suppress(OSError), open(path, "rb") as file:
            content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            most = min(processes(), len(content) // LEAST)
            document = put_together(content, reduced, kept, most)
    return json_reader.read_json(path, reduced) if document is None else document


def put_together(content, reduced, kept, most):
    """None if it is not whole, or not to be divided."""
    runs = runs_of_items(content, most)
    if not runs:
        return None
    decoder, skimmer = json_reader.decoder(reduced), json_reader.skimmer()

    def read(run):
        with contextlib.suppress(ValueError, RecursionError):
            text = text_of(content, run)
            return items(text, decoder if may_hold(text, kept) else skimmer)

    parts = list(itertools.chain(*runs.values()))
    shared = Shared(read, parts, most) if most > 1 else None
    taken_out = {name: {f"{name} read elsewhere": secrets.token_hex()} for name in runs}
    try:  # with in their place what no file holds
        document = json_reader.parsed(without(content, runs, taken_out), reduced)
    except (ValueError, RecursionError):
        document = None
        if not shared:
            return None  # with no part read yet
    results = iter(shared.results()) if shared else map(read, parts)
    found = {name: list(itertools.islice(results, len(of_list))) for name, of_list in runs.items()}
    for name, of_list in found.items():
        whole = list_of(document, name)
        if taken_out[name] not in whole or None in of_list:
            return None
        at = whole.index(taken_out[name])
        whole[at:at + 1] = itertools.chain(*of_list)
    return document


def runs_of_items(content, most):
    """{list: [(begin, end) of many items each, ...]}, one behind the other. There are many more
    than processes, for where others use the CPUs too, some take twice as long as the rest."""
    begins, places = {}, max(PLACES * most, len(content) // LEAST)
    for place in range(places):
        at = place * len(content) // places
        item = ITEM.search(content, at, min(at + LONGEST, len(content)))
        if item:
            begins.setdefault(LISTS[item.group(1)], {})[item.start()] = None
    runs = {name: list(itertools.pairwise(of_list)) for name, of_list in begins.items()
            if len(of_list) > 1}
    ends = [end for of_list in runs.values() for run in of_list for end in run]
    return runs if ends == sorted(ends) else {}  # one list in the other


def text_of(content, part):
    text = str(content[slice(*part)], "utf-8")
    if json_reader.holds_surrogate(text):
        raise ValueError("to be looked at as a whole")
    return text


def items(text, decoder):
    """Of a run, each with the comma behind it. As one list, for which names are made once."""
    *found, _ = decoder.decode(f"[{text}null]")
    return found


def may_hold(text, field):
    return f'"{field}"' in text or "\\" in text  # which may spell it


def without(content, runs, instead):
    kept, end = [], 0
    for name, of_list in runs.items():
        kept += text_of(content, (end, of_list[0][0])), json.dumps(instead[name]), ","
        end = of_list[-1][1]
    return "".join([*kept, text_of(content, (end, len(content)))])


def list_of(document, name):
    """Where LISTS stand: in the document and in its offload_bench."""
    for within in (document, document.get("offload_bench") if isinstance(document, dict) else None):
        if isinstance(within, dict) and isinstance(within.get(name), list):
            return within[name]
    return []
