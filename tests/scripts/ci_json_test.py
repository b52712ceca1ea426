# SPDX-License-Identifier: Apache-2.0
"""--ci-json against models of its readers: github-action-benchmark (tool googlecpp), bencher
(adapter cpp_google) and conbench (benchadapt's GoogleBenchmarkAdapter, as archery).

Each model takes and refuses what the reader's source does, and gives back what the service would
store. Needs pytest; what the program writes is read where OFFLOAD_BENCH names it, as in
tests/scripts/results_schema_test.py."""
import copy
import json
import os
import pathlib
import subprocess

import pytest

SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}


class Refused(Exception):
    pass


def need(condition, what):
    if not condition:
        raise Refused(what)


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def refuse_constant(token):
    raise Refused(f"{token} is no JSON")  # JSON.parse and serde_json stop here


def strict(text):
    return json.loads(text, parse_constant=refuse_constant)


def github_action_benchmark(text):
    """Every row of `benchmarks` becomes a point of the chart, smaller is better: aggregates and
    skipped rows would too, so there must be none; a name twice would be compared with itself."""
    points = {}
    for row in strict(text)["benchmarks"]:
        need(isinstance(row["name"], str) and is_number(row["real_time"]), "name, real_time")
        need(row["real_time"] > 0, "a skipped row becomes a point at 0")
        need(row["run_type"] == "iteration", "an aggregate becomes a point")
        need(row["name"] not in points, "a name twice")
        extra = (f"iterations: {row['iterations']}\ncpu: {row['cpu_time']} {row['time_unit']}\n"
                 f"threads: {row['threads']}")
        points[row["name"]] = (row["real_time"], f"{row['time_unit']}/iter", extra)
    return points


def bencher(text):
    """Latency in ns by name. `context.caches` is a list of objects and must be there; a name has 1
    to 1024 characters; a time must fit the reader's decimal type."""
    document = strict(text)
    caches = document["context"]["caches"]
    need(isinstance(caches, list) and all(isinstance(one, dict) for one in caches), "caches")
    latencies = {}
    for row in document["benchmarks"]:
        name, time, unit = row["name"], row["real_time"], row["time_unit"]
        need(isinstance(name, str) and name.strip() == name and 1 <= len(name) <= 1024, "name")
        need(is_number(time) and abs(time) < 7.9e28, "real_time")
        need(unit in SECONDS, "time_unit")
        need(name not in latencies, "a name twice")
        latencies[name] = time * SECONDS[unit] * 1e9
    return latencies


REQUIRED_BY_CONBENCH = ("name", "real_time", "cpu_time", "time_unit", "run_type")


def conbench(text):
    """Rows are arguments of an observation, by name: five must be there, any other is a counter.
    Aggregates are dropped. The value is bytes_per_second, else items_per_second, else the CPU's
    time: never real_time, as names end in /manual_time. Up to the first slash a name is the
    benchmark's, the rest a tag; a `<` would split it as well."""
    document = strict(text)
    need(isinstance(document["context"], dict), "context")
    stored = {}
    for row in document["benchmarks"]:
        need(all(field in row for field in REQUIRED_BY_CONBENCH), "a field")
        if row["run_type"] == "aggregate":
            continue
        need(row.get("bytes_per_second") or row.get("items_per_second"), "falls back to cpu_time")
        need("<" not in row["name"], "taken for a template")
        benchmark, _, params = row["name"].partition("/")
        stored.setdefault((benchmark, params), []).append(row["bytes_per_second"])
    return stored


READERS = (github_action_benchmark, bencher, conbench)


def check_all(ci, results):
    """What each reader stores is the median of each passed case and nothing else."""
    passed = {case["run_name"]: case for case in results["offload_bench"]["cases"]
              if case["complete"] and case["failure"] is None}
    assert passed
    points, latencies, stored = (reader(ci) for reader in READERS)
    assert points.keys() == latencies.keys() == passed.keys()
    assert stored.keys() == {(name.partition("/")[0], name.partition("/")[2]) for name in passed}
    for name, case in passed.items():
        median, rate = case["summary"]["median_s"], case["gb_per_s"] * 1e9
        value, unit, _ = points[name]
        assert value * SECONDS[unit.removesuffix("/iter")] == pytest.approx(median)
        assert latencies[name] == pytest.approx(median * 1e9)
        benchmark, _, params = name.partition("/")
        assert stored[benchmark, params] == [pytest.approx(rate)]


def bench():
    path = os.environ.get("OFFLOAD_BENCH")
    if not path:
        pytest.skip("OFFLOAD_BENCH is not set")
    return pathlib.Path(path)


def test_sample_results(tmp_path):
    subprocess.run([bench().parent / "tests/write_sample_results", tmp_path], check=True)
    check_all((tmp_path / "ci.json").read_text(), strict((tmp_path / "gpu.json").read_text()))


def test_real_run(tmp_path):
    ci, results = tmp_path / "ci.json", tmp_path / "results.json"
    done = subprocess.run(
        [bench(), "--workloads=stream_read", "--sizes=1MiB,2MiB", "--samples=3", "--progress=never",
         "--evidence=none", f"--output={results}", f"--ci-json={ci}"],
        capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    check_all(ci.read_text(), strict(results.read_text()))


GOOD = {
    "context": {"caches": [{"type": "Data", "level": 1, "size": 32768, "num_sharing": 1}]},
    "benchmarks": [{
        "name": "gemv/pinned_copy/w/steady/manual_time", "run_type": "iteration", "real_time": 2.5,
        "cpu_time": 1.0, "time_unit": "ms", "iterations": 1, "threads": 1,
        "bytes_per_second": 4e9}],
}


def test_models_take_a_good_row():
    text = json.dumps(GOOD)
    name = GOOD["benchmarks"][0]["name"]
    assert github_action_benchmark(text) == {
        name: (2.5, "ms/iter", "iterations: 1\ncpu: 1.0 ms\nthreads: 1")}
    assert bencher(text) == {name: 2.5e6}
    assert conbench(text) == {("gemv", "pinned_copy/w/steady/manual_time"): [4e9]}


@pytest.mark.parametrize("reader, spoil", [
    (github_action_benchmark, lambda rows, _: rows[0].update(real_time=0)),
    (github_action_benchmark, lambda rows, _: rows[0].update(run_type="aggregate")),
    (github_action_benchmark, lambda rows, _: rows.append(rows[0])),
    (github_action_benchmark, lambda rows, _: rows[0].update(real_time=float("nan"))),
    (bencher, lambda _, context: context.pop("caches")),
    (bencher, lambda _, context: context.update(caches=[1])),
    (bencher, lambda rows, _: rows[0].update(time_unit="min")),
    (bencher, lambda rows, _: rows[0].pop("real_time")),
    (bencher, lambda rows, _: rows[0].update(name="")),
    (bencher, lambda rows, _: rows[0].update(real_time=float("inf"))),
    (conbench, lambda rows, _: rows[0].pop("cpu_time")),
    (conbench, lambda rows, _: rows[0].pop("bytes_per_second")),
    (conbench, lambda rows, _: rows[0].update(name="gemv<1>/x")),
])
def test_models_refuse(reader, spoil):
    document = copy.deepcopy(GOOD)
    spoil(document["benchmarks"], document["context"])
    with pytest.raises((Refused, KeyError)):
        reader(json.dumps(document))
