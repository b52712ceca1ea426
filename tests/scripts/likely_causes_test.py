# SPDX-License-Identifier: Apache-2.0
"""What is published of which machine, and what validate --reference says of a slower one: the likely
cause, from the file's own account of its machine. Needs pytest."""
import json
import pathlib
import sys

import pytest

from forked import script
from results_builder import calibration, case, gpu, gpu_settings, host, host_settings, link, run, write

ROOT = pathlib.Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from offload_results import reference, results  # noqa: E402

PROFILES = sorted((ROOT / "results/platforms").glob("*.json"))
COPIES = "copy engine, host to GPU"
C2C = link("nvlink-c2c", None, None, 450e9)
NOTHING = dict.fromkeys(reference.PROFILED)
ATS = {"pageable_memory_access": True, "pageable_memory_access_uses_host_page_tables": True}


def compared(gpu, link, rates, cases=(), **host_changes):
    document = run(list(cases), platform={"gpu": gpu, "gpu_absent_reason": None, "link": link,
                                 "host": host(**host_changes), "redacted": False},
                   calibration={**calibration(), **NOTHING, **rates})
    return {one.what: one for one in reference.comparisons(results.results_in("a.json", document, True))}


def grace(name="NVIDIA GH200 480GB", settings=None, **model):
    one = gpu(name=name)
    return {**one, "memory_model": {**one["memory_model"], **ATS, "gpu_is_numa_node": True, **model},
            "settings": settings or one["settings"]}


def causes(rates, link=C2C, gpu=None, what=COPIES, **host_changes):
    return compared(gpu or grace(), link, rates, **host_changes)[what].causes


def of_profile(path):
    """(profile, GPU, link): where CPU and GPU share one memory there is no link."""
    profile = json.loads(path.read_text(encoding="utf-8"))["offload_bench_platform"]
    its_gpu = gpu(name=profile["gpu"]["names"][0], compute_capability=profile["gpu"]["compute_capability"])
    its_link = {**link(), **{key: profile["link"][key] for key in ("kind", "generation", "width")}}
    return profile, its_gpu, None if profile["gpu"]["shares_host_memory"] else its_link


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_a_machine_like_its_profile_is_inside_and_one_half_as_fast_is_not(path):
    """Of all that a profile has but peaks, and what crosses a link that is not there."""
    profile, its_gpu, its_link = of_profile(path)
    measured = {name: rate for name, rate in profile["rates"].items()
                if name in reference.PROFILED and rate["grade"] != "vendor"
                and (its_link or name.startswith(("device_", "host_")))}
    alike = compared(its_gpu, its_link, {name: rate["value"] for name, rate in measured.items()})
    assert {reference.PROFILED[name][0] for name in measured} == set(alike)
    assert [one.what for one in alike.values() if one.outside] == []
    halved = compared(its_gpu, its_link, {
        name: rate["value"] * (2 if rate["unit"] == "s" else 0.5) for name, rate in measured.items()})
    assert [one.what for one in halved.values() if not one.slow] == []


@pytest.mark.parametrize("slug,known", [
    ("gh200-120gb", {COPIES, "copy engine, GPU to host", "SMs read pinned memory", "dependent reads of pinned memory",
                     "reads of GPU memory", "dependent reads of GPU memory", "SMs write pinned memory",
                     COPIES + ", the other way beside it", "copy engine, GPU to host, the other way beside it"}),
    ("gh200-144gb", {COPIES, "copy engine, GPU to host", "SMs read pinned memory", "dependent reads of pinned memory",
                     "the CPU's reads of its memory"}),  # all of them the part with 480 GB's
    ("gb200", {COPIES, "copy engine, GPU to host", "dependent reads of pinned memory",
               "the CPU's reads of its memory"}),
    ("gb300", {COPIES, "copy engine, GPU to host", "SMs read pinned memory"}),
    ("gb10", {"reads of GPU memory"}),
])
def test_what_is_published_of_grace(slug, known):
    _, its_gpu, its_link = of_profile(ROOT / f"results/platforms/{slug}.json")
    assert set(compared(its_gpu, its_link, dict.fromkeys(reference.PROFILED, 1.0))) == known


