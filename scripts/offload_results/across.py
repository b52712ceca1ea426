# SPDX-License-Identifier: Apache-2.0
"""Results of two machines side by side: what each case takes on both, and which policies change places.
A comparison of machines, never a gate: nothing in it is a regression."""
from __future__ import annotations

import collections
import itertools
import json
import typing

from .comparability import reach, runs_of
from .comparison import FAILED, MISSING, NEW, NOT_COMPARABLE
from .comparison_text import aligned, file_text, note, plural, printable, side_text
from .results import BadInput, key_of, source_of
from .text import code, count, escaped, row as markdown_row, three_digits

FORMAT_VERSION = "1.0.0"
TITLES = ("case", "first", "second", "ratio", "interval", "note")
RIGHT = {"first", "second", "ratio", "interval"}
NOT_A_GATE = "Two machines side by side, not a gate: ratios are of the second's times to the first's."
LEFT_OUT = {FAILED: "failed on the second", MISSING: "on the first only", NEW: "on the second only, or failed on the first",
            NOT_COMPARABLE: "not the same measurement on both"}


class Place(typing.NamedTuple):
    """Of a case in a contest, by the standing that its file gives it."""

    rank: int
    times_slower: float  # than the contest's best


class Move(typing.NamedTuple):
    """A case that stands otherwise among the competitors of the second machine, and which cases, clearly
    slower on one machine and clearly faster on the other, it changed places with."""

    contest: str
    case: str
    first: Place
    second: Place
    past: list[str]


def refuse_empty(found):
    """There is nothing to set side by side."""
    if not any(row.ratio for row in found.rows):
        raise BadInput(f"{found.candidate.path}: no case that passed here and in {found.baseline.path}: "
                       "run the same suite on both machines")


def ordered(rows):
    """Those with a ratio, the smallest first."""
    return sorted((row for row in rows if row.ratio), key=lambda row: (row.ratio.value, str(row.key)))


def machine(results):
    """The GPU, or else the CPU, of each run; those that differ."""
    platforms = [run.get("platform") for run in runs_of(results)]
    names = {str(reach(platform, "gpu", "name") or reach(platform, "host", "cpu") or "unknown machine")
             for platform in platforms}
    return " or ".join(sorted(names))


def told_apart(found):
    """What would forbid to compare them as one machine."""
    return [f"{difference.what}: {difference.baseline} and {difference.candidate}"
            for difference in found.differences if difference.forbids]


def times(value):
    """Of a ratio of times: 0.430x."""
    return f"{three_digits(value)}x"


def contests(results):
    """{(label, weights, contest): {case: [its Place in each run]}}"""
    found = collections.defaultdict(lambda: collections.defaultdict(list))
    for case in sorted(results.cases, key=source_of):
        key = key_of(case)
        for start, place in (case["standing"] or {}).items():
            found[key.label, key.weights, start][str(key)].append(
                Place(place["rank"], place["times_slower"]))
    return found


def moves(first, second, names, least):
    """[Move] of two results, among the cases of these names; `least` is by how much one case must be ahead
    of another to count."""
    before, after = contests(first), contests(second)
    return [move for contest in before if contest in after
            for move in moves_in(contest, before[contest], after[contest], names, least)]


def moves_in(contest, before, after, names, least):
    common = [name for name in before if name in after and name in names]
    past = collections.defaultdict(list)
    for one, other in itertools.permutations(common, 2):
        if (ahead(before[one], before[other], least) and ahead(after[other], after[one], least)):
            past[one].append(other)
            past[other].append(one)
    label, weights, start = contest
    return [Move(f"{label}, {weights}, {start}", name, typical(before[name]), typical(after[name]),
                 past[name]) for name in common if name in past]


def ahead(places, others, least):
    """In every run, clearly."""
    return (max(place.times_slower for place in places) * (1 + least)
            < min(place.times_slower for place in others))


