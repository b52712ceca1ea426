// SPDX-License-Identifier: Apache-2.0
// One filter for the whole page: a text and a choice per field.
const FIELDS = [["policy", "policy"], ["workload", "workload"], ["weights", "weights"],
  ["start", "start"], ["status", "status"], ["run", "runName"]];

function filterBar(apply) {
  const chosen = {};
  const text = el("input", {type: "search", id: "filter-text", autocomplete: "off",
    placeholder: "any words", input: changed});
  const count = el("output", {id: "filter-count"});
  const selects = FIELDS.filter(([title]) => title !== "run" || severalRuns)
    .map(([title, key]) => selectOf(title, key));
  const reset = el("button", {type: "button", click: () => {
    text.value = "";
    selects.forEach(({select}) => {
      select.value = "";
    });
    changed();
  }}, "Reset");

  function selectOf(title, key) {
    const values = [...new Set(cases.map((one) => one[key]))];
    if (key === "policy") values.sort((a, b) => styleOf(a).place - styleOf(b).place);
    const select = el("select", {id: `filter-${title}`, change: changed},
      el("option", {value: ""}, "all"),
      values.map((value, index) => el("option", {value: index + 1}, value)));
    return {key, select, values, label: el("label", null, el("span", null, title), select)};
  }

  function changed() {
    for (const {key, select, values} of selects) {
      chosen[key] = select.value === "" ? null : values[Number(select.value) - 1];
    }
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const passes = (one) => words.every((word) => one.text.includes(word))
      && Object.entries(chosen).every(([key, value]) => value === null || one[key] === value);
    const inCharts = (curve) => ["policy", "start"].every((key) => !chosen[key]
      || curve[key] === chosen[key]);
    const shown = cases.filter(passes);
    count.textContent = shown.length === cases.length ? plural(cases.length, "case")
      : `${shown.length} of ${plural(cases.length, "case")}`;
    apply(new Set(shown), inCharts);
  }

  const root = el("form", {class: "filters", role: "search", "aria-label": "Filter cases",
    submit: (event) => event.preventDefault()},
  el("label", null, el("span", null, "find"), text), selects.map(({label}) => label), reset, count);
  return {root, start: changed};
}
