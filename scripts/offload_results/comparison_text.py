# SPDX-License-Identifier: Apache-2.0
"""A comparison as a table, as GitHub's Markdown with details folded, and as JSON, which
results/schema/comparison-1.json describes."""
import collections
import json
import math

from .comparison import AMBIGUOUS, FINE, NEW, NOT_COMPARABLE, REGRESSION, SAME, SLOWER, UNDECIDED, VERDICTS
from .intervals import FEWEST
from .text import code, escaped, seconds

TITLES = ("case", "verdict", "baseline", "candidate", "change", "interval", "resolution", "note")
RIGHT = {"baseline", "candidate", "change", "interval", "resolution"}

LONGEST_NOTE = 160


def as_table(compared, limit):
    return "\n".join(block(found, limit) for found in compared)


def block(found, limit):
    lines = [sentence(found), ""]
    lines += [f"baseline   {file_text(found.baseline)}", f"candidate  {file_text(found.candidate)}",
              f"a change counts from {found.terms.threshold * 100:g} %; intervals hold with "
              f"{found.terms.confidence * 100:g} %", ""]
    for difference in found.differences:
        lines.append(f"{'! ' if difference.forbids else '  '}{printable(str(difference))}")
    if found.differences:
        lines.append("")
    rows = ordered(found.rows if not limit else
                   [row for row in found.rows if row.verdict != SAME])
    shown = rows[:limit] if limit else rows
    if shown:
        lines += aligned([TITLES, *map(cells, shown)], RIGHT)
    lines += rest(found, rows[len(shown):], limit)
    return "\n".join(lines) + "\n"


def rest(found, left_out, limit):
    notes = []
    if left_out:
        notes.append(f"{len(left_out)} more rows: {tally(left_out)}")
    if limit and found.counts[SAME]:
        notes.append(f"{plural(found.counts[SAME], 'case is', 'cases are')} the same")
    return [f"... {'; '.join(notes)} (--rows 0 shows all)"] if notes else []


def sentence(found):
    """One line that says what came out."""
    counts, total = found.counts, len(found.rows)
    if found.exit_code == REGRESSION:
        bad = [row for row in found.rows if row.regression]
        worst = [row for row in ordered(bad) if row.verdict == SLOWER][:1]
        head = f"Regression: {tally(bad)} of {plural(total, 'case', 'cases')}" + "".join(
            f", most of all {printable(str(row.key))} ({change(row.ratio.value)})" for row in worst)
        others = [row for row in found.rows if not row.regression]
        return f"{head}. {'Of the others ' + tally(others) + '.' if others else ''}".rstrip()
    if found.exit_code == UNDECIDED:
        return (f"Undecided: {counts[NOT_COMPARABLE]} of {plural(total, 'case', 'cases')} not "
                f"comparable. In all {tally(found.rows)}.")
    return f"No regression in {plural(total, 'case', 'cases')}: {tally(found.rows)}."


def tally(rows):
    counts = collections.Counter(row.verdict for row in rows)
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict])


def plural(count, one, many):
    return f"{count} {one if count == 1 else many}"


def file_text(results):
    sources = results.run.get("sources")
    runs = f" ({len(sources)} runs)" if isinstance(sources, list) else ""
    return f"{printable(str(results.path))}{runs}"


def ordered(rows):
    """By verdict, the largest change first."""
    return sorted(rows, key=lambda row: (
        VERDICTS.index(row.verdict),
        -abs(math.log(row.ratio.value)) if row.ratio else 0.0, str(row.key)))


def cells(row):
    return (printable(str(row.key)), row.verdict, side_text(row.baseline), side_text(row.candidate),
            change(row.ratio.value) if row.ratio else "-", interval_text(row.ratio),
            resolution_text(row.ratio), note(row))


def note(row):
    if row.reason:
        whole = printable(row.reason)
        return whole if len(whole) <= LONGEST_NOTE else f"{whole[:LONGEST_NOTE]} ..."
    if row.ratio and row.ratio.low is None:
        return f"fewer than {FEWEST} samples"
    if row.baseline and (row.baseline.runs > 1 or row.candidate.runs > 1):
        return f"{row.baseline.runs} against {plural(row.candidate.runs, 'run', 'runs')}"
    return ""


def side_text(side):
    return seconds(side.median_s) if side else "-"


def change(value):
    """Of a ratio of times: +5.0 %."""
    if value >= 10:
        return f"{value:.3g}x"
    return f"{(value - 1) * 100:+.1f} %"


def interval_text(ratio):
    if ratio is None or ratio.low is None:
        return "-"
    return f"{change(ratio.low)} to {change(ratio.high)}"


