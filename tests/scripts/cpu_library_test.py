# SPDX-License-Identifier: Apache-2.0
"""What scripts/cpu_library.py does before PyTorch is needed, and, where it is installed, all of it."""
import importlib.util
import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from torch_linear import host, rows, timing  # noqa: E402

TORCH = """
__version__ = "1.2.3"
class backends:
    class mkldnn:
        is_available = staticmethod(lambda: {onednn})
class ops:
    class mkldnn:
        _is_mkldnn_bf16_supported = staticmethod(lambda: False)
"""
VERBOSE = """onednn_verbose,v1,info,oneDNN v3.10.2 (commit f1d4719)
onednn_verbose,v1,info,cpu,runtime:OpenMP,nthr:2
onednn_verbose,v1,info,cpu,isa:Intel AVX-512 with Intel DL Boost and bfloat16 support
onednn_verbose,v1,primitive,info,template:operation,engine,primitive,implementation,prop_kind,problem_desc,exec_time
onednn_verbose,v1,primitive,exec,cpu,reorder,jit:uni,undef,src:bf16::blocked:ab::f0,attr-scratchpad:user,,4096x2048,7.9
onednn_verbose,v1,primitive,exec,cpu,matmul,brg_matmul:avx512_core_bf16,undef,src:bf16::blocked:ab::f0,,,16x2048:2048x4096,0.9
"""


def run(*arguments, **environment):
    return subprocess.run([sys.executable, ROOT / "scripts/cpu_library.py", *arguments],
                          capture_output=True, text=True, env={**os.environ, **environment})


@pytest.mark.parametrize("torch,message", [
    ("raise ModuleNotFoundError(\"No module named 'torch'\")\n",
     "needs PyTorch: pip install torch (No module named 'torch')"),
    (TORCH.format(onednn=False), "PyTorch 1.2.3 is built without oneDNN: pip install torch has it"),
    (TORCH.format(onednn=True), "oneDNN has no bf16 on this CPU: it takes AVX-512, or bf16 of Arm"),
])
def test_a_refusal_is_one_line(tmp_path, torch, message):
    (tmp_path / "torch.py").write_text(torch)
    done = run("--output", tmp_path / "out.json", PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"cpu_library.py: {message}\n")
    assert not (tmp_path / "out.json").exists()


@pytest.mark.parametrize("option,said", [
    ("--rows=0", "must be a whole number from 1 to 1000000, not '0'"),
    ("--cols=1e3", "must be a whole number from 1 to 1000000, not '1e3'"),
    ("--tokens=16,", "must be a whole number from 1 to 65536, not ''"),
    ("--tokens=16,65537", "must be a whole number from 1 to 65536, not '65537'"),
    ("--tokens=16,64,16", "has a number twice: '16,64,16'"),
    ("--samples=1001", "must be a whole number from 1 to 1000, not '1001'"),
    ("--threads=0", "must be a whole number from 1 to 4096, not '0'"),
])
def test_numbers_have_limits(option, said):
    done = run(option)
    assert done.returncode == 2 and f"{option.partition('=')[0]}: {said}" in done.stderr


def test_a_row_follows_from_its_samples():
    weight = rows.weight(1000, 500)
    assert weight == {"dtype": "bf16", "rows": 1000, "cols": 500, "bytes": 1_000_000}
    row = rows.as_json("plain", 16, weight, [4e-3, 1e-3, 3e-3, 2e-3], 15, ["matmul brg"], 0.002)
    assert row == {
        "row": "plain:tokens=16", "layout": "plain", "tokens": 16, "implementations": ["matmul brg"],
        "difference": 0.002, "passes_per_sample": 15, "samples_s": [4e-3, 1e-3, 3e-3, 2e-3], "median_s": 2.5e-3,
        "p25_s": pytest.approx(1.75e-3), "p75_s": pytest.approx(3.25e-3), "gb_per_s": pytest.approx(0.4),
        "tflop_per_s": pytest.approx(2 * 1000 * 500 * 16 / 2.5e-3 / 1e12), "error": None}
    failed = rows.as_json("prepacked", 16, weight, error="too large")
    assert list(failed) == list(row) and failed["error"] == "too large"
    assert failed["median_s"] is failed["p25_s"] is failed["gb_per_s"] is failed["tflop_per_s"] is None


def test_onednn_says_what_it_is():
    config = "PyTorch built with:\n  - Intel(R) MKL-DNN v3.10.2 (Git Hash f1d4719)\n  - OpenMP 201511\n"
    assert rows.onednn_version(config) == "3.10.2"
    assert rows.onednn_version("PyTorch built with:\n  - OpenMP 201511\n") is None
    assert rows.implementations(VERBOSE) == ["reorder jit:uni", "matmul brg_matmul:avx512_core_bf16"]
    assert rows.implementations("") == []
    assert rows.instruction_set(VERBOSE) == "Intel AVX-512 with Intel DL Boost and bfloat16 support"
    assert rows.instruction_set("") is None


