# SPDX-License-Identifier: Apache-2.0
"""Every command in the documentation is one that works: what needs no GPU is run as it stands, by the
installed program; what would measure for long is planned; the scripts run on committed results; of all else
the names are looked up.

Needs pytest. OFFLOAD_BENCH names the benchmark.
"""
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

import pytest

import small_model

root = pathlib.Path(__file__).parent.parent.parent
BENCH = os.environ.get("OFFLOAD_BENCH")
needs_program = pytest.mark.skipif(not BENCH, reason="OFFLOAD_BENCH is not set")
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "results/README.md", *sorted(f"docs/{path.name}" for path in (root / "docs").glob("*.md"))]

# Commands of the program that measure nothing, or one case.
AS_IT_STANDS = {"list", "plan", "platform", "doctor", "advise", "explain", "memory-cost", "--help", "--version", "--man", "--completion"}
# Results by the names that the documents give them: those of a committed run.
PLACES = {
    "monday": "quick", "tuesday": "micro", "wednesday": "adaptation", "rank0": "quick", "rank1": "micro",
    "run": "micro", "run-1": "quick", "run-2": "micro", "decode": "decode-llama3.1-8b", "results": "quick",
    "old": "quick", "new": "quick", "newer": "quick", "new-baseline": "quick",
    "full": "quick", **{name: name for name in ("gemm", "decode-llama3.1-8b", "prefill-llama3.1-8b")},
}


def lines_of(text):
    """The commands of the shell blocks in `text`, and the program's where a sentence shows one."""
    for block in re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if command := re.split(r"(?:^|\s+)# ", line)[0].strip():
                yield command
    yield from re.findall(r"`((?:offload_bench|scripts/bench\.sh) [^`\n]+)`", text)


COMMANDS = sorted({
    command for name in DOCUMENTS for command in lines_of((root / name).read_text(encoding="utf-8"))
    if command != "done"
})


def of_program(command):
    """The arguments that `command` gives to the program, or None."""
    found = re.search(r"(?:^|[\s/(])(?:offload_bench|scripts/bench\.sh)(?=\s|$)([^;|>&)]*)", command)
    return shlex.split(found[1]) if found and not command.startswith("cmake") else None


def of_script(command):
    return re.fullmatch(r"(?:python3 )?(scripts/(?:\w+\.py|offload-results) .+)", command)


PROGRAM = [command for command in COMMANDS if of_program(command) is not None]
SCRIPTS = [command for command in COMMANDS if of_script(command)]
OTHERS = [command for command in COMMANDS if command not in PROGRAM and command not in SCRIPTS]


