#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the results files of schema 1 beside it, from what results/ held at commit 92899b9: all their
fields, but of the cases some, with their rows, and of what each run skipped the first three.
tests/data/mended has more of schema 1, without rows and not merged.

    tests/data/schema-1/make.py    # in a clone that has the commit
"""
import json
import pathlib
import subprocess

COMMIT = "92899b9"
HERE = pathlib.Path(__file__).parent
CASES = (
    "pointer_chase/device_resident/64MiB/steady", "pointer_chase/managed_demand/64MiB/warm",
    "pointer_chase/pinned_zero_copy/64MiB/steady",
    "gemv/device_resident/llama3.1-70b.down_proj/steady",
    "gemv/managed_demand/llama3.1-70b.down_proj/cold")
ON_THE_CPU = ("stream_read/host_compute/llama3.1-70b.down_proj/steady",
              "gemv/host_compute/llama3.1-70b.down_proj/steady")
FILES = {  # file: where it is from, names of cases
    "no-gpu.json": ("results/epyc-2vcpu/quick.json", ON_THE_CPU),  # 1.0.0
    "another-card.json": ("results/h200-sxm-pcie5-second-card/quick.json", CASES),  # 1.2.0
    "four-runs.json": ("results/baselines/h200-sxm-pcie5.json", CASES),  # 1.3.0, merged
}
SKIPPED = 3


def old(path):
    text = subprocess.run(["git", "show", f"{COMMIT}:{path}"], cwd=HERE, capture_output=True,
                          check=True).stdout
    return json.loads(text)


def first_of_each_run(skipped):
    found = {}
    for one in skipped:
        found.setdefault(one.get("source"), []).append(one)
    return [one for of_run in found.values() for one in of_run[:SKIPPED]]


def reduced(document, names):
    ours = document["offload_bench"]
    cases = [case for case in ours["cases"] if case["name"] in names]
    rows = {case["run_name"] for case in cases}
    return {**document,
            "benchmarks": [row for row in document["benchmarks"] if row["run_name"] in rows],
            "offload_bench": {**ours, "cases": cases,
                              "skipped": first_of_each_run(ours["skipped"])}}


def main():
    for name, (path, names) in FILES.items():
        text = json.dumps(reduced(old(path), names), ensure_ascii=False, separators=(",", ":"))
        (HERE / name).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
