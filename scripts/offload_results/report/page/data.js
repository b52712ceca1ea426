// SPDX-License-Identifier: Apache-2.0
// The data block, and its cases put together from their columns.
const data = JSON.parse(byId("data").textContent);
const shared = (index) => (index === null || index === undefined ? null : data.values[index]);
function casesOf(columns) {
  return (columns.run || []).map((run, index) => {
    const at = (name) => columns[name][index];
    const one = {index, run, runName: data.runs[run].name, spread: at("spread"), share: at("share"),
      samples: at("samples"), setup: at("setup") || null, slower: at("slower"),
      verdict: shared(at("verdict")), evidence: shared(at("evidence")).map(shared)};
    for (const [part, fields] of Object.entries(data.parts)) {
      shared(at(part)).forEach((value, place) => {
        one[fields[place]] = value;
      });
    }
    one.us = percentilesOf(at("us"), one.samples);
    one.name = `${one.label}/${one.policy}/${one.weights}/${one.start}`;
    one.median = one.us ? one.us[2] : null;
    one.rate = one.median ? one.requested / one.median / 1e3 : null;
    one.perStep = one.steps > 0 && one.us ? one.us[2] / one.steps : null;
    [one.passSeconds, one.tokensPerSecond, one.linkPerToken, one.overlap, one.boundTokens,
      one.boundBy] = at("whole") || Array(6).fill(null);
    one.host = hostBytes(one);
    one.text = [one.name, one.graph ? "graph" : "", one.memory, one.mechanism, one.flags || "",
      one.verdict, one.status, one.failure || "", one.runName].join(" ").toLowerCase();
    return one;
  });
}

/// 5th, first quartile, median, third quartile, 95th: given, or the median alone where all samples
/// are here. Linear between order statistics, as in the results.
function percentilesOf(given, samples) {
  if (given === null || Array.isArray(given)) return given;
  const ordered = [...samples].sort((a, b) => a - b);
  return [0.05, 0.25, null, 0.75, 0.95].map((share) => {
    if (share === null) return given;
    const place = share * (ordered.length - 1);
    const below = Math.floor(place);
    const above = Math.min(below + 1, ordered.length - 1);
    return ordered[below] + (place - below) * (ordered[above] - ordered[below]);
  });
}

function hostBytes(one) {
  if (one.model) {
    const memory = one.model.memory_bytes;
    return memory.pinned + memory.managed + memory.pageable;
  }
  return one.footprint[1] + one.footprint[2] + one.footprint[3];
}

const cases = casesOf(data.cases);
const severalRuns = data.runs.length > 1;
const runNames = (indexes) => indexes.map((index) => data.runs[index].name).join(", ");

/// A figure's parts that stand in the table of values, put back.
const curveOf = ({of, points}) => {
  const [policy, start, graph] = shared(of);
  return {policy, start, graph, points: points.map(
    ([x, y, low = null, high = null, note = null, rough = 0]) =>
      [x, y, low, high, shared(note), rough])};
};
/// [state, value, low, high, why, whether it is rough]
const cellOf = (cell) => {
  if (!Array.isArray(cell)) return ["measured", cell, null, null, null, 0];
  if (cell.length > 1) return ["measured", ...cell.slice(0, 3), null, cell[3] || 0];
  const [state, text] = shared(cell[0]);
  return [state, state === "zero by design" ? 0 : null, null, null, text, 0];
};
