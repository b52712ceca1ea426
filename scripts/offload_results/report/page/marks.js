// SPDX-License-Identifier: Apache-2.0
// Policies look alike in every chart: colour and dashes say the family, the marker the policy.
const UNKNOWN_LOOK = [data.dashes.length - 1, "h", false, 999];

function lookOf(policy) {
  const [family, marker, hollow, place] = Object.hasOwn(data.looks, policy)
    ? data.looks[policy] : UNKNOWN_LOOK;
  return {family: `f${family}`, marker, hollow, place, dashes: data.dashes[family].join(" ")};
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
  const look = lookOf(policy);
  const shape = SHAPES[look.marker] || SHAPES.o;
  return svg("path", {d: shape(radius), transform: `translate(${x},${y})`,
    class: `mark ${look.family}${look.hollow ? " hollow" : ""}`});
}

/// A line's sample for legends and names of rows.
function swatch(policy, withLine) {
  const look = lookOf(policy);
  return svg("svg", {class: "swatch", width: withLine ? 30 : 14, height: 12, "aria-hidden": "true"},
    withLine ? svg("path", {d: "M0,6H30", class: `line ${look.family}`,
      "stroke-dasharray": look.dashes || null}) : null,
    markOf(policy, withLine ? 15 : 7, 6));
}
