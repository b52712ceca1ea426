# SPDX-License-Identifier: Apache-2.0
"""The report's answers are those of the results: 100 MB over a link of 62.5 GB/s, as
tests/unit/summary_test.cpp has them. Needs pytest."""
import json
import os
import pathlib
import subprocess
import sys

import pytest

from results_builder import answered, case, evidence_of, of_schema_1, run, um, write

ROOT = pathlib.Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from offload_results.figures import runs  # noqa: E402
from offload_results.report import answers, host_memory, make, memory, overview  # noqa: E402

SIZE = 100_000_000


def toy(policy, start, path, *samples, label="gemv", weights="toy.w", **changes):
    return case(label, policy, weights, start, samples=samples, path=path, size=SIZE,
                copy_rate=62.5e9, **changes)


def place(rank, times_slower, ties=False):
    return {"rank": rank, "times_slower": times_slower, "ties_with_best": ties}


def gemv():
    cold = [
        toy("device_resident", "steady", "device_memory", 25e-6),
        toy("pinned_zero_copy", "steady", "link", 2.5e-3),
        toy("pinned_copy", "steady", "link", 1.99e-3, 2e-3, 2.01e-3),
        toy("managed_demand", "cold", "link", 9.9e-3, 10e-3, 10.1e-3),
        toy("managed_demand", "warm", "device_memory", 25e-6),
        toy("managed_prefer_host", "cold", "link", 3e-3),
        toy("host_compute", "steady", "host_memory", 4e-3),
        toy("pageable_copy", "steady", "link", failure="wrong result"),
    ]
    cases, answer = answered(cold, sentences=["gemv of toy.w, cold: pinned_copy wins."])
    warm = toy("managed_prefer_host", "warm", "link", 1.8e-3, standing={"warm": place(1, 1.0, True)})
    cases[1]["standing"]["warm"] = place(3, 2.5 / 1.8)
    cases[2]["standing"]["warm"] = place(2, 2 / 1.8)
    answer["warm"] = {**answer["cold"], "runner_up": answer["cold"]["best"]}
    return [*cases, warm], answer


def read(tmp_path, document, name="a.json"):
    [found] = runs.load([write(tmp_path / name, document)])
    return found


def test_a_row_says_that_it_drifts_and_the_page_begins_with_what_the_run_says(tmp_path):
    one = {**toy("device_resident", "steady", "device_memory", 5e-3, 6e-3, 6.7e-3),
           "drift": {"first_s": 5e-3, "last_s": 6.7e-3, "because": "power cap"}}
    told = {"check": "drift", "text": "1 case of 1 drifts.", "cases": [one["name"]]}
    found = read(tmp_path, run([one], findings=[told]))
    assert answers.verdicts(found) == [
        ("is on the GPU; drifts 5.00 ms -> 6.70 ms (power cap)", None)]
    assert make.data_of([found], 9)["runs"][0]["findings"] == [told["text"]]


def test_verdicts(tmp_path):
    cases, answer = gemv()
    found = read(tmp_path, run(cases, answers=[answer]))
    assert [text for text, _ in answers.verdicts(found)] == [
        "is on the GPU", "1.25x slower", "best", "5.00x slower", "is on the GPU", "1.50x slower",
        "2.00x slower", "FAILED", "best when warm"]
    assert [ratio for _, ratio in answers.verdicts(found)] == [
        None, 1.25, 1.0, pytest.approx(5), None, 1.5, 2.0, None, 1.0]


def test_who_ties_is_the_same_as_the_best(tmp_path):
    cases, answer = answered([toy("a", "steady", "link", 2.000e-3),
                              toy("b", "steady", "link", 2.019e-3),
                              toy("c", "steady", "link", 2.020e-3)])
    found = read(tmp_path, run(cases, answers=[answer]))
    assert [text for text, _ in answers.verdicts(found)] == ["best", "same as best", "1.01x slower"]


def test_a_models_first_pass_has_a_time_and_no_place(tmp_path):
    model = {"pass_s": 0.04, "tokens_per_second_ceiling": None, "link_bytes_per_token": 0, "overlap": None}
    cold = toy("managed_demand", "cold", "link", 2e-3, label="decode/tokens:1", excluded="first_pass",
               model=model)
    found = read(tmp_path, run([cold]))
    assert answers.verdicts(found) == [("first pass 40.0 ms", None)]


def test_one_alone_has_no_rival_and_what_was_not_finished_no_place(tmp_path):
    cases, answer = answered([toy("a", "steady", "link", 2e-3)])
    unfinished = [toy("part", "steady", "link", 1e-3, complete=False),
                  toy("none", "steady", "link", complete=False)]
    found = read(tmp_path, run([*cases, *unfinished], answers=[answer]))
    assert answers.verdicts(found) == [("no rival", 1.0), ("not finished", None),
                                       ("no samples", None)]


def test_the_sentences_are_those_of_the_results(tmp_path):
    cases, answer = gemv()
    others, second = answered([toy("a", "steady", "link", 2e-3, label="gemm/tokens:2")],
                              sentences=["One.", "Two <b>."])
    path = write(tmp_path / "a.json", run([*cases, *others], answers=[answer, second]))
    sections = {section["workload"]: section
                for section in make.data_of(make.load([path]), 9)["sections"]}
    assert sections["gemv"]["answers"] == [
        {"run": 0, "lead": None, "sentences": ["gemv of toy.w, cold: pinned_copy wins."]}]
    assert sections["gemm"]["answers"][0]["sentences"] == ["One.", "Two <b>."]


