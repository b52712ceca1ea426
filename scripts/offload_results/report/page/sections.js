// SPDX-License-Identifier: Apache-2.0
// A section for each workload: what won, its charts, why, and every case.
function sectionOf(section) {
  const rows = inOrder(cases.filter((one) => one.workload === section.workload));
  const charts = section.charts.map(figureOf);
  const table = sortableTable({caption: `Cases of ${section.workload}`, columns: columnsFor(rows),
    rows, open: detailOf, rowClass});
  const why = evidenceFigures(section.evidence);
  const id = `workload-${section.workload}`;
  const count = el("span", {class: "count"});
  const root = el("section", {id, "aria-labelledby": `${id}-title`},
    el("h2", {id: `${id}-title`}, section.workload, count),
    section.answers.map((answer) => (answer.lead
      ? later(`In words: ${runPrefix(answer)}${plural(answer.sentences.length, "sentence")}`,
        () => sentenceList(answer.sentences)) : null)),
    charts.map((chart) => chart.root), why.root,
    el("h3", null, "Cases"),
    el("p", {class: "hint"}, "Each policy opens its samples and evidence."), table.root);
  return {root, filter(shown, inCharts) {
    const kept = rows.filter((row) => shown.has(row));
    root.hidden = kept.length === 0;
    count.textContent = kept.length === rows.length ? plural(rows.length, "case")
      : `${kept.length} of ${plural(rows.length, "case")}`;
    table.update(kept);
    [...charts, why].forEach((chart) => chart.filter(inCharts));
  }};
}

const runPrefix = (answer) => (severalRuns ? `${data.runs[answer.run].name}, ` : "");
const sentenceList = (sentences) =>
  el("ul", {class: "sentences"}, sentences.map((text) => el("li", null, prose(text))));

function figureOf(figure) {
  const parts = figure.kind === "bars" ? [barFigure(figure)]
    : figure.panels.map((panel) => curvePanel({...panel, references: panel.references.map(curveOf),
      groups: panel.groups.map((group) => group.map(curveOf))}, figure));
  const root = el("figure", {class: "figure"},
    el("figcaption", null, el("h3", null, figure.title,
      severalRuns ? el("small", null, runNames(figure.runs)) : null),
    el("p", {class: "hint"}, shared(figure.subtitle))),
    parts.map((part) => part.root),
    figure.notes.length ? later(plural(figure.notes.length, "note"),
      () => el("ul", {class: "notes"},
        figure.notes.map((note) => el("li", null, shared(note))))) : null);
  return {root, filter: (test) => parts.forEach((part) => part.filter(test))};
}

/// One figure per label, made when looked at.
function evidenceFigures(figures) {
  let shown = null;
  let passes = () => true;
  if (figures.length === 0) return {root: null, filter() {}};
  const make = () => {
    const holder = el("div");
    const show = (index) => {
      shown = figureOf(figures[index]);
      shown.filter(passes);
      holder.replaceChildren(shown.root);
    };
    const select = el("select", {change: () => show(Number(select.value))},
      figures.map((figure, index) => el("option", {value: index},
        figure.title.replace(/^.*?: /, ""),
        severalRuns ? ` (${runNames(figure.runs)})` : "")));
    show(0);
    return el("div", null, figures.length > 1
      ? el("label", {class: "pick"}, "Of: ", select) : null, holder);
  };
  return {root: later("Why: what driver and hardware did, by policy", make, {class: "why"}),
    filter(test) {
      passes = test;
      if (shown) shown.filter(test);
    }};
}
