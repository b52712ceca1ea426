# SPDX-License-Identifier: Apache-2.0
"""What each collector says of a case: its figures, or why there are none. FIELDS is how they are
written in the page, in this order, and what they are called there."""
from ..figures.evidence import found
from .packing import rounded

CAUSES = (
    ("fault", "page faults"), ("around_fault", "around faults, the driver's guess"),
    ("prefetch", "prefetch calls"), ("eviction", "eviction"),
    ("access_counters", "access counters"), ("other", "other causes"))

# collector: (its title, ((field, what it is called, kind), ...)). Kinds: MB and GB are decimal.
FIELDS = {
    "um": ("Unified memory: faults and migration, by the driver's counters", (
        ("gpu_fault_groups", "groups of GPU page faults", "count"),
        ("remote_maps", "regions mapped to be read over the link", "count"),
        ("cpu_faults", "CPU page faults on the weights", "count"),
        ("thrashing", "thrashing", "count"), ("throttling", "throttling", "count"),
        ("bytes_read", "read by the counted pass", "decimal bytes"),
        ("to_device.total", "moved to the GPU", "decimal bytes"),
        *((f"to_device.{cause}", f"moved to the GPU: {text}", "cause") for cause, text in CAUSES),
        ("to_host.total", "moved to the host", "decimal bytes"),
        *((f"to_host.{cause}", f"moved to the host: {text}", "cause") for cause, text in CAUSES))),
    "cpu": ("CPU time of a pass", (
        ("process_s", "this process, waiting for the GPU included", "seconds"),
        ("driver_s", "the driver's kernel threads", "seconds"))),
    "link": ("What the link carried in a pass, by the hardware's counters", (
        ("wire_bytes_to_device", "to the GPU, whole packets", "decimal bytes"),
        ("wire_bytes_to_host", "to the host, whole packets", "decimal bytes"),
        ("payload_bytes_to_device", "to the GPU, payload", "decimal bytes"))),
    "energy": ("Energy of the whole GPU", (
        ("joules_per_pass", "a pass", "joules"), ("watts", "power", "watts"),
        ("over_s", "measured over", "seconds"))),
    "page_faults": ("Page faults of this process in a pass", (
        ("minor", "minor", "count"), ("major", "major", "count"))),
    "residency": ("Where the weights' pages were after a pass", (
        ("pages_asked", "pages asked", "count"),
        ("not_on_cpu", "not mapped by the CPU: moved to the GPU", "count"),
        ("on_node", "by NUMA node", "pages by node"),
        ("last_prefetch", "last prefetched to", "text"))),
    "gpu": ("The GPU before and after the samples", (
        ("sm_mhz_before", "SM clock before", "MHz"), ("sm_mhz_after", "SM clock after", "MHz"),
        ("memory_mhz_before", "memory clock before", "MHz"),
        ("memory_mhz_after", "memory clock after", "MHz"),
        ("throttled_before", "held the clocks down before", "texts"),
        ("throttled_after", "held the clocks down after", "texts"),
        ("pcie_generation", "PCIe generation under load", "count"),
        ("pcie_width", "PCIe lanes under load", "count"),
        ("c2c_links", "C2C links active", "count"))),
    "host": ("The host while samples were taken", (
        ("over_s", "for", "seconds"), ("cpus", "CPUs", "count"),
        ("steal_s", "CPU time given to other machines (steal)", "seconds"),
        ("others_s", "CPU time of other processes", "seconds"),
        ("load_average", "load of the last minute", "ratio"),
        ("cpu_mhz", "CPU clock after", "MHz"))),
}
RATIOS = (
    ("amplification", "bytes moved to the GPU / read", "ratio"),
    ("link_payload_per_requested", "payload over the link / bytes asked for", "ratio"),
    ("driver_cpu_s_per_gb", "CPU time of the driver per GB", "seconds"),
    ("process_cpu_s_per_gb", "CPU time of this process per GB", "seconds"),
    ("joules_per_gb", "energy per GB", "joules"),
)


def field(figures, path):
    for part in path.split("."):
        figures = (figures or {}).get(part)
    return figures


def before_1_2(figures):
    return {**figures, "to_device": {"total": figures.get("bytes_to_device")},
            "to_host": {"total": figures.get("bytes_to_host")}}


def of_case(case, table):
    """The index of [an index per collector, of its figures or of [state, reason], and one of the
    ratios]: cases have much of it in common."""
    evidence = case["evidence"]
    old = "um_state" in evidence
    row = []
    for collector, (_, fields) in FIELDS.items():
        state, reason, figures = found(evidence, collector)
        if state != "measured":
            row.append(table.index([state, reason]))
            continue
        if old:
            figures = before_1_2({**figures, "bytes_read": evidence["bytes_read"]})
        values = [written(field(figures, path), table) for path, _, _ in fields]
        if collector == "cpu" and figures.get("threads"):
            values.append([[table.index(name), rounded(seconds, 3)]
                           for name, seconds in figures["threads"].items()])
        row.append(table.index(values))
    ratios = [rounded(evidence.get(name), 4) for name, _, _ in RATIOS]
    if old and evidence["um"] and evidence["bytes_read"]:
        ratios[0] = rounded(evidence["um"]["bytes_to_device"] / evidence["bytes_read"], 4)
    return table.index([*row, table.index(ratios)])


def written(value, table):
    if isinstance(value, (str, list, dict)):
        return [table.index(value)]  # a list says that it is one
    return value if isinstance(value, int) and value < 10**6 else rounded(value, 4)  # counts whole


def legend():
    """How the page reads the rows."""
    return {
        "collectors": [
            {"key": key, "title": title,
             "fields": [{"name": name, "text": text, "kind": kind} for name, text, kind in fields]}
            for key, (title, fields) in FIELDS.items()],
        "ratios": [{"name": name, "text": text, "kind": kind} for name, text, kind in RATIOS],
    }
