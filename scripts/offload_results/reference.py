# SPDX-License-Identifier: Apache-2.0
"""Results against figures that others published for machines of their kind: those of the profiles of
platforms/, which `offload_bench doctor` goes by too, and those of reference.json, which no profile can have."""
import dataclasses
import pathlib

from .causes import likely_causes
from .results import label_of, read_json
from .runs import parts

REFERENCE = pathlib.Path(__file__).parent / "reference.json"
PROFILES = pathlib.Path(__file__).parent / "platforms"
PER_SECOND = {"GB/s": 1e-9, "ns": 1e9}  # of a calibration's bytes per second or seconds
PROFILED = {  # rates of a profile that a calibration measures likewise
    "copy_h2d_bytes_per_second": ("copy engine, host to GPU", "GB/s"),
    "copy_d2h_bytes_per_second": ("copy engine, GPU to host", "GB/s"),
    "sm_read_pinned_bytes_per_second": ("SMs read pinned memory", "GB/s"),
    "sm_write_pinned_bytes_per_second": ("SMs write pinned memory", "GB/s"),
    "copy_h2d_beside_d2h_bytes_per_second": ("copy engine, host to GPU, the other way beside it", "GB/s"),
    "copy_d2h_beside_h2d_bytes_per_second": ("copy engine, GPU to host, the other way beside it", "GB/s"),
    "link_latency_s": ("dependent reads of pinned memory", "ns"),
    "device_read_bytes_per_second": ("reads of GPU memory", "GB/s"),
    "device_latency_s": ("dependent reads of GPU memory", "ns"),
    "host_read_bytes_per_second": ("the CPU's reads of its memory", "GB/s"),
    "fault_bytes_per_second": ("managed memory by page faults", "GB/s"),
}
OVER_LINK = ("copy_", "sm_read_", "link_", "fault_")
PEAK = "vendor"  # no kernel reaches it
CITED = ("source", "grade", "means")


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A figure and all entries that are for it; outside when it is in the range of none."""

    where: str
    what: str
    value: float
    unit: str
    entries: tuple
    margin: float
    signs: tuple  # entries with what a figure like theirs means
    run: dict = dataclasses.field(repr=False)

    @property
    def outside(self):
        return not any(map(self.within, self.entries))

    def within(self, entry):
        return entry["low"] * (1 - self.margin) <= self.value <= entry["high"] * (1 + self.margin)

    @property
    def slow(self):
        """Slower than all that is published, not faster."""
        if self.unit == "GB/s":
            return self.outside and all(self.value < entry["low"] for entry in self.entries)
        return self.outside and all(self.value > entry["high"] for entry in self.entries)

    @property
    def causes(self):
        """Of a slow figure: what it is a sign of, and what the file itself says of its machine."""
        if not self.slow:
            return []
        signs = [f"as published where {entry['means']}" for entry in self.signs if self.within(entry)]
        return list(dict.fromkeys([*signs, *likely_causes(self.entries, self.run)]))

    def __str__(self):
        published = "; ".join(map(entry_text, self.entries))
        likely = f"; likely: {'; '.join(self.causes)}" if self.causes else ""
        return (f"{self.where}: outside the published range: {self.what}, {self.value:.4g} "
                f"{self.unit}; published are {published} (+-{self.margin:.0%}){likely}")


def entry_text(entry):
    low, high = f"{entry['low']:g}", f"{entry['high']:g}"
    grade = "" if entry["grade"] in ("primary", "probe") else f", {entry['grade']}"
    hint = f", {entry['hint']}" if "hint" in entry else ""
    return (f"{low if low == high else f'{low} to {high}'} {entry['unit']} by {entry['source']}"
            f"{grade}{hint}")


def comparisons(results):
    """Every figure of the file that an entry is for."""
    reference = read_json(REFERENCE)
    published = [*profiled_entries(), *reference["entries"]]
    for part in parts(results):
        entries = [entry for entry in published if is_for(entry["platform"], part.run["platform"])]
        found = {}
        for where, entry, value in measured_for(part, entries):
            key = (where, entry["what"], value, entry["unit"])
            found[key] = (*found.get(key, ()), entry)
        for (where, what, value, unit), of_figure in found.items():
            ranges = tuple(entry for entry in of_figure if "means" not in entry)
            signs = tuple(entry for entry in of_figure if "means" in entry)
            if ranges:
                yield Comparison(part.prefix + where, what, value, unit, ranges,
                                 reference["margin"], signs, part.run)


def profiled_entries():
    """What is published of machines that have a profile, less their makers' peaks, as entries."""
    for path in sorted(PROFILES.glob("*.json")):
        profile = read_json(path)["offload_bench_platform"]
        one_memory, link = profile["gpu"]["shares_host_memory"], profile["link"]
        for name, (what, unit) in PROFILED.items():
            if name not in profile["rates"] or one_memory and name.startswith(OVER_LINK):
                continue
            platform = {"names": profile["gpu"]["names"], "link": None if one_memory else link["kind"]}
            for one in figures_of(profile["rates"][name]):
                low, high = (end * PER_SECOND[unit] for end in one.get("range") or (one["value"], one["value"]))
                yield {"what": what, "unit": unit, "calibration": name, "platform": platform, "low": low,
                       "high": high, "over": link, **{key: one[key] for key in CITED if key in one}}


def figures_of(rate):
    """Its own and those that are published beside it."""
    return [one for one in (rate, *rate.get("also", [])) if one["grade"] != PEAK]


def is_for(wanted, platform):
    gpu, link = platform["gpu"], platform["link"] or {}
    if gpu is None:
        return False
    checks = {
        "gpu": lambda name: name in gpu["name"],
        "names": lambda names: gpu["name"] in names,
        "compute_capability": lambda major: major == gpu["compute_capability"]["major"],
        "link": lambda kind: kind == link.get("kind"),
        "generation": lambda generation: generation == link.get("generation"),
        "width": lambda width: width == link.get("width"),
    }
    return all(checks[key](value) for key, value in wanted.items())


def measured_for(part, entries):
    """(where, entry, value in the entry's unit)"""
    for entry in entries:
        if "calibration" in entry:
            value = part.run["calibration"].get(entry["calibration"])
            if value:
                yield "calibration", entry, value * PER_SECOND[entry["unit"]]
            continue
        for case in part.passed:
            if selects(entry["case"], case):
                value = (case["gb_per_s"] if entry["unit"] == "GB/s"
                         else case["summary"]["median_s"] * 1e3)
                yield case["name"], entry, value


def selects(wanted, case):
    tensor = case["weights"]["tensors"][0]
    checks = {
        "label": lambda label: label == label_of(case),
        "policy": lambda policies: case["policy"] in policies,
        "start": lambda start: start == case["start"],
        "bytes": lambda span: span[0] <= case["weights"]["bytes"] <= span[1],
        "rows": lambda rows: rows == tensor["rows"],
        "cols": lambda cols: cols == tensor["cols"],
    }
    return all(checks[key](value) for key, value in wanted.items())
