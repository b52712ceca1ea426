# SPDX-License-Identifier: Apache-2.0
"""Figures in the documentation are those of the committed results: every table between
`<!-- offload-results table RESULTS... WHAT -->` and `<!-- end -->` is what that command prints.
"""
import json
import pathlib
import re
import sys

import pytest

import forked
import results_builder as build
from committed import SCHEMA_1

root = pathlib.Path(__file__).parent.parent.parent
sys.path.insert(0, str(root / "scripts"))
from offload_results import table as tables  # noqa: E402
from offload_results.tables import cells  # noqa: E402
from offload_results import merge  # noqa: E402

documents = {
    name: (root / name).read_text(encoding="utf-8")
    for name in ("README.md", "CONTRIBUTING.md", "results/README.md", *sorted(f"docs/{path.name}" for path in (root / "docs").glob("*.md")))
}
shown_tables = [
    (name, *table) for name, text in documents.items() for table in tables.blocks(text)
]


def test_tables_are_found():
    with_tables = {"README.md", "docs/engines.md", "docs/findings.md", "docs/gh200.md", "docs/methodology.md", "docs/models.md",
                   "docs/pcie.md", "docs/platforms.md", "docs/results.md", "results/README.md"}
    assert {name for name, _, _ in shown_tables} == with_tables
    markers = sum(text.count("<!-- offload-results table") for text in documents.values())
    assert len(shown_tables) == markers


@pytest.mark.parametrize("document,arguments,shown", shown_tables)
def test_tables_are_the_committed_figures(document, arguments, shown):
    *paths, what = arguments
    assert shown == tables.render([root / path for path in paths], what), document


def test_the_terminal_shows_the_committed_figures():
    text = documents["README.md"]
    path, shown = re.search(r"<!-- the summary of (\S+), some.*?-->\n```text\n(.*?)```", text, re.DOTALL).groups()
    run = json.loads((root / path).read_text(encoding="utf-8"))["offload_bench"]
    medians = {
        (case["policy"], case["start"]): cells.median(case)
        for case in run["cases"] if case["label"] == "gemv"
    }
    rows = re.findall(r"^(\w+) +(cold|warm|steady) +([\d.]+ [mun]?s) ", shown, re.MULTILINE)
    assert len(rows) > 5
    assert [row for row in rows if medians[row[:2]] != row[2]] == []
    assert run["platform"]["gpu"]["name"] in shown


def case(label, policy, start, median, path="link", device=0, **other):
    model = {
        "name": "tiny", "layers": 4, "layers_measured": 2, "offloaded_bytes": 3 << 30,
        "resident_bytes": 0, "tokens_per_second_ceiling": 1 / median, "pass_s": median, "scale": 1,
        "memory_bytes": {"device": device},
    }
    return {
        "label": label, "workload": label.split("/")[0], "policy": policy, "start": start, "path": path,
        "complete": True, "failure": None, "tokens": 1, "samples_s": [median],
        "summary": {"median_s": median, "min_s": median, "max_s": median * 1.25},
        "weights": {"name": "w"}, "model": model,
        "gb_per_s": 1.0, "share_of_link": None, "mechanism": "somehow", **other,
    }


def written(path, *cases, complete=True):
    run = {
        "schema_version": "1.2.0", "complete": complete, "incomplete_reason": "interrupted",
        "cases": list(cases), "limits": [],
    }
    path.write_text(json.dumps({"offload_bench": run}), encoding="utf-8")
    return path


def test_a_machine_without_a_gpu_is_its_cpu():
    line = tables.render([SCHEMA_1 / "no-gpu.json"], "machine")
    assert line == ("No GPU (no NVIDIA driver is loaded); AMD EPYC, 2 CPUs. The CPU reads its own at "
                    "32.2 GB/s.")


def first_cells(table):
    return [line.split(" | ")[0].strip("| `") for line in table.splitlines()[2:] if "|" in line]


def test_what_no_engine_can_stay_in_has_the_time_of_its_first_pass(tmp_path):
    results = written(
        tmp_path / "r.json",
        case("decode/tokens:1", "slow", "cold", 0.5),
        case("decode/tokens:1", "slow", "warm", 0.001, path="device_memory"),
        case("decode/tokens:1", "mapped", "cold", 0.4),
        case("decode/tokens:1", "mapped", "warm", 0.25),
        case("decode/tokens:1", "slowest", "steady", 3.0),
        case("decode/tokens:1", "bound", "steady", 0.001, path="device_memory", device=5 << 29),
    )
    table = tables.render([results], "models")
    assert "| `slow` | first pass 500 ms | 0 B |" in table
    assert "| `mapped` | 4.00 | 0 B |" in table
    assert "| `bound` | 1000 | 2.5 GiB |" in table
    assert first_cells(table)[:4] == ["bound", "mapped", "slowest", "slow"]
    assert "tiny: 3 GiB offloaded, 2 of 4 layers measured" in table


