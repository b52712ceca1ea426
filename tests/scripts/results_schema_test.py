# SPDX-License-Identifier: Apache-2.0
"""Every document the report writes, against its schema and against what other tools read.

Needs pytest and jsonschema. OFFLOAD_BENCH names the benchmark in its build directory, where
tests/write_sample_results lies too; without it only the committed results are checked.
"""

import contextlib
import copy
import json
import math
import os
import pathlib
import statistics
import re
import socket
import sqlite3
import subprocess
import sys

import jsonschema
import pytest

from committed import OLD, RESULTS, short

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from offload_results import schema  # noqa: E402
from offload_results.results import LISTS  # noqa: E402

SCHEMAS = {major: json.loads((ROOT / f"results/schema/results-{major}.json").read_text())
           for major in (1, 2)}
NEWEST = SCHEMAS[max(SCHEMAS)]


def refuse(token):
    raise ValueError(f"{token} is not JSON")


def strict(text):
    """Python alone would take NaN and Infinity; node, serde and nlohmann/json do not."""
    return json.loads(text, parse_constant=refuse)


def major_of(document):
    return int(document["offload_bench"]["schema_version"].split(".")[0])


def validate(document, definition=None, schema=NEWEST):
    if definition is not None:
        schema = {"$schema": schema["$schema"], "$defs": schema["$defs"],
                  "$ref": f"#/$defs/{definition}"}
    errors = jsonschema.Draft202012Validator(schema).iter_errors(document)
    messages = [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in errors]
    assert not messages, "\n".join(messages[:10])


def bench():
    path = os.environ.get("OFFLOAD_BENCH")
    if not path:
        pytest.skip("OFFLOAD_BENCH is not set")
    return pathlib.Path(path)


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    directory = tmp_path_factory.mktemp("samples")
    subprocess.run([bench().parent / "tests/write_sample_results", directory], check=True)
    return directory


