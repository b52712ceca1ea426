// SPDX-License-Identifier: Apache-2.0
// Curves over an axis. Why not a library: those at hand draw on a canvas, which no key reaches, no
// screen reader reads and no style sheet turns dark; with them the marks, the keys and the colours
// would be our own code still.
const TOP = 12, BOTTOM = 44, NEAR = 46;

/// A panel of a figure: the drawing, its legend, and its values as a table.
function curvePanel(panel, figure) {
  nameCurves(panel);
  const groups = panel.groups.map((curves) => ({curves, shown: true}));
  const holder = el("div", {class: "plot"});
  const legend = el("div", {class: "legend", role: "group", "aria-label": "Curves"});
  const root = el("div", {class: "panel"}, panel.title ? el("h4", null, panel.title) : null, holder,
    legend, later("Values", () => valuesOf(panel, figure), {class: "values"}));
  let passes = () => true;
  let drawn = null;

  const kept = () => groups
    .map((group) => ({group, curves: group.curves.filter(passes)}))
    .filter(({curves}) => curves.length > 0);

  function draw() {
    const width = Math.max(280, holder.clientWidth || 680);
    const visible = kept().filter(({group}) => group.shown);
    const named = figure.title + (panel.title ? `: ${panel.title}` : "");
    drawn = drawing(panel, visible, width, named);
    holder.replaceChildren(drawn ? drawn.root
      : el("p", {class: "none"}, "No curve passes the filter, or all are switched off."));
  }

  function list() {
    legend.replaceChildren(...kept().map(({group, curves}) => el("button", {type: "button",
      "aria-pressed": String(group.shown),
      click: () => {
        group.shown = !group.shown;
        legend.querySelectorAll("button").forEach((button, index) => {
          button.setAttribute("aria-pressed", String(kept()[index].group.shown));
        });
        draw();
      },
      pointerenter: () => drawn && drawn.stress(group),
      pointerleave: () => drawn && drawn.stress(null)},
    swatch(curves[0].policy, true),
    el("span", null, curves.map((curve) => curve.name).join(", ")))));
  }

  new ResizeObserver(() => {
    if (drawn && Math.abs(drawn.width - holder.clientWidth) > 4) draw();
  }).observe(holder);
  return {root, filter(test) {
    passes = test;
    list();
    draw();
  }};
}

/// With their start where it does not go without saying.
function nameCurves(panel) {
  const curves = panel.groups.flat();
  const mixed = new Set(curves.map((curve) => curve.start)).size > 1;
  for (const curve of curves) {
    const also = [mixed && curve.start !== "steady" ? curve.start : "", curve.graph ? "graph" : ""]
      .filter(Boolean);
    curve.name = curve.policy + (also.length ? ` (${also.join(", ")})` : "");
  }
}

function drawing(panel, visible, width, name) {
  const height = width < 480 ? 280 : panel.y.log ? 400 : 340;
  const curves = visible.flatMap(({curves: found}) => found);
  if (curves.length === 0) return null;
  const points = curves.concat(panel.references).flatMap((curve) => curve.points);
  const ys = points.flatMap(([, y, low, high]) => [y, low, high])
    .concat(panel.lines.map(([y]) => y)).filter((y) => y !== null && (!panel.y.log || y > 0));
  const y = scaleOf(panel.y, ys, height - BOTTOM, TOP);
  const digits = Math.max(...y.ticks.map((tick) => tickText(tick, panel.y.kind).length));
  const left = 32 + 6.6 * digits;
  const x = scaleOf({...panel.x, horizontal: true}, points.map(([at]) => at), left, width - RIGHT);
  x.from = left;
  const ring = svg("circle", {r: 8, class: "ring", visibility: "hidden"});
  const layers = visible.map(({group, curves: found}) => [group, curveLayer(found, x, y)]);
  const root = svg("svg", {viewBox: `0 0 ${width} ${height}`, class: "chart", tabindex: "0",
    role: "group", "aria-roledescription": "chart",
    "aria-label": `${name}. ${panel.y.label} over ${panel.x.label}. `
      + "Arrow keys move between points."},
  grid(panel, x, y, width, height), levels(panel, curves, x, y, width),
  layers.map(([, layer]) => layer), ring);
  const spots = visible.flatMap(({group, curves: found}) => found[0].points.map((point, index) => ({
    group, curves: found, index, x: x.at(point[0]), y: y.at(point[1])})));
  listen(root, spots, ring, panel);
  return {root, width, stress(group) {
    layers.forEach(([of, layer]) =>
      layer.classList.toggle("faint", group !== null && of !== group));
  }};
}

function grid(panel, x, y, width, height) {
  const unit = {rate: "GB/s", ms: "ms"}[panel.y.kind];
  const {label} = panel.y;
  const title = unit && !label.includes(unit) ? `${label} (${unit})` : label;
  return svg("g", {class: "grid", "aria-hidden": "true"},
    y.ticks.map((tick) => [
      svg("path", {d: `M${x.from},${y.at(tick)}H${width - RIGHT}`}),
      svg("text", {x: x.from - 7, y: y.at(tick) + 4, "text-anchor": "end"},
        tickText(tick, panel.y.kind))]),
    x.ticks.map((tick) => [
      svg("path", {d: `M${x.at(tick)},${height - BOTTOM}v5`}),
      svg("text", {x: x.at(tick), y: height - BOTTOM + 18, "text-anchor": "middle"},
        tickText(tick, panel.x.kind))]),
    svg("path", {class: "axis", d: `M${x.from},${height - BOTTOM}H${width - RIGHT}`}),
    svg("text", {x: (x.from + width - RIGHT) / 2, y: height - 6, "text-anchor": "middle"},
      panel.x.label),
    svg("text", {transform: `translate(13,${(TOP + height - BOTTOM) / 2}) rotate(-90)`,
      "text-anchor": "middle"}, title));
}

