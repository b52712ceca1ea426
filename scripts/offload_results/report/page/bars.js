// SPDX-License-Identifier: Apache-2.0
// Bars from zero inside a table: a row per policy and start, a column per figure.
const MOST_COLUMNS = 4;
const WORDS = {unavailable: "n/a", failed: "failed"};

function barFigure(figure) {
  const rows = figure.rows.map((of, index) => {
    const [policy, start, graph] = shared(of);
    return {policy, start, graph, index,
      cells: figure.columns.map((column) => cellOf(column.cells[index]))};
  });
  const reasons = reasonsOf(rows);
  const holder = el("div");
  const picker = pickerOf(figure, show);
  let passes = () => true;
  let table = null;

  function show(picked) {
    const columns = [nameColumn(),
      ...picked.map((index) => barColumn(figure, index, rows, reasons))];
    const sort = picked.length === 1 && figure.columns.length > 1
      ? {column: 1, ascending: columns[1].lowFirst} : null;
    table = sortableTable({caption: figure.title, columns, rows: rows.filter(passes), sort});
    holder.replaceChildren(table.root);
  }

  show(picker.first);
  const notes = [...reasons].map(([reason, number]) => {
    const [state, text] = JSON.parse(reason);
    return `(${number}) ${WORDS[state]}: ${text || "no reason given"}`;
  });
  return {root: el("div", {class: "panel bars"}, picker.root, holder,
    notes.length ? el("ul", {class: "notes"}, notes.map((note) => el("li", null, note))) : null),
  filter(test) {
    passes = test;
    table.update(rows.filter(passes));
  }};
}

/// Which columns are shown, where there are too many for one look.
function pickerOf(figure, show) {
  const every = figure.columns.map((_, index) => index);
  if (every.length <= MOST_COLUMNS) return {root: null, first: every};
  const name = (column) => column.title;
  const select = el("select", {change: () => show(
    select.value === "all" ? every : [Number(select.value)])},
  figure.columns.map((column, index) => el("option", {value: index}, name(column))),
  el("option", {value: "all"}, `all ${every.length}`));
  const first = figure.first ?? every.length - 1;
  select.value = String(first);
  return {root: el("label", {class: "pick"}, "Shown: ", select), first: [first]};
}

/// {reason: its number}, in reading order.
function reasonsOf(rows) {
  const reasons = new Map();
  for (const [state, , , , text] of rows.flatMap((row) => row.cells)) {
    const key = JSON.stringify([state, text]);
    if (state in WORDS && !reasons.has(key)) reasons.set(key, reasons.size + 1);
  }
  return reasons;
}

function nameColumn() {
  return {title: "policy", sticky: true, value: (row) => `${row.policy} ${row.start}`,
    cell: (row) => el("span", {class: "named"}, swatch(row.policy), el("span", null,
      breakable(row.policy),
      row.start === "steady" ? null : el("i", null, ` ${row.start}`),
      row.graph ? el("i", null, " graph") : null))};
}

function barColumn(figure, index, rows, reasons) {
  const column = figure.columns[index];
  const cells = rows.map((row) => row.cells[index]);
  const most = Math.max(0, ...cells.flatMap(([, value, , high]) => [value || 0, high || 0])) || 1;
  const unit = figure.columns.length > 1 ? `${column.title}, ${column.unit}` : column.unit;
  const beyond = column.bound !== null && column.bound > most ? " \u2192" : "";
  return {title: unit, number: true, lowFirst: column.unit !== "GB/s" && column.unit !== "tokens/s",
    note: column.bound === null ? null
      : `${column.bound_text}: ${threeDigits(column.bound)}${beyond}`,
    value: (row) => row.cells[index][1],
    cell: (row) => barCell(row, row.cells[index], most, reasons)};
}

function barCell(row, [state, value, low, high, text, rough], most, reasons) {
  if (state === "absent") return el("span", {class: "quiet"}, "not measured");
  const track = el("span", {class: "track", "aria-hidden": "true"});
  if (state in WORDS) {
    track.append(el("span", {class: "unknown"}));
    const number = reasons.get(JSON.stringify([state, text]));
    return el("span", {class: "bar-cell"}, track,
      el("span", {class: "quiet"}, `${WORDS[state]} (${number})`));
  }
  if (value > 0) {
    const bar = el("span", {class: `fill ${styleOf(row.policy).family}`});
    bar.style.width = `${(100 * value) / most}%`;
    track.append(bar);
  }
  if (low !== null && high - low > most * 0.015) {
    const whisker = el("span", {class: "spread"});
    whisker.style.left = `${(100 * low) / most}%`;
    whisker.style.width = `${(100 * (high - low)) / most}%`;
    track.append(whisker);
  }
  return el("span", {class: "bar-cell"}, track,
    el("span", null, state === "zero by design" ? "0*" : digits(rough)(value)));
}