def run_bench(directory, *options):
    results, ci = directory / "results.json", directory / "ci.json"
    done = subprocess.run(
        [bench(), "--workloads=stream_read", "--sizes=1MiB", "--samples=3",
         f"--output={results}", f"--ci-json={ci}", *options],
        capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return results.read_text(), ci.read_text(), done.stdout


@pytest.fixture(scope="module")
def real_run(tmp_path_factory):
    """The smallest run of the real program; it works on a machine without a GPU too."""
    directory = tmp_path_factory.mktemp("run")
    results, ci, _ = run_bench(directory)
    return strict(results), strict(ci)


def check_stock_rows(rows):
    """compare.py, bencher, github-action-benchmark and conbench read these fields of a row."""
    for row in rows:
        assert {"name", "real_time", "cpu_time", "time_unit", "run_type"} <= row.keys()
        assert row["time_unit"] in ("ns", "us", "ms", "s")
        assert math.isfinite(row["real_time"]) and math.isfinite(row["cpu_time"])
        assert not any(character in row["name"] for character in ", \n")
        if row["run_type"] == "iteration":
            assert row["name"] == row["run_name"]
            assert row["real_time"] > 0 and row["bytes_per_second"] > 0
        else:
            assert row["name"] == f"{row['run_name']}_{row['aggregate_name']}"


def check_context(context):
    assert isinstance(context["caches"], list)  # bencher refuses a file without
    assert context.get("json_schema_version", 1) == 1  # compare.py refuses any other


def check_results(document):
    validate(document, schema=SCHEMAS[major_of(document)])
    for one_run in runs_of(document):
        check_run(one_run)


def runs_of(document):
    """A merged file as the documents of its runs."""
    ours = document["offload_bench"]
    if "sources" not in ours:
        return [document]

    def of(index, items):
        return [item for item in items if item["source"] == index]
    return [{"context": source["context"], "benchmarks": of(index, document["benchmarks"]),
             "offload_bench": {**source["run"], **{name: of(index, ours[name])
                                                   for name in LISTS if name in ours}}}
            for index, source in enumerate(ours["sources"])]


def check_run(document):
    check_context(document["context"])
    check_stock_rows(document["benchmarks"])
    ours = document["offload_bench"]
    rows = {}
    for row in document["benchmarks"]:
        rows.setdefault(row["run_name"], []).append(row)

    without_rows = {item["name"] for item in ours["skipped"]}
    without_rows |= {case["name"] for case in ours["cases"] if case["failure"]}
    for run_name in rows:
        assert not any(run_name == name or run_name.startswith(name + "/")
                       for name in without_rows), run_name

    cases = {case["name"]: case for case in ours["cases"]}
    assert len(cases) == len(ours["cases"]), "a case twice"
    assert not cases.keys() & {item["name"] for item in ours["skipped"]}
    assert {case["run_name"] for case in cases.values() if case["run_name"]} == rows.keys()
    for case in cases.values():
        check_case(case, rows.get(case["run_name"], []), document)
        if ours["schema_version"] != "1.0.0":
            check_since_1_1(case)
        if ours["schema_version"] not in ("1.0.0", "1.1.0"):
            check_since_1_2(case, ours["options"])
    if major_of(document) >= 2:
        check_answers(ours)


def competes(case):
    first_pass = case["start"] == "cold" and case["workload"] in ("decode", "prefill")
    return (case["failure"] is None and case["summary"] and case["path"] != "device_memory"
            and not first_pass)


def check_answers(ours):
    """Who wins, worked out once more from the cases."""
    groups = {}
    for case in ours["cases"]:
        groups.setdefault((case["label"], case["weights"]["name"]), []).append(case)
        assert (case["standing"] is None) == (not competes(case)) or not case["standing"]
        assert (case["excluded"] is None) == bool(competes(case))
    assert [(answer["label"], answer["weights"]) for answer in ours["answers"]] == list(groups)
    for answer, group in zip(ours["answers"], groups.values()):
        assert {case["workload"] for case in group} == {answer["workload"]}
        for start in ("cold", "warm"):
            check_contest(answer[start], start, group)
        assert all(answer["label"] in sentence for sentence in answer["sentences"])


def check_contest(contest, start, group):
    rivals = [case for case in group if competes(case) and case["start"] in (start, "steady")]
    if not rivals or (start == "warm" and all(case["start"] == "steady" for case in rivals)):
        assert contest is None
        assert not any(start in (case["standing"] or {}) for case in group)
        return
    rivals.sort(key=lambda case: case["summary"]["median_s"])
    best = rivals[0]
    places = [case["standing"][start] for case in rivals]
    assert [place["rank"] for place in places] == list(range(1, len(rivals) + 1))
    assert sum(start in (case["standing"] or {}) for case in group) == len(rivals)
    assert contest["best"] == {"case": best["name"], "policy": best["policy"],
                               "engine_flags": best["engine_flags"]}
    assert places[0] == {"rank": 1, "times_slower": 1, "ties_with_best": True}
    if best["model"] is None:
        assert [place["times_slower"] for place in places] == pytest.approx(
            [case["summary"]["median_s"] / best["summary"]["median_s"] for case in rivals])

    def first(found):
        return next((case["name"] for case in found), None)

    def named(part):
        return contest[part] and contest[part]["case"]
    tied = [case["name"] for case in rivals if case["standing"][start]["ties_with_best"]]
    assert [best["name"], *(case["case"] for case in contest["tied"])] == tied
    assert named("runner_up") == first(case for case in rivals if case["name"] not in tied)
    assert named("switchable") == first(case for case in rivals if case["engine_flags"])
    resident = [case for case in group
                if case["excluded"] == "on_gpu" and case["start"] == "steady"]
    assert named("resident") == first(sorted(resident, key=lambda case: case["summary"]["median_s"]))


def check_case(case, rows, document):
    parts = [case.get("label", case["workload"]), case["policy"], case["weights"]["name"],
             case["start"]]
    assert case["name"] == "/".join(parts)
    weights = case["weights"]
    assert weights["bytes"] == sum(tensor["bytes"] for tensor in weights["tensors"])
    if case["path"] != "link":
        assert case["share_of_link"] is None
    if case["failure"]:
        return
    samples, summary = case["samples_s"], case["summary"]
    if case["complete"]:
        # Only merged files come without rows.
        assert samples and summary and (case["run_name"] or not document["benchmarks"])
    if not samples:
        return
    assert summary["min_s"] == min(samples) and summary["max_s"] == max(samples)
    assert summary["min_s"] <= summary["p25_s"] <= summary["median_s"] <= summary["p75_s"]
    assert case["gb_per_s"] == pytest.approx(
        case["bytes"]["requested"] / summary["median_s"] / 1e9)
    if case["share_of_link"] is not None:
        link = document["offload_bench"]["calibration"]["copy_h2d_bytes_per_second"]
        crossing = case.get("link_bytes", case["bytes"]["requested"])
        assert case["share_of_link"] == pytest.approx(crossing / summary["median_s"] / link)
    # One repetition of Google Benchmark is one sample.
    seconds = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1}
    times = [row["real_time"] * seconds[row["time_unit"]]
             for row in rows if row["run_type"] == "iteration"]
    if times:
        assert times == pytest.approx(samples)