def test_no_figure_stands_twice():
    def key(entry, names):
        return {(name, entry.get("calibration"), entry["source"].split(" (")[0], entry["low"])
                for name in names}
    profiled = list(reference.profiled_entries())
    names = {name for entry in profiled for name in entry["platform"]["names"]}
    in_profiles = set().union(*(key(entry, entry["platform"]["names"]) for entry in profiled))
    for entry in results.read_json(reference.REFERENCE)["entries"]:
        wanted = entry["platform"].get("gpu")
        if wanted and "calibration" in entry:
            assert not key(entry, [name for name in names if wanted in name]) & in_profiles, entry["what"]


SLOW = {"copy_h2d_bytes_per_second": 250e9}


def test_a_machine_that_shows_no_cause_is_given_none():
    assert causes(SLOW) == []
    assert causes({"copy_h2d_bytes_per_second": 380e9}, gpu=grace(gpu_is_numa_node=False)) == []
    faster = compared(grace(gpu_is_numa_node=False), C2C, {"copy_h2d_bytes_per_second": 440e9})[COPIES]
    assert faster.outside and not faster.slow and faster.causes == []


@pytest.mark.parametrize("changes,cause", [
    ({"bound_node": 1}, "--host-numa took host memory from node 1, and the GPU is at node 0"),
    ({"settings": host_settings(memory_nodes=[1])}, "no memory could be had of node 0, where the GPU is"),
    ({"bound_node": 0}, None),
    ({"settings": host_settings(memory_nodes=[0, 1])}, None),
])
def test_memory_of_another_node(changes, cause):
    assert causes(SLOW, **changes) == ([cause] if cause else [])
    of_cpu = causes({"host_read_bytes_per_second": 100e9}, what="the CPU's reads of its memory", **changes)
    assert of_cpu == ([cause] if cause else [])
    assert causes({"device_read_bytes_per_second": 1e12}, what="reads of GPU memory", **changes) == []


def test_the_node_of_the_pci_device_comes_first():
    at_node_1 = {**grace(), "pci": {"numa_node": 1}}
    assert causes(SLOW, gpu=at_node_1, bound_node=1) == []
    assert "and the GPU is at node 1" in causes(SLOW, gpu=at_node_1, bound_node=0)[0]


@pytest.mark.parametrize("settings,cause", [
    ({"application_memory_mhz": 1313, "max_memory_mhz": 2619}, "clocks are held down: memory at 1313 of 2619 MHz"),
    ({"application_sm_mhz": 1500, "max_sm_mhz": 1980, "throttled": ["power cap"]},
     "clocks are held down: SMs at 1500 of 1980 MHz, power cap"),
    ({"application_memory_mhz": 2619, "max_memory_mhz": 2619, "throttled": []}, None),
    ({"memory_mhz": 405, "max_memory_mhz": 10501}, None),  # idle
    ({"throttled": ["application clocks", "sync boost"]}, None),  # chosen
])
def test_clocks_that_are_held_down(settings, cause):
    slow = grace(settings=gpu_settings(**settings))
    for what, rates in ((COPIES, SLOW), ("reads of GPU memory", {"device_read_bytes_per_second": 1e12})):
        assert causes(rates, gpu=slow, what=what) == ([cause] if cause else [])


def pci(iommu):
    return {"pci": {"numa_node": None, "iommu": iommu}}


CARD = {"name": "NVIDIA GeForce RTX 4090"}
CARD_LINK = link("pcie", 4, 16)


