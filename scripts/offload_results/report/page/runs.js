// SPDX-License-Identifier: Apache-2.0
// What belongs to runs, not to cases: what was skipped, limits, memory costs, platform, commands.
function block(id, title, ...content) {
  return el("section", {id, "aria-labelledby": `${id}-title`},
    el("h2", {id: `${id}-title`}, title), content);
}

const runColumn = () => (severalRuns ? [{title: "run", value: (row) => data.runs[row.run].name,
  cell: (row) => data.runs[row.run].name}] : []);

function failedBlock() {
  const bad = cases.filter((one) => one.status !== "passed");
  if (bad.length === 0) return null;
  return block("failed", "Failed and unfinished cases", el("ul", {class: "notes"},
    bad.map((one) => el("li", null, el("code", null, one.name),
      severalRuns ? ` (${one.runName})` : "",
      `: ${one.failure || "not every sample was taken"}`))));
}

function skippedBlock() {
  if (data.skipped.length === 0) return null;
  const rows = data.skipped.map((skip, index) => ({...skip, index}));
  const total = rows.reduce((sum, row) => sum + row.cases.length, 0);
  const list = (title, key) => ({title, value: (row) => row[key].join(", "),
    cell: (row) => row[key].join(", ")});
  return block("skipped", "Skipped cases",
    el("p", {class: "hint"},
      `${plural(total, "case")} could not run here; each reason opens its cases.`),
    sortableTable({caption: "Skipped cases by reason", rows, columns: [
      {title: "reason", sticky: true, value: (row) => row.reason, cell: (row) => row.reason},
      {title: "cases", number: true, value: (row) => row.cases.length,
        cell: (row) => row.cases.length},
      list("policies", "policy"), list("workloads", "workload"), list("starts", "start"),
      ...(severalRuns ? [{title: "runs", value: (row) => row.runs.length,
        cell: (row) => runNames(row.runs)}] : [])],
    open: (row) => el("ul", {class: "notes"}, row.cases.map(([run, name]) =>
      el("li", null, el("code", null, shared(name)),
        severalRuns ? ` (${data.runs[run].name})` : "")))})
      .root);
}

function limitsBlock() {
  if (data.limits.length === 0) return null;
  const quantity = (limit, value) => (limit.unit === "s" ? duration(value * 1e6) : rateText(value));
  const missed = data.limits.filter((limit) => !limit.met).length;
  return block("limits", "Distance to the limits",
    el("p", {class: "hint"}, `${data.limits.length - missed} of ${data.limits.length} met.`),
    sortableTable({caption: "Limits", rows: data.limits, columns: [
      {title: "limit", sticky: true, value: (row) => row.id, cell: (row) => row.id},
      {title: "what is compared", value: (row) => row.description, cell: (row) => row.description},
      {title: "measured", number: true, value: (row) => row.measured,
        cell: (row) => quantity(row, row.measured)},
      {title: "against", number: true, value: (row) => row.reference,
        cell: (row) => quantity(row, row.reference)},
      {title: "ratio", number: true, value: (row) => row.ratio,
        cell: (row) => ratioText(row.ratio)},
      {title: "goal", number: true, value: (row) => row.goal,
        cell: (row) => `${row.at_least ? "\u2265" : "\u2264"} ${ratioText(row.goal)}`},
      {title: "met", value: (row) => (row.met ? 1 : 0),
        cell: (row) => (row.met ? "yes" : "MISSED")},
      ...runColumn()],
    rowClass: (row) => (row.met ? null : "bad")}).root);
}

function memoryBlock() {
  if (data.memory_costs.length === 0) return null;
  const taken = (title, key) => ({title, number: true,
    value: (row) => (row.taken ? row.taken[key] : null),
    cell: (row) => (row.taken && row.taken[key] !== null
      ? (Math.abs(row.taken[key]) < row.asked_bytes / 1000 ? "0" : size(row.taken[key])) : DASH)});
  return block("memory", "What host memory really costs",
    el("p", {class: "hint"}, "Tensors of a model allocated one by one and touched. host: what the "
      + "machine has less of (MemAvailable); process: resident set; cgroup: what the control group "
      + "is charged; time: by one thread."),
    sortableTable({caption: "Memory by allocator", rows: data.memory_costs, columns: [
      {title: "allocator", sticky: true, value: (row) => row.allocator,
        cell: (row) => row.allocator},
      {title: "model", value: (row) => row.weights, cell: (row) => row.weights},
      {title: "asked", number: true, value: (row) => row.asked_bytes,
        cell: (row) => size(row.asked_bytes)},
      taken("host", "host_bytes"), taken("process", "resident_bytes"),
      taken("cgroup", "cgroup_bytes"), taken("GPU", "device_bytes"),
      {title: "s/GiB", number: true, lowFirst: true,
        value: (row) => (row.seconds === null ? null : (row.seconds * 2 ** 30) / row.asked_bytes),
        cell: (row) => (row.seconds === null ? `FAILED: ${row.failure}`
          : threeDigits((row.seconds * 2 ** 30) / row.asked_bytes))},
      ...runColumn()]}).root);
}