def test_older_files_have_no_answers_and_say_why(tmp_path):
    cases, answer = gemv()
    old = write(tmp_path / "old.json", of_schema_1(run(cases)))
    new = write(tmp_path / "new.json", run(cases, answers=[answer]))
    data = make.data_of(make.load([old, new]), 9)
    assert [found["unanswered"] for found in data["runs"]] == [answers.AGAIN, None]
    [section] = data["sections"]
    assert [found["run"] for found in section["answers"]] == [1]
    texts = [data["values"][index] for index in data["cases"]["verdict"]]
    assert texts[:9] == ["is on the GPU", "", "", "", "is on the GPU", "", "", "FAILED", ""]
    assert texts[9:] == [text for text, _ in answers.verdicts(read(tmp_path, run(
        cases, answers=[answer])))]


FOOTPRINT = {"device": 10, "pinned": 0, "managed": 1000, "pageable": 0}


@pytest.mark.parametrize("start,path,evidence,expected", [
    ("cold", "link", um(SIZE, {"prefetch": SIZE}), 1010),  # it moved there
    ("cold", "link", um(SIZE), 10),  # seen to move nothing
    ("steady", "link", None, 10),  # cold and warm alike: nothing stays
    ("warm", "device_memory", None, 1010),  # it is there
    ("cold", "host_memory", None, 10),  # the CPU reads it
    ("cold", "link", None, None),  # nobody looked
])
def test_gpu_memory_counts_what_moves_there(start, path, evidence, expected):
    changes = {"evidence": evidence_of(evidence)} if evidence else {}
    one = toy("p", start, path, 1e-3, footprint=FOOTPRINT, **changes)
    assert memory.on_gpu(one, memory.moving([one])) == expected


def test_one_counted_pass_stands_for_its_policy():
    cold = toy("p", "cold", "link", 1e-3, footprint=FOOTPRINT, evidence=evidence_of(um(SIZE)))
    warm = toy("p", "warm", "link", 1e-3, footprint=FOOTPRINT)
    assert memory.on_gpu(warm, memory.moving([warm, cold])) == 10


def test_many_weights_have_one_sentence(tmp_path):
    def overview_of(*medians):
        groups = [answered([toy("a", "steady", "link", 1e-3, weights=f"w{index}"),
                            toy("b", "steady", "link", median, weights=f"w{index}")])
                  for index, median in enumerate(medians)]
        found = read(tmp_path, run([one for cases, _ in groups for one in cases],
                                   answers=[answer for _, answer in groups]))
        return overview.of_answers(answers.of_workload(found, "gemv"), found)
    assert overview_of(1.5e-3, 2.5e-3, 3.5e-3, 0.5e-3) == (
        "gemv, 4 weights, cold or steady: a is fastest with w0, w1 and w2, the next is 1.50x to "
        "3.50x slower, with no GPU memory; b is fastest with w3, the next is 2.00x slower, with no "
        "GPU memory.")
    assert overview_of(1.5e-3, 2.5e-3, 3.5e-3, 1e-3) == (  # as fast as a
        "gemv, 4 weights, cold or steady: a is fastest, or ties with the fastest, in all 4, the "
        "next is 1.50x to 3.50x slower, with no GPU memory.")
    assert overview_of(1.5e-3, 2.5e-3, 3.5e-3) is None  # three speak for themselves


def cost(allocator, taken, kept=0):
    return {"allocator": allocator, "weights": "toy", "asked_bytes": 1000 * 2**20,
            "taken": {"host_bytes": taken * 2**20, "device_bytes": 0},
            "kept": {"host_bytes": kept * 2**20}, "failure": None}


def test_host_memory():
    assert host_memory.sentences([cost("malloc", 1000), cost("pow2", 1500)]) == [
        "toy: pow2 takes most host memory, 1.50x what was asked; malloc takes least, 1.00x, which "
        "is "
        "500 MiB less; none of it counts as GPU memory."]
    assert host_memory.sentences([cost("malloc", 1000), cost("pow2", 1500, kept=600)]) == [
        "toy: these figures do not tell the allocators apart; none of it counts as GPU memory."]
    failed = {**cost("malloc", 0), "taken": None, "kept": None, "failure": "out of memory"}
    assert host_memory.sentences([failed]) == []


@pytest.mark.skipif("OFFLOAD_BENCH" not in os.environ, reason="OFFLOAD_BENCH is not set")
def test_the_page_has_the_sentences_that_the_benchmark_ends_with(tmp_path):
    path = tmp_path / "run.json"
    ran = subprocess.run(
        [os.environ["OFFLOAD_BENCH"], "--sizes", "1MiB,4MiB", "--samples", "3",
         "--progress", "never", "--workloads", "stream_read,gemv,pointer_chase",
         "--policies", "host_compute,device_resident", "--output", path],
        capture_output=True, text=True, check=True)
    printed = " ".join(ran.stdout.split())
    said = [sentence for section in make.data_of(make.load([path]), 9)["sections"]
            for answer in section["answers"] for sentence in answer["sentences"]]
    assert len(said) > 2 and all(sentence in printed for sentence in said)
    written = json.loads(path.read_text())["offload_bench"]["answers"]
    assert sorted(said) == sorted(text for answer in written for text in answer["sentences"])