def test_the_machines_bound_stands_beside_tokens(tmp_path):
    one = case("decode/tokens:1", "a", "steady", 0.5)
    one["model"]["bound"] = {"by": "host_memory", "pass_s": 0.4, "tokens_per_second": 2.5, "from": "x"}
    table = tables.render([written(tmp_path / "r.json", one)], "models")
    assert "| `a` | 2.00 (2.50 DRAM) | 0 B |" in table


def test_consecutive_passes_have_a_sum_and_a_mean(tmp_path):
    def series(policy, *passes):
        return case("expert_gather", policy, "cold", passes[0], series={
            "pass_s": list(passes), "driver_s": None, "distinct_bytes": [],
            "um": {"state": "unavailable", "reason": "lost"}})
    late = series("late", *[0.020] * 15, 0.001)  # ends fast, and takes longest
    steady = series("steady", *[0.010] * 16)
    table = tables.render([written(tmp_path / "r.json", late, steady)], "series:expert_gather")
    assert "| mean of the last 8 | sum of all 16 |" in table
    assert first_cells(table) == ["steady", "late"]
    # Seven of 20 ms and one of 1 ms; fifteen and one.
    assert "| 1.00 ms | 17.6 ms | 301 ms | - | - |" in table


def test_the_bound_comes_first_then_the_best_of_the_first_column(tmp_path):
    one = written(
        tmp_path / "1.json",
        case("decode/tokens:1", "a", "steady", 0.2),
        case("decode/tokens:1", "b", "steady", 0.1),
        case("decode/tokens:1", "bound", "steady", 0.3, path="device_memory"),
    )
    two = written(
        tmp_path / "2.json",
        case("prefill/tokens:512", "a", "steady", 1),
        case("prefill/tokens:512", "b", "steady", 2),
        case("prefill/tokens:512", "late", "steady", 4),
    )
    table = tables.render([one, two], "models")
    assert first_cells(table) == ["bound", "b", "a", "late"]
    assert "| `late` | - | 0.250 | 0 B |" in table
    assert "prefill/tokens:512" not in tables.render([one, two], "models:decode/tokens:1")


def test_products_are_ordered_by_the_most_tokens(tmp_path):
    results = written(
        tmp_path / "r.json",
        case("gemm/tokens:512", "a", "steady", 0.4),
        case("gemm/tokens:512", "b", "steady", 0.5),
        case("gemm/tokens:16", "a", "steady", 0.3),
        case("gemm/tokens:16", "b", "steady", 0.2),
        case("gemm/tokens:16", "cpu", "steady", 0.001),
    )
    table = tables.render([results], "gemm")
    assert table.splitlines()[0] == "| ms by policy and tokens | 16 | 512 |"
    assert first_cells(table) == ["a", "b", "cpu"]
    assert first_cells(tables.render([results], "gemm:b")) == ["b"]


def test_a_label_is_not_its_workload(tmp_path):
    results = written(
        tmp_path / "r.json",
        case("gemm/tokens:1", "a", "steady", 0.1),
        case("gemm/tokens:16", "b", "steady", 0.1),
    )
    assert first_cells(tables.render([results], "gemm/tokens:16")) == ["b"]


def answered(path, **seconds):
    """gemv under the policies of README.md's sentences, each in these milliseconds."""
    times = {
        "pinned_zero_copy": 9.16, "managed_accessed_by": 9.21, "pinned_copy": 8.59, "managed_demand": 52.5,
        "host_compute": 4.69, "hybrid_split": 4.08, **seconds,
    }
    cases = [
        {
            **case("gemv", policy, "cold" if policy == "managed_demand" else "steady", time / 1e3,
                   path="host_memory" if policy in ("host_compute", "hybrid_split") else "link"),
            "weights": {"name": "w", "bytes": 448 << 20}, "share_of_link": 8.53 / time,
        }
        for policy, time in times.items()
    ]
    written(path, *cases)
    document = json.loads(path.read_text(encoding="utf-8"))
    document["offload_bench"]["platform"] = {"gpu": {"name": "NVIDIA H200"}, "link": {"generation": 5}}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_the_answer_has_the_runs_figures(tmp_path):
    first, second, third = tables.render([answered(tmp_path / "r.json")], "answer").splitlines()
    assert first.startswith("On an NVIDIA H200 over PCIe 5.0, ") and "448 MiB" in first
    assert all(time in first for time in ("9.16 ms", "9.21 ms", "8.59 ms"))
    # Two digits of what runs differ in, as the table below the sentences has them.
    assert "52 ms, 5.7 times as long" in second
    assert "4.7 ms" in third and "4.1 ms" in third
    model = written(tmp_path / "m.json", case("decode/tokens:1", "pinned_copy", "steady", 0.25))
    table = tables.render([tmp_path / "r.json", model], "answer:pinned_copy")
    assert table.splitlines()[-1] == "| `pinned_copy` | 8.59 | 4.00 |"


