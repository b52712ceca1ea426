# SPDX-License-Identifier: Apache-2.0
"""The program as a user and a CI job meet it: exit codes, one clear line for bad input, and a valid
file of what was finished whatever ends the run.

Needs pytest. OFFLOAD_BENCH names the benchmark.
"""

import json
import math
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import time

import pytest

BENCH = os.environ.get("OFFLOAD_BENCH")
pytestmark = pytest.mark.skipif(not BENCH, reason="OFFLOAD_BENCH is not set")

# Measured on every machine, in a fraction of a second.
SMALL = ["--policies", "host_compute", "--sizes", "64KiB", "--workloads", "stream_read", "--samples", "3"]


def run(*arguments, **options):
    return subprocess.run([BENCH, *arguments], capture_output=True, text=True, timeout=120, **options)


@pytest.mark.parametrize(
    "arguments,mentions",
    [
        (["--policies", "pinned_zerocopy"], "pinned_zero_copy"),
        (["--policies", "umv"], "did you mean 'uvm'?"),
        (["--polices", "pinned_copy"], "--policies"),
        (["--sizes", "0"], "0"),
        (["--sizes", "64MB"], "MiB"),
        (["--sizes", "900000GiB"], "900000GiB"),
        (["--workloads", "gemv", "--tensor", "x:16x16:u8"], "u8"),
        (["--tensor", "x:16x16:int4"], "int4"),
        (["--output", "/no/such/folder/x.json"], "/no/such/folder"),
        (["--gpu", "-1"], "--gpu"),
        (["--gpu", "1023"], "--gpu 1023"),
        (["--benchmark_filtre=x"], "--benchmark_filtre"),
        (["--benchmark_repetitions=-1"], "--benchmark_repetitions"),
        (["--benchmark_filter=("], "regular expression"),
        (["--benchmark_min_time=abc"], "--benchmark_min_time"),
        (["unexpected"], "unexpected"),
        (["plans"], "plan"),
        (["frobnicate"], "known are run, list, plan"),
        (["--suite", "decode", "--model", "no/such"], "no such file or directory"),
        (["--suite", "decode", "--model", "./no.gguf"], "no such file or directory: './no.gguf'"),
        (["--suite", "decode", "--model", "org/Llama-3.3-70B-Instruct-FP8"], "llama3.1-70b is bf16 here"),
        (["--dry-run"], "offload_bench plan"),
        (["plan", "--weights", "llama3.1-8b.up_proj"], "llama3.1-8b.up_proj"),
        (["--suite", "decode", "--model", "llama3.1-9b"], "llama3.1-8b"),
        (["--suite", "decode", "--tokens", "300"], "1 to 256"),
        (["--workloads", "gemm/tokens:70000", "--sizes", "1MiB"], "65536"),
        (["--suite", "decode", "--tensor", "x:16x16:bf16"], "--model"),
        (["--suite", "decode", "--n-cpu-moe", "2"], "no experts"),
        (["--suite", "decode", "--offload-num-in-group", "2"], "--offload-group-size"),
        (["--suite", "decode", "-ngl", "8", "--cpu-offload-gb", "4"], "give those of one engine"),
        (["--suite", "decode", "-ngl", "x"], "--n-gpu-layers: must be a whole number"),
        (["-ngl", "8"], "about whole models"),
        (["--host-share", "2"], "--host-share"),
        (["--slots", "0"], "--slots"),
        (["--panel", "2MB"], "2MiB"),
        (["--cpu-offload-gb", "4"], "--cpu-offload-gb"),
        (["--evidence", "everything"], "quick"),
        (["explain", "gemv/host_compute"], "<workload>/<policy>/<weights>/<start>"),
        (["explain", "stream_read/host_compute/1MiB/cold"], "stream_read/host_compute/1MiB/steady"),
    ],
)
def test_bad_input_gets_one_clear_line(arguments, mentions):
    refused(run(*arguments), mentions)


def refused(result, *mentions):
    assert result.returncode == 2
    assert result.stdout == ""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("offload_bench: ")
    for text in mentions:
        assert text in lines[0]


CONFIG = {
    "model_type": "qwen3_moe", "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 4,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "vocab_size": 128,
    "num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 32, "torch_dtype": "bfloat16",
    "tie_word_embeddings": False,
}


