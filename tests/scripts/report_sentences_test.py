# SPDX-License-Identifier: Apache-2.0
"""The report's answers against figures worked out by hand: 100 MB over a link of 62.5 GB/s, as
tests/unit/summary_test.cpp has them, whose words these must be. Needs pytest; OFFLOAD_BENCH names the
benchmark."""
import os
import pathlib
import subprocess
import sys

import pytest

from results_builder import case, evidence_of, um

ROOT = pathlib.Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from offload_results import results  # noqa: E402
from offload_results.report import (  # noqa: E402
    host_memory, memory, overview, sentences, standing, words)

SIZE = 100_000_000
NONE = " It takes no GPU memory."


def toy(policy, start, path, *samples, label="gemv", weights="toy.w", **changes):
    return case(label, policy, weights, start, samples=samples, path=path, size=SIZE,
                copy_rate=62.5e9, **changes)


def said(*cases):
    return sentences.of_group(standing.groups_of(cases)[0])


def gemv():
    return [
        toy("device_resident", "steady", "device_memory", 25e-6),
        toy("pinned_zero_copy", "steady", "link", 2.5e-3),
        toy("pinned_copy", "steady", "link", 1.99e-3, 2e-3, 2.01e-3),
        toy("managed_demand", "cold", "link", 9.9e-3, 10e-3, 10.1e-3),
        toy("managed_demand", "warm", "device_memory", 25e-6),
        toy("managed_prefer_host", "cold", "link", 3e-3),
        toy("managed_prefer_host", "warm", "link", 1.8e-3),
        toy("host_compute", "steady", "host_memory", 4e-3),
        toy("pageable_copy", "steady", "link", failure="wrong result"),
    ]


def test_cold_and_warm_stand_apart():
    assert said(*gemv()) == [
        "gemv of toy.w, cold: pinned_copy wins at 50.0 GB/s (80 % of the link), pinned_zero_copy "
        "is "
        "1.25x slower at 40.0 GB/s (64 % of the link); weights that stay on the GPU would be read "
        "80x faster." + NONE,
        "gemv of toy.w, warm: managed_prefer_host wins at 55.6 GB/s (89 % of the link), "
        "pinned_copy "
        "is 1.11x slower at 50.0 GB/s (80 % of the link)." + NONE]


def test_verdicts():
    group = standing.groups_of(gemv())[0]
    assert [text for text, _ in standing.verdicts(group)] == [
        "is on the GPU", "1.25x slower", "best", "5.00x slower", "is on the GPU", "1.50x slower",
        "best when warm", "2.00x slower", "FAILED"]


def test_nearly_equal_medians_share_the_first_place():
    assert said(toy("a", "steady", "link", 2.000e-3), toy("b", "steady", "link", 2.019e-3),
                toy("c", "steady", "link", 2.020e-3)) == [
        "gemv of toy.w: a and b tie at 50.0 GB/s (80 % of the link), c is 1.01x slower at 49.5 "
        "GB/s "
        "(79 % of the link). They take no GPU memory."]


def test_so_do_cases_whose_middle_halves_overlap():
    noisy = toy("noisy", "steady", "link", 1.8e-3, 1.9e-3, 2.0e-3, 2.3e-3, 2.4e-3)
    slower = toy("slower", "steady", "link", 2.0e-3, 2.1e-3, 2.2e-3, 2.3e-3, 2.4e-3)
    quiet = toy("quiet", "steady", "link", *[2.0e-3] * 5)
    assert standing.ties(noisy, slower) and standing.ties(slower, noisy)
    assert not standing.ties(quiet, slower)


def test_one_sentence_where_cold_and_warm_agree():
    assert said(toy("a", "steady", "link", 2.0e-3), toy("b", "cold", "link", 4.0e-3),
                toy("b", "warm", "link", 4.0e-3)) == [
        "gemv of toy.w, cold and warm: a wins at 50.0 GB/s (80 % of the link), b is 2.00x slower "
        "at "
        "25.0 GB/s (40 % of the link)." + NONE]


def test_what_failed_or_is_resident_never_wins():
    wrong = toy("wrong", "steady", "link", 1e-3, failure="wrong result")
    moved = toy("moved", "warm", "device_memory", 25e-6)
    slow = toy("slow", "cold", "link", 4e-3)
    assert said(wrong, moved, slow) == [
        "gemv of toy.w: slow reads at 25.0 GB/s (40 % of the link), with no rival; weights that "
        "stay "
        "on the GPU would be read 160x faster." + NONE]
    assert said(wrong) == ["gemv of toy.w: no policy passed."]
    assert said(wrong, moved) == [
        "gemv of toy.w: nothing was read from host memory; weights on the GPU are read at 4.00 "
        "TB/s "
        "(moved)."]


