// SPDX-License-Identifier: Apache-2.0
// Scales and their ticks: linear from 0, or logarithmic.
function scaleOf(axis, values, from, to) {
  const low = Math.min(...values);
  const high = Math.max(...values);
  if (axis.log) {
    const pad = axis.horizontal ? 1.2 : 1.35;
    const [a, b] = [Math.log(low / pad), Math.log(high * pad)];
    const at = (value) => from + ((Math.log(value) - a) / (b - a)) * (to - from);
    return {at, ticks: axis.horizontal ? thinned(distinct(values), Math.abs(to - from) / 54)
      : decades(low / pad, high * pad)};
  }
  const start = axis.horizontal ? low : 0;
  const end = axis.horizontal ? high : high * 1.06 || 1;
  const room = axis.horizontal ? (end - start || 1) * 0.03 : 0;
  const span = end - start + 2 * room || 1;
  const at = (value) => from + ((value - start + room) / span) * (to - from);
  return {at, ticks: steps(start, end, axis.kind === "bytes", axis.kind === "number")};
}

const distinct = (values) => [...new Set(values)].sort((a, b) => a - b);

function thinned(values, most) {
  const step = Math.ceil(values.length / Math.max(2, Math.floor(most)));
  return values.filter((_, index) => (values.length - 1 - index) % step === 0);
}

function decades(low, high) {
  const ticks = [];
  const few = Math.log10(high / low) < 2.2;
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    for (const digit of few ? [1, 2, 5] : [1]) {
      const value = digit * 10 ** power;
      if (value >= low && value <= high) ticks.push(Number(value.toPrecision(6)));
    }
  }
  return ticks;
}

/// Four to eight round steps; powers of two where bytes are counted.
function steps(low, high, binary, whole) {
  const rough = (high - low || 1) / 5;
  let step;
  if (binary) step = 2 ** Math.ceil(Math.log2(rough));
  else {
    const power = 10 ** Math.floor(Math.log10(rough));
    step = [1, 2, 5, 10].map((digit) => digit * power).find((found) => found >= rough);
  }
  if (whole) step = Math.max(1, Math.round(step));
  const ticks = [];
  for (let value = Math.ceil(low / step) * step; value <= high * 1.0001; value += step) {
    ticks.push(Number(value.toPrecision(10)));
  }
  return ticks;
}