SINCE_1_1 = {"label", "tokens", "link_bytes", "cpu_bytes", "captured", "model"}


def check_since_1_1(case):
    """What files of 1.0 do not have."""
    assert SINCE_1_1 <= case.keys()
    workload, label = case["workload"], case["label"]
    assert label in (workload, f"{workload}/tokens:{case['tokens']}",
                     f"{workload}.m{case['tokens']}") or re.fullmatch(  # before 2.0
        rf"{workload}(\.[cz]\d+|/chunk:\d+|/skew:[\d.]+)", label)
    if case["path"] != "link":
        assert case["link_bytes"] == 0
    model = case["model"]
    if model is None:
        return
    tensors = case["weights"]["tensors"]
    assert all({"layer", "experts", "resident"} <= tensor.keys() for tensor in tensors)
    assert len({tensor["layer"] for tensor in tensors}) == model["layers_measured"]
    assert model["layers_measured"] <= model["layers"]
    if model["tokens_per_second_ceiling"] is not None:
        assert model["tokens_per_second_ceiling"] == pytest.approx(case["tokens"] / model["pass_s"])
    offloaded = sum(tensor["bytes"] for tensor in tensors if not tensor["resident"])
    if offloaded:
        assert model["scale"] == pytest.approx(model["offloaded_bytes"] / offloaded)
    assert model["link_bytes_per_token"] == pytest.approx(
        case["link_bytes"] * model["scale"] / case["tokens"])
    assert model["memory_bytes"]["device"] >= model["resident_bytes"] + model["other_bytes"]


def figure(found, key):
    return found[key] if found["state"] == "measured" else None


def ratio(value, base):
    return None if value is None or not base else pytest.approx(value / base)


def check_since_1_2(case, options):
    """Evidence in its present form, and the figures that follow from it."""
    assert {"evidence", "passes", "explain", "redact", "chunks", "skews",
            "host_memory_cost"} <= options.keys()
    assert {"setup", "series"} <= case.keys()
    evidence = case["evidence"]
    assert "amplification" in evidence
    um = evidence["um"]
    check_traffic(um)
    moved = figure(um, "to_device")
    assert evidence["amplification"] == ratio(moved and moved["total"], um.get("bytes_read"))
    gigabytes = case["bytes"]["requested"] / 1e9
    cpu = evidence["cpu"]
    assert evidence["driver_cpu_s_per_gb"] == ratio(figure(cpu, "driver_s"), gigabytes)
    assert evidence["process_cpu_s_per_gb"] == ratio(figure(cpu, "process_s"), gigabytes)
    if figure(cpu, "driver_s") is not None:
        assert sum(cpu["threads"].values()) == pytest.approx(cpu["driver_s"])
    joules = figure(evidence["energy"], "joules_per_pass")
    assert evidence["joules_per_gb"] == ratio(joules, gigabytes)
    link = evidence["link"]
    payload = figure(link, "payload_bytes_to_device")
    per_requested = evidence["link_payload_per_requested"]
    small = case["bytes"]["requested"] < 2**20
    assert per_requested == ratio(payload, case["bytes"]["requested"]) or (small and per_requested is None)
    if payload is not None:
        assert payload <= link["wire_bytes_to_device"]
    residency = evidence["residency"]
    if residency["state"] == "measured":
        assert residency["pages_asked"] == residency["not_on_cpu"] + sum(
            residency["on_node"].values())
    if options["evidence"] == "none":
        assert evidence["passes"] == 0 and case["series"] is None
    if case["setup"]:
        parts = list(zip(case["samples_s"], case["setup"]["samples_s"], strict=True))
        assert case["setup"]["median_s"] == pytest.approx(
            statistics.median(part for _, part in parts))
        assert case["setup"]["read_median_s"] == pytest.approx(
            statistics.median(whole - part for whole, part in parts))
    if case["series"]:
        check_series(case["series"])