/// Of curves that are drawn as one: the first, with whiskers over all of them.
function curveLayer(curves, x, y) {
  const [first] = curves;
  const style = styleOf(first.policy);
  const whiskers = first.points.map((point, index) => {
    const lows = curves.map((curve) => curve.points[index][2]);
    const highs = curves.map((curve) => curve.points[index][3]);
    if (lows.includes(null) || highs.includes(null)) return null;
    const [low, high] = [y.at(Math.min(...lows)), y.at(Math.max(...highs))];
    if (low - high < 6) return null;
    const at = x.at(point[0]);
    return svg("path", {class: `whisker ${style.family}`,
      d: `M${at - 3},${high}h6m-3,0V${low}m-3,0h6`});
  });
  const every = first.points.length > 16 ? 4 : 1;
  return svg("g", {class: "layer"},
    svg("path", {d: pathOf(first, x, y), class: `line ${style.family}`,
      "stroke-dasharray": style.dashes || null}), whiskers,
    first.points.map((point, index) => (index % every === 0
      ? markOf(first.policy, x.at(point[0]), y.at(point[1])) : null)),
    first.points.map((point) => (point[4] ? svg("text", {class: `note ${style.family}`,
      x: x.at(point[0]) - 6, y: y.at(point[1]) - 7, "text-anchor": "end"}, point[4]) : null)));
}

function listen(root, spots, ring, panel) {
  let current = null;
  const point = (spot, spoken) => {
    current = spot;
    if (spot === null) {
      ring.setAttribute("visibility", "hidden");
      tip.hide();
      return;
    }
    ring.setAttribute("visibility", "visible");
    ring.setAttribute("cx", spot.x);
    ring.setAttribute("cy", spot.y);
    const box = root.getBoundingClientRect();
    const zoom = box.width / root.viewBox.baseVal.width;
    const [at] = spot.curves[0].points[spot.index];
    tip.show(`${panel.x.label}: ${valueText(at, panel.x.kind)}`, tipLines(spot, panel),
      box.left + spot.x * zoom, box.top + spot.y * zoom, spoken);
  };
  root.addEventListener("pointermove", (event) => {
    const box = root.getBoundingClientRect();
    const zoom = root.viewBox.baseVal.width / box.width;
    const [px, py] = [(event.clientX - box.left) * zoom, (event.clientY - box.top) * zoom];
    const near = spots.map((spot) => [Math.hypot(spot.x - px, spot.y - py), spot])
      .sort((a, b) => a[0] - b[0])[0];
    point(near && near[0] < NEAR ? near[1] : null, false);
  });
  root.addEventListener("pointerleave", () => point(null));
  root.addEventListener("blur", () => point(null));
  root.addEventListener("keydown", (event) => {
    const next = moved(spots, current, event.key);
    if (next === undefined) return;
    event.preventDefault();
    point(next, true);
  });
}

/// The spot that a key leads to: left and right along the curve, up and down to the next curve.
function moved(spots, current, key) {
  if (key === "Escape") return null;
  if (!["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"].includes(key)) {
    return undefined;
  }
  if (current === null) return spots[0];
  const along = spots.filter((spot) => spot.group === current.group).sort((a, b) => a.x - b.x);
  const at = along.indexOf(current);
  if (key === "Home") return along[0];
  if (key === "End") return along.at(-1);
  if (key === "ArrowLeft") return along[Math.max(0, at - 1)];
  if (key === "ArrowRight") return along[Math.min(along.length - 1, at + 1)];
  const column = spots.filter((spot) => Math.abs(spot.x - current.x) < 0.5)
    .sort((a, b) => a.y - b.y);
  const place = column.indexOf(current) + (key === "ArrowUp" ? -1 : 1);
  return column[Math.min(column.length - 1, Math.max(0, place))];
}

function tipLines(spot, panel) {
  return spot.curves.flatMap((curve) => {
    const [, y, low, high, note, isRough] = curve.points[spot.index];
    const lines = [[curve.name, valueText(y, panel.y.kind, isRough)]];
    if (low !== null && spot.curves.length < 4) {
      lines.push(["5th to 95th percentile",
        `${valueText(low, panel.y.kind, isRough)} ${DASH} ${valueText(high, panel.y.kind, isRough)}`]);
    }
    if (note) lines.push([note, null]);
    return lines;
  });
}

function valuesOf(panel, figure) {
  const curves = panel.groups.flat().concat(panel.references);
  const xs = distinct(curves.flatMap((curve) => curve.points.map(([x]) => x)));
  const pointAt = (curve, x) => curve.points.find((point) => point[0] === x) || [];
  const at = (curve, x) => pointAt(curve, x)[1] ?? null;
  const columns = [
    {title: "policy", sticky: true, value: (curve) => curve.policy,
      cell: (curve) => curve.policy},
    {title: "start", value: (curve) => curve.start,
      cell: (curve) => curve.start + (curve.graph ? ", graph" : "")},
    ...xs.map((x) => ({title: valueText(x, panel.x.kind), number: true,
      value: (curve) => at(curve, x),
      cell: (curve) => (at(curve, x) === null ? DASH
        : valueText(at(curve, x), panel.y.kind, pointAt(curve, x)[5]))})),
  ];
  return sortableTable({caption: `${figure.title} ${panel.title}`, columns, rows: curves}).root;
}
