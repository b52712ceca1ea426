# SPDX-License-Identifier: Apache-2.0
"""Ranks of a job, by the environments of real launchers: each writes a file of its own, the first one alone
is heard, and offload-results puts them together."""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from offload_results import comparability, merge, results, schema, table  # noqa: E402
from offload_results.results import BadInput  # noqa: E402

BENCH = os.environ.get("OFFLOAD_BENCH")
RANKS = 4
SMALL = ["--policies", "host_compute", "--workloads", "gemv", "--tensor", "w:256x256:bf16", "--samples", "3",
         "--threads", "1"]
LAUNCHERS = {
    "slurm": lambda rank: {"SLURM_PROCID": rank, "SLURM_STEP_NUM_TASKS": RANKS, "SLURM_LOCALID": rank % 2,
                           "SLURM_NTASKS_PER_NODE": 2, "PMI_RANK": rank, "PMI_SIZE": RANKS},
    "open-mpi": lambda rank: {"OMPI_COMM_WORLD_RANK": rank, "OMPI_COMM_WORLD_SIZE": RANKS,
                              "OMPI_COMM_WORLD_LOCAL_RANK": rank, "OMPI_COMM_WORLD_LOCAL_SIZE": RANKS},
    "pmi": lambda rank: {"PMI_RANK": rank, "PMI_SIZE": RANKS},
}

pytestmark = pytest.mark.skipif(not BENCH, reason="OFFLOAD_BENCH names no program")


def environment(launcher, rank):
    return {**os.environ, **{name: str(value) for name, value in LAUNCHERS[launcher](rank).items()}}


