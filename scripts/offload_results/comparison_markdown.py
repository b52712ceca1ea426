# SPDX-License-Identifier: Apache-2.0
"""A comparison for a pull request or a job's summary: GitHub's Markdown, details folded."""
from . import comparison_table as table
from .comparison import AMBIGUOUS, NEW, SAME
from .markdown_text import code, escaped

FOLDED = (
    (AMBIGUOUS, "ambiguous: too much spread to see a change of the threshold's size"),
    (NEW, "new: not in the baseline"),
    (SAME, "the same"),
)
HEAD = ("| case | verdict | baseline | candidate | change | interval | resolution | note |",
        "|---|---|---:|---:|---:|---:|---:|---|")


def render(compared, limit):
    return "\n".join(section(found, limit) for found in compared)


def section(found, limit):
    terms = found.terms
    lines = [f"**{escaped(table.sentence(found))}**", "",
             f"{code(table.file_text(found.candidate))} against "
             f"{code(table.file_text(found.baseline))}; a change counts from "
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
        lines += details(table.plural(len(notes), "difference", "differences")
                         + " between the two runs",
                         [f"- {escaped(str(difference))}" for difference in notes])
    return "\n".join(lines)


def rows(found, limit):
    in_order = table.ordered(found)
    shown = in_order[:limit] if limit else in_order
    left_out = in_order[len(shown):]
    lines = list(HEAD)
    for row in shown:
        case, verdict, *figures, note = table.cells(row)
        lines.append(f"| {' | '.join([code(case), verdict, *figures, escaped(note)])} |")
    return lines + (["", f"... {table.plural(len(left_out), 'more row', 'more rows')}: "
                     f"{table.tally(left_out)}"] if left_out else [])


def details(title, lines):
    return ["<details>", f"<summary>{escaped(title)}</summary>", "", *lines, "", "</details>", ""]