# bench/measure/plan_estimate.cpp has the rule, tests/unit hold it there.
@pytest.mark.parametrize("pass_s,passes", [
    (1e-6, 32), (4e-3, 15), (10e-3, 6), (50e-3, 6), (0.12, 4), (0.26, 1), (2.0, 1), (0.0, 32)])
def test_short_passes_make_a_sample_together(pass_s, passes):
    assert timing.passes_per_sample(pass_s) == passes


def test_passes_are_timed_in_turn_and_flushes_are_not():
    now, log = [0.0], []

    def takes(name, seconds):
        def call():
            log.append(name)
            now[0] += seconds
        return call

    passes, samples = timing.in_turn([takes("a", 0.25), takes("b", 0.5)], takes("flush", 100.0), 3,
                                     clock=lambda: now[0])
    assert passes == 2  # of the faster: as many as end within 0.5 s
    assert samples == [pytest.approx([0.25] * 3), pytest.approx([0.5] * 3)]
    assert log == ["flush", "a", "flush", "b"] * (2 + 2 * 3)


def test_threads_are_those_of_the_process(tmp_path):
    (tmp_path / "proc/self").mkdir(parents=True)
    group = tmp_path / "sys/fs/cgroup/a/b"
    group.mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/a/b\n")
    (group / "cpu.max").write_text("max 100000\n")
    assert host.cpu_quota(tmp_path) is None
    (group.parent / "cpu.max").write_text("350000 100000\n")
    assert host.cpu_quota(tmp_path) == 3.5
    assert [host.thread_count(cpus, 3.5) for cpus in (1, 3, 4, 16)] == [1, 3, 3, 3]
    assert host.thread_count(16, None) == 16 and host.thread_count(16, 0.5) == 1
    old = tmp_path / "sys/fs/cgroup/cpu"
    old.mkdir()
    (tmp_path / "proc/self/cgroup").write_text("4:memory:/\n3:cpuacct,cpu:/\n")
    (old / "cpu.cfs_quota_us").write_text("-1\n")
    (old / "cpu.cfs_period_us").write_text("100000\n")
    assert host.cpu_quota(tmp_path) is None
    (old / "cpu.cfs_quota_us").write_text("250000\n")
    assert host.cpu_quota(tmp_path) == 2.5


def test_all_instances_of_the_last_level_are_flushed_twice(tmp_path):
    for cpu, shared in enumerate(("0-1", "0-1", "2-3", "2-3")):
        for index, (level, kind, size, with_whom) in enumerate((
                ("1", "Data", "48K", str(cpu)), ("3", "Unified", "96M", shared))):
            cache = tmp_path / f"sys/devices/system/cpu/cpu{cpu}/cache/index{index}"
            cache.mkdir(parents=True)
            for name, text in (("level", level), ("type", kind), ("size", size),
                               ("shared_cpu_list", with_whom)):
                (cache / name).write_text(f"{text}\n")
    facts = host.facts(tmp_path)
    assert facts["last_level_cache_bytes"] == 2 * 96 << 20
    assert facts["flushed_bytes"] == 4 * 96 << 20
    nothing = host.facts(tmp_path / "none")
    assert nothing["last_level_cache_bytes"] is nothing["load_average"] is None
    assert nothing["flushed_bytes"] == 64 << 20


@pytest.mark.skipif(not os.environ.get("OFFLOAD_BENCH"), reason="OFFLOAD_BENCH is not set")
def test_the_program_sees_the_same_cpu():
    done = subprocess.run([os.environ["OFFLOAD_BENCH"], "platform"], capture_output=True, text=True, check=True)
    theirs, ours = json.loads(done.stdout)["host"], host.facts()
    for name in ("cpu", "architecture", "kernel", "logical_cpus", "last_level_cache_bytes"):
        assert ours[name] == theirs[name]


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
def test_products_are_checked_and_timed(tmp_path):
    done = run("--rows", "512", "--cols", "256", "--tokens", "16,64", "--samples", "2", "--output",
               tmp_path / "out.json")
    assert done.returncode == 0 and done.stdout == "", done.stderr
    document = json.loads((tmp_path / "out.json").read_text())
    assert document["program"] == "cpu_library" and document["argv"][-1] == "out.json"
    assert [row["row"] for row in document["rows"]] == [
        "plain:tokens=16", "prepacked:tokens=16", "plain:tokens=64", "prepacked:tokens=64"]
    for row in document["rows"]:
        assert row["implementations"] and 0 < row["difference"] < 0.01
        assert len(row["samples_s"]) == 2 and row["median_s"] > 0