def tensor(shape, offsets, dtype="BF16"):
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def safetensors(header, length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text


UP = "model.layers.0.mlp.up_proj.weight"
DOWN = "model.layers.0.mlp.down_proj.weight"
HOSTILE_SAFETENSORS = {
    "a header of 2^63 bytes": safetensors(b"{}", 2**63),
    "a header beyond the file": safetensors(b"{}", 1000),
    "no header": b"",
    "truncated JSON": safetensors(b'{"a":{"dtype":"BF16"'),
    "deep nesting": safetensors(b"[" * 100_000),
    "a name twice": safetensors(b'{"a":' + json.dumps(tensor([2], [0, 4])).encode() + b',"a":'
                                + json.dumps(tensor([2], [4, 8])).encode() + b"}"),
    "a negative shape": safetensors({UP: tensor([-4, 4], [0, 32])}),
    "overlapping offsets": safetensors({UP: tensor([4, 4], [0, 32]), DOWN: tensor([4, 4], [16, 48])}),
    "a shape that is not its bytes": safetensors({UP: tensor([2**40, 2**40], [0, 32])}),
    "an unknown dtype": safetensors({UP: tensor([4, 4], [0, 32], "BF15")}),
}


@pytest.mark.parametrize("fault", HOSTILE_SAFETENSORS)
def test_hostile_safetensors_get_one_clear_line(tmp_path, fault):
    path = tmp_path / "model.safetensors"
    path.write_bytes(HOSTILE_SAFETENSORS[fault])
    refused(run("--suite", "decode", "--model", str(path)), str(path))


@pytest.mark.parametrize("file,mentions", [("a" * 300 + ".safetensors", "is missing"),
                                           ("loop.safetensors", "is missing"),
                                           ("pipe.safetensors", "pipe.safetensors: is not a regular file")])
def test_an_index_of_files_that_cannot_be_opened_gets_one_clear_line(tmp_path, file, mentions):
    (tmp_path / "loop.safetensors").symlink_to("loop.safetensors")
    os.mkfifo(tmp_path / "pipe.safetensors")
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {UP: file}}))
    refused(run("--suite", "decode", "--model", str(tmp_path)), str(tmp_path), mentions)


HOSTILE = "x\x1b[31m\ny\x7f\u009b"


@pytest.mark.parametrize("arguments", [
    *([flag, HOSTILE] for flag in ("--suite", "--model", "--weights", "--tensor", "--policies", "--workloads",
                                   "--sizes", "--start", "--format", "--evidence", "--samples")),
    ["explain", HOSTILE], [f"--poli{HOSTILE}"], [HOSTILE]], ids=lambda arguments: arguments[0].split("x")[0])
def test_what_was_typed_stays_in_its_line(arguments):
    done = run(*arguments)
    refused(done)
    assert all(character.isprintable() for character in done.stderr.rstrip("\n"))


def test_names_in_a_model_stay_in_their_line(tmp_path):
    names = [f"model.layers.0.mlp.{name}.weight" for name in ("up_proj", HOSTILE)]
    header = {name: tensor([64, 64], [i * 8192, (i + 1) * 8192]) for i, name in enumerate(names)}
    path = tmp_path / "model.safetensors"
    path.write_bytes(safetensors(header) + bytes(2 * 8192))
    done = run("plan", "--suite", "decode", "--model", str(path), "--policies", "host_compute")
    assert done.returncode == 0, done.stderr
    assert "up_proj and x?[31m?y??" in done.stdout
    assert all(character.isprintable() for character in done.stdout.replace("\n", ""))


@pytest.mark.parametrize("output", [[], ["--output", "-"]])
def test_the_name_of_a_machines_file_stays_in_its_line(tmp_path, output):
    path = tmp_path / f"{HOSTILE}.json"
    path.symlink_to(pathlib.Path(__file__).parents[2] / "results/h200-sxm-pcie5/decode-llama3.1-8b.json")
    done = run("advise", "--model", "llama3.1-8b", "--platform", str(path), *output)
    assert done.returncode == 0, done.stderr
    shown = done.stderr if output else done.stdout
    assert "x?[31m?y??.json, measured 2" in " ".join(shown.split())  # lines are wrapped
    assert all(character.isprintable() for character in shown.replace("\n", ""))