def test_what_was_not_finished_never_wins():
    part = toy("part", "steady", "link", 1e-3, complete=False)
    assert said(part, toy("whole", "steady", "link", 2e-3))[0].startswith(
        "gemv of toy.w: whole reads at 50.0 GB/s")
    assert standing.verdicts(standing.groups_of([part])[0]) == [("not finished", None)]


def test_a_split_pass_is_explained():
    split = toy("hybrid_split", "steady", "link", 1e-3, link_bytes=40_000_000, cpu_bytes=60_000_000,
                share_of_link=40e6 / 1e-3 / 62.5e9)
    assert said(split) == [
        "gemv of toy.w: hybrid_split reads at 100 GB/s (64 % of the link for the part that crosses "
        "it, 60 % read by the CPU), with no rival." + NONE]


def model(device, pass_s, tokens=1):
    return {"pass_s": pass_s, "tokens_per_second_ceiling": tokens / pass_s,
            "memory_bytes": {"device": device, "pinned": 0, "managed": 0, "pageable": 0}}


def test_models_are_compared_in_tokens_and_gpu_memory():
    mib = 2**20
    passes = [
        toy("device_resident", "steady", "device_memory", 1e-3, label="decode/tokens:1",
            model=model(429 * mib, 2e-3)),
        toy("pinned_copy", "steady", "link", 4e-3, label="decode/tokens:1", model=model(143 * mib, 8e-3),
            engine_flags="SGLang --cpu-offload-gb 30"),
        toy("pinned_zero_copy", "steady", "link", 5e-3, label="decode/tokens:1", model=model(0, 10e-3)),
    ]
    # 1 / 8 ms, 1 / 10 ms and 1 / 2 ms.
    assert said(*passes) == [
        "decode/tokens:1 of toy.w: pinned_copy wins at 125 tokens/s with 143 MiB of GPU memory, "
        "pinned_zero_copy is 1.25x slower at 100 tokens/s with no GPU memory; with all weights "
        "resident 500 tokens/s in 429 MiB of GPU memory; engine flags of pinned_copy: SGLang "
        "--cpu-offload-gb 30."]


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


def test_many_weights_have_one_sentence():
    cases = []
    for index in range(4):
        cases += [toy("a", "steady", "link", 1e-3, weights=f"w{index}"),
                  toy("b", "steady", "link", (1.5 + index) * 1e-3, weights=f"w{index}")]
    cases[-1] = toy("b", "steady", "link", 0.5e-3, weights="w3")
    assert overview.of_groups(standing.groups_of(cases)) == (
        "gemv, 4 weights, cold or steady: a is fastest with w0, w1 and w2, the next is 1.50x to "
        "3.50x slower, with no GPU memory; b is fastest with w3, the next is 2.00x slower, with no "
        "GPU memory.")
    cases[-1] = toy("b", "steady", "link", 1e-3, weights="w3")  # as fast as a
    assert overview.of_groups(standing.groups_of(cases)) == (
        "gemv, 4 weights, cold or steady: a is fastest, or ties with the fastest, in all 4, the "
        "next is 1.50x to 3.50x slower, with no GPU memory.")
    assert overview.of_groups(standing.groups_of(cases[:6])) is None  # three speak for themselves


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


@pytest.mark.parametrize("text,expected", [
    (words.seconds(999.6e-6), "1.00 ms"), (words.seconds(12.34e-9), "12.3 ns"),
    (words.rate(51.4e9), "51.4 GB/s"), (words.rate(4.4831e12), "4.48 TB/s"),
    (words.size(2**30 - 1), "1 GiB"), (words.size(1536), "1.5 KiB"), (words.size(0), "0 B"),
    (words.times(9.994), "9.99x"), (words.times(9.995), "10x"),
    (words.enumerate_names(["a", "b", "c", "d", "e"], 4), "a, b, c and 2 others"),
])
def test_numbers_are_spelt_as_the_summary_spells_them(text, expected):
    assert text == expected


@pytest.mark.skipif("OFFLOAD_BENCH" not in os.environ, reason="OFFLOAD_BENCH is not set")
def test_the_benchmark_ends_with_the_same_sentences(tmp_path):
    path = tmp_path / "run.json"
    ran = subprocess.run(
        [os.environ["OFFLOAD_BENCH"], "--sizes", "1MiB,4MiB", "--samples", "3",
         "--progress", "never", "--workloads", "stream_read,gemv,pointer_chase",
         "--policies", "host_compute,device_resident", "--output", path],
        capture_output=True, text=True, check=True)
    printed = " ".join(ran.stdout.split())
    groups = standing.groups_of(results.load(path).cases)
    assert len(groups) > 2
    for group in groups:
        for sentence in sentences.of_group(group):
            text, stop, _ = sentence.rpartition(". ")  # what follows is the report's own
            assert text + stop.strip() in printed
