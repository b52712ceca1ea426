# SPDX-License-Identifier: Apache-2.0
"""Large results read by several processes at a time: each reads some of the cases."""
import json
import os
import re
import secrets

from . import json_reader
from .elsewhere import CAN_FORK, Elsewhere

LISTS = {"benchmarks": str.find, "cases": str.rfind}  # nearly all of a file: its first, its last
LEAST = 2**22  # characters that are worth a process
MOST = 16  # processes: what one does alone takes longer than the rest from there on
STRING = r'"(?:[^"\\]|\\.)*"'
FIRST = r'%s\s*:\s*\[\s*(\{\s*"\w+"\s*:\s*)' + STRING + r'(\s*,\s*"\w+"\s*:)'


def processes():
    """As many as may read one file, for a second is read beside it."""
    if not CAN_FORK:
        return 1
    can_tell = hasattr(os, "sched_getaffinity")
    cpus = len(os.sched_getaffinity(0)) if can_tell else os.cpu_count() or 1
    return min(MOST, cpus // 2)


def parsed(text, reduced, most=None):
    """What json_reader.parsed() returns, or raises. JSON is whole if runs of items of its lists are,
    and if it is without them; where that does not hold, the text is read as one, which says why."""
    most = min(most or processes(), len(text) // LEAST)
    runs = runs_of_items(text, most) if most > 1 else {}
    document = put_together(text, reduced, runs) if runs else None
    return json_reader.parsed(text, reduced) if document is None else document


def put_together(text, reduced, runs):
    """None if it is not whole."""
    elsewhere = {name: [Elsewhere(lambda run=run: items(text[slice(*run)], reduced))
                        for run in of_list] for name, of_list in runs.items()}
    taken_out = {"read elsewhere": secrets.token_hex()}  # which no file holds
    try:
        document = json_reader.parsed(without(text, runs, json.dumps(taken_out)), reduced)
    except (ValueError, RecursionError):
        document = None
    found = {name: [one.result() for one in of_list] for name, of_list in elsewhere.items()}
    for name, of_list in found.items():
        whole = list_of(document, name)
        if whole is None or whole[:1] != [taken_out] or None in of_list:
            return None
        whole[:1] = [item for of_run in of_list for item in of_run]
    return document


def items(run, reduced):
    run = run.rstrip()
    if not run.endswith(","):
        raise ValueError("another item follows no comma")
    return json_reader.parsed(f"[{run[:-1]}]", reduced)


def without(text, runs, instead):
    kept, end = [], 0
    for of_list in runs.values():
        kept += text[end:of_list[0][0]], instead, ","
        end = of_list[-1][1]
    return "".join([*kept, text[end:]])


def list_of(document, name):
    """Where LISTS stand: in the document and in its offload_bench."""
    for within in (document, document.get("offload_bench") if isinstance(document, dict) else None):
        if isinstance(within, dict) and isinstance(within.get(name), list):
            return within[name]
    return None


def runs_of_items(text, most):
    """{list: [(begin, end) of many items each, ...]} in the order of the text: of all items but the
    last of each list that has one to read."""
    found = sorted(filter(None, (first_item(text, name) for name in LISTS)), key=Item.begin)
    ends = [item.begin() for item in found[1:]] + [len(text)]
    lengths = {item: item.last(text, end) - item.begin() for item, end in zip(found, ends)}
    lengths = {item: length for item, length in lengths.items() if length >= LEAST}
    whole = sum(lengths.values())
    return {item.name: item.runs(text, length, max(1, round(most * length / whole)))
            for item, length in lengths.items()}


def first_item(text, name):
    """None if it does not begin with two fields, the first of them text, as all that the programs
    here write do."""
    quoted = f'"{name}"'
    match = re.compile(FIRST % quoted).match(text, max(0, LISTS[name](text, quoted)))
    return match and Item(name, match)


class Item:
    """The first of a list. What begins alike is taken for another one, which is only a guess."""

    def __init__(self, name, match):
        self.name, self.match = name, match
        self.opening = match.group(1)
        self.like = re.compile(re.escape(self.opening) + STRING + re.escape(match.group(2)))

    def begin(self):
        return self.match.start(1)

    def last(self, text, end):
        """Where the last item before `end` begins."""
        at = text.rfind(self.opening, 0, end)
        while not self.like.match(text, at):
            at = text.rfind(self.opening, 0, at)
        return at

    def following(self, text, at, end):
        while at < end and not self.like.match(text, at):
            at = text.find(self.opening, at + 1)
        return at

    def runs(self, text, length, count):
        end = self.begin() + length
        begins = [self.following(text, self.begin() + index * length // count, end)
                  for index in range(count)]
        return [run for run in zip(begins, [*begins[1:], end]) if run[0] < run[1]]