def typical(places):
    """Of several runs the middle one."""
    return sorted(places)[(len(places) - 1) // 2]


def unranked(found):
    """The files that rank nothing."""
    return [results for results in (found.baseline, found.candidate)
            if not any(case["standing"] for case in results.cases)]


def ranks(found):
    names = {str(row.key) for row in found.rows if row.ratio}
    return moves(found.baseline, found.candidate, names, found.terms.threshold)


def summary(found):
    rows, moved = ordered(found.rows), ranks(found)
    text = f"{NOT_A_GATE} {count(len(rows), 'case')}, {times(rows[0].ratio.value)} to " \
           f"{times(rows[-1].ratio.value)}; "
    missing = unranked(found)
    if missing:
        names = " and ".join(printable(str(results.path)) for results in missing)
        return text + f"ranks are not known: no standing in {names}."
    return text + f"{count(len(moved), 'case')} {'changes' if len(moved) == 1 else 'change'} rank."


def left_out(rows):
    counts = collections.Counter(row.verdict for row in rows if not row.ratio)
    return [f"{plural(counts[verdict], 'case', 'cases')} {what}"
            for verdict, what in LEFT_OUT.items() if counts[verdict]]


def cells(row):
    ratio = row.ratio
    interval = "-" if ratio.low is None else f"{times(ratio.low)} to {times(ratio.high)}"
    return (printable(str(row.key)), side_text(row.baseline), side_text(row.candidate),
            times(ratio.value), interval, note(row))


def move_text(move):
    return (f"{move.first.rank} ({times(move.first.times_slower)})",
            f"{move.second.rank} ({times(move.second.times_slower)})")


MOVE_TITLES = ("contest", "case", "rank on the first", "on the second", "changed places with")


def move_cells(move):
    return (printable(move.contest), printable(move.case), *move_text(move),
            plural(len(move.past), "case", "cases"))


def shown(rows, limit):
    """(as many of them as the limit allows, a line for the others)"""
    if not limit or len(rows) <= limit:
        return rows, []
    return rows[:limit], [f"... {plural(len(rows) - limit, 'more row', 'more rows')} (--rows 0 shows all)"]


def as_table(compared, limit):
    return "\n".join(block(found, limit) for found in compared)


def block(found, limit):
    lines = [summary(found), "",
             f"first   {printable(machine(found.baseline))}: {file_text(found.baseline)}",
             f"second  {printable(machine(found.candidate))}: {file_text(found.candidate)}", ""]
    lines += [f"  {printable(line)}" for line in told_apart(found)] + [""] * bool(told_apart(found))
    rows, more = shown(ordered(found.rows), limit)
    lines += aligned([TITLES, *map(cells, rows)], RIGHT) + more
    lines += [f"... {line}" for line in left_out(found.rows)]
    moved, more = shown(ranks(found), limit)
    if moved:
        lines += ["", *aligned([MOVE_TITLES, *map(move_cells, moved)], set(MOVE_TITLES[2:])), *more]
    return "\n".join(lines) + "\n"


def as_markdown(compared, limit):
    return "\n".join(section(found, limit) for found in compared)


def section(found, limit):
    lines = [f"**{escaped(summary(found))}**", ""]
    lines += [f"- {name}: {escaped(machine(results))}, {code(file_text(results))}" for name, results in
              (("first", found.baseline), ("second", found.candidate))]
    lines += [f"- {escaped(line)}" for line in told_apart(found)]
    rows, more = shown(ordered(found.rows), limit)
    lines += ["", *in_markdown(TITLES, RIGHT, map(cells, rows)), *[f"\n{line}" for line in more]]
    lines += [f"\n{line}" for line in left_out(found.rows)]
    moved, more = shown(ranks(found), limit)
    if moved:
        lines += ["", *in_markdown(MOVE_TITLES, set(MOVE_TITLES[2:]), map(move_cells, moved)),
                  *[f"\n{line}" for line in more]]
    return "\n".join(lines) + "\n"


def in_markdown(titles, right, rows):
    rule = "|" + "".join("---:|" if title in right else "---|" for title in titles)
    return [markdown_row(titles), rule, *(markdown_row(map(escaped, row)) for row in rows)]


def as_json(compared, _):
    return json.dumps({"offload_bench_across": {
        "format_version": FORMAT_VERSION, "is_gate": False, "pairs": list(map(one, compared))}},
        indent=1) + "\n"


def one(found):
    return {
        "summary": summary(found),
        "first": {"file": str(found.baseline.path), "machine": machine(found.baseline)},
        "second": {"file": str(found.candidate.path), "machine": machine(found.candidate)},
        "differences": [{"what": difference.what, "first": difference.baseline,
                         "second": difference.candidate} for difference in found.differences],
        "cases": [{**row.key._asdict(), "first_s": row.baseline.median_s,
                   "second_s": row.candidate.median_s, "ratio": row.ratio.value,
                   "low": row.ratio.low, "high": row.ratio.high} for row in ordered(found.rows)],
        "left_out": [{**row.key._asdict(), "why": LEFT_OUT[row.verdict]}
                     for row in found.rows if not row.ratio],
        "rank_changes": [{"contest": move.contest, "case": move.case, "first": move.first._asdict(),
                          "second": move.second._asdict(), "past": move.past}
                         for move in ranks(found)],
    }


FORMATS = {"table": as_table, "markdown": as_markdown, "json": as_json}
