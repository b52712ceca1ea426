# SPDX-License-Identifier: Apache-2.0
"""offload_bench doctor and offload-results validate --reference say the same of the same machine: which figures
are slow, by which ranges, and why. The machines are those of the platform profiles, written by
tests/write_sample_results beside the program that OFFLOAD_BENCH names. Needs pytest."""
import json
import os
import pathlib
import subprocess
import sys

import pytest

from committed import PLATFORMS, ROOT

sys.path.insert(0, str(ROOT / "scripts"))
from offload_results import reference, results  # noqa: E402

CHECKS = {"copies_to_gpu": "copy_h2d_bytes_per_second", "copies_to_host": "copy_d2h_bytes_per_second",
          "zero_copy_reads": "sm_read_pinned_bytes_per_second", "link_latency": "link_latency_s",
          "host_memory": "host_read_bytes_per_second"}
PUBLISHED = {path.stem for path in PLATFORMS}


@pytest.fixture(scope="module")
def machines(tmp_path_factory):
    program = os.environ.get("OFFLOAD_BENCH")
    if not program:
        pytest.skip("OFFLOAD_BENCH does not name the program")
    directory = tmp_path_factory.mktemp("samples")
    subprocess.run([pathlib.Path(program).parent / "tests/write_sample_results", directory], check=True)
    found = {path.name.removesuffix(".doctor.json"): json.loads(path.read_text())
             for path in (directory / "machines").glob("*.doctor.json")}
    assert {name.partition(".")[0] for name in found} == PUBLISHED
    return {name: (said, results.load(directory / f"machines/{name}.json", True)) for name, said in found.items()}


def by_profile(document):
    """{check: what it says} of checks that go by a profile."""
    return {one["check"]: one for one in document["checks"] if one["published"]}


def comparisons_of(whole):
    """{check: comparison}"""
    found = {one.what: one for one in reference.comparisons(whole) if one.where == "calibration"}
    return {check: found[what] for check, what in
            ((check, reference.PROFILED[rate][0]) for check, rate in CHECKS.items()) if what in found}


def test_both_know_the_same_ranges(machines):
    for name, (said, whole) in machines.items():
        figures = comparisons_of(whole)
        for check, one in by_profile(said).items():
            unit = reference.PER_SECOND[figures[check].unit]
            profiled = [entry for entry in figures[check].entries if "names" in entry["platform"]]
            assert [(entry["low"], entry["high"], entry["grade"], entry["source"]) for entry in profiled] == [
                (pytest.approx(each["low"] * unit), pytest.approx(each["high"] * unit), each["grade"], each["source"])
                for each in one["published"]["ranges"]], (name, check)


def test_what_one_compares_so_does_the_other(machines):
    for name, (said, whole) in machines.items():
        if not name.startswith("h100-sxm"):  # whose link has entries of its generation besides
            assert set(by_profile(said)) == set(comparisons_of(whole)), name


def test_both_call_the_same_figures_slow_and_name_the_same_causes(machines):
    slow = set()
    for name, (said, whole) in machines.items():
        figures = comparisons_of(whole)
        for check, one in by_profile(said).items():
            assert one["likely_causes"] == figures[check].causes, (name, check)
            if figures[check].slow:
                slow.add(name)
                assert one["verdict"] == "look here", (name, check)
            elif one["verdict"] == "look here":  # kernels that read slower than copies, whoever else does too
                assert (check, name.partition(".")[0]) == ("zero_copy_reads", "h100-sxm")
    of_kind = {kind: {name for name in machines if f".{kind}" in name}
               for kind in ("alike", "fast", "near", "beyond", "slow")}
    assert not slow & (of_kind["alike"] | of_kind["fast"] | of_kind["near"])
    assert {name for name in of_kind["slow"] if not name.startswith("gb10.")} <= slow
    assert {name for name in of_kind["beyond"] if name.startswith("gb200.")} <= slow  # a figure and no range


def test_a_spoilt_machine_shows_all_that_slows_it_down(machines):
    causes = by_profile(machines["rtx-4090.slow.spoilt"][0])["copies_to_gpu"]["likely_causes"]
    assert [cause.split()[0] for cause in causes] == [
        "--host-numa", "the", "clocks", "the", "confidential", "MIG", "others", "the"]
    assert causes[1] == "the link is PCIe 4.0 x8, published over 4.0 x16"
    assert causes[2] == "clocks are held down: SMs at 1500 of 1980 MHz, power cap"
    of_grace = by_profile(machines["gh200-480gb.slow.spoilt"][0])["link_latency"]["likely_causes"]
    assert "the GPU is in CDMM mode: figures published with a mode are of NUMA mode" in of_grace
    [elsewhere] = by_profile(machines["gh200-480gb.slow.elsewhere"][0])["link_latency"]["likely_causes"]
    assert elsewhere == "no memory could be had of node 0, where the GPU is"