def start(folder, launcher, rank, arguments=tuple(SMALL), **more):
    return subprocess.Popen([BENCH, *arguments, "--output", folder], env={**environment(launcher, rank), **more},
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ran(processes):
    return [(*process.communicate(timeout=120), process.returncode) for process in processes]


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    """{launcher: (folder, what each rank printed)}"""
    folder = tmp_path_factory.mktemp("jobs")
    return {launcher: (folder / launcher, ran([start(folder / launcher, launcher, rank) for rank in range(RANKS)]))
            for launcher in LAUNCHERS}


@pytest.fixture
def job(jobs, tmp_path):
    """A copy of one, to be changed."""
    for path in jobs["slurm"][0].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def changed(path, change):
    document = json.loads(path.read_text())
    change(document["offload_bench"])
    path.write_text(json.dumps(document))


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_each_rank_writes_a_file_of_its_own(jobs, launcher):
    folder, _ = jobs[launcher]
    assert sorted(path.name for path in folder.iterdir()) == [f"rank-{rank:04}.json" for rank in range(RANKS)]
    for rank in range(RANKS):
        document = json.loads((folder / f"rank-{rank:04}.json").read_text())
        assert not schema.errors_in(document)
        found = document["offload_bench"]["rank"]
        assert (found["index"], found["size"], found["launcher"]) == (rank, RANKS, launcher)
        assert not found["synchronised"]


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_the_first_alone_is_heard(jobs, launcher):
    _, printed = jobs[launcher]
    assert [code for *_, code in printed] == [0] * RANKS
    assert "host_compute" in printed[0][0]
    assert [(out, err) for out, err, _ in printed[1:]] == [("", "")] * (RANKS - 1)


@pytest.mark.parametrize("command", [["explain", "gemv/host_compute/w/steady"], ["memory-cost", "--loading"]])
def test_whatever_measures_has_ranks(tmp_path, command):
    arguments = [*command, *SMALL[-6:]] if command[0] == "explain" else command
    printed = ran([start(tmp_path, "slurm", rank, arguments) for rank in range(2)])
    assert [code for *_, code in printed] == [0, 0], printed
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rank-0000.json", "rank-0001.json"]
    assert printed[0][0] and not printed[1][0]


def test_an_error_says_whose_it_is(tmp_path):
    on_gpus = ["--policies", "device_resident", *SMALL[2:]]
    for rank in (0, 3):
        out, err, code = ran([start(tmp_path / "job", "slurm", rank, on_gpus, CUDA_VISIBLE_DEVICES="")])[0]
        assert (out, code) == ("", 3)
        assert err.startswith(f"offload_bench: rank {rank}: nothing to measure") and err.count("\n") == 1


def test_a_process_by_itself_is_no_rank(tmp_path):
    """As in the batch script of a job: it has tasks, and this is none of them."""
    path = tmp_path / "run.json"
    run = subprocess.run([BENCH, *SMALL, "--output", path], capture_output=True, text=True, check=False,
                         env={**os.environ, "SLURM_PROCID": "0", "SLURM_NTASKS": "4", "SLURM_LOCALID": "0"})
    assert run.returncode == 0, run.stderr
    assert "rank" not in json.loads(path.read_text())["offload_bench"]


@pytest.mark.parametrize("variables, said", [
    ({"SLURM_PROCID": "4"}, "SLURM_PROCID=4 in the environment is no rank of SLURM_STEP_NUM_TASKS=4"),
    ({"SLURM_PROCID": "first"}, "SLURM_PROCID=first in the environment is no number"),
])
def test_what_contradicts_itself_is_refused(tmp_path, variables, said):
    out, err, code = ran([start(tmp_path / "job", "slurm", 0, **variables)])[0]
    assert (out, code) == ("", 2)
    assert said in err and err.count("\n") == 1
    assert not (tmp_path / "job").exists()


def test_a_file_that_all_would_write_is_refused(tmp_path):
    out, err, code = ran([start(tmp_path / "run.json", "slurm", 1)])[0]
    assert (out, code) == ("", 2)
    assert "would be written by every rank: name a folder" in err and err.count("\n") == 1


def test_merged_they_are_one_file_by_rank(job):
    document = merge.merge([str(job)])
    assert not schema.errors_in(document)
    run = document["offload_bench"]
    assert run["complete"] and "rank" not in run
    assert [source["run"]["rank"]["index"] for source in run["sources"]] == list(range(RANKS))
    assert len(run["cases"]) == RANKS


def written(job, document):
    path = job / "merged.json"
    path.write_text(json.dumps(document))
    return str(path)


def test_the_sum_is_of_all_bytes_over_the_slowest(job):
    def take(seconds):
        def change(run):
            [case] = run["cases"]
            case["samples_s"] = [seconds] * 3
            for name in ("median_s", "mean_s", "min_s", "max_s", "p05_s", "p25_s", "p75_s", "p95_s", "p99_s"):
                case["summary"][name] = seconds
            case["gb_per_s"] = case["bytes"]["requested"] / seconds / 1e9
            case["variability"] = {"kind": "gpu", "run_to_run": 0.004}
        return change
    for rank, seconds in enumerate((1e-6, 2e-6, 4e-6, 1e-6)):
        changed(job / f"rank-{rank:04}.json", take(seconds))
    text = table.render([written(job, merge.merge([str(job)]))], "ranks:gemv")
    # 131072 bytes each; all of them in 4 us. Two digits, as of whatever the CPU computes.
    assert "| `host_compute` | steady | 130 | 66 | 33 | 130 | 130 | rank 2 |" in text


def test_a_rank_that_is_missing_is_named_and_the_others_are_kept(job):
    (job / "rank-0002.json").unlink()
    document = merge.merge([str(job)])
    run = document["offload_bench"]
    assert not run["complete"]
    assert "rank 2 of 4 is missing" in run["incomplete_reason"]
    assert len(run["cases"]) == RANKS - 1
    text = table.render([written(job, document)], "ranks:gemv")
    assert "3 of 4 ranks" in text


def test_a_rank_that_was_killed_is_named_and_the_others_are_kept(tmp_path):
    folder = tmp_path / "job"
    longer = [*SMALL[:-4], "--samples", "2000", "--threads", "1", "--policies", "host_compute,file_host_compute"]
    ranks = [start(folder, "slurm", rank, longer if rank == 1 else SMALL) for rank in range(RANKS)]
    deadline = time.monotonic() + 60
    while not list(folder.glob("rank-0001.json.*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    ranks[1].send_signal(signal.SIGKILL)
    codes = [code for *_, code in ran(ranks)]
    assert codes[1] == -signal.SIGKILL and codes[0] == codes[2] == codes[3] == 0
    out = tmp_path / "merged.json"
    # Its arguments differ, as a rank's of one job do not; it is not there to be held against the others.
    done = subprocess.run([sys.executable, ROOT / "scripts/offload-results", "merge", folder, "--output", out],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "rank 1 of 4 is missing" in done.stderr
    assert len(json.loads(out.read_text())["offload_bench"]["sources"]) == RANKS - 1


def test_a_rank_that_ended_early_is_named(job):
    changed(job / "rank-0003.json", lambda run: run.update(complete=False, incomplete_reason="interrupted by SIGTERM"))
    run = merge.merge([str(job)])["offload_bench"]
    assert "rank-0003.json: interrupted by SIGTERM" in run["incomplete_reason"]
    assert len(run["cases"]) == RANKS


@pytest.mark.parametrize("damage, said", [
    (lambda path: path.write_text(path.read_text()[:200]), "not JSON"),
    (lambda path: changed(path, lambda run: run["cases"][0].pop("bytes")), "not valid|not a case"),
    (lambda path: path.write_text(""), "an empty file"),
])
def test_a_rank_that_cannot_be_read_is_named_and_the_others_are_kept(job, damage, said):
    damage(job / "rank-0002.json")
    run = merge.merge([str(job)])["offload_bench"]
    assert not run["complete"] and len(run["cases"]) == RANKS - 1
    assert "rank 2 of 4 cannot be read: " in run["incomplete_reason"]
    assert re.search(said, run["incomplete_reason"])
    out = job / "merged.json"
    done = subprocess.run([sys.executable, ROOT / "scripts/offload-results", "merge", job, "--output", out],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stderr.count("\n") == 1
    assert "rank 2 of 4 cannot be read: " in done.stderr
    with pytest.raises(BadInput, match=said):  # named by itself it must be whole
        merge.merge([str(job / f"rank-{rank:04}.json") for rank in (0, 2)])


def test_a_job_of_which_nothing_can_be_read_is_refused(job):
    for path in job.iterdir():
        path.write_text("")
    with pytest.raises(BadInput, match="rank-0000.json: an empty file"):
        merge.merge([str(job)])


def test_a_merged_job_and_one_of_its_ranks_are_told_apart(job):
    rank = str(job / "rank-0001.json")
    whole = written(job, merge.merge([str(job)]))
    with pytest.raises(BadInput, match="merged.json: the merged ranks of a job, among them .*rank-0001.json: "):
        merge.merge([whole, rank])
    changed(pathlib.Path(rank), lambda run: run.update(started_at="2020-01-01T00:00:00Z"))
    with pytest.raises(BadInput, match="rank-0001.json is rank 1 of one: merge the folder"):
        merge.merge([whole, rank])


def test_who_is_heard_is_no_difference_between_ranks(job):
    whole = results.load(written(job, merge.merge([str(job)])))
    assert {run["options"]["quiet"] for run in whole.runs} == {True, False}  # the first alone is
    assert not any("quiet" in str(one) for one in comparability.differences(whole, whole, True))


def gpu(uuid):
    return json.loads((ROOT / "results/h200-sxm-pcie5/quick.json").read_text())["offload_bench"]["platform"]["gpu"] | {
        "uuid": uuid}


@pytest.mark.parametrize("change, said", [
    (lambda run: run["rank"].update(index=0), "rank 0, as .*rank-0000.json is"),
    (lambda run: run["rank"].update(size=8), "of another job than .*rank-0000.json"),
    (lambda run: run["argv"].append("--graph"), "of another job than .*rank-0000.json"),
    (lambda run: run.pop("rank"), "no rank of a job"),
])
def test_what_is_not_of_one_job_is_refused(job, change, said):
    changed(job / "rank-0001.json", change)
    with pytest.raises(BadInput, match=said):
        merge.merge([str(job)])


def test_two_ranks_on_one_gpu_are_refused(job):
    for rank, uuid in enumerate(("GPU-a", "GPU-b", "GPU-a", "GPU-c")):
        changed(job / f"rank-{rank:04}.json", lambda run, uuid=uuid: run["platform"].update(
            gpu=gpu(uuid), gpu_absent_reason=None))
    with pytest.raises(BadInput, match="rank-0002.json: measured the GPU that .*rank-0000.json did"):
        merge.merge([str(job)])


def test_a_folder_without_ranks_is_refused(tmp_path):
    with pytest.raises(BadInput, match="is a directory without rank-NNNN.json"):
        merge.merge([str(tmp_path)])


def test_a_table_by_rank_is_of_ranks(tmp_path):
    with pytest.raises(BadInput, match="not of the ranks of a job"):
        table.render([str(ROOT / "results/h200-sxm-pcie5/quick.json")], "ranks:gemv")
    with pytest.raises(BadInput, match="made from one file"):
        table.render(["a.json", "b.json"], "ranks:gemv")