def check_series(series):
    count = len(series["pass_s"])
    assert len(series["distinct_bytes"]) == count
    assert series["driver_s"] is None or len(series["driver_s"]) == count
    if series["um"]["state"] == "measured":
        assert len(series["um"]["passes"]) == count
        for one_pass in series["um"]["passes"]:
            check_traffic(one_pass)


def check_traffic(traffic):
    for direction in ("to_device", "to_host"):
        if direction in traffic:
            causes = dict(traffic[direction])
            assert causes.pop("total") == sum(causes.values())


def check_ci(document, results):
    """One plain row per passed case: nothing a reader could take for something else."""
    assert document.keys() == {"context", "benchmarks"}
    check_context(document["context"])
    check_stock_rows(document["benchmarks"])
    cases = results["offload_bench"]["cases"]
    passed = {case["run_name"]: case for case in cases if case["complete"]}
    assert [row["name"] for row in document["benchmarks"]] == list(passed)
    for row in document["benchmarks"]:
        assert row["run_type"] == "iteration" and "aggregate_name" not in row
        assert row["bytes_per_second"] == pytest.approx(passed[row["name"]]["gb_per_s"] * 1e9)


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS.keys())
def test_schema_is_a_schema(schema):
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("name", ["gpu", "cpu", "model", "one-memory", "redacted", "interrupted", "empty"])
def test_sample_results(samples, name):
    check_results(strict((samples / f"{name}.json").read_text()))


def test_sample_ci_json(samples):
    results = strict((samples / "gpu.json").read_text())
    check_ci(strict((samples / "ci.json").read_text()), results)


def test_sample_journal(samples):
    header, *lines = (samples / "run.journal").read_text().splitlines()
    validate(strict(header), "run")
    cases = strict((samples / "gpu.json").read_text())["offload_bench"]["cases"]
    journalled = [strict(line) for line in lines]
    for case in journalled:
        validate(case, "case")
    # The rows' name and the other cases are not known yet while the run goes on.
    assert journalled == [{**case, "run_name": None, "standing": None} for case in cases]


def test_sample_lines(samples):
    lines = [strict(line) for line in (samples / "lines.jsonl").read_text().splitlines()]
    ours = strict((samples / "gpu.json").read_text())["offload_bench"]
    found = {"case": [], "skipped": []}
    for line in lines:
        validate(line, "line")
        assert line["run"]["started_at"] == ours["started_at"]
        assert line["run"]["gpu"] == ours["platform"]["gpu"]["name"]
        found[line["kind"]].append({name: value for name, value in line.items() if name not in ("kind", "run")})
    for case in found["case"]:
        validate(case, "case")
    assert found["case"] == [{**case, "run_name": None, "standing": None} for case in ours["cases"]]
    assert found["skipped"] == ours["skipped"] != []


def test_hostile_names_stay_names_in_a_database(samples):
    hostile = "x'); DROP TABLE offload_cases; --\"\n\\"
    ours = strict((samples / "gpu.json").read_text())["offload_bench"]
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        database.executescript((samples / "hostile.sql").read_text())
        rows = database.execute("SELECT weights, host_name, name, median_s FROM offload_cases").fetchall()
        assert rows == [(hostile, hostile, case["name"], case["summary"]["median_s"] if rated(case) else None)
                        for case in ours["cases"]]
        assert database.execute("SELECT reason FROM offload_skipped").fetchall() == [(hostile,)] * len(ours["skipped"])


def rated(case):
    return case["summary"] and not case["failure"]


def test_sample_platform(samples):
    validate(strict((samples / "platform.json").read_text()), "platform")


