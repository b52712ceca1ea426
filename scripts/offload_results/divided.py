# SPDX-License-Identifier: Apache-2.0
"""Large results read by several processes at a time: each reads some of the rows or cases."""
import contextlib
import json
import mmap
import os
import re
import secrets

from . import json_reader
from .elsewhere import CAN_FORK, Elsewhere

# The lists that are nearly all of a file, by the field behind the name of an item, and how long a
# byte of them takes: of Google Benchmark's rows nothing is kept. The programs here write items so;
# where one seems to begin is no more than a guess.
LISTS = {b"family_index": ("benchmarks", 1), b"run_name": ("cases", 1.3)}
ITEM = re.compile(rb'\{\s*"name"\s*:\s*"[^"\\]*"\s*,\s*"(family_index|run_name)"\s*:')
LONGEST = 2**16  # bytes of an item; of a longer one a beginning may not be found
COMMA = re.compile(r"[ \t\r\n]*,[ \t\r\n]*")
LEAST = 2**22  # bytes that are worth a process
MOST = 16  # processes: what one does alone takes longer than the rest from there on
PLACES = 32  # for each process, in which an item is looked for


def processes():
    """As many as may read one file, for a second is read beside it, and more than there are CPUs
    hinder each other: they take a quarter more time of them."""
    if not CAN_FORK:
        return 1
    can_tell = hasattr(os, "sched_getaffinity")
    cpus = len(os.sched_getaffinity(0)) if can_tell else os.cpu_count() or 1
    return min(MOST, cpus // 2)


def read_json(path, reduced):
    """What json_reader.read_json() returns, or raises. JSON is whole if runs of items of its lists
    are, and if it is without them; where that does not hold, it is read as one, which says why."""
    document, most = None, processes()
    if most > 1 and json_reader.is_large(path):
        with contextlib.suppress(OSError), open(path, "rb") as file:
            content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            document = put_together(content, reduced, min(most, len(content) // LEAST))
    return json_reader.read_json(path, reduced) if document is None else document


def put_together(content, reduced, most):
    """None if it is not whole, or not to be divided."""
    runs = runs_of_items(content, most)
    if not runs:
        return None
    elsewhere = {name: [Elsewhere(lambda run=run: items(text_of(content, run), reduced))
                        for run in of_list] for name, of_list in runs.items()}
    taken_out = {name: {f"{name} read elsewhere": secrets.token_hex()} for name in runs}
    try:  # with in their place what no file holds
        document = json_reader.parsed(without(content, runs, taken_out), reduced)
    except (ValueError, RecursionError):
        document = None
    found = {name: [one.result() for one in of_list] for name, of_list in elsewhere.items()}
    for name, of_list in found.items():
        whole = list_of(document, name)
        if taken_out[name] not in whole or None in of_list:
            return None
        at = whole.index(taken_out[name])
        whole[at:at + 1] = [item for of_run in of_list for item in of_run]
    return document


def runs_of_items(content, most):
    """{list: [(begin, end) of many items each, ...]}, about `most` in all, one behind the other."""
    begins = {}
    for place in range(PLACES * most):
        at = place * len(content) // (PLACES * most)
        item = ITEM.search(content, at, min(at + LONGEST, len(content)))
        if item:
            begins.setdefault(LISTS[item.group(1)], {})[item.start()] = None
    work = sum(weight * len(of_list) for (_, weight), of_list in begins.items())
    runs = {name: cut(list(of_list), max(1, round(most * weight * len(of_list) / work)))
            for (name, weight), of_list in begins.items() if len(of_list) > 1}
    ends = [end for of_list in runs.values() for run in of_list for end in run]
    return runs if ends == sorted(ends) else {}  # one list in the other


def cut(begins, count):
    count = min(count, len(begins) - 1)
    ends = [begins[index * (len(begins) - 1) // count] for index in range(count + 1)]
    return list(zip(ends, ends[1:]))


def text_of(content, part):
    text = str(content[slice(*part)], "utf-8")
    if json_reader.holds_surrogate(text):
        raise ValueError("to be looked at as a whole")
    return text


def items(text, reduced):
    """Of a run, each with the comma behind it. As one list they would take a copy of the text."""
    decode, comma = json_reader.decoder(reduced).raw_decode, COMMA.match
    found, at = [], 0
    while at < len(text):
        item, at = decode(text, at)
        found.append(item)
        behind = comma(text, at)
        if not behind:
            raise ValueError("another item follows no comma")
        at = behind.end()
    return found


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
