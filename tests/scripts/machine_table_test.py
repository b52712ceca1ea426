# SPDX-License-Identifier: Apache-2.0
"""Tables of committed machines and of how long runs took. Needs pytest."""
import sys

import pytest

from committed import ROOT
from results_builder import build, calibration, case, gpu, host, link, platform, run, write

sys.path.insert(0, str(ROOT / "scripts"))
from offload_results.tables import machines  # noqa: E402
from offload_results import table as tables  # noqa: E402
from offload_results.results import BadInput  # noqa: E402

ATS = {"pageable_memory_access": True, "pageable_memory_access_uses_host_page_tables": True}


def grace(**model):
    one = gpu(name="NVIDIA GH200 480GB", driver_release="590.48.01")
    return {**one, "memory_model": {**one["memory_model"], **model}}


def put(folder, name="quick.json", gpu=gpu(), started_at="2027-03-01T00:00:00Z", **changes):
    folder.mkdir(exist_ok=True)
    machine = platform(gpu=gpu, link=link("nvlink-c2c", None, None, 450e9) if gpu else None, host=host(cpu="Grace"))
    write(folder / name, run([case()] if gpu else [], platform=machine, started_at=started_at, **changes))


def rows(folder):
    return [line.strip("| ").split(" | ") for line in tables.render([folder], "machines").splitlines()[2:]]


def test_a_machine_has_a_line(tmp_path):
    put(tmp_path / "gh200", gpu=grace(**ATS, gpu_is_numa_node=True))
    put(tmp_path / "gh200", "decode.json", gpu=grace(**ATS, gpu_is_numa_node=True), started_at="2027-04-01T00:00:00Z")
    put(tmp_path / "cpu", gpu=None, calibration=calibration(gpu=False))
    for other in ("platforms", "schema", "baselines"):
        (tmp_path / other).mkdir()
    (tmp_path / "cpu/tool.json").write_text('{"results": []}')
    assert rows(tmp_path) == [
        ["[`cpu`](cpu/)", "-", "-", "-", "Grace, 16 CPUs", "1", "2027-03",
         "0123456789ab"],
        ["[`gh200`](gh200/)", "NVIDIA GH200 480GB, NVLink-C2C, driver 590.48.01", "NUMA mode", "55.0 of 450 GB/s",
         "Grace, 16 CPUs", "2", "2027-03 to 2027-04", "0123456789ab"]]


def test_the_link_is_what_each_run_measured_of_it(tmp_path):
    put(tmp_path / "one", calibration=calibration(copy_rate=371.4e9))
    put(tmp_path / "one", "again.json", calibration=calibration(copy_rate=368e9))
    assert rows(tmp_path)[0][3] == "368 to 371 of 450 GB/s"


def test_the_commit_is_that_of_the_latest_run(tmp_path):
    put(tmp_path / "one", started_at="2027-04-01T00:00:00Z", build=build(git_commit="fedcba9876543210"))
    put(tmp_path / "one", "older.json")
    put(tmp_path / "two", build=build(git_commit=None))
    assert [row[-1] for row in rows(tmp_path)] == ["fedcba987654", "-"]


def test_names_do_not_leave_their_cell(tmp_path):
    put(tmp_path / "one", gpu=gpu(name="A | B"))
    assert len(rows(tmp_path)[0]) == 8 and rows(tmp_path)[0][1].startswith("A &#124; B, ")


@pytest.mark.parametrize("model,mode", [
    ({}, "no HMM"), ({"pageable_memory_access": True}, "HMM"), ({**ATS, "gpu_is_numa_node": True}, "NUMA mode"),
    ({**ATS, "gpu_is_numa_node": False}, "CDMM"), ({**ATS, "gpu_is_numa_node": None}, "not known")])
def test_the_mode_follows_from_the_attributes_where_it_is_not_named(tmp_path, model, mode):
    put(tmp_path / "one", gpu=grace(**model))
    assert rows(tmp_path)[0][2] == mode


def test_a_mode_that_is_named_is_taken(tmp_path):
    put(tmp_path / "one", gpu={**grace(), "memory_mode": "one_memory"})
    assert rows(tmp_path)[0][2] == "one memory"


def test_two_modes_do_not_share_a_folder(tmp_path):
    put(tmp_path / "gh200", gpu=grace(**ATS, gpu_is_numa_node=True))
    put(tmp_path / "gh200", "other.json", gpu=grace(**ATS, gpu_is_numa_node=False))
    with pytest.raises(BadInput, match="gh200: runs of several GPUs, or of one in two memory modes"):
        rows(tmp_path)


def test_drivers_may_differ(tmp_path):
    put(tmp_path / "gh200", gpu=grace())
    put(tmp_path / "gh200", "rerun.json", gpu={**grace(), "driver_release": "615.10"})
    assert rows(tmp_path)[0][1].endswith("driver 590.48.01; NVIDIA GH200 480GB, NVLink-C2C, driver 615.10")


def test_a_folder_without_results_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="empty: no results in it"):
        rows(tmp_path)
    with pytest.raises(BadInput, match="none: not a folder"):
        rows(tmp_path / "none")
    with pytest.raises(BadInput, match="one folder"):
        tables.render([tmp_path, tmp_path], "machines")


def test_times_stand_beside_what_was_typed(tmp_path):
    argv = ["build/offload_bench", "--suite", "decode", "--model", "a b", "--redact", "--progress", "never", "--output", "x.json"]
    put(tmp_path / "one", argv=argv, wall_time={"total_s": 77.58})
    assert machines.times([tmp_path / "one/quick.json"]).splitlines()[2:] == [
        "| `--suite decode --model 'a b'` | 1 | 77.6 s |"]