@pytest.mark.parametrize("spoil", [
    lambda ours: ours.pop("schema_version"),
    lambda ours: ours.update(schema_version="1.2.0"),
    lambda ours: ours.update(surprise=1),
    lambda ours: ours["cases"][0].update(surprise=1),
    lambda ours: ours["cases"][0].update(path="bus"),
    lambda ours: ours["cases"][0]["bytes"].update(requested=-1),
    lambda ours: ours["cases"][0].update(failure="wrong result"),  # and yet a rate
    lambda ours: ours["skipped"].append({"name": "a/b/c/cold"}),
    lambda ours: ours.update(complete=False),  # and yet no reason
    lambda ours: ours["memory_costs"][0].update(failure="no more"),  # and yet figures
    lambda ours: ours["memory_costs"][1].update(failure=None),  # and yet no figures
    lambda ours: ours["memory_costs"][0]["taken"].pop("host_bytes"),
    lambda ours: ours["platform"].update(gpu=None),  # and yet no reason
    lambda ours: ours["cases"][0].update(excluded="slow"),
    lambda ours: ours["cases"][1]["standing"]["cold"].update(rank=0),
    lambda ours: ours["cases"][1].update(standing={}),
    lambda ours: ours["answers"][0].update(sentences=[]),
    lambda ours: ours["answers"][0]["cold"].pop("limited_by"),
    lambda ours: ours["answers"][0]["cold"].update(limited_by="bus"),
    lambda ours: ours["answers"][0]["cold"]["best"].update(times_slower=1),
    lambda ours: ours["answers"][0]["cold"]["runner_up"].pop("times_slower"),
    lambda ours: ours["answers"][0]["cold"]["switchable"].update(engine_flags=None),
])
def test_schema_refuses(samples, spoil):
    document = strict((samples / "gpu.json").read_text())
    spoiled = copy.deepcopy(document)
    spoil(spoiled["offload_bench"])
    with pytest.raises(AssertionError):
        validate(spoiled)


@pytest.mark.parametrize("spoil", [
    lambda case: case["evidence"]["um"].update(state="zero"),
    lambda case: case["evidence"]["um"].update(state="unavailable", reason="x"),  # and yet figures
    lambda case: case["evidence"]["um"].update(reason="measured, and yet a reason"),
    lambda case: case["evidence"]["um"].pop("remote_maps"),
    lambda case: case["evidence"]["energy"].update(reason=None),  # unavailable, and yet no reason
    lambda case: case["evidence"]["um"]["to_device"].update(surprise=1),
    lambda case: case["evidence"]["residency"]["on_node"].update(first=1),
    lambda case: case["evidence"].pop("amplification"),
    lambda case: case["series"].pop("pass_s"),
    lambda case: case["series"]["um"]["passes"][0].pop("bytes_read"),
    lambda case: case.update(setup={"median_s": 1}),
])
def test_schema_refuses_evidence(samples, spoil):
    document = strict((samples / "gpu.json").read_text())
    case = document["offload_bench"]["cases"][3]
    assert case["evidence"]["um"]["state"] == "measured" and case["series"]
    spoil(case)
    with pytest.raises(AssertionError):
        validate(document)


@pytest.mark.parametrize("spoil", [
    lambda case: case["model"].update(layers=0),
    lambda case: case["model"].update(overlap="most"),
    lambda case: case["model"].pop("left_out"),
    lambda case: case["model"]["memory_bytes"].update(surprise=1),
    lambda case: case.update(captured=1),
    lambda case: case["weights"]["tensors"][0].update(resident=0),
])
def test_schema_refuses_model(samples, spoil):
    document = strict((samples / "model.json").read_text())
    spoil(document["offload_bench"]["cases"][0])
    with pytest.raises(AssertionError):
        validate(document)


@pytest.mark.parametrize("spoil", [
    lambda row: row.update(error_occurred=True),
    lambda row: row.update(real_time=0),
    lambda row: row.pop("cpu_time"),
    lambda row: row.pop("bytes_per_second"),
    lambda row: row.update(name="a, b"),
])
def test_schema_refuses_row(samples, spoil):
    document = strict((samples / "gpu.json").read_text())
    spoil(document["benchmarks"][0])
    with pytest.raises(AssertionError):
        validate(document)


def test_real_run(real_run):
    results, ci = real_run
    assert results["offload_bench"]["complete"]
    assert any(case["complete"] for case in results["offload_bench"]["cases"])
    check_results(results)
    check_ci(ci, results)


def test_real_platform():
    done = subprocess.run([bench(), "platform"], capture_output=True,
                          text=True, check=True)
    validate(strict(done.stdout), "platform")


