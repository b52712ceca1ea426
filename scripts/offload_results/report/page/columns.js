// SPDX-License-Identifier: Apache-2.0
// The columns of a workload's table: those that any of its cases has something for.
function columnsFor(rows) {
  const any = (of) => rows.some((row) => of(row) !== null && of(row) !== undefined);
  const several = (name) => new Set(rows.map((row) => row[name])).size > 1;
  const text = (title, of, also) => ({title, value: of, cell: of, ...also});
  const figure = (title, of, written, also) => ({title, number: true, value: of,
    cell: (row) => (of(row) === null || of(row) === undefined ? DASH : written(of(row), row)),
    ...also});
  const time = (us, row) => (row.rough ? roughDuration : duration)(us);
  // With the least and the most of the samples where it is rough; `of` makes it of a pass's time.
  const ranged = (of) => (value, row) => {
    if (!row.rough || row.samples.length === 0) return digits(row.rough)(value);
    const ends = [Math.max(...row.samples), Math.min(...row.samples)].map((us) => of(us, row));
    return rough(value, ...ends);
  };
  const rateOf = (us, row) => row.requested / us / 1e3;
  const tokensOf = (us, row) => row.tokens / (row.passSeconds
    + (us - row.median) * 1e-6 * row.model.scale);
  const low = {lowFirst: true};
  const models = any((row) => row.model);
  const chains = rows.some((row) => row.steps > 0);
  return [
    {title: "policy", sticky: true, value: (row) => row.policy,
      cell: (row) => el("span", {class: "named"}, swatch(row.policy),
        el("span", null, breakable(row.policy)))},
    text("start", (row) => row.start + (row.graph ? ", graph" : "")),
    several("label") ? text("workload", (row) => row.label) : null,
    several("weights") ? text("weights", (row) => row.weights) : null,
    models ? figure("tokens/s", (row) => row.tokensPerSecond, ranged(tokensOf),
      {help: "by these kernels, of weights alone"}) : null,
    any((row) => row.boundTokens) ? figure("bound", (row) => row.boundTokens, threeDigits,
      {help: "tokens/s that the machine allows"}) : null,
    any((row) => row.boundTokens) ? text("bound by", (row) => (row.boundTokens
      ? row.boundBy.replace("_", " ") : DASH)) : null,
    figure("median", (row) => row.median, time, {...low, help: "of the samples"}),
    chains ? figure("a step", (row) => row.perStep, time, low) : null,
    // A model's rate would count what is resident too.
    chains || models ? null : figure("GB/s", (row) => row.rate, ranged(rateOf)),
    {title: "verdict", value: (row) => row.slower, lowFirst: true,
      cell: (row) => (row.failure ? `FAILED: ${row.failure}` : row.verdict || DASH), kind: "verdict"},
    any((row) => row.share) ? figure("% of link", (row) => row.share, (ratio) => percent(ratio, 1),
      {help: "of the copy engine's rate in the same run"}) : null,
    any((row) => row.overlap) ? figure("overlap %", (row) => row.overlap,
      (ratio) => (ratio < 0.0005 ? "none" : percent(ratio, 1)),
      {help: "of the transfer time, hidden by computing"}) : null,
    figure("GPU memory", (row) => row.hbm, (bytes) => (bytes === 0 ? "none" : size(bytes)),
      {...low, help: "of slots, buffers and all that moves there"}),
    figure("host memory", (row) => row.host, (bytes) => (bytes === 0 ? "none" : size(bytes)), low),
    figure("spread %", (row) => row.spread, (ratio) => percent(ratio, 1),
      {...low, help: "standard deviation over mean"}),
    sharedByRuns(rows) ? text("run", (row) => row.runName) : null,
  ].filter(Boolean);
}

/// Whether some weights were read in several runs; else they identify the run.
function sharedByRuns(rows) {
  const runs = new Map();
  return rows.some((row) => {
    const key = JSON.stringify([row.label, row.weights]);
    if (!runs.has(key)) runs.set(key, row.run);
    return runs.get(key) !== row.run;
  });
}

function rowClass(row) {
  if (row.status !== "passed") return "bad";
  if (row.verdict.startsWith("best")) return "best";
  return row.path === "device_memory" ? "aside" : null;
}

/// Weights and choice as measured; then cold and steady cases by time, warm ones, the rest.
function inOrder(rows) {
  const groups = new Map();
  rows.forEach((row) => {
    const key = JSON.stringify([row.run, row.label, row.weights]);
    if (!groups.has(key)) groups.set(key, groups.size);
    row.group = groups.get(key);
  });
  const part = (row) => (row.status !== "passed" ? 2 : row.start === "warm" ? 1 : 0);
  return [...rows].sort((a, b) => a.group - b.group || part(a) - part(b)
    || (a.median ?? 0) - (b.median ?? 0));
}
