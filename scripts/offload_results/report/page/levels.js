// SPDX-License-Identifier: Apache-2.0
// Lines that curves are compared with, their words where nothing else is.
const RIGHT = 16;

const pathOf = (curve, x, y) =>
  `M${curve.points.map((point) => `${x.at(point[0])},${y.at(point[1])}`).join("L")}`;

function levels(panel, curves, x, y, width) {
  const taken = curves.flatMap((curve) => between(curve.points.map(([px, py]) =>
    [x.at(px), y.at(py)])));
  const lines = panel.lines.map(([value, words]) => {
    const text = `${words}: ${valueText(value, panel.y.kind)}`;
    const [tx, ty] = freePlace(taken, text.length * 5.6, y.at(value), x.from, width);
    taken.push([tx, ty], [tx + text.length * 5.6, ty]);
    return svg("g", {class: "level"},
      svg("path", {d: `M${x.from},${y.at(value)}H${width - RIGHT}`}),
      svg("text", {x: tx, y: ty}, text));
  });
  const references = panel.references.map((curve) => svg("g", {class: "level"},
    svg("path", {d: pathOf(curve, x, y)}),
    svg("text", {x: width - RIGHT - 4, y: y.at(curve.points.at(-1)[1]) - 6, "text-anchor": "end"},
      curve.policy)));
  return [...lines, ...references];
}

/// Places along a curve, close enough together that no text fits in between.
const between = (places) => places.slice(1).flatMap(([bx, by], index) => {
  const [ax, ay] = places[index];
  const count = Math.max(1, Math.ceil(Math.abs(bx - ax) / 20));
  return Array.from({length: count + 1}, (_, step) =>
    [ax + ((bx - ax) * step) / count, ay + ((by - ay) * step) / count]);
});

/// Where a level's text is farthest from all that is drawn: above or below it, anywhere along.
function freePlace(taken, length, level, left, width) {
  let best = [left + 6, level - 4];
  let most = -1;
  for (let tx = left + 6; tx + length < width - RIGHT; tx += 24) {
    for (const ty of [level - 5, level + 13]) {
      const room = Math.min(40, ...taken.filter(([px]) => px > tx - 12 && px < tx + length + 12)
        .map(([, py]) => Math.abs(py - (ty - 4))));
      if (room > most + 1) [best, most] = [[tx, ty], room];
    }
  }
  return best;
}