def validate_doctor(document):
    schema = json.loads((ROOT / "results/schema/doctor-1.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(document)
    verdicts = [check["verdict"] for check in document["checks"]]
    assert document["look_here"] == verdicts.count("look here")
    assert document["unknown"] == verdicts.count("unknown")
    names = [check["check"] for check in document["checks"]]
    assert len(set(names)) == len(names)
    page = (ROOT / "docs/doctor.md").read_text()
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == names


def test_sample_doctor(samples):
    validate_doctor(strict((samples / "doctor.json").read_text()))


def test_real_doctor():
    done = subprocess.run([bench(), "doctor", "--format", "json"], capture_output=True, text=True)
    document = strict(done.stdout)
    validate_doctor(document)
    assert done.returncode == (1 if document["look_here"] else 0)
    if document["checks"][0]["verdict"] == "ok":  # a GPU that was measured: nothing is missing
        rates = {name: value for name, value in document["measured"].items()
                 if name.endswith(("_per_second", "_s"))}
        assert [name for name, value in rates.items() if value is None] == []
        assert not any("not measured" in check["what"] for check in document["checks"])


@pytest.mark.parametrize("spoil", [
    lambda document: document["checks"][0].update(verdict="fine"),
    lambda document: document["checks"][0].update(verdict="look here", advice=None),
    lambda document: document["checks"][0].update(verdict="ok", advice="do something"),
    lambda document: document["checks"][0].update(what=""),
    lambda document: document["measured"].update(copy_h2d_bytes_per_second=0),
    lambda document: document["measured"].update(link_latency_s=0),
    lambda document: document["checks"][0].update(likely_causes=[""]),
    lambda document: document["checks"][0].update(published={"profile": "gb200", "ranges": []}),
    lambda document: document["checks"][0].update(published={"profile": "gb200", "ranges": [
        {"low": 1e9, "high": 2e9, "grade": "vendor", "source": "a"}]}),
])
def test_schema_refuses_doctor(samples, spoil):
    document = strict((samples / "doctor.json").read_text())
    spoil(document)
    with pytest.raises(jsonschema.ValidationError):
        validate_doctor(document)


def tells(document, name):
    """Whether it stands there as a word of its own: a host may be called anything."""
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", document) is not None


def test_real_redacted_run(tmp_path):
    results, ci, summary = run_bench(tmp_path, "--redact", "--format=json")
    check_results(strict(results))
    assert strict(results)["offload_bench"]["redacted"]
    assert strict(summary)["offload_bench"]["redacted"]
    for document in (results, ci, summary):
        assert strict(document)["context"]["host_name"] == "redacted"
        for name in (socket.gethostname(), str(tmp_path), str(bench().parent)):
            assert not tells(document, name)
    told = run_bench(tmp_path)[0]
    assert tells(told, str(tmp_path))
    assert strict(told)["context"]["host_name"] == socket.gethostname()


def test_real_redacted_platform():
    def platform(*options):
        return subprocess.run([bench(), "platform", *options], capture_output=True,
                              text=True, check=True).stdout
    command_line = pathlib.Path("/proc/cmdline").read_text().strip()
    assert strict(platform())["host"]["settings"]["kernel_command_line"] == (command_line or None)
    redacted = strict(platform("--redact"))
    validate(redacted, "platform")
    assert redacted["redacted"]
    assert redacted["host"]["settings"]["kernel_command_line"] == (
        "redacted" if command_line else None)


@pytest.mark.parametrize("spoil", [
    lambda host: host["settings"].pop("unknown"),
    lambda host: host["settings"].update(locked_memory_limit_bytes="much"),
    lambda host: host["settings"].update(virtual_machine=False),
    lambda host: host["settings"]["nodes"][0].update(surprise=1),
    lambda host: host["settings"]["kernel_modules"]["nvidia_uvm"].update(number=1),
])
def test_schema_refuses_host(samples, spoil):
    document = strict((samples / "platform.json").read_text())
    spoil(document["host"])
    with pytest.raises(AssertionError):
        validate(document, "platform")


@pytest.mark.parametrize("path", RESULTS + OLD, ids=short)
def test_committed_results(path):
    document = strict(path.read_text())
    assert not schema.errors_in(document)  # as the scripts ask, once for all tests: it takes long
    for one_run in runs_of(document):
        check_run(one_run)
    assert document["offload_bench"]["complete"], "an unfinished run is no reference"