@pytest.mark.parametrize("seconds", [
    {"managed_demand": 12}, {"managed_accessed_by": 11}, {"hybrid_split": 5}, {"host_compute": 9}, {"pinned_copy": 4.5}
])
def test_an_answer_that_no_longer_holds_is_refused(tmp_path, seconds):
    with pytest.raises(tables.BadInput, match="another answer"):
        tables.render([answered(tmp_path / "r.json", **seconds)], "answer")


def test_engines_are_those_that_the_cases_name(tmp_path):
    flags = {"a": "vLLM --x; SGLang --y", "b": None, "bound": "llama.cpp -ngl all"}
    cases = [
        case("gemv", policy, "steady", 0.1, path="device_memory" if policy == "bound" else "link", engine_flags=text)
        for policy, text in flags.items()
    ]
    table = tables.render([written(tmp_path / "r.json", *cases)], "engines")
    assert table.splitlines()[2:] == ["| `a` | `vLLM --x`; `SGLang --y` |"]


@pytest.mark.parametrize(
    "what,mentions",
    [("gemv", "gemv"), ("limits", "--limits"), ("models:prefill/tokens:512", "prefill/tokens:512"), ("gemm:x", "gemm")],
)
def test_what_is_not_there_is_said(tmp_path, what, mentions):
    results = written(tmp_path / "r.json", case("decode/tokens:1", "a", "steady", 0.1))
    with pytest.raises(tables.BadInput, match=mentions):
        tables.render([results], what)


def test_missing_incomplete_and_doubled_files_are_refused(tmp_path):
    with pytest.raises(tables.BadInput, match="no such file"):
        tables.render([tmp_path / "none.json"], "gemv")
    half = written(tmp_path / "half.json", case("decode/tokens:1", "a", "steady", 0.1), complete=False)
    with pytest.raises(tables.BadInput, match="incomplete"):
        tables.render([half], "models")
    whole = written(tmp_path / "whole.json", case("decode/tokens:1", "a", "steady", 0.1))
    with pytest.raises(tables.BadInput, match="in two files"):
        tables.render([whole, whole], "models")


def test_of_several_runs_the_middle_one_is_shown_and_how_far_they_lie_apart(tmp_path):
    runs = []
    for index, (noisy, steady) in enumerate([(1.0e-3, 2.00e-3), (1.3e-3, 2.02e-3), (0.8e-3, 2.01e-3)]):
        cases = [build.case(policy="noisy", start="cold", samples=[noisy]),
                 build.case(policy="steady", start="cold", samples=[steady])]
        runs.append(build.write(tmp_path / f"{index}.json", build.run(
            cases, started_at=f"2026-01-0{index + 1}T00:00:00Z")))
    merged = build.write(tmp_path / "merged.json", merge.merge(runs))
    table = tables.render([merged], "gemv")
    assert "| `noisy` | cold | 1.0 ms | 67 (52..84) |" in table
    assert "| `steady` | cold | 2.01 ms | 33.4 |" in table


def test_update_puts_the_table_between_the_marks(tmp_path):
    written(tmp_path / "r.json", case("decode/tokens:1", "a", "steady", 0.1))
    marked = "before\n<!-- offload-results table r.json models -->\n{}<!-- end -->\nafter\n"
    updated = tables.update(marked.format(""), tmp_path)
    assert "| `a` | 10.0 | 0 B |" in updated
    assert tables.update(updated, tmp_path) == updated
    assert tables.update(marked.format("an old figure\n"), tmp_path) == updated
    [(arguments, shown)] = tables.blocks(updated)
    assert shown == tables.render([tmp_path / arguments[0]], arguments[1])


@pytest.mark.parametrize("arguments", [[], ["r.json"], ["--update"]])
def test_what_is_missing_on_the_command_line_is_one_line(arguments):
    done = forked.script("offload-results", "table", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == ("offload-results table: needs RESULTS.json... WHAT, or --update DOCUMENT...; "
                           "--help says what there is\n")


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_goes_to_stdout(option):
    done = forked.script("offload-results", "table", option)
    assert (done.returncode, done.stderr) == (0, "") and "--update DOCUMENT" in done.stdout
