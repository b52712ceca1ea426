# SPDX-License-Identifier: Apache-2.0
"""scripts/slurm/gpus.sbatch and ranks.sbatch with stand-ins for the program and srun. tests/slurm/run.sh hands the
latter to a real Slurm. Needs pytest."""
import os
import pathlib
import shutil
import subprocess

import pytest

root = pathlib.Path(__file__).parent.parent.parent
CLEAN = {name: value for name, value in os.environ.items() if name not in ("OFFLOAD_BENCH", "MODEL")}
# Writes down how it was called; `FAILS` says which call ends how.
PROGRAM = """#!/bin/bash
echo "$*" >> "$CALLS"
while (($# > 1)); do [[ $1 != --output ]] || echo '{}' > "$2"; shift; done
case "$(tail -n 1 "$CALLS")" in ${FAILS:-none}) exit "$STATUS" ;; esac
"""
# Leaves the files of ranks `LEFT`, as that many processes would.
SRUN = """#!/bin/bash
echo "srun $*" >> "$CALLS"
echo "hwloc: $HWLOC_KEEP_NVIDIA_GPU_NUMA_NODES" >> "$CALLS"
while (($# > 1)); do [[ $1 != --output ]] || folder=$2; shift; done
for rank in $LEFT; do echo '{}' > "$folder/rank-000$rank.json"; done
exit "${STATUS:-0}"
"""
SCRIPTS = '#!/bin/bash\necho "$*" >> "$CALLS"\n[[ $1 != "${SCRIPT_FAILS:-}" ]]\n'


def script(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture(name="tree")
def a_tree(tmp_path):
    script(tmp_path / "tree/build/release/offload_bench", PROGRAM)
    script(tmp_path / "tree/scripts/offload-results", SCRIPTS)
    script(tmp_path / "bin/srun", SRUN)
    return tmp_path / "tree"


def job(name, tree, *arguments, **environment):
    """Slurm runs a copy, elsewhere."""
    calls = tree / "calls"
    copy = shutil.copy(root / "scripts/slurm" / name, tree.parent / "slurm_script")
    path = f"{tree.parent}/bin:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", copy, *arguments], capture_output=True, text=True, cwd=tree.parent, timeout=60,
        env={**CLEAN, "PATH": path, "SLURM_SUBMIT_DIR": str(tree), "SLURM_JOB_ID": "42", "CALLS": str(calls), **environment})
    return done, calls.read_text(encoding="utf-8").splitlines() if calls.exists() else []


def ranks(tree, *arguments, **environment):
    given = {"SLURM_NTASKS": "4", "SLURM_NTASKS_PER_NODE": "2", "SLURM_CPUS_ON_NODE": "72", "LEFT": "0 1 2 3"}
    return job("ranks.sbatch", tree, *arguments, **{**given, **environment})


def test_a_rank_has_a_gpu_and_its_share_of_the_cpus(tree):
    done, calls = ranks(tree, "alps", "--suite", "gemm")
    results = tree / "build/results/alps"
    assert (done.returncode, done.stderr) == (0, "")
    words = calls[0].split()
    assert {"--ntasks=4", "--cpus-per-task=36", "--gpus-per-task=1", "--kill-on-bad-exit=0"} <= set(words)
    assert calls[0].endswith(f"{tree}/build/release/offload_bench --suite gemm --redact --output {results}")
    assert calls[1] == "hwloc: 0"
    files = " ".join(f"{results}/rank-000{rank}.json" for rank in range(4))
    assert calls[2:] == [f"merge --incomplete --output {results}/ranks.json {files}"]


def test_cpus_that_were_asked_for_are_given(tree):
    _, calls = ranks(tree, SLURM_CPUS_PER_TASK="7")
    assert "--cpus-per-task=7" in calls[0].split()


def test_without_arguments_it_is_the_quick_suite_in_a_folder_of_the_job(tree):
    _, calls = ranks(tree)
    assert calls[0].endswith(f"--suite quick --redact --output {tree}/build/results/42")


def test_what_other_ranks_measured_is_merged(tree):
    done, calls = ranks(tree, "alps", LEFT="0 1 3", STATUS="137")
    assert done.returncode == 1 and "3 of 4 ranks left a file.\n" in done.stdout
    assert done.stderr.startswith("error: not all of 4 ranks were measured; ")
    assert calls[2].startswith("merge ") and "rank-0003.json" in calls[2] and "rank-0002.json" not in calls[2]


def test_files_that_do_not_merge_fail_the_job(tree):
    assert ranks(tree, SCRIPT_FAILS="merge")[0].returncode == 1


def test_no_files_are_told(tree):
    done, calls = ranks(tree, "alps", LEFT="")
    assert done.returncode == 1 and len(calls) == 2
    assert done.stderr == f"error: no rank left a file in {tree}/build/results/alps\n"


def test_files_of_another_job_are_left_alone(tree):
    ranks(tree, "alps")
    done, calls = ranks(tree, "alps")
    assert done.returncode == 1 and len(calls) == 3  # those of the first
    assert done.stderr.endswith("/alps has the files of another job: name another folder\n")


def test_all_gpus_of_a_node_are_measured_and_validated(tree):
    done, calls = job("gpus.sbatch", tree, "gh200-4x")
    results = tree / "build/results/gh200-4x"
    assert (done.returncode, done.stderr) == (0, "")
    assert calls[0] == "platform --redact"
    runs = {"quick-gpus": "--suite quick", "decode-llama3.1-8b-gpus": "--suite decode --model llama3.1-8b",
            "quick-gpus-remote": "--suite quick --host-numa remote"}
    assert calls[1:] == [line for name, arguments in runs.items() for line in (
        f"--gpus all {arguments} --redact --output {results}/{name}.json", f"validate {results}/{name}.json")]


@pytest.mark.parametrize("call,status,code", [
    ("*remote*", "2", 0),  # there is no other node
    ("*remote*", "1", 1),
    ("*decode*", "2", 1),
])
def test_a_host_of_one_node_is_no_failure(tree, call, status, code):
    done, calls = job("gpus.sbatch", tree, FAILS=call, STATUS=status)
    assert done.returncode == code
    assert any("remote" in one for one in calls)  # one failure keeps nothing from running


def test_results_that_are_not_valid_are_told(tree):
    done, _ = job("gpus.sbatch", tree, SCRIPT_FAILS="validate")
    assert done.returncode == 1 and "offload-results validate" in done.stderr


@pytest.mark.parametrize("name", ["gpus.sbatch", "ranks.sbatch"])
def test_a_program_that_is_not_built_is_told(tree, name):
    (tree / "build/release/offload_bench").unlink()
    done, calls = job(name, tree, SLURM_NTASKS="1")
    assert done.returncode == 1 and calls == []
    assert done.stderr == f"error: {tree}/build/release/offload_bench is not there: build it first, or name it in OFFLOAD_BENCH\n"


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="no shellcheck")
@pytest.mark.parametrize("name", ["gpus.sbatch", "ranks.sbatch"])
def test_shellcheck_finds_nothing(name):
    assert subprocess.run(["shellcheck", "-x", root / "scripts/slurm" / name], capture_output=True, text=True).stdout == ""