@pytest.fixture(name="installed", scope="session")
def the_installed_program(tmp_path_factory):
    """A folder for the PATH, as `cmake --install` of README.md fills it."""
    prefix = tmp_path_factory.mktemp("prefix")
    build = pathlib.Path(BENCH).parent
    done = subprocess.run(["cmake", "--install", build, "--prefix", prefix], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return prefix / "bin"


def test_the_documents_have_commands():
    assert len(PROGRAM) > 30 and len(SCRIPTS) > 15
    text = "\n".join(COMMANDS)
    assert all(word in text for word in ("offload_bench list", "offload_bench plan", "--cpu-offload-gb"))
    assert len([line for line in COMMANDS if line.startswith("cmake --install")]) == 1


@needs_program
@pytest.mark.parametrize("command", PROGRAM)
def test_the_program_takes_its_commands(command, installed, tmp_path):
    """3 says that nothing was left to measure, which is so without a GPU; 1 that doctor found something."""
    arguments = of_program(command)
    if "--content" in arguments:
        arguments[arguments.index("--model") + 1] = str(small_model.write(tmp_path))
    if "PATH" in arguments:
        shutil.copy(root / "bench/models/presets/llama3.1-8b.json", tmp_path / "config.json")
        arguments[arguments.index("PATH")] = str(tmp_path)
    if not AS_IT_STANDS & set(arguments[:1]):
        arguments = ["plan", *arguments]
    if arguments[0] == "memory-cost":  # program_test.py measures it
        arguments += ["--plan"]
    if arguments[0] == "advise" and not {"--platform", "--link"} & set(arguments):  # as the README says
        arguments = [one for one in arguments if one != "--verify"]  # which measures here
        arguments += ["--platform", "rtx-4090", "--host-read", "60GB/s", "--host-memory", "64GiB"]
    done = subprocess.run(
        ["offload_bench", *arguments], env={**os.environ, "PATH": f"{installed}:{os.environ['PATH']}"},
        capture_output=True, text=True, timeout=300, cwd=tmp_path,
    )
    if "--gpus" in arguments and "cannot be used: " in done.stderr:  # all of them, where there is none
        assert done.returncode == 2
        return
    assert done.returncode in ((0, 1) if arguments[0] == "doctor" else (0, 3)), done.stderr
    assert done.stdout or done.returncode == 3


def committed(run):
    return json.loads((root / f"results/h200-sxm-pcie5/{run}.json").read_text(encoding="utf-8"))


def write_job(folder):
    """The folder that two ranks of a job have written, a GPU each, and what is merged of it."""
    (folder / "job").mkdir()
    for index in (0, 1):
        document = committed("quick")
        run = document["offload_bench"]
        run["rank"] = {"index": index, "size": 2, "launcher": "slurm", "synchronised": False}
        run["platform"]["gpu"]["uuid"] = f"GPU-{index}"
        run["started_at"] = f"2026-01-0{index + 1}T00:00:00Z"
        (folder / f"job/rank-{index:04}.json").write_text(json.dumps(document))
    done = subprocess.run([sys.executable, root / "scripts/offload-results", "merge", folder / "job", "--output",
                           folder / "job.json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def write_gpus(path):
    """A run on the first of several GPUs, and on two together that give what one does."""
    document = committed("decode-llama3.1-8b")
    for case in document["offload_bench"]["cases"]:
        case["gpus"] = [0]
    document["offload_bench"]["cases"] += [
        {**case, "gpus": [0, 1], "together": {"alone_gb_per_s": case["gb_per_s"] and 2 * case["gb_per_s"], "ratio": 0.5}}
        for case in document["offload_bench"]["cases"]]
    path.write_text(json.dumps(document))


@pytest.mark.parametrize("command", SCRIPTS)
def test_the_scripts_run_on_committed_results(command, tmp_path):
    """0 is well, 1 a finding."""
    for name in ("scripts", "results"):
        (tmp_path / name).symlink_to(root / name)
    for name, run in PLACES.items():
        if "*" in command or f"{name}.json" in command:
            shutil.copy(root / f"results/h200-sxm-pcie5/{run}.json", tmp_path / f"{name}.json")
    if "job" in command:
        write_job(tmp_path)
    if "gpus:" in command or "--kind gpus" in command:
        write_gpus(tmp_path / "run.json")
    command = command.replace("--output results/baselines/", "--output ")
    if "vllm_offload.py" in command:  # reads no results: it measures
        command += " --plan"
    if "prediction_accuracy.py" in command:  # likewise
        stand_in = root / "tests/scripts/accuracy_bench.py"
        command = command.replace(" --output accuracy.json", "").replace(" --dry-run", "") + f" --dry-run --bench {stand_in}"
    command = command.replace("--layers 4", "--layers 1")  # of random_checkpoint.py: 0.4 GB each
    command = command.replace("MACHINE.json", "h200-sxm-pcie5.json").replace(" *.json", " old.json new.json")
    interpreter = pathlib.Path(sys.executable).parent
    done = subprocess.run(
        ["bash", "-c", of_script(command)[1]], capture_output=True, text=True, timeout=300, cwd=tmp_path,
        env={**os.environ, "PATH": f"{interpreter}:{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode in (0, 1), done.stderr


@pytest.mark.parametrize("command", OTHERS)
def test_what_is_not_run_is_there(command):
    presets = json.loads((root / "CMakePresets.json").read_text(encoding="utf-8"))
    named = {
        "cmake": {preset["name"] for preset in presets["configurePresets"]},
        "cmake --build": {preset["name"] for preset in presets["buildPresets"]},
        "ctest": {preset["name"] for preset in presets["testPresets"]},
    }
    for part in command.split(" && "):
        words = shlex.split(part)
        if "--preset" in words:
            tool = " ".join(words[: words.index("--preset")])
            assert words[words.index("--preset") + 1] in named[tool]
        elif words[:3] == ["python3", "-m", "pytest"]:
            assert all((root / word).is_file() for word in words[3:])
        elif words[0] == "podman":  # container_test.py looks at what it builds
            assert words[1] in ("build", "run") and "offload-bench" in words
        elif words[0] == "mpirun":  # tests/mpi/run.sh runs it
            assert "build/release/offload_bench_mpi" in words
        elif words[0] == "sbatch":
            assert any((root / word).is_file() for word in words[1:])
        elif words[:2] == ["python3", "-m"]:
            assert words[2] in ("pip", "json.tool")
        elif words[0] in ("scripts/test.sh", "scripts/aarch64.sh", "scripts/numa_vm.sh", ".ci/run",
                          "tests/data/fuzz/add.py"):
            assert os.access(root / words[0], os.X_OK)
        elif words[0] == "cp":
            assert (root / words[1]).is_file()
        else:  # by hand, for loops, and what spack_test.py and formats_test.py look at
            assert words[0] in ("mkdir", "for", "module", "spack", "sqlite3") or words[0].startswith(("build/fuzz/", "build/release/tests/")) or (
                words == ["cmake", "--install", "build/release", "--prefix", "~/.local"]
            )


@needs_program
def test_exit_codes_are_those_of_the_help():
    said = subprocess.run([BENCH, "--help"], capture_output=True, text=True, check=True).stdout
    _, _, section = said.partition("\nExit codes:\n")
    codes = re.findall(r"^ +(\d+) {2,}(.+)$", section.partition("\n\n")[0], re.MULTILINE)
    page = (root / "docs/output.md").read_text(encoding="utf-8").replace("`", "")
    assert len(codes) == 7 and re.findall(r"^\| (\d+) \| (.+) \|$", page, re.MULTILINE) == codes
