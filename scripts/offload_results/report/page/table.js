// SPDX-License-Identifier: Apache-2.0
// A table that sorts by every column: by native buttons, announced to assistive technology by aria-sort.
const FIRST_ROWS = 20;

/// columns: [{title, note, help, value(row), cell(row), number, lowFirst, sticky, kind}]; value
/// sorts, cell shows.
/// options: {caption, columns, rows, sort: {column, ascending}, open(row), rowClass(row)}
function sortableTable(options) {
  let rows = options.rows;
  let sort = options.sort || null;
  let all = false;
  const opened = new Set();
  const body = el("tbody");
  const heads = options.columns.map((column, index) => headOf(column, index));
  const more = el("button", {type: "button", class: "more", click: () => {
    all = true;
    render();
  }});
  const table = el("table", null, el("caption", {class: "spoken"}, options.caption),
    el("thead", null, el("tr", null, heads)), body);
  const root = el("div", {class: "table"},
    el("div", {class: "scroll", role: "region", tabindex: "0", "aria-label": options.caption},
      table),
    more);

  function headOf(column, index) {
    const button = el("button", {type: "button", title: column.help, click: () => {
      const ascending = sort && sort.column === index ? !sort.ascending : !column.number
        || column.lowFirst === true;
      sort = {column: index, ascending};
      render();
    }}, el("span", null, column.title), el("span", {class: "arrow", "aria-hidden": "true"}));
    return el("th", {scope: "col", class: classOf(column), "aria-sort": "none"}, button,
      column.note ? el("small", null, column.note) : null);
  }

  function sorted() {
    if (!sort) return rows;
    const {value} = options.columns[sort.column];
    const known = rows.filter((row) => value(row) !== null && value(row) !== undefined);
    const unknown = rows.filter((row) => value(row) === null || value(row) === undefined);
    known.sort((a, b) => compare(value(a), value(b)) * (sort.ascending ? 1 : -1));
    return known.concat(unknown);
  }

  function render() {
    heads.forEach((head, index) => head.setAttribute("aria-sort",
      !sort || sort.column !== index ? "none" : sort.ascending ? "ascending" : "descending"));
    const shown = sorted();
    const visible = all ? shown : shown.slice(0, FIRST_ROWS);
    body.replaceChildren(...visible.flatMap(rowOf));
    if (shown.length === 0) {
      body.append(el("tr", null, el("td", {colspan: heads.length, class: "none"},
        "Nothing passes the filter.")));
    }
    more.hidden = visible.length === shown.length;
    more.textContent = `Show all ${plural(shown.length, "row")}`;
  }

  function rowOf(row) {
    const cells = options.columns.map((column, index) => {
      const content = column.cell(row);
      return el(column.sticky ? "th" : "td",
        {class: classOf(column), scope: column.sticky ? "row" : null},
        index === 0 && options.open ? openerOf(row, content) : content);
    });
    const line = el("tr", {class: options.rowClass ? options.rowClass(row) : null}, cells);
    if (!opened.has(row)) return [line];
    return [line, el("tr", {class: "opened"},
      el("td", {colspan: heads.length}, el("div", {class: "detail"}, options.open(row))))];
  }

  function openerOf(row, content) {
    const key = `row-${row.index}`;
    return el("button", {type: "button", class: "opener", "data-row": key,
      "aria-expanded": String(opened.has(row)), click: () => {
        if (!opened.delete(row)) opened.add(row);
        render();
        root.querySelector(`[data-row="${key}"]`).focus();
      }}, content);
  }

  window.addEventListener("beforeprint", () => {  // paper has no button for the others
    all = true;
    render();
  });
  render();
  return {root, update(found) {
    rows = found;
    render();
  }};
}

function compare(a, b) {
  return typeof a === "number" && typeof b === "number" ? a - b
    : String(a).localeCompare(String(b), "en", {numeric: true});
}

function classOf(column) {
  return [column.number ? "number" : "", column.sticky ? "sticky" : "", column.kind || ""]
    .join(" ").trim() || null;
}
