# SPDX-License-Identifier: Apache-2.0
"""Results of a run on several GPUs: every set of GPUs is apart from the others, wherever cases are held
against each other."""
import copy
import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
import results_builder as make  # noqa: E402
from offload_results import merge, plot, results, sanity, table  # noqa: E402
from offload_results.figures import gpus, runs  # noqa: E402
from offload_results.figures.data import NoData  # noqa: E402
from offload_results.page import build  # noqa: E402
from offload_results.results import BadInput  # noqa: E402


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    """Two GPUs of one host, with round numbers: tests/unit/synthetic_run.cpp."""
    bench = os.environ.get("OFFLOAD_BENCH")
    if not bench:
        pytest.skip("OFFLOAD_BENCH names no program")
    folder = tmp_path_factory.mktemp("samples")
    subprocess.run([pathlib.Path(bench).parent / "tests/write_sample_results", folder], check=True,
                   capture_output=True)
    return json.loads((folder / "two-gpus.json").read_text())


@pytest.fixture
def saved(document, tmp_path):
    def save(change=lambda run: None):
        changed = copy.deepcopy(document)
        change(changed["offload_bench"])
        path = tmp_path / "run.json"
        path.write_text(json.dumps(changed))
        return path
    return save


def found(path):
    return [f"{finding.where}: {finding.text}" for finding in sanity.findings(results.load(path))]


def case(run, name):
    return next(case for case in run["cases"] if case["name"] == name)


BOTH = "gemv/pinned_copy/toy.w/steady/gpus:0+1"


def test_cases_of_each_set_have_a_key_of_their_own(saved):
    keys = results.load(saved()).by_key()
    assert len(keys) == 9
    assert {str(key) for key in keys if key.policy == "pinned_copy"} == {
        f"gemv/pinned_copy/toy.w/steady/gpus:{gpus}" for gpus in ("0", "1", "0+1")}


def test_nothing_is_wrong_with_them(saved):
    assert found(saved()) == []


@pytest.mark.parametrize("change, said", [
    (lambda run: case(run, BOTH)["members"][0]["samples_s"].__setitem__(1, 1e-3),
     "its samples are not those of the slowest"),
    (lambda run: case(run, BOTH)["members"][0].update(bytes=1), "its members for 100000001"),
    (lambda run: case(run, BOTH)["together"].update(ratio=0.5), "keeps 0.5 of 100 GB/s alone"),
    (lambda run: case(run, BOTH)["together"].update(alone_gb_per_s=50.0), "keeps 1 of 50 GB/s alone"),
    (lambda run: run["cases"].remove(case(run, "gemv/pinned_copy/toy.w/steady/gpus:1")),
     "compared with cases alone that are not there"),
    (lambda run: run["together"]["start_skew_s"].update(median_s=30e-6), "GPUs begin 30 us apart"),
    (lambda run: case(run, BOTH).update(gpus=[0, 2]), "its fields make the name"),
])
def test_what_cannot_be_true_is_told(saved, change, said):
    assert any(said in text for text in found(saved(change)))


def test_two_links_carry_what_one_cannot(saved):
    """100 GB/s over links of 63 GB/s each are none too many; over one they are."""
    assert not any("over the link" in text for text in found(saved()))

    def alone(run):
        one = case(run, BOTH)
        del one["members"], one["together"]
    assert any("over the link" in text for text in found(saved(alone)))


def test_a_table_of_a_workload_is_of_the_largest_set(saved):
    text = table.render([str(saved())], "gemv")
    assert text.count("`pinned_copy`") == 1
    assert "| `pinned_copy` | steady | 2.00 ms | 100 |" in text


def test_a_table_of_sets_tells_what_being_together_costs(saved):
    text = table.render([str(saved())], "gpus:gemv")
    assert "| policy | start | GPU 0 | GPU 1 | GPUs 0+1 | of alone |" in text
    assert "| `pinned_copy` | steady | 50.0 | 50.0 | 100 | 100 % |" in text
    assert "| `host_compute` | steady | 100 | 100 | 100 | 50 % |" in text
    assert "managed_demand" not in text  # it failed together


def test_a_table_of_sets_needs_several_gpus(saved):
    def one(run):
        run["cases"] = [case for case in run["cases"] if len(case["gpus"]) == 1]
        for alone in run["cases"]:
            del alone["gpus"]
    with pytest.raises(BadInput, match="stands there twice|no case of gemv"):
        table.render([str(saved(one))], "gpus:gemv")


def test_more_gpus_are_simulated_from_each_alone(saved):
    """80 GB/s are what the CPUs read together. Copies: 50 GB/s on each link until memory gives no more. The CPU's part:
    each GPU's half of the cores reads 100 GB/s from its caches alone, so memory holds 100, whoever reads."""
    text = table.render([str(saved())], "simulated-gpus:1,2,4")
    assert text.startswith("Simulated, not measured: from a run on 2 GPUs")
    assert "| policy | start | simulated 1 GPU | simulated 2 GPUs | simulated 4 GPUs |" in text
    assert "| `pinned_copy` | steady | 50 (100 %) | 80 (80 %) | 80 (40 %) |" in text
    assert "| `host_compute` | steady | 100 (100 %) | 100 (50 %) | 100 (25 %) |" in text


