// SPDX-License-Identifier: Apache-2.0
"use strict";
(() => {
const one = (selector, from = document) => from.querySelector(selector);
const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const field = (id) => document.getElementById(id);

// Theme

const dark = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (document.documentElement.dataset.theme || (dark.matches ? "dark" : "light")) === "dark";
const nameTheme = () => { field("theme").textContent = isDark() ? "Light" : "Dark"; };
field("theme").addEventListener("click", () => {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  nameTheme();
});
dark.addEventListener("change", nameTheme);
nameTheme();

// A tip for whatever has one, below it or above

const tip = field("tip");
// Of a cell: the first words that its drawer has
const partsOf = (cell) => cell.dataset.parts.split(" ").map((part) => field(`p${part}`).content.cloneNode(true));
const words = (cell) => all("dd", partsOf(cell)[0]).slice(0, 2).map((found) => found.textContent).join("; ");
function tell(element) {
  tip.hidden = !element;
  if (!element) return;
  tip.textContent = element.dataset.tip ?? words(element);
  const place = element.getBoundingClientRect();
  const width = tip.offsetWidth, height = tip.offsetHeight;
  tip.style.left = `${Math.max(4, Math.min(place.left, innerWidth - width - 8))}px`;
  const below = Math.min(place.bottom, innerHeight - 8) + 6;
  tip.style.top = `${below + height > innerHeight ? Math.max(4, place.top - height - 6) : below}px`;
}

// One policy, wherever it is drawn or named

// A curve may stand for several that agree; the figure says of each of its marks which.
for (const chart of all(".chart")) {
  const marks = JSON.parse(chart.dataset.marks);
  for (const mark of all("[data-mark]", chart)) {
    const [policies, start, words] = marks[mark.dataset.mark];
    mark.policies = policies;
    mark.classList.add("mark");
    Object.assign(mark.dataset, {policy: policies[0], start, tip: words});
  }
}
const policiesOf = (element) => element ? element.policies ?? [element.dataset.policy] : [];
const marked = (element) => element.closest?.("[data-policy]");
let lit = "";
function light(element) {
  const wanted = policiesOf(element), name = JSON.stringify(wanted);
  if (name === lit) return;
  lit = name;
  const hit = (other) => policiesOf(other).some((policy) => wanted.includes(policy));
  document.body.classList.toggle("lighting", all(".mark").some(hit));
  for (const other of all("[data-policy]")) other.classList.toggle("lit", hit(other));
}
function pointed(event) {
  tell(event.target.closest?.("[data-tip],[data-parts]"));
  light(marked(event.target));
}
document.addEventListener("pointerover", pointed);
document.addEventListener("focusin", pointed);
document.addEventListener("scroll", () => tell(null), {passive: true, capture: true});

if (!field("filters")) return;

// What is shown

const inputs = ["words", "group", "start", "status"].map(field);
const value = Object.fromEntries(inputs.map((input) => [input.id, () => input.value.trim().toLowerCase()]));
const rows = all(".view tbody > tr");
const textOf = new Map(rows.map((row) => {
  const {policy, start, group, how} = row.dataset;
  return [row, `${policy} ${start} ${group} ${field(`p${how}`).content.textContent}`.toLowerCase()];
}));

function rowMatches(row) {
  const {group, start} = row.dataset;
  return (!value.group() || group.toLowerCase() === value.group()) && (!value.start() || start === value.start())
    && value.words().split(/\s+/).every((word) => textOf.get(row).includes(word));
}
const cellMatches = (cell) => !value.status() || cell.dataset.status.split(" ").includes(value.status());

function filter() {
  const keys = new Set(), known = new Set();
  for (const row of rows) {
    const key = JSON.stringify([row.dataset.policy, row.dataset.start]);
    const cells = all("td[data-status]", row);
    const shown = rowMatches(row) && cells.some(cellMatches);
    known.add(key);
    if (shown) keys.add(key);
    row.hidden = !shown;
    for (const cell of cells) cell.classList.toggle("dim", !cellMatches(cell));
    if (!shown) close(row);
  }
  const out = (mark) => policiesOf(mark).every((policy) => {
    const key = JSON.stringify([policy, mark.dataset.start]);
    return known.has(key) && !keys.has(key);
  });
  for (const mark of all(".mark")) mark.classList.toggle("out", out(mark));
  filterSkipped();
  count();
}

function filterSkipped() {
  const wanted = ["", "skipped"].includes(value.status());
  for (const item of all(".skipped span[data-policy]")) {
    const text = `${item.dataset.policy} ${item.dataset.start}`.toLowerCase();
    item.hidden = !wanted || Boolean(value.group()) || (value.start() && item.dataset.start !== value.start())
      || !value.words().split(/\s+/).every((word) => text.includes(word));
  }
  for (const item of all(".skipped li")) item.hidden = all("span[data-policy]", item).every((span) => span.hidden);
  for (const list of all(".skipped")) list.hidden = all("li", list).every((item) => item.hidden);
}

function count() {
  const inView = all("tbody > tr:not(.drawer)", one(".view:not([hidden])"));
  const shown = inView.filter((row) => !row.hidden).length;
  field("count").textContent = shown === inView.length ? `${shown} rows` : `${shown} of ${inView.length} rows`;
}

function choose() {
  all(".view").forEach((view, index) => { view.hidden = String(index) !== field("view").value; });
  count();
}

field("view").addEventListener("change", choose);
for (const kind of ["input", "change"]) for (const input of inputs) input.addEventListener(kind, filter);
field("filters").addEventListener("submit", (event) => event.preventDefault());
field("filters").addEventListener("reset", (event) => {
  event.preventDefault(); // the table stays the one that was chosen
  for (const input of inputs) input.value = "";
  filter();
});

// Sorting: the best first, or last; what has no figure is last either way. Policies go by name.

function sort(head) {
  const table = head.closest("table"), index = head.cellIndex, byName = index === 0;
  const first = byName ? "ascending" : "descending", second = byName ? "descending" : "ascending";
  const turned = head.ariaSort === first;
  for (const other of all("thead th[aria-sort]", table)) other.ariaSort = "none";
  head.ariaSort = turned ? second : first;
  all("tr.drawer", table).forEach((drawer) => close(drawer.previousElementSibling));
  const body = one("tbody", table), key = (row) => byName ? row.dataset.policy : row.cells[index].dataset.good;
  const inOrder = (a, b) => (turned ? -1 : 1) * (byName ? a.localeCompare(b) : b - a);
  const ordered = [...body.rows].map((row) => [row, key(row)]).sort(([, a], [, b]) =>
    (a === undefined) - (b === undefined) || (a === undefined ? 0 : inOrder(a, b)));
  body.append(...ordered.map(([row]) => row));
}

// The drawer of a row: all that is known of its cases, put together from parts that many have in common

function open(row) {
  const drawer = document.createElement("tr"), cell = document.createElement("td"), cases = document.createElement("div");
  drawer.className = "drawer";
  cell.colSpan = row.children.length;
  cases.className = "cases";
  const heads = all("thead th", row.closest("table"));
  for (const found of all("td[data-parts]", row)) {
    const section = document.createElement("section"), title = document.createElement("h4"), list = document.createElement("dl");
    title.textContent = one("bdi", heads[found.cellIndex]).textContent;
    list.append(...partsOf(found));
    section.append(title, drawn(field(`p${found.dataset.parts.split(" ")[0]}`).dataset.samples), list);
    cases.append(section);
  }
  cell.append(cases);
  drawer.append(cell);
  row.after(drawer);
  one(".opener", row).ariaExpanded = "true";
}

// The samples in the order they were taken, from the least time to the most
function drawn(samples) {
  if (!samples) return "";
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const line = svg.appendChild(document.createElementNS(svg.namespaceURI, "polyline"));
  svg.setAttribute("class", "spark");
  svg.setAttribute("viewBox", "-2 -2 104 24");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  line.setAttribute("points", samples);
  return svg;
}

function close(row) {
  if (row.nextElementSibling?.className !== "drawer") return;
  row.nextElementSibling.remove();
  one(".opener", row).ariaExpanded = "false";
}

const isOpen = (row) => one(".opener", row).ariaExpanded === "true";

field("table").addEventListener("click", (event) => {
  const head = event.target.closest("thead th[aria-sort]"), row = event.target.closest("tbody > tr[data-policy]");
  if (head && event.target.closest("button")) sort(head);
  else if (row) (isOpen(row) ? close : open)(row);
});

document.addEventListener("keydown", (event) => {
  const row = document.activeElement.closest?.("tr");
  if (event.key === "Escape") {
    tell(null);
    const opened = row?.className === "drawer" ? row.previousElementSibling : row;
    const rowsOpen = opened && one(".opener", opened) && isOpen(opened) ? [opened] : rows.filter(isOpen);
    rowsOpen.forEach(close);
    if (rowsOpen.length === 1) one(".opener", rowsOpen[0]).focus();
  }
  if (row?.dataset.policy && ["ArrowDown", "ArrowUp"].includes(event.key)) {
    event.preventDefault();
    const shown = all("tbody > tr[data-policy]", row.closest("table")).filter((other) => !other.hidden);
    one(".opener", shown[shown.indexOf(row) + (event.key === "ArrowDown" ? 1 : -1)] || row).focus();
  }
});

filter();
})();