def test_a_note_on_an_earlier_run_stays_in_its_line(tmp_path):
    (tmp_path / f"{HOSTILE}.json.journal").write_text("{}\n")
    done = run(*SMALL, "--output", str(tmp_path / f"{HOSTILE}.json"))
    assert done.returncode == 0
    [line] = [line for line in done.stderr.splitlines() if "an earlier run did not end" in line]
    assert line.startswith("offload_bench: note: ") and line.endswith("x?[31m?y??.json.journal.old")


def test_a_gguf_that_claims_too_much_gets_one_clear_line(tmp_path):
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF" + (3).to_bytes(4, "little") + (2**60).to_bytes(8, "little") * 2)
    refused(run("--suite", "decode", "--model", str(path)), str(path), str(2**60))


@pytest.mark.parametrize(
    "text,mentions",
    [
        (json.dumps(CONFIG)[:100], "not JSON"),
        ("[" * 100_000, "config.json"),
        (json.dumps({**CONFIG, "hidden_size": -64}), "hidden_size"),
        (json.dumps({**CONFIG, "model_type": "blt"}), "blt"),
        (json.dumps({**CONFIG, "model_type": "blt"}), "safetensors"),
        ("", "config.json"),
    ],
)
def test_a_config_that_does_not_do_gets_one_clear_line(tmp_path, text, mentions):
    path = tmp_path / "config.json"
    path.write_text(text)
    refused(run("--suite", "decode", "--model", str(path)), str(path), mentions)
    # Nor is what is no JSON passed over beside safetensors, which have all shapes themselves.
    if not text.endswith("}"):
        (tmp_path / "model.safetensors").write_bytes(safetensors({UP: tensor([4, 4], [0, 32])}))
        refused(run("--suite", "decode", "--model", str(tmp_path)), str(path))


def test_experts_without_a_count_per_token_are_refused(tmp_path):
    names = [f"model.layers.0.mlp.experts.{i}.up_proj.weight" for i in range(4)]
    header = {name: tensor([16, 16], [i * 512, (i + 1) * 512]) for i, name in enumerate(names)}
    path = tmp_path / "model.safetensors"
    path.write_bytes(safetensors(header))
    refused(run("--suite", "decode", "--model", str(path)), str(path), "4 experts", "config.json")


@pytest.mark.parametrize("layout", ["directory", "cache"])
def test_a_model_of_ones_own_is_measured(tmp_path, layout):
    environment = {**os.environ}
    directory = tmp_path / "Tiny-MoE"
    given = str(directory)
    if layout == "cache":
        directory = tmp_path / "models--org--Tiny-MoE" / "snapshots" / "abc"
        environment["HF_HUB_CACHE"] = str(tmp_path)
        given = "org/Tiny-MoE"
    directory.mkdir(parents=True)
    (directory / "config.json").write_text(json.dumps(CONFIG))
    result = run("--suite", "decode", "--model", given, "--tokens", "1,3", "--policies", "host_compute",
                 "--samples", "2", "--output", "-", env=environment)
    assert result.returncode == 0
    document = json.loads(result.stdout)
    names = [case["name"] for case in document["offload_bench"]["cases"]]
    assert names == [f"decode/tokens:{tokens}/host_compute/Tiny-MoE/steady" for tokens in (1, 3)]


