# SPDX-License-Identifier: Apache-2.0
"""Twenty figures of commit 92899b9 did not mean what they said. What a file can show of them is found
in files of that commit, of which tests/data/mended has the cases. Needs pytest."""
import json
import pathlib
import sys

import pytest

from results_builder import apart, case, of_schema_1, run, write

ROOT = pathlib.Path(__file__).parent.parent.parent
DATA = ROOT / "tests/data/mended"
sys.path.insert(0, str(ROOT / "scripts"))
from offload_results import merge, results, sanity, schema  # noqa: E402

SAMPLES = json.loads((DATA / "samples.json").read_text())


def read(name):
    return json.loads((DATA / f"{name}.json").read_text())


def on_eight_lanes():
    document = read("second-quick")
    document["offload_bench"]["platform"]["link"] |= {"current_generation": 3, "current_width": 8}
    return document


def on_a_busy_machine():
    document = read("second-quick")
    document["context"] |= {"load_avg": [18.2, 3.0, 1.0], "num_cpus": 2}
    return document


def of_many_cold_cases():
    """Of full.json: the cold cases in which one sample stands out, by their samples."""
    return of_schema_1(run([case(policy=name.replace("/", "_"), start="cold", samples=samples)
                            for name, samples in SAMPLES["cold"].items()], with_rows=False,
                           wall_time={**run([])["offload_bench"]["wall_time"], "measured_s": 9.0}))


def of_four_runs(tmp_path):
    """Of the baseline: three policies in its four runs, by their medians."""
    paths = []
    for index in range(4):
        cases = [case(policy=name.split("/")[1], start=name.split("/")[-1], samples=[median] * 3)
                 for source, name, median in SAMPLES["runs"] if source == index]
        paths.append(write(tmp_path / f"{index}.json", apart(of_schema_1(run(
            cases, with_rows=False, started_at=f"2026-11-26T0{index}:00:00Z")))))
    return merge.merge(paths)


# (row, file, the check, what it says); rows that no file can show are not here: 12 and 13, sentences of
# the report and the documents; 16, no file was made with two slots; 18, policies that did not exist.
FOUND = [
    (1, "prefill-qwen3-30b-a3b", "tokens_are_of_a_state_that_lasts",
     "92.4 tokens/s of a first pass from cold"),
    (2, "gemm", "link_counters_agree",
     "469762048 bytes cross the link, its counters saw 1879028491"),
    (3, "second-quick", "the_cpu_reads_memory", "reads 196.5 GB/s beside copies and 129.7 GB/s alone"),
    (3, "prefill-llama3.1-70b", "the_cpu_reads_memory", "of a buffer of 268435456 bytes"),
    (4, "prefill-llama3.1-70b", "rates_stand_beside_their_bound", "357, and 3491 by the link"),
    (5, "prefill-llama3.1-70b", "drifting_rows_say_so", "drifts by +11.3% (2.336 ms in the first third, 2.601 ms in the last)"),
    (6, of_four_runs, "runs_differ_by_what_is_told", "differ by more than 5% between runs of one build"),
    (7, "full", "a_share_beats_the_plain_ring", "kept 100% for the CPU, which loses"),
    (8, "prefill-llama3.1-70b", "bytes_of_cold_passes_are_known",
     "16777216 of 3422552064 bytes were counted, and none on the link"),
    (9, "gemm", "limits_stand_for_any_kernel", "asks zero-copy to be 40 times slower"),
    (10, "prefill-qwen3-30b-a3b", "tokens_are_of_a_state_that_lasts",
     "22163 tokens/s of weights that are on the GPU"),
    (11, "adaptation", "a_series_is_more_than_its_last_pass",
     "pass 32 took 0.0796 ms, the last 8 2.02 ms on average: go by means, and the sum of 108 ms"),
    (14, "decode-llama3.1-70b", "engines_hold_whole_layers",
     "939524096 bytes for a layer of 1711276032"),
    (15, "prefill-llama3.1-70b", "copies_that_run_ahead_overlap", "hides 1.7% of its transfer"),
    (17, of_many_cold_cases, "first_samples_are_like_the_others",
     "in 28 it is the first, by chance in 12"),
    (19, on_eight_lanes, "rates_fit_the_link", "GB/s over PCIe 5 x8"),
    (20, on_a_busy_machine, "a_busy_machine_is_told", "a load of 18.2 on 2 CPUs"),
]


@pytest.mark.parametrize("row,file,check,text", FOUND, ids=[f"{row}-{check}" for row, _, check, _ in FOUND])
def test_the_old_files_show_the_figures_that_were_mended(row, file, check, text, tmp_path):
    document = (read(file) if isinstance(file, str)
                else file(tmp_path) if file is of_four_runs else file())
    assert not schema.errors_in(document)
    assert document["offload_bench"]["schema_version"].startswith("1.")
    of_check = [finding.text for finding in sanity.findings(
        results.results_in("a.json", document, True)) if finding.check == check]
    assert [one for one in of_check if text in one], of_check
