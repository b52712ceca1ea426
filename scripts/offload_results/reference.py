# SPDX-License-Identifier: Apache-2.0
"""Results against figures that others published for machines of their kind: those that they measured
in the profiles of platforms/, and those of reference.json, which no profile can have. Of a slower figure, what
the results say of their own machine that would make it slower."""
import dataclasses
import pathlib

from .results import label_of, read_json
from .runs import memory_mode, parts

COHERENT = "nvlink-c2c"
SMALL_PAGE = 4096


def likely_causes(entries, run):
    """In the order in which to look at them."""
    found = [cause(run, entry) for entry in entries for cause in causes_of(entry)]
    return list(dict.fromkeys(filter(None, found)))


def causes_of(entry):
    """A link figure is that of copies and of reads in place; what a case reads is of either."""
    figure = entry.get("calibration", "case")
    if figure.startswith("device_"):
        return (lowered_clocks,)
    if figure.startswith("host_"):
        return (remote_node, another_mode)
    pages = (small_pages,) if figure in ("case", "fault_bytes_per_second") else ()
    return (remote_node, narrow_link, lowered_clocks, another_mode, *pages)


def remote_node(run, _):
    """--host-numa says where memory came from; else a job may have none at the GPU's node."""
    platform = run["platform"]
    node, bound = gpu_node(platform["gpu"]), platform["host"].get("bound_node")
    if node is None:
        return None
    if bound is not None:
        return (f"--host-numa took host memory from node {bound}, and the GPU is at node {node}"
                if bound != node else None)
    allowed = settings_of(platform["host"]).get("memory_nodes")
    if allowed and node not in allowed:
        return f"the run could not have memory of node {node}, where the GPU is"
    return None


def gpu_node(gpu):
    at = (gpu.get("pci") or {}).get("numa_node")
    return gpu["memory_model"].get("host_numa_id") if at is None else at


def narrow_link(run, entry):
    """Of PCI Express: as it was seen under load, or else the most that GPU and slot can."""
    published = entry.get("over") or {}
    link, under_load = run["platform"]["link"] or {}, run["calibration"]
    wanted = (published.get("generation"), published.get("width"))
    had = (under_load.get("link_generation") or link.get("generation"),
           under_load.get("link_width") or link.get("width"))
    if None in (*wanted, *had) or all(one >= other for one, other in zip(had, wanted)):
        return None
    return f"the link is PCIe {had[0]}.0 x{had[1]}, published over {wanted[0]}.0 x{wanted[1]}"


def lowered_clocks(run, _):
    """Clocks that are set show in those of applications; clocks of now are low on an idle GPU."""
    settings = settings_of(run["platform"]["gpu"])
    lowered = [f"{what} at {set_to} of {most} MHz" for what, set_to, most in (
        ("SMs", settings.get("application_sm_mhz"), settings.get("max_sm_mhz")),
        ("memory", settings.get("application_memory_mhz"), settings.get("max_memory_mhz")))
        if set_to and most and set_to < most]
    reasons = settings.get("throttled") or []
    if not lowered and not reasons:
        return None
    return f"clocks are held down: {', '.join([*lowered, *reasons])}"


def another_mode(run, _):
    platform = run["platform"]
    if (platform["link"] or {}).get("kind") != COHERENT or memory_mode(platform["gpu"]) != "cdmm":
        return None
    return "the GPU is in CDMM mode: figures published with a mode are of NUMA mode"


def small_pages(run, _):
    """Where the GPU uses the host's page tables, faults and translations are by the host's pages."""
    platform = run["platform"]
    if not platform["gpu"]["memory_model"]["pageable_memory_access_uses_host_page_tables"]:
        return None
    return ("the host has pages of 4 KiB, and the GPU reads by its page tables"
            if platform["host"]["page_bytes"] == SMALL_PAGE else None)


def settings_of(part):
    return part.get("settings") or {}


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
MEASURED = ("primary", "secondary")  # not what is derived from another machine, or a maker's peak


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
    """What was measured of machines that have a profile, as entries."""
    for path in sorted(PROFILES.glob("*.json")):
        profile = read_json(path)["offload_bench_platform"]
        link = profile["link"]
        for name, (what, unit) in PROFILED.items():
            rate = profile["rates"].get(name)
            if rate and rate["grade"] in MEASURED:
                low, high = rate.get("range") or (rate["value"], rate["value"])
                scale = PER_SECOND[unit]
                yield {"what": what, "unit": unit, "calibration": name,
                       "platform": {"names": profile["gpu"]["names"], "link": link["kind"]},
                       "low": low * scale, "high": high * scale, "over": link,
                       "source": rate["source"], "grade": rate["grade"]}


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