def test_layers_on_the_gpu_are_counted_as_llama_cpp_does(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    arguments = ["--suite", "decode", "--tokens", "1", "--policies", "host_compute", "--model", str(tmp_path)]
    planned = run("plan", *arguments, "-ngl", "3")  # the head, and the last two layers of four
    assert re.search(r"^ +layers 0-1 \(2\): offloaded ", planned.stdout, re.MULTILINE)
    assert re.search(r"^ +layers 2-3 \(2\): resident ", planned.stdout, re.MULTILINE)
    result = run(*arguments, "-ngl", "1", "-ncmoe", "2", "--samples", "2", "--output", "-")
    assert result.returncode == 0, result.stderr
    ours = json.loads(result.stdout)["offload_bench"]
    assert ours["options"]["offload_rules"]["n_gpu_layers"] == 1
    assert ours["cases"][0]["engine_flags"] == "llama.cpp -ngl 1 -ncmoe 2 --no-op-offload"


def test_groups_of_policies_are_listed_and_taken():
    listed = run("list").stdout
    assert re.search(r"^pinned_zero_copy +uva +", listed, re.MULTILINE)
    members = re.findall(r"^(\w+) +cpu +", listed, re.MULTILINE)
    planned = run("plan", "--policies", "cpu", "--sizes", "64KiB", "--workloads", "stream_read", "--format", "csv")
    assert planned.returncode == 0 and members
    assert {line.split("/")[1] for line in planned.stdout.splitlines()[1:]} == set(members)
    help_text = " ".join(run("--help").stdout.split())
    assert "groups: resident, uva, copy, uvm, system, cpu, hybrid" in help_text


def test_a_preset_that_stands_for_a_model_says_so():
    arguments = ["--model", "llama3-8b", "--slice", "64KiB"]
    note = "offload_bench: note: llama3-8b has the shapes of llama3.1-8b\n"
    planned = run("plan", "--suite", "decode", "--policies", "host_compute", *arguments)
    assert planned.returncode == 0 and planned.stderr == note
    assert "/llama3.1-8b/" in planned.stdout and "llama3-8b" not in planned.stdout
    cost = run("memory-cost", "--plan", *arguments)
    assert cost.returncode == 0 and cost.stderr == note


def test_memory_cost_measures_no_case(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    output = tmp_path / "run.json"
    arguments = ["memory-cost", "--model", str(tmp_path), "--slice", "64KiB"]
    planned = run(*arguments, "--plan")
    result = run(*arguments, "--output", str(output))
    assert result.returncode == 0, result.stderr
    ours = json.loads(output.read_text())["offload_bench"]
    assert ours["complete"] and ours["cases"] == []
    entries = {cost["allocator"]: cost for cost in ours["memory_costs"]}
    skipped = {item["policy"]: item["reason"] for item in ours["skipped"]}
    assert not entries.keys() & skipped.keys()
    assert len(entries) + len(skipped) == 8 and all(skipped.values())
    malloc = entries["malloc"]
    assert f"{malloc['tensors']} tensors" in planned.stdout and planned.returncode == 0
    # Whole layers of this config, in the shapes engines hold: q, k and v in one, experts stacked.
    attention = [(4 + 2 + 2) * 16 * 64, 64 * 4 * 16]
    experts = [8 * 2 * 32 * 64, 8 * 64 * 32]
    small = [8 * 64, 64, 64, 16, 16]  # router, two norms of the layer and two of heads
    per_layer = attention + experts + small
    layers = malloc["tensors"] / len(per_layer)
    assert layers in (2, 3, 4)
    assert malloc["asked_bytes"] == layers * 2 * sum(per_layer)
    assert malloc["rounded_bytes"] >= malloc["asked_bytes"]
    assert malloc["failure"] is None and malloc["taken"]["host_bytes"] is not None
    if ours["platform"]["gpu"] is None:
        assert "no GPU" in skipped["cudaMallocManaged"]
        assert malloc["taken"]["device_bytes"] is None
    assert "malloc" in result.stdout and "s/GiB" in result.stdout


def test_loading_where_nothing_can_be_written_says_so():
    result = run("memory-cost", "--loading", "--file-directory", "/proc")
    assert result.returncode == 3, result.stderr
    assert "nothing to measure" in result.stderr and "/proc" in result.stderr


def test_loading_measures_a_file_of_its_own(tmp_path):
    if shutil.disk_usage(tmp_path).free < 3 << 30:
        pytest.skip("no room for its file")
    output = tmp_path / "run.json"
    result = run("memory-cost", "--loading", "--file-directory", str(tmp_path), "--output", str(output))
    assert result.returncode == 0, result.stderr
    ours = json.loads(output.read_text())["offload_bench"]
    assert ours["complete"] and ours["cases"] == ours["memory_costs"] == [] and ours["options"]["loading"]
    costs = {(cost["way"], cost["start"]): cost for cost in ours["loading_costs"]}
    assert ("mmap (read by the CPU)", "warm") in costs
    assert len(costs) + len(ours["skipped"]) == 16
    assert all(cost["failure"] is None and len(cost["samples_s"]) == 3 for cost in costs.values())
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
    planned = run("memory-cost", "--loading", "--plan")
    assert planned.returncode == 0 and "of its own" in planned.stdout


def test_memory_cost_comes_after_the_cases(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    result = run("--memory-cost", "--slice", "64KiB", "--workloads", "decode", "--tokens", "1",
                 "--policies", "host_compute", "--model", str(tmp_path), "--samples", "2",
                 "--output", "-")
    assert result.returncode == 0, result.stderr
    ours = json.loads(result.stdout)["offload_bench"]
    assert len(ours["cases"]) == 1 and ours["memory_costs"]


def test_memory_cost_that_does_not_fit_is_refused():
    refused(run("memory-cost", "--model", "llama3.1-405b", "--slice", "100000GiB"),
            "llama3.1-405b", "--slice")
    refused(run("memory-cost", "--model", "llama3.1-9b"), "llama3.1-8b")


HIDDEN = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}


def test_doctor_examines_a_machine_without_a_gpu(tmp_path):
    output = tmp_path / "doctor.json"
    done = run("doctor", "--output", str(output), env=HIDDEN)
    document = json.loads(output.read_text())
    checks = {check["check"]: check for check in document["checks"]}
    assert done.returncode == (1 if document["look_here"] else 0) and done.stderr == ""
    assert checks["gpu"]["verdict"] == "unknown" and checks["gpu"]["what"].startswith("no GPU: ")
    assert checks["copies_to_gpu"]["verdict"] == "unknown"
    assert document["measured"]["host_read_bytes_per_second"] > 0
    title, header, *lines = done.stdout.splitlines()
    assert title.startswith("no GPU; ") and header.split() == ["verdict", "check", "what"]
    rows = [line for line in lines if re.match(r"(ok|look here|unknown) ", line)]
    assert [row[11:].split()[0] for row in rows] == list(checks)
    assert f"{document['unknown']} are unknown" in lines[-1]


def test_doctor_writes_where_it_is_told():
    both = run("doctor", "--output", "-", "--format", "md", env=HIDDEN)
    assert json.loads(both.stdout)["checks"] and "| verdict | check | what |" in both.stderr
    table = run("doctor", "--format", "csv", env=HIDDEN)
    assert table.stdout.startswith("check,verdict,what,advice\ngpu,unknown,")
    told = run("doctor", "--help")
    assert told.returncode == 0 and "--output" in told.stdout and "Exit code" in told.stdout
    assert "--suite" not in told.stdout


@pytest.mark.parametrize("arguments,mentions", [
    (["--suite", "quick"], "--suite"),
    (["--output", "/no/such/folder/x.json"], "/no/such/folder"),
    (["--format", "yaml"], "table"),
    (["--gpu", "1023"], "--gpu 1023"),
])
def test_doctor_refuses_in_one_line(arguments, mentions):
    refused(run("doctor", *arguments), mentions)


def test_nothing_matched():
    assert run(*SMALL, "--benchmark_filter=no_such_case").returncode == 3


def test_one_skipped_case_is_counted_as_one():
    hidden = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    done = run("--policies", "device_resident", "--workloads", "stream_read", "--sizes", "64KiB", "--start",
               "steady", env=hidden)
    assert done.returncode == 3
    assert "1 was skipped: no GPU" in done.stderr


def test_strict_tells_of_skips(tmp_path):
    # A dtype the gemv cannot read is skipped when the suite, not the user, chose the workload.
    arguments = [*SMALL[:2], "--tensor", "x:64x64:u8", "--samples", "2"]
    assert run(*arguments).returncode == 0
    assert run(*arguments, "--strict").returncode == 4


def test_explain_measures_one_case_and_says_why(tmp_path):
    output = tmp_path / "run.json"
    name = "stream_read/host_compute/64KiB/steady"
    done = run("explain", name, "--passes", "5", "--samples", "3", "--output", str(output))
    assert done.returncode == 0, done.stderr
    machine, sentences = done.stdout.split(f"\n{name}\n")
    assert "CPU" in machine
    said = " ".join(sentences.split())  # lines are wrapped
    assert "verdict" not in said
    for text in ("A pass takes", "The CPU read them where they lie", "Energy unknown: no GPU.",
                 "No faults and migrations, by design", "Of 5 consecutive passes"):
        assert text in said
    document = json.loads(output.read_text())["offload_bench"]
    assert document["skipped"] == [] and document["options"]["evidence"] == "all"
    (case,) = document["cases"]
    assert case["name"] == name and len(case["series"]["pass_s"]) == 5


def test_explain_says_why_a_case_cannot_be_measured_here():
    hidden = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    done = run("explain", "stream_read/managed_demand/1MiB/cold", env=hidden)
    assert done.returncode == 3
    (line,) = done.stderr.strip().splitlines()
    assert "stream_read/managed_demand/1MiB/cold is skipped: no GPU" in line and "matches" not in line


def test_no_evidence_is_taken_when_none_is_wanted(tmp_path):
    output = tmp_path / "run.json"
    assert run(*SMALL, "--evidence", "none", "--output", str(output)).returncode == 0
    (case,) = json.loads(output.read_text())["offload_bench"]["cases"]
    assert case["evidence"]["passes"] == 0
    assert case["evidence"]["cpu"] == {"state": "unavailable", "reason": "not collected"}


def test_what_a_time_limit_cut_short_is_kept(tmp_path):
    """timeout(1) sends its signal twice, to the process and to the group."""
    output = tmp_path / "run.json"
    done = subprocess.run(
        ["timeout", "4", BENCH, *SMALL[:-2], "--samples", "1000000", "--output", str(output)],
        capture_output=True, text=True, timeout=120,
    )
    assert done.returncode == 124, done.stderr
    document = json.loads(output.read_text())["offload_bench"]
    assert not document["complete"] and document["incomplete_reason"] == "interrupted by SIGTERM"
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_stock_flags_behave_as_stock():
    listed = run(*SMALL, "--benchmark_list_tests")
    assert listed.returncode == 0
    assert listed.stdout == "stream_read/host_compute/64KiB/steady/manual_time\n"
    stock = json.loads(run(*SMALL, "--benchmark_format=json").stdout)
    assert {"context", "benchmarks"} == set(stock)
    fewer = json.loads(run(*SMALL, "--benchmark_repetitions=2", "--output", "-").stdout)
    assert len(fewer["offload_bench"]["cases"][0]["samples_s"]) == 2


def numbers_of(text):
    """As Google Benchmark writes them, which may be no JSON."""
    return json.loads(text.replace(": nan", ": NaN").replace(": inf", ": Infinity"))


@pytest.mark.parametrize("flags", [[], ["--benchmark_report_aggregates_only=true"]])
def test_rows_and_context_are_those_of_the_stock_reporter(tmp_path, flags):
    output = tmp_path / "run.json"
    arguments = ["--policies", "host_compute", "--workloads", "stream_read,gemv", "--sizes",
                 "64KiB", "--samples", "3", "--benchmark_format=json",
                 "--benchmark_context=a=b", "--output", str(output), *flags]
    stock = numbers_of(run(*arguments).stdout)
    document = json.loads(output.read_text())
    assert document["context"] == stock["context"]
    finite = [{key: value for key, value in row.items()
               if not isinstance(value, float) or math.isfinite(value)}
              for row in stock["benchmarks"]]
    assert document["benchmarks"] == finite
    assert [list(row) for row in document["benchmarks"]] == [list(row) for row in finite]
    assert all(case["complete"] for case in document["offload_bench"]["cases"])


def test_one_repetition_is_one_sample(tmp_path):
    output = tmp_path / "run.json"
    assert run(*SMALL, "--output", str(output)).returncode == 0
    document = json.loads(output.read_text())
    (case,) = document["offload_bench"]["cases"]
    rows = [row for row in document["benchmarks"] if row["run_type"] == "iteration"]
    assert len(rows) == len(case["samples_s"]) == 3
    for row, sample in zip(rows, case["samples_s"]):
        assert row["iterations"] == 1
        assert row["real_time"] == pytest.approx(sample * 1e6, rel=1e-6)
        assert row["bytes_per_second"] == pytest.approx(65536 / sample, rel=1e-6)
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_what_was_finished(tmp_path, number):
    output = tmp_path / "run.json"
    journal = tmp_path / "run.json.journal"
    arguments = ["--policies", "host_compute", "--workloads", "stream_read", "--sizes",
                 "64KiB,1GiB", "--samples", "3", "--output", str(output)]
    # A shell's background jobs, and so perhaps this test, ignore SIGINT, and the program honours that.
    heed = lambda: signal.signal(number, signal.SIG_DFL)  # noqa: E731
    with subprocess.Popen([BENCH, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True, preexec_fn=heed) as process:
        deadline = time.monotonic() + 60
        # A header, then a line for each finished case.
        while not journal.exists() or len(journal.read_text().splitlines()) < 2:
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.01)
        process.send_signal(number)
        errors = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert signal.Signals(number).name in errors
    record = json.loads(output.read_text())["offload_bench"]
    assert record["complete"] is False
    assert number.name in record["incomplete_reason"]
    assert record["cases"][0]["complete"] is True
    assert not journal.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["list"],
        ["platform"],
        ["doctor"],
        ["--help"],
        ["--version"],
        ["plan", *SMALL],
        ["plan", *SMALL, "--format", "csv"],
        [*SMALL, "--format", "csv"],
        [*SMALL, "--format", "json"],
        [*SMALL, "--output", "-"],
        [*SMALL, "--benchmark_list_tests"],
        [*SMALL, "--benchmark_format=json"],
    ],
)
def test_a_full_disk_behind_stdout_is_an_error(arguments):
    with open("/dev/full", "w") as full:
        done = subprocess.run([BENCH, *arguments], stdout=full, stderr=subprocess.PIPE, text=True,
                              timeout=120)
    assert done.returncode == 1
    # Google Benchmark's own output does not say why it failed.
    why = "standard output" if "--benchmark_format=json" in arguments else "No space left on device"
    assert [why in line for line in done.stderr.splitlines() if line.startswith("offload_bench: ")] == [True]