def one_gpu(tmp_path, **how):
    """64 MiB in 1.31 ms: 51.2 GB/s."""
    cases = [make.case(), make.case(policy="host_compute", path="host_memory", cpu_bytes=64 * 2**20),
             make.case(policy="hybrid_split", cpu_bytes=32 * 2**20, link_bytes=32 * 2**20),
             make.case(policy="device_resident", path="device_memory")]
    rates = {**make.calibration(), "host_read_bytes_per_second": 128.07e9}
    return str(make.write(tmp_path / "one.json", make.run(cases, calibration=rates, **how)))


def test_one_gpu_is_enough_to_simulate_more(tmp_path):
    """Host memory gives 128.07 GB/s, 2.5 times what a pass takes. The cores have no more than they reached alone."""
    text = table.render([one_gpu(tmp_path)], "simulated-gpus:1,2,4,8,gemv")
    assert text.startswith("Simulated, not measured: from a run on 1 GPU, whose CPUs read host memory at 128 GB/s")
    assert "| `pinned_zero_copy` | steady | 51 (100 %) | 100 (100 %) | 130 (62 %) | 130 (31 %) |" in text
    assert "| `hybrid_split` | steady | 51 (100 %) | 100 (100 %) | 130 (62 %) | 130 (31 %) |" in text
    assert "| `host_compute` | steady | 51 (100 %) | 51 (50 %) | 51 (25 %) | 51 (12 %) |" in text
    assert "device_resident" not in text


@pytest.mark.parametrize("chosen, said", [
    ("", "takes numbers of GPUs"), (":0", "takes numbers"), (":65", "takes numbers"), (":2,a,b", "at most one workload"),
    (":2,gemm", "no case of gemm has passed"),
])
def test_what_cannot_be_simulated_is_refused(tmp_path, chosen, said):
    with pytest.raises(BadInput, match=said):
        table.render([one_gpu(tmp_path)], f"simulated-gpus{chosen}")


def test_a_figure_is_over_the_number_of_gpus(saved):
    [run] = runs.load([saved()])
    [figure] = gpus.figures([run])
    [panel] = figure.panels
    assert {curve.policy: [(point.x, point.y, point.note) for point in curve.points] for curve in panel.curves} == {
        "pinned_copy": [(1, 50.0, ""), (2, 100.0, " (100 %)")],
        "host_compute": [(1, 100.0, ""), (2, 100.0, " (50 %)")],
        "managed_demand": [(1, 10.0, "")]}  # it failed together
    assert {curve.policy: [(point.x, point.y) for point in curve.points] for curve in panel.ideals} == {
        "pinned_copy": [(1, 50.0), (2, 100.0)], "host_compute": [(1, 100.0), (2, 200.0)],
        "managed_demand": [(1, 10.0)]}
    assert any("managed_demand/toy.w/steady/gpus:0+1: failed, GPU 1: out of memory" in note for note in figure.notes)


def test_its_title_says_what_is_kept(saved):
    def change(run):
        for one in run["cases"]:
            one["family"] = {"pinned_copy": "copy", "host_compute": "cpu", "managed_demand": "managed"}[one["policy"]]
        case(run, BOTH)["together"]["ratio"] = 0.99
        case(run, BOTH.replace("pinned_copy", "host_compute"))["together"]["ratio"] = 0.52
    [figure] = gpus.figures(runs.load([saved(change)]))
    assert figure.title == "2 GPUs: copies keep 99 %, the CPU's part 52 %"


def test_the_page_has_it_where_the_run_has_several(saved, tmp_path):
    pytest.importorskip("matplotlib", reason="needs python3-matplotlib")
    titled = "2 GPUs: the rest keeps 100 %, "  # of policies without a family
    assert titled in build.html_of([saved()])[0]
    assert " GPUs: " not in build.html_of([one_gpu(tmp_path)])[0]


def test_one_gpu_is_no_figure_of_several(tmp_path):
    path = one_gpu(tmp_path)
    with pytest.raises(BadInput, match="nothing to draw for gpus: no case that has passed on several GPUs together"):
        plot.data_of([path], ["gpus"])
    with pytest.raises(NoData):
        gpus.figures(runs.load([path]))


def test_merged_runs_keep_their_sets(saved, tmp_path):
    other = tmp_path / "other.json"

    def later(run):
        run["started_at"] = "2026-01-03T03:04:05Z"
    other.write_text(saved(later).read_text())
    merged = merge.merge([str(saved()), str(other)])
    assert len(merged["offload_bench"]["cases"]) == 18
    assert all("gpus" in case for case in merged["offload_bench"]["cases"])


@pytest.mark.parametrize("gpus", ["0+1", [0, "1"], {"0": 1}, [True]])
def test_what_is_no_set_of_gpus_is_refused(saved, gpus):
    with pytest.raises(BadInput, match="is not a case"):
        results.load(saved(lambda run: run["cases"][0].update(gpus=gpus)))
