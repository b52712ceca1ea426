# SPDX-License-Identifier: Apache-2.0
"""What results say of their own machine that would make a figure slower than published ones. `offload_bench
doctor` says it of the machine that it runs on in the same words (bench/report/doctor_causes.cpp)."""
from . import text
from .runs import CHOSEN, memory_mode

COHERENT = "nvlink-c2c"
SMALL_PAGE = 4096
OTHERS_SHARE = 0.1  # of GPU memory; this program's own is less
ALL_ARE_COUNTED = ("separate", "hmm", "cdmm")  # where no page cache of the host counts as taken


def likely_causes(entries, run):
    """In the order in which to look at them."""
    found = [cause(run, entry) for entry in entries for cause in causes_of(entry)]
    return list(dict.fromkeys(filter(None, found)))


def causes_of(entry):
    """A link figure is that of copies and of reads in place; what a case reads is of either."""
    figure = entry.get("calibration", "case")
    if figure.startswith("device_"):
        return (lowered_clocks, partitioned, others)
    if figure.startswith("host_"):
        return (remote_node, another_mode, virtual_machine)
    pages = (small_pages,) if figure in ("case", "fault_bytes_per_second") else ()
    return (remote_node, narrow_link, lowered_clocks, translated, encrypted, partitioned, others, another_mode,
            *pages, virtual_machine)


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
        return f"no memory could be had of node {node}, where the GPU is"
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
    forced = [reason for reason in settings.get("throttled") or [] if reason not in CHOSEN]
    if not lowered and not forced:
        return None
    return f"clocks are held down: {', '.join([*lowered, *forced])}"


def translated(run, _):
    """Under ATS the IOMMU's translations are the GPU's own way to memory."""
    gpu = run["platform"]["gpu"]
    domain = (gpu.get("pci") or {}).get("iommu")
    if gpu["memory_model"]["pageable_memory_access_uses_host_page_tables"] or domain in (None, "none", "identity"):
        return None
    return f"the IOMMU translates every address that the GPU reads ({domain})"


def encrypted(run, _):
    on = settings_of(run["platform"]["gpu"]).get("confidential_compute")
    return "confidential compute encrypts what crosses the link" if on else None


def partitioned(run, _):
    on = settings_of(run["platform"]["gpu"]).get("mig")
    return "MIG is on: an instance has a part of the GPU" if on else None


def others(run, _):
    gpu = run["platform"]["gpu"]
    taken = gpu["memory_bytes"] - gpu["free_bytes"]
    if memory_mode(gpu) not in ALL_ARE_COUNTED or taken <= OTHERS_SHARE * gpu["memory_bytes"]:
        return None
    return f"others use the GPU: {text.size(taken)} of its memory were taken"


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


def virtual_machine(run, _):
    guest = settings_of(run["platform"]["host"]).get("virtual_machine")
    return "the host is a virtual machine, whose own host is not seen" if guest else None


def settings_of(part):
    return part.get("settings") or {}
