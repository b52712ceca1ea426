// SPDX-License-Identifier: Apache-2.0
// How figures are written: decimal GB/s, MiB and GiB for sizes, ns to s for times.
const DASH = "\u2013";

function threeDigits(value) {
  if (value === null || value === undefined) return DASH;
  if (value === 0) return "0";
  return Math.abs(value) >= 99.95
    ? Math.round(value).toLocaleString("en-US") : Number(value).toPrecision(3);
}

function scaled(value, scales) {
  if (value === 0) return "0";
  const scale = scales.find(([factor]) => Math.abs(value) / factor < 999.5) || scales.at(-1);
  return `${threeDigits(value / scale[0])} ${scale[1]}`;
}

const duration = (us) => (us === null || us === undefined ? DASH
  : scaled(us, [[1e-3, "ns"], [1, "us"], [1e3, "ms"], [1e6, "s"]]));
const rateText = (rate) => (rate === null || rate === undefined ? DASH
  : scaled(rate, [[1, "B/s"], [1e3, "kB/s"], [1e6, "MB/s"], [1e9, "GB/s"], [1e12, "TB/s"]]));
const decimalBytes = (bytes) => (bytes === null || bytes === undefined ? DASH
  : scaled(bytes, [[1, "B"], [1e3, "kB"], [1e6, "MB"], [1e9, "GB"]]));

function size(bytes) {
  if (bytes === null || bytes === undefined) return DASH;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  let value = bytes;
  while (unit + 1 < units.length && Math.abs(value) >= 1023.5) {
    value /= 1024;
    unit += 1;
  }
  const whole = unit === 0 || value >= 9.95 || Math.abs(value - Math.round(value)) < 0.05;
  return `${value.toFixed(whole ? 0 : 1)} ${units[unit]}`;
}

const percent = (ratio, digits = 0) => (ratio === null || ratio === undefined ? DASH
  : (100 * ratio).toFixed(digits));
/// Of counts: means over passes have a fraction.
const countText = (value) => (Number.isInteger(value) ? value.toLocaleString("en-US")
  : threeDigits(value));
const plural = (count, noun) => `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;

/// A value of an axis or a bar by its kind, with its unit where it has one.
function valueText(value, kind) {
  if (kind === "bytes") return size(value);
  if (kind === "ms") return duration(value * 1e3);
  if (kind === "rate") return `${threeDigits(value)} GB/s`;
  return Number(value.toPrecision(6)).toLocaleString("en-US");
}

/// The same without the unit that the axis names.
function tickText(value, kind) {
  if (kind === "bytes") return size(value);
  return Number(value.toPrecision(4)).toLocaleString("en-US", {maximumFractionDigits: 6});
}