@pytest.mark.parametrize("arguments", [
    ["advise", "--model", "llama3.1-8b", "--platform", "h100-sxm", "--host-memory", "64GiB"], ["doctor"]],
    ids=["advise", "doctor"])
def test_what_a_dead_run_left_is_written_over(tmp_path, arguments):
    output, part = tmp_path / "out.json", tmp_path / "out.json.part"
    code = run(*arguments, "--output", str(output), env=HIDDEN).returncode
    part.write_bytes(output.read_bytes()[:200])
    assert run(*arguments, "--output", str(output), env=HIDDEN).returncode == code
    assert json.loads(output.read_text()) and not part.exists()
    part.write_text('{\n  "name": "of something else"\n}\n')
    refused(run(*arguments, "--output", str(output), env=HIDDEN), "is no part of results")


def test_a_reader_of_progress_that_has_gone_ends_no_run(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([BENCH, *SMALL, "--progress", "always", "--output", "r.json"],
                          stdout=subprocess.DEVNULL, stderr=writer, cwd=tmp_path, timeout=120)
    os.close(writer)
    assert done.returncode == 0
    assert json.loads((tmp_path / "r.json").read_text())["offload_bench"]["complete"]
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]


@pytest.mark.parametrize("closed,flags,code", [((1,), [], 1), ((1,), ["--benchmark_format=json"], 1),
                                               ((2,), [], 0), ((0, 1, 2), [], 1)])