@pytest.mark.parametrize("changes,cause", [
    (pci("DMA-FQ"), "the IOMMU translates every address that the GPU reads (DMA-FQ)"),
    (pci("identity"), None), (pci("none"), None), (pci(None), None),
    ({"settings": gpu_settings(confidential_compute=True)}, "confidential compute encrypts what crosses the link"),
    ({"settings": gpu_settings(mig=True)}, "MIG is on: an instance has a part of the GPU"),
    ({"free_bytes": 40 * 2**30}, "others use the GPU: 40 GiB of its memory were taken"),
    ({"free_bytes": 75 * 2**30}, None),  # this program's own
])
def test_what_stands_between_a_card_and_its_rate(changes, cause):
    assert causes({"copy_h2d_bytes_per_second": 12e9}, CARD_LINK, gpu(**CARD, **changes)) == ([cause] if cause else [])


def test_ats_translates_by_the_iommu_and_numa_mode_counts_page_cache():
    assert causes(SLOW, gpu={**grace(), **pci("DMA")}) == []
    assert causes(SLOW, gpu={**grace(), "free_bytes": 2**30}) == []


def test_a_guest_sees_only_itself():
    of_guest = {"settings": host_settings(virtual_machine=True)}
    assert causes(SLOW, **of_guest) == ["the host is a virtual machine, whose own host is not seen"]


def test_the_mode_of_the_machine():
    assert causes(SLOW, gpu=grace(gpu_is_numa_node=False)) == [
        "the GPU is in CDMM mode: figures published with a mode are of NUMA mode"]
    assert causes(SLOW, gpu=grace(gpu_is_numa_node=None)) == []  # the driver does not say


@pytest.mark.parametrize("gpu,page_bytes,cause", [
    (grace(), 4096, "the host has pages of 4 KiB, and the GPU reads by its page tables"),
    (grace(), 65536, None),
    (grace(pageable_memory_access_uses_host_page_tables=False), 4096, None),
])
def test_pages_of_4_kib_where_the_gpu_goes_by_the_hosts(gpu, page_bytes, cause):
    faults = case("stream_read", "managed_demand", start="cold", samples=[0.05])  # 1.3 GB/s
    slow = compared(gpu, C2C, SLOW, cases=[faults], page_bytes=page_bytes)
    assert slow["managed memory by page faults"].causes == ([cause] if cause else [])
    assert slow[COPIES].causes == []  # pinned memory is mapped in pages of its own


@pytest.mark.parametrize("generation,width,seen,cause", [
    (4, 8, {}, "the link is PCIe 4.0 x8, published over 4.0 x16"),
    (4, 16, {"link_generation": 3, "link_width": 16}, "the link is PCIe 3.0 x16, published over 4.0 x16"),
    (4, 16, {"link_generation": 4, "link_width": 16}, None),
])
def test_a_link_of_fewer_lanes(generation, width, seen, cause):
    rates = {"copy_h2d_bytes_per_second": 12e9, **seen}
    assert causes(rates, link=link("pcie", generation, width), gpu=gpu(name="NVIDIA GeForce RTX 4090")) == (
        [cause] if cause else [])


def test_a_published_fault_is_recognised_by_its_figure():
    """Memory that numactl took from elsewhere shows in no field of the file."""
    assert causes({"copy_h2d_bytes_per_second": 133e9}) == ["as published where the memory is on another Grace"]
    assert causes({"link_latency_s": 990e-9}, what="dependent reads of pinned memory") == [
        "as published where the memory is on another Grace"]


def test_the_command_names_the_cause(tmp_path):
    machine = {"gpu": grace("NVIDIA GH200 120GB"), "gpu_absent_reason": None, "link": C2C,
               "host": host(bound_node=1), "redacted": False}
    path = write(tmp_path / "a.json", run([], platform=machine, calibration=calibration(copy_rate=133e9)))
    done = script("offload-results", "validate", "--reference", path, "--json", tmp_path / "found.json")
    assert done.returncode == 0
    assert "likely: --host-numa took host memory from node 1, and the GPU is at node 0" in done.stdout
    [of_file] = json.loads((tmp_path / "found.json").read_text())["files"]
    [copies] = [one for one in of_file["published"] if one["what"] == COPIES]
    assert copies["likely_causes"] == ["--host-numa took host memory from node 1, and the GPU is at node 0"]
