// SPDX-License-Identifier: Apache-2.0
// How figures are written: as the program writes them, see bench/core/text.hpp; tests hold both to
// tests/data/numbers.json. Counts alone have their thousands apart.
const DASH = "\u2013";
const orDash = (spelled) => (value, ...more) =>
  (value === null || value === undefined ? DASH : spelled(value, ...more));

const threeDigits = orDash((value) => {
  if (value === 0) return "0";
  const exponent = Number(value.toExponential(2).split("e")[1]); // of 99.96 it is 2, as of 100
  return value.toFixed(Math.max(0, 2 - exponent));
});

const twoDigits = orDash((value) => {
  if (value === 0) return "0";
  const rounded = value.toExponential(1);
  return Number(rounded).toFixed(Math.max(0, 1 - Number(rounded.split("e")[1])));
});
/// How to write a figure: of rough ones runs of one build agree to two digits at best.
const digits = (isRough) => (isRough ? twoDigits : threeDigits);

/// 27 (19..28), or 27 where the ends are the same.
function rough(value, least, most) {
  const [low, high] = [twoDigits(least), twoDigits(most)];
  return low === high ? twoDigits(value) : `${twoDigits(value)} (${low}..${high})`;
}

function scaled(value, scales, written = threeDigits) {
  const scale = scales.find(([factor]) => Math.abs(value) / factor < 999.5) || scales.at(-1);
  return `${written(value / scale[0])} ${scale[1]}`;
}

const TIMES = [[1e-3, "ns"], [1, "us"], [1e3, "ms"], [1e6, "s"]];
const duration = orDash((us) => scaled(us, TIMES));
const roughDuration = orDash((us) => scaled(us, TIMES, twoDigits));
const rateText = orDash((rate) =>
  scaled(rate, [[1, "B/s"], [1e3, "kB/s"], [1e6, "MB/s"], [1e9, "GB/s"], [1e12, "TB/s"]]));
const decimalBytes = orDash((bytes) => (bytes < 999.5 ? `${bytes.toFixed(0)} B`
  : scaled(bytes, [[1e3, "kB"], [1e6, "MB"], [1e9, "GB"]])));

const size = orDash((bytes) => {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  let value = bytes;
  while (unit + 1 < units.length && Math.abs(value) >= 1023.5) {
    value /= 1024;
    unit += 1;
  }
  const whole = unit === 0 || Math.abs(value) >= 9.95 || value.toFixed(1).endsWith(".0");
  return `${value.toFixed(whole ? 0 : 1)} ${units[unit]}`;
});

/// Without the sign.
const percent = orDash((ratio, digits = 0) => (100 * ratio).toFixed(digits));
const ratioText = orDash((ratio) => ratio.toFixed(3));
/// Of counts: means over passes have a fraction.
const countText = (value) => (Number.isInteger(value) ? value.toLocaleString("en-US")
  : threeDigits(value));
const plural = (count, noun) => `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;

/// A value of an axis or a bar by its kind, with its unit where it has one.
function valueText(value, kind, isRough = false) {
  if (kind === "bytes") return size(value);
  if (kind === "ms") return (isRough ? roughDuration : duration)(value * 1e3);
  if (kind === "rate") return `${digits(isRough)(value)} GB/s`;
  return Number(value.toPrecision(6)).toLocaleString("en-US");
}

/// The same without the unit that the axis names.
function tickText(value, kind) {
  if (kind === "bytes") return size(value);
  return Number(value.toPrecision(4)).toLocaleString("en-US", {maximumFractionDigits: 6});
}
