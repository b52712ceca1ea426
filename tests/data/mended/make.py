#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what sanity_mended_test.py reads: of results files that showed figures which were mended later
(commit 92899b9), the cases that show them, and of a case that is one of many its times only.

    tests/data/mended/make.py    # in a clone that has the commit
"""
import json
import pathlib
import subprocess

COMMIT = "92899b9"
HERE = pathlib.Path(__file__).parent
H200 = "results/h200-sxm-pcie5"
CASES = {  # file: (name of a case, as it was written then, ...)
    f"{H200}/decode-llama3.1-70b.json": ("decode.m1/pinned_copy/llama3.1-70b/steady",),
    f"{H200}/prefill-llama3.1-70b.json": (
        "prefill.m512/managed_demand/llama3.1-70b/cold", "prefill.m512/managed_demand/llama3.1-70b/warm",
        "prefill.m512/managed_prefer_device/llama3.1-70b/warm",
        "prefill.m2048/device_resident/llama3.1-70b/steady",
        "prefill.m2048/pinned_zero_copy/llama3.1-70b/steady",
        "prefill.m2048/pinned_prefetch_copy/llama3.1-70b/steady",
        "prefill.m2048/pinned_ring_copy/llama3.1-70b/steady"),
    f"{H200}/prefill-qwen3-30b-a3b.json": (
        "prefill.m2048/managed_prefer_host/qwen3-30b-a3b/cold",
        "prefill.m2048/managed_prefer_device/qwen3-30b-a3b/warm"),
    f"{H200}/gemm.json": ("gemm.m1024/pinned_zero_copy/28672x8192/steady",),
    f"{H200}/full.json": ("stream_read/pinned_ring_copy/4MiB/steady",
                          "stream_read/hybrid_split/4MiB/steady"),
    f"{H200}/adaptation.json": (
        "expert_gather.z100/managed_demand/qwen3-30b-a3b.experts/cold",),
    f"{H200}-second-card/quick.json": (),
}


def old(path):
    text = subprocess.run(["git", "show", f"{COMMIT}:{path}"], cwd=HERE, capture_output=True,
                          check=True).stdout
    return json.loads(text)


def reduced(document, names):
    """As the file was, but for the cases left out and for all rows of Google Benchmark."""
    ours = document["offload_bench"]
    cases = {case["name"]: case for case in ours["cases"]}
    kept = [{**cases[name], "run_name": None} for name in names]
    return {**document, "benchmarks": [], "offload_bench": {
        **ours, "cases": kept, "skipped": [], "memory_costs": [],
        "limits": [one for one in ours["limits"] if one["id"].startswith("zero_copy_vs")]}}


def write(name, document):
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    (HERE / name).write_text(text + "\n", encoding="utf-8")


def main():
    for path, names in CASES.items():
        card, _, name = path.removeprefix("results/").partition("/")
        write(name if card == "h200-sxm-pcie5" else f"second-{name}", reduced(old(path), names))
    write("samples.json", {
        "cold": {case["name"]: [float(f"{sample:.5g}") for sample in case["samples_s"]]
                 for case in old(f"{H200}/full.json")["offload_bench"]["cases"]
                 if case["start"] == "cold" and len(case["samples_s"]) > 2
                 and sorted(case["samples_s"])[-1] > 1.04 * sorted(case["samples_s"])[-2]},
        "runs": [[case["source"], case["name"], case["summary"]["median_s"]]
                 for case in old("results/baselines/h200-sxm-pcie5.json")["offload_bench"]["cases"]
                 if case["workload"] == "gemv" and case["policy"] in (
                     "pinned_zero_copy", "managed_demand", "hybrid_split")]})


if __name__ == "__main__":
    main()
