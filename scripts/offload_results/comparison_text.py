# SPDX-License-Identifier: Apache-2.0
"""A comparison as a table, as GitHub's Markdown with details folded, and as JSON, which
results/schema/comparison-1.json describes."""
import collections
import json
import math

from .comparison import AMBIGUOUS, FINE, NEW, NOT_COMPARABLE, REGRESSION, SAME, SLOWER, UNDECIDED, VERDICTS
from .intervals import ASSUMED, FEWEST
from .resolution import COARSE, MOST_RUNS, pairs_of, plans, sights
from .text import code, escaped, row as markdown_row, seconds

TITLES = ("case", "verdict", "baseline", "candidate", "change", "interval", "resolution", "note")
RIGHT = {"baseline", "candidate", "change", "interval", "resolution"}

LONGEST_NOTE = 160


def as_table(compared, limit):
    return "\n".join(block(found, limit) for found in compared)


def block(found, limit):
    lines = [sentence(found), "", *sight_lines(found)]
    lines += [f"baseline   {file_text(found.baseline)}", f"candidate  {file_text(found.candidate)}",
              f"a change counts from {found.terms.threshold * 100:g} %; intervals hold with "
              f"{found.terms.confidence * 100:g} %", ""]
    for difference in found.differences:
        lines.append(f"{'! ' if difference.forbids else '  '}{printable(str(difference))}")
    if found.differences:
        lines.append("")
    rows = ordered(found.rows if not limit else
                   [row for row in found.rows if row.verdict not in (AMBIGUOUS, SAME)])
    shown = rows[:limit] if limit else rows
    if shown:
        lines += aligned([TITLES, *map(cells, shown)], RIGHT)
    if limit:
        lines += folded(found, rows[len(shown):])
    return "\n".join(lines) + "\n"


def folded(found, left_out):
    """A line for each group of rows that the table leaves out."""
    lines = []
    if left_out:
        lines.append(f"{plural(len(left_out), 'more row', 'more rows')}: {tally(left_out)}")
    if found.counts[AMBIGUOUS]:
        lines.append(ambiguous_text(found))
    if found.counts[SAME]:
        lines.append(f"{plural(found.counts[SAME], 'case is', 'cases are')} the same")
    return [f"... {line}" for line in lines] + ["(--rows 0 shows all rows)"] * bool(lines)


def sight_lines(found):
    titles, *rows = sight_table(found)
    return [*aligned([titles, *rows], set(titles[1:])), ""] if rows else []


def sight_table(found):
    """By kind, what the gate can see, and with --plan what it would take to see more; titles first."""
    titles = ["kind", "cases", "median resolution", f"need more than +{COARSE * 100:g} % to fail"]
    plan = plan_of(found)
    if plan is not None:
        titles += [f"runs a side for {found.terms.plan * 100:g} %: half of them", "all"]
    return [titles] + [
        [kind, str(sight.cases), "-" if sight.median is None else percent(sight.median),
         str(sight.coarse or "none")]
        + ([runs_text(plan[kind].half), runs_text(plan[kind].all)] if plan is not None else [])
        for kind, sight in sights(found.rows, found.terms.threshold).items()]


def plan_of(found):
    """None unless one is asked for."""
    if found.terms.plan is None:
        return None
    return plans(pairs_of(found.rows), found.terms.plan, found.terms)


def ambiguous_text(found):
    """How many cases are ambiguous, by kind, and what it would take to say more of them."""
    rows = [row for row in found.rows if row.verdict == AMBIGUOUS]
    disturbed = [row for row in rows if row.reason]
    few = [row for row in rows if not row.reason and row.ratio.low is None]
    unclear = [row for row in rows if not row.reason and row.ratio.low is not None]
    parts = (by_kind(disturbed, "the machine was busy: measure again")
             + by_kind(few, f"fewer than {FEWEST} samples a run: take more")
             + more_runs(unclear, found.terms))
    return f"{len(rows)} ambiguous: {'; '.join(parts)}"


def by_kind(rows, why):
    counts = collections.Counter(row.kind for row in rows)
    return [f"{kind} {counts[kind]} ({why})" for kind in ASSUMED if counts[kind]]


def more_runs(rows, terms):
    resolution = terms.plan or terms.threshold
    return [f"{kind} {plan.cases} ({resolution * 100:g} % would show with {runs_text(plan.half)} runs a side"
            + (")" if plan.half == plan.all else f" in half of them, with {runs_text(plan.all)} in all)")
            for kind, plan in plans(pairs_of(rows), resolution, terms).items()]


def runs_text(count):
    return f"more than {MOST_RUNS}" if count is None else str(count)


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
    return percent(ratio.resolution)


def percent(share):
    """Of a change or a spread: 2.6 %, 93 %, 37.5x."""
    if share >= 9:
        return f"{share + 1:.3g}x"
    return f"{share * 100:.1f} %" if share < 0.0995 else f"{share * 100:.0f} %"


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


FOLDED = {
    AMBIGUOUS: ambiguous_text,
    NEW: lambda found: f"{found.counts[NEW]} new: not in the baseline",
    SAME: lambda found: f"{found.counts[SAME]} the same",
}
HEAD = ("| case | verdict | baseline | candidate | change | interval | resolution | note |",
        "|---|---|---:|---:|---:|---:|---:|---|")


def as_markdown(compared, limit):
    return "\n".join(section(found, limit) for found in compared)


def section(found, limit):
    terms = found.terms
    lines = [f"**{escaped(sentence(found))}**", "", *sight_in_markdown(found),
             f"{code(file_text(found.candidate))} against "
             f"{code(file_text(found.baseline))}; a change counts from "
             f"{terms.threshold * 100:g} %, intervals hold with {terms.confidence * 100:g} %.", ""]
    lines += [f"- **not comparable, forced:** {escaped(str(difference))}"
              for difference in found.differences if difference.forbids]
    if lines[-1]:
        lines.append("")
    changed = [row for row in found.rows if row.verdict not in FOLDED]
    if changed:
        lines += rows(changed, limit) + [""]
    for verdict, title in FOLDED.items():
        of_verdict = [row for row in found.rows if row.verdict == verdict]
        if of_verdict:
            lines += details(title(found), rows(of_verdict, limit))
    notes = [difference for difference in found.differences if not difference.forbids]
    if notes:
        lines += details(plural(len(notes), "difference", "differences")
                         + " between the two runs",
                         [f"- {escaped(str(difference))}" for difference in notes])
    return "\n".join(lines)


def sight_in_markdown(found):
    titles, *rows = sight_table(found)
    rule = "|---|" + "---:|" * (len(titles) - 1)
    return [markdown_row(titles), rule, *map(markdown_row, rows), ""] if rows else []


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


FORMAT_VERSION = "1.1.0"


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
        "resolution": {kind: {"cases": sight.cases, "median": sight.median,
                              "over_50_percent": sight.coarse}
                       for kind, sight in sights(found.rows, found.terms.threshold).items()},
        "plan": found.terms.plan and plan_as_json(plan_of(found), found.terms),
        "differences": [{"what": difference.what, "baseline": difference.baseline,
                         "candidate": difference.candidate, "forbids": difference.forbids}
                        for difference in found.differences],
        "counts": found.counts,
        "cases": [case(row) for row in ordered(found.rows)],
    }


def plan_as_json(found, terms):
    return {"resolution": terms.plan,
            "kinds": {kind: {"cases": plan.cases, "standard_deviation": math.sqrt(plan.between),
                             "runs_for_half": plan.half, "runs_for_all": plan.all}
                      for kind, plan in found.items()}}


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