def resolution_text(ratio):
    if ratio is None or ratio.low is None:
        return "-"
    if ratio.resolution >= 9:
        return f"{ratio.resolution + 1:.3g}x"
    percent = ratio.resolution * 100
    return f"{percent:.1f} %" if percent < 10 else f"{percent:.0f} %"


def aligned(rows, right):
    """Of rows whose first holds the titles; columns whose title is in `right` end flush."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join(cell.rjust(width) if title in right else cell.ljust(width)
                      for title, cell, width in zip(rows[0], row, widths)).rstrip()
            for row in rows]


def printable(text):
    """Without what could move the cursor, break a line or turn the direction of writing."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}"
                   for character in text)


FOLDED = (
    (AMBIGUOUS, "ambiguous: too much spread to see a change of the threshold's size"),
    (NEW, "new: not in the baseline"),
    (SAME, "the same"),
)
HEAD = ("| case | verdict | baseline | candidate | change | interval | resolution | note |",
        "|---|---|---:|---:|---:|---:|---:|---|")


def as_markdown(compared, limit):
    return "\n".join(section(found, limit) for found in compared)


def section(found, limit):
    terms = found.terms
    lines = [f"**{escaped(sentence(found))}**", "",
             f"{code(file_text(found.candidate))} against "
             f"{code(file_text(found.baseline))}; a change counts from "
             f"{terms.threshold * 100:g} %, intervals hold with {terms.confidence * 100:g} %.", ""]
    lines += [f"- **not comparable, forced:** {escaped(str(difference))}"
              for difference in found.differences if difference.forbids]
    if lines[-1]:
        lines.append("")
    folded = {verdict for verdict, _ in FOLDED}
    changed = [row for row in found.rows if row.verdict not in folded]
    if changed:
        lines += rows(changed, limit) + [""]
    for verdict, title in FOLDED:
        of_verdict = [row for row in found.rows if row.verdict == verdict]
        if of_verdict:
            lines += details(f"{len(of_verdict)} {title}", rows(of_verdict, limit))
    notes = [difference for difference in found.differences if not difference.forbids]
    if notes:
        lines += details(plural(len(notes), "difference", "differences")
                         + " between the two runs",
                         [f"- {escaped(str(difference))}" for difference in notes])
    return "\n".join(lines)


def rows(found, limit):
    in_order = ordered(found)
    shown = in_order[:limit] if limit else in_order
    left_out = in_order[len(shown):]
    lines = list(HEAD)
    for row in shown:
        case, verdict, *figures, note = cells(row)
        lines.append(f"| {' | '.join([code(case), verdict, *figures, escaped(note)])} |")
    return lines + (["", f"... {plural(len(left_out), 'more row', 'more rows')}: "
                     f"{tally(left_out)}"] if left_out else [])


def details(title, lines):
    return ["<details>", f"<summary>{escaped(title)}</summary>", "", *lines, "", "</details>", ""]


FORMAT_VERSION = "1.0.0"


def as_json(compared, _):
    return json.dumps({"offload_bench_comparison": {
        "format_version": FORMAT_VERSION,
        "comparisons": [one(found) for found in compared],
    }}, indent=1) + "\n"


def one(found):
    outcome = {FINE: "no regression", REGRESSION: "regression"}.get(found.exit_code, "undecided")
    return {
        "outcome": outcome,
        "exit_code": found.exit_code,
        "summary": sentence(found),
        "baseline": str(found.baseline.path),
        "candidate": str(found.candidate.path),
        "threshold": found.terms.threshold,
        "confidence": found.terms.confidence,
        "run_to_run": {kind: {"standard_deviation": math.sqrt(spread.variance),
                              "degrees_of_freedom": spread.freedom}
                       for kind, spread in found.spreads.items()},
        "differences": [{"what": difference.what, "baseline": difference.baseline,
                         "candidate": difference.candidate, "forbids": difference.forbids}
                        for difference in found.differences],
        "counts": found.counts,
        "cases": [case(row) for row in ordered(found.rows)],
    }


def case(row):
    key, ratio = row.key, row.ratio
    return {
        "label": key.label, "policy": key.policy, "weights": key.weights, "start": key.start,
        "captured": key.captured, "verdict": row.verdict, "regression": row.regression,
        "reason": row.reason, "kind": row.kind,
        "ratio": ratio and ratio.value, "low": ratio and ratio.low, "high": ratio and ratio.high,
        "resolution": ratio and ratio.resolution,
        "baseline": side(row.baseline), "candidate": side(row.candidate),
    }


def side(found):
    return found and {"median_s": found.median_s, "runs": found.runs, "samples": found.samples}
