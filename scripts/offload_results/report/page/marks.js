// SPDX-License-Identifier: Apache-2.0
// Policies look the same in every chart: colour and dashes say the family, the marker the policy.
function styleOf(policy) {
  const [family, marker, hollow, dashes, place] = data.styles[policy];
  return {family, marker, hollow, place, dashes};
}

function polygon(corners, radius, inner, turn) {
  const count = inner ? corners * 2 : corners;
  const points = Array.from({length: count}, (_, index) => {
    const r = inner && index % 2 ? inner : radius;
    const angle = turn - Math.PI / 2 + (2 * Math.PI * index) / count;
    return `${(r * Math.cos(angle)).toFixed(2)},${(r * Math.sin(angle)).toFixed(2)}`;
  });
  return `M${points.join("L")}Z`;
}

const SHAPES = {
  o: (r) => `M${-r},0a${r},${r} 0 1 0 ${2 * r},0a${r},${r} 0 1 0 ${-2 * r},0Z`,
  s: (r) => polygon(4, r * 1.3, 0, Math.PI / 4),
  D: (r) => polygon(4, r * 1.35, 0, 0),
  "^": (r) => polygon(3, r * 1.4, 0, 0),
  v: (r) => polygon(3, r * 1.4, 0, Math.PI),
  "<": (r) => polygon(3, r * 1.4, 0, -Math.PI / 2),
  ">": (r) => polygon(3, r * 1.4, 0, Math.PI / 2),
  "*": (r) => polygon(5, r * 1.7, r * 0.7, 0),
  P: (r) => polygon(4, r * 1.5, r * 0.55, 0),
  X: (r) => polygon(4, r * 1.6, r * 0.55, Math.PI / 4),
  h: (r) => polygon(6, r * 1.15, 0, 0),
};

function markOf(policy, x, y, radius = 3.4) {
  const style = styleOf(policy);
  const shape = SHAPES[style.marker] || SHAPES.o;
  return svg("path", {d: shape(radius), transform: `translate(${x},${y})`,
    class: `mark ${style.family}${style.hollow ? " hollow" : ""}`});
}

/// A line's sample for legends and names of rows.
function swatch(policy, withLine) {
  const style = styleOf(policy);
  return svg("svg", {class: "swatch", width: withLine ? 30 : 14, height: 12, "aria-hidden": "true"},
    withLine ? svg("path", {d: "M0,6H30", class: `line ${style.family}`,
      "stroke-dasharray": style.dashes || null}) : null,
    markOf(policy, withLine ? 15 : 7, 6));
}