def test_a_closed_stream_is_not_written_into_the_files(tmp_path, closed, flags, code):
    """Files get the lowest free number: that of a stream which is closed."""
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" ' + " ".join(f"{number}>&-" for number in closed), "sh", BENCH, *SMALL,
         "--progress", "always", "--output", "r.json", "--ci-json", "ci.json", *flags],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path, timeout=120)
    assert done.returncode == code
    assert json.loads((tmp_path / "r.json").read_text())["offload_bench"]["complete"]
    assert json.loads((tmp_path / "ci.json").read_text())["benchmarks"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ci.json", "r.json"]


def test_a_full_disk_leaves_no_files_and_no_claim_of_any(tmp_path):
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))  # noqa: E731
    output, for_ci = tmp_path / "run.json", tmp_path / "ci.json"
    done = run(*SMALL, "--output", str(output), "--ci-json", str(for_ci), preexec_fn=limit)
    assert done.returncode == 1
    assert not output.exists() and not list(tmp_path.glob("*.journal")) and not list(tmp_path.glob("*.part"))
    assert "kept" not in done.stderr
    assert "nothing of this run is on disk" in done.stderr and "run again" in done.stderr


def test_list_is_quick():
    run("list")  # into the page cache
    started = time.monotonic()
    assert run("list").returncode == 0
    assert time.monotonic() - started < 2  # 0.1 s where nothing else runs


@pytest.mark.parametrize("files", range(4, 10))
def test_too_few_open_files_leave_nothing_behind(files, tmp_path):
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

    result = run(*SMALL, "--evidence", "none", "--output", "r.json", cwd=tmp_path, preexec_fn=limit)
    left = [path.name for path in tmp_path.iterdir()]
    assert left == (["r.json"] if result.returncode == 0 else []), result.stderr