function reproduceBlock() {
  return block("reproduce", "How to reproduce", data.runs.map((run) => {
    const lines = [];
    if (run.commit) lines.push(`git checkout ${run.commit}`);
    lines.push("cmake --preset release && cmake --build --preset release", run.command);
    const notes = [
      run.commit ? null : "The commit of this build is not recorded.",
      run.dirty ? "It was built from that commit and changes that were not committed." : null,
      run.build_type && run.build_type !== "Release" ? `Build type: ${run.build_type}.` : null,
      run.redacted ? "Redacted: names of the machine and folders of paths are left out." : null,
    ].filter(Boolean);
    return el("div", {class: "run"}, el("h3", null, run.name,
      el("small", null, `${run.build}; ${plural(run.cases, "case")}`)),
    el("pre", {tabindex: "0"}, el("code", null, lines.join("\n"))),
    notes.length ? el("p", {class: "hint"}, notes.join(" ")) : null);
  }));
}

const BYTE_FACT = /(_bytes|\.bytes)$/;
const RATE_FACT = /bytes_per_second$/;

function factText(path, index) {
  const value = shared(index);
  if (index === null) return DASH;
  if (value === null) return "unknown";
  if (typeof value === "object" && !Array.isArray(value)) {
    return "unknown" in value ? `unknown: ${value.unknown}` : "none";
  }
  if (Array.isArray(value)) return value.length ? value.join(" ") : "none";
  if (typeof value !== "number") return String(value);
  if (RATE_FACT.test(path)) return rateText(value);
  if (BYTE_FACT.test(path)) return size(value);
  if (/_s$/.test(path)) return duration(value * 1e6);
  return String(value);
}

function factTable(caption, rows, titles, indexes) {
  return sortableTable({caption, rows, columns: [
    {title: "what", sticky: true, value: (row) => row.path, cell: (row) => row.path},
    ...indexes.map((index, column) => ({title: titles[column],
      value: (row) => factText(row.path, row.values[index]),
      cell: (row) => factText(row.path, row.values[index])}))]}).root;
}

/// Runs of an older schema lack some.
const known = (row) => row.values.filter((value) => value !== null);

function platformBlock() {
  const rows = data.facts.paths.map((path, index) =>
    ({path, values: data.facts.runs.map((run) => run[index])}));
  const same = rows.filter((row) => known(row).every((value) => value === known(row)[0]));
  const differing = rows.filter((row) => !same.includes(row));
  same.forEach((row) => {
    row.values = [known(row)[0]];
  });
  const names = data.runs.map((run) => run.name);
  const every = names.map((_, index) => index);
  const kinds = [["platform.gpu", "GPU"], ["platform.link", "Link"], ["platform.host", "Host"],
    ["platform", "Platform"], ["build", "Build"], ["options", "Options"], ["", "All else"]];
  const parts = new Map(kinds.map(([prefix]) => [prefix, []]));
  for (const row of same) {
    parts.get(kinds.find(([prefix]) => row.path.startsWith(prefix))[0]).push(row);
  }
  return block("platform", "Platform",
    data.machine.map((line) => el("p", null, line)), calibrationTable(),
    differing.length && severalRuns ? later(`In what the runs differ (${differing.length})`,
      () => factTable("In what the runs differ", differing, names, every)) : null,
    kinds.filter(([prefix]) => parts.get(prefix).length).map(([prefix, title]) =>
      later(`${title}${severalRuns ? ", the same in all runs that say" : ""} `
        + `(${parts.get(prefix).length})`,
        () => factTable(title, parts.get(prefix), ["value"], [0]))));
}

function calibrationTable() {
  const rate = (title, key) => ({title, number: true, value: (run) => run.calibration[key] ?? null,
    cell: (run) => rateText(run.calibration[key] || null)});
  const time = (title, key) => ({title, number: true, lowFirst: true,
    value: (run) => run.calibration[key],
    cell: (run) => (run.calibration[key] === null ? DASH : duration(run.calibration[key] * 1e6))});
  return sortableTable({caption: "Calibration by run", rows: data.runs, columns: [
    {title: "run", sticky: true, value: (run) => run.name, cell: (run) => run.name},
    rate("copy to GPU", "copy_h2d_bytes_per_second"),
    rate("copy to host", "copy_d2h_bytes_per_second"),
    rate("SMs read pinned", "sm_read_pinned_bytes_per_second"),
    rate("GPU memory read", "device_read_bytes_per_second"),
    rate("CPU reads its own", "host_read_bytes_per_second"),
    time("link latency", "link_latency_s"), time("GPU latency", "device_latency_s"),
    {title: "when", value: (run) => run.started_at, cell: (run) => run.started_at}]}).root;
}

function reducedBlock() {
  return block("left-out", "What this page leaves out",
    el("ul", {class: "notes"}, data.reduced.map((text) => el("li", null, text))));
}
