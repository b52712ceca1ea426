# SPDX-License-Identifier: Apache-2.0
"""Results against figures that others published for machines of their kind (reference.json)."""
import dataclasses
import pathlib

from .parts import parts
from .json_reader import read_json
from .results import label_of

REFERENCE = pathlib.Path(__file__).parent / "reference.json"
PER_SECOND = {"GB/s": 1e-9, "ns": 1e9}  # of a calibration's bytes per second or seconds


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A figure and all entries that are for it; outside when it is in the range of none."""

    where: str
    what: str
    value: float
    unit: str
    entries: tuple
    margin: float

    @property
    def outside(self):
        return not any(entry["low"] * (1 - self.margin) <= self.value
                       <= entry["high"] * (1 + self.margin) for entry in self.entries)

    def __str__(self):
        published = "; ".join(map(entry_text, self.entries))
        return (f"{self.where}: outside the published range: {self.what}, {self.value:.4g} "
                f"{self.unit}; published are {published} (+-{self.margin:.0%})")


def entry_text(entry):
    low, high = f"{entry['low']:g}", f"{entry['high']:g}"
    grade = "" if entry["grade"] in ("primary", "probe") else f", {entry['grade']}"
    hint = f", {entry['hint']}" if "hint" in entry else ""
    return (f"{low if low == high else f'{low} to {high}'} {entry['unit']} by {entry['source']}"
            f"{grade}{hint}")


def comparisons(results):
    """Every figure of the file that an entry is for."""
    reference = read_json(REFERENCE)
    for part in parts(results):
        entries = [entry for entry in reference["entries"]
                   if is_for(entry["platform"], part.run["platform"])]
        found = {}
        for where, entry, value in measured_for(part, entries):
            key = (where, entry["what"], value, entry["unit"])
            found[key] = (*found.get(key, ()), entry)
        for (where, what, value, unit), of_figure in found.items():
            yield Comparison(part.prefix + where, what, value, unit, of_figure,
                             reference["margin"])


def is_for(wanted, platform):
    gpu, link = platform["gpu"], platform["link"] or {}
    if gpu is None:
        return False
    checks = {
        "gpu": lambda name: name in gpu["name"],
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
