# SPDX-License-Identifier: Apache-2.0
"""What a results file says of its own machine that would make a figure slower than those that others
published. Each cause is a function of the run and the published entry: a clause, or None."""
from .memory_mode import memory_mode

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
