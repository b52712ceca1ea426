// SPDX-License-Identifier: Apache-2.0
// What is known of one case: how it gets at its weights, its samples, and every collector's word.
function detailOf(one) {
  const parts = [
    el("h4", null, one.name, one.graph ? " (CUDA graph)" : ""),
    one.failure ? el("p", {class: "alarm"}, `FAILED: ${one.failure}`) : null,
    one.status === "incomplete"
      ? el("p", {class: "alarm"}, "Not finished: not every sample was taken.") : null,
    el("div", {class: "columns"}, factsOf(one), samplesOf(one)),
    evidenceOf(one),
  ];
  return el("div", null, parts.filter(Boolean));
}

function pairs(found) {
  return el("dl", {class: "pairs"}, found
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => el("div", null, el("dt", null, name), el("dd", null, value))));
}

function factsOf(one) {
  const [device, pinned, managed, pageable] = one.footprint;
  const memory = [["GPU", device], ["pinned", pinned], ["managed", managed], ["pageable", pageable]]
    .filter(([, bytes]) => bytes > 0).map(([kind, bytes]) => `${kind} ${size(bytes)}`).join(", ");
  return pairs([
    ["how", `${one.mechanism}; weights in ${one.memory}`],
    ["engine flags", one.flags || "no engine selects this"],
    ["weights", `${one.weights}, ${one.shape}, ${size(one.bytes)}`],
    ["asked for, a pass", decimalBytes(one.requested)
      + (one.touched === one.requested ? "" : `; ${decimalBytes(one.touched)} touched`)],
    ["over the link, a pass", one.link_bytes > 0 ? decimalBytes(one.link_bytes) : null],
    ["computed by the CPU", one.cpu_bytes > 0
      ? `${decimalBytes(one.cpu_bytes)}, ${percent(one.cpu_bytes / one.requested)} %` : null],
    ["read, not multiplied", one.only_read > 0 ? decimalBytes(one.only_read) : null],
    ["memory of the placement", memory || "none"],
    ...modelFacts(one),
    ["run", severalRuns ? one.runName : null],
  ]);
}

function modelFacts(one) {
  const {model} = one;
  if (!model) return [];
  const memory = model.memory_bytes;
  return [
    ["layers measured", `${model.layers_measured} of ${model.layers}, scaled by `
      + `${threeDigits(model.scale)}`],
    ["whole model", `${size(model.offloaded_bytes)} offloaded, ${size(model.resident_bytes)} `
      + `resident, ${size(model.other_bytes)} other`],
    ["a pass of it", `${duration(one.passSeconds * 1e6)}; left out: ${model.left_out}`],
    ["GPU memory of it", size(memory.device)],
    ["over the link a token", decimalBytes(one.linkPerToken)],
    ["pinned, by powers of two", model.pinned_bytes_by_powers_of_two > 0
      ? size(model.pinned_bytes_by_powers_of_two) : null],
  ];
}

function samplesOf(one) {
  if (!one.us && one.samples.length === 0) return el("div", null, "No sample was taken.");
  const names = ["5th percentile", "first quartile", "median", "third quartile", "95th percentile"];
  return el("div", {class: "samples"},
    one.samples.length > 1 ? strip(one) : null,
    one.us ? pairs([...names.map((name, index) => [name, duration(one.us[index])]),
      ["spread", one.spread === null ? null : `${percent(one.spread, 1)} %`],
      ["samples", `${one.count}${one.passes > 1 ? `, each the mean of ${one.passes} passes` : ""}`],
      ...(one.setup ? [["set-up", duration(one.setup[0])], ["read", duration(one.setup[1])]] : []),
    ]) : null);
}

/// Each sample a dot: time to the right, the first taken at the top.
function strip(one) {
  const width = 420, row = Math.max(3, Math.min(9, 120 / one.samples.length));
  const height = row * one.samples.length + 16;
  const low = Math.min(...one.samples), high = Math.max(...one.samples);
  const at = (us) => 8 + (high > low ? (us - low) / (high - low) : 0.5) * (width - 16);
  const ordered = one.samples.length < one.count;
  const inside = (us) => at(Math.min(high, Math.max(low, us)));
  const box = one.us ? svg("rect", {class: "quartiles", x: inside(one.us[1]), y: 0,
    width: Math.max(1, inside(one.us[3]) - inside(one.us[1])), height}) : null;
  const middle = one.us
    ? svg("path", {class: "median", d: `M${inside(one.us[2])},0V${height}`}) : null;
  const words = ordered ? `${one.samples.length} of ${one.count} samples, by time`
    : "samples, the first at the top";
  return el("figure", {class: "strip"},
    svg("svg", {viewBox: `0 0 ${width} ${height}`, role: "img",
      "aria-label": `${words}: from ${duration(low)} to ${duration(high)}`}, box, middle,
    one.samples.map((us, index) => svg("circle", {
      class: `dot ${styleOf(one.policy).family}`, cx: at(us), cy: 8 + row * (index + 0.5), r: 3}))),
    el("figcaption", null, el("span", null, duration(low)), el("span", null, words),
      el("span", null, duration(high))));
}

const NOT_KNOWN = {driver_s: "none of them is visible from here", last_prefetch: null};
const STATES = ["zero by design", "unavailable"];
const KINDS = {
  "decimal bytes": decimalBytes, cause: decimalBytes, count: countText,
  seconds: (value) => duration(value * 1e6), joules: (value) => `${threeDigits(value)} J`,
  watts: (value) => `${threeDigits(value)} W`, MHz: (value) => `${value} MHz`,
  ratio: (value) => `${threeDigits(value)}x`, text: String,
  texts: (value) => (value.length ? value.join(", ") : "nothing"),
  "pages by node": (value) => Object.entries(value)
    .map(([node, pages]) => `${pages} on node ${node}`).join(", ") || "none",
};

function evidenceOf(one) {
  const ratios = one.evidence.at(-1);
  const inShort = data.legend.ratios.map((ratio, index) => [ratio.text,
    ratios[index] === null ? "not known" : KINDS[ratio.kind](ratios[index])]);
  return el("div", null, el("h5", null, "Evidence, from passes that nobody timed"),
    el("div", {class: "collectors"},
      el("div", {class: "collector"}, el("h6", null, "In short"), pairs(inShort)),
      data.legend.collectors.map((collector, index) =>
        collectorOf(collector, one.evidence[index]))));
}

function collectorOf(collector, found) {
  const measured = !STATES.includes(found[0]);
  const state = measured ? "measured" : found[0];
  return el("div", {class: "collector"}, el("h6", null, collector.title, " ",
    el("span", {class: `state ${state.replaceAll(" ", "-")}`}, state)),
  measured ? pairs(figuresOf(collector, found)) : el("p", null, found[1] || ""));
}

function figuresOf(collector, found) {
  const shown = collector.fields.map((field, index) => {
    const value = Array.isArray(found[index]) ? shared(found[index][0]) : found[index];
    if (field.kind === "cause" && !value) return [field.text, null];
    if (value !== null && value !== undefined) return [field.text, KINDS[field.kind](value)];
    return [field.text, NOT_KNOWN[field.name] === undefined ? "not known" : NOT_KNOWN[field.name]];
  });
  const threads = found[collector.fields.length] || [];
  return shown.concat(threads.map(([name, seconds]) => [shared(name), duration(seconds * 1e6)]));
}
