# SPDX-License-Identifier: Apache-2.0
"""offload-results compare run on documents, for its tests."""
import copy
import json
import math
import pathlib

import scipy.special  # noqa: F401  # for the children of forked.py

import results_builder as build
from forked import script

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
STILL = [1e-3] * 5  # no spread of its own: what is left is the assumed one
# Two runs of the GPU's kind, assumed to differ by 0.4 %: t of 8 degrees at 99.8 % is 4.5008, so the
# interval is 4.5008 * sqrt(2) * 0.4 % = 2.55 % of the logarithm to each side.
RESOLUTION = math.exp(4.5008 * math.sqrt(2) * 0.004) - 1


def compare(*arguments, cwd=None):
    return script("offload-results", "compare", *arguments, cwd=cwd)


def case(policy="pinned_copy", scale=1.0, **changes):
    return build.case(policy=policy, samples=[x * scale for x in STILL], **changes)


def on_cpu(policy="host_compute", scale=1.0, **changes):
    return case(policy, scale, path="host_memory", cpu_bytes=64 * build.MIB, **changes)


def compare_runs(tmp_path, old, new, *options):
    """Of two documents."""
    return compare(build.write(tmp_path / "old.json", old), build.write(tmp_path / "new.json", new),
                   *options)


def compare_cases(tmp_path, old, new, *options):
    return compare_runs(tmp_path, build.run(old), build.run(new), *options)


def as_json(done):
    return json.loads(done.stdout)["offload_bench_comparison"]["comparisons"]


def verdicts(done):
    return {found["policy"]: found["verdict"] for found in as_json(done)[0]["cases"]}


def merged(*documents):
    """One document with the cases of all, each with its source."""
    whole = copy.deepcopy(documents[0])
    whole["offload_bench"]["cases"] = [
        {**one, "source": index} for index, document in enumerate(documents)
        for one in document["offload_bench"]["cases"]]
    whole["offload_bench"]["sources"] = [
        {"file": f"{index}.json", "context": document["context"], "run": {name: value for name, value in
                                          document["offload_bench"].items() if name != "cases"}}
        for index, document in enumerate(documents)]
    return whole
