# SPDX-License-Identifier: Apache-2.0
"""Merged files: valid, complete, in order, every sample kept. Needs pytest and jsonschema."""
import json
import pathlib
import sys

import jsonschema
import pytest

from committed import OLD, RESULTS
from forked import script
from results_builder import (
    answered, apart, case, gpu, host, of_schema_1, platform, run, skipped, write,
)

ROOT = pathlib.Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from offload_results import merge, results, sanity  # noqa: E402

VALIDATORS = {major: jsonschema.Draft202012Validator(json.loads(
    (ROOT / f"results/schema/results-{major}.json").read_text())) for major in (1, 2)}


def major_of(document):
    return results.version_of(document["offload_bench"])[0]


def valid(document):
    validator = VALIDATORS[major_of(document)]
    errors = [error.message for error in validator.iter_errors(document)]
    assert not errors, errors[:5]
    return document


def one_run(day, *samples, **changes):
    return run([case(samples=samples), case(policy="pinned_copy")],
               started_at=f"2026-01-0{day}T00:00:00Z", **changes)


@pytest.fixture(params=[1, 2], ids=["schema 1", "schema 2"])
def days(tmp_path, request):
    documents = [one_run(1, 1.3e-3, 1.4e-3),
                 one_run(2, 1.5e-3, gpu=gpu("Other GPU", uuid="GPU-2", index=3)),
                 one_run(3, 1.6e-3)]
    if request.param == 1:
        documents = list(map(of_schema_1, documents))
        documents[2]["offload_bench"]["schema_version"] = "1.0.0"
    return [write(tmp_path / f"{day}.json", document) for day, document in enumerate(documents, 1)]


def test_every_run_keeps_its_cases(days, tmp_path):
    document = valid(merge.merge(days))
    ours = document["offload_bench"]
    old = major_of(document) == 1
    assert ours["schema_version"] == ("1.3.0" if old else "2.9.0") and ours["complete"]
    assert [source["file"] for source in ours["sources"]] == ["1.json", "2.json", "3.json"]
    assert [source["started_at"][:10] for source in ours["sources"]] == [
        "2026-01-01", "2026-01-02", "2026-01-03"]
    assert ours["sources"][1]["gpu"] == {"index": 3, "name": "Other GPU", "uuid": "GPU-2"}
    assert ours["sources"][0]["git_commit"] == "0123456789ab"
    assert ours["sources"][2]["run"]["schema_version"] == ("1.0.0" if old else "2.0.0")

    assert ("answers" in ours) != old and "answers" not in ours["sources"][0]["run"]

    merged = results.load(write(tmp_path / "m.json", document))
    by_key = {str(key): cases for key, cases in merged.by_key().items()}
    assert [one["samples_s"] for one in by_key["gemv/pinned_zero_copy/w/steady"]] == [
        [1.3e-3, 1.4e-3], [1.5e-3], [1.6e-3]]
    assert [one["source"] for one in by_key["gemv/pinned_copy/w/steady"]] == [0, 1, 2]
    second = by_key["gemv/pinned_copy/w/steady"][1]
    assert merged.run_of(second)["platform"]["gpu"]["name"] == "Other GPU"
    assert len(merged.runs) == 3
    assert not list(sanity.findings(merged))


def test_the_order_is_the_one_given(days):
    sources = merge.merge(days[::-1])["offload_bench"]["sources"]
    assert [source["file"] for source in sources] == ["3.json", "2.json", "1.json"]


def test_merging_merged_files_flattens_them(days, tmp_path):
    pair = write(tmp_path / "pair.json", merge.merge(days[1:]))
    assert merge.merge([days[0], pair]) == merge.merge(days)
    pair = write(tmp_path / "pair.json", merge.merge(days[:2]))
    assert merge.merge([pair, days[2]]) == merge.merge(days)
    whole = write(tmp_path / "whole.json", merge.merge(days))
    assert merge.merge([whole]) == merge.merge(days)


def test_lists_follow_each_other_each_with_its_source(tmp_path):
    limit = {"id": "a", "description": "d", "ratio": 2.0, "goal": 1.0, "at_least": True,
             "met": True, "measured": 2.0, "reference": 1.0, "unit": "s"}
    why = skipped("gemv", "system_demand", "w", "cold", "needs HMM")
    _, answer = answered([case()])
    paths = [write(tmp_path / f"{day}.json", one_run(day, 1.3e-3 + day * 1e-5, skipped=[why],
                                                     limits=[limit], answers=[answer]))
             for day in (1, 2)]
    document = valid(merge.merge(paths))
    ours = document["offload_bench"]
    assert ours["skipped"] == [{**why, "source": 0}, {**why, "source": 1}]
    assert ours["answers"] == [{**answer, "source": 0}, {**answer, "source": 1}]
    assert ours["limits"] == [{**limit, "source": 0}, {**limit, "source": 1}]
    assert [row["source"] for row in document["benchmarks"]] == [0] * 8 + [1] * 8
    assert "limits" not in ours["sources"][0]["run"]
    # Parts of 4, 1, 2, 1 and 1 s in 10 s, twice.
    assert ours["wall_time"] == {"total_s": 20, "measured_s": 8, "allocation_s": 2,
                                 "content_s": 4, "reset_s": 2, "evidence_s": 2}


def test_rows_of_stock_readers_stay_apart(tmp_path):
    """Families are numbered from 0 in each file; a reader that sorts by them must not mix runs."""
    document = json.loads((ROOT / "results/h200-sxm-pcie5/quick.json").read_text())
    first = write(tmp_path / "a.json", document)
    document["offload_bench"]["started_at"] = "2026-01-01T00:00:00Z"
    second = write(tmp_path / "b.json", document)
    rows = merge.merge([first, second])["benchmarks"]
    keys = {(row["family_index"], row["per_family_instance_index"],
             row.get("repetition_index"), row.get("aggregate_name")) for row in rows}
    assert len(keys) == len(rows) == 2 * len(document["benchmarks"])
    half = len(rows) // 2
    assert max(row["family_index"] for row in rows[:half]) < min(
        row["family_index"] for row in rows[half:])
    assert [row["real_time"] for row in rows[half:]] == [
        row["real_time"] for row in document["benchmarks"]]


@pytest.mark.parametrize("ranks,rank", [
    ({"SLURM_PROCID": "3", "SLURM_LOCALID": "1"}, 3), ({"OMPI_COMM_WORLD_RANK": "2"}, 2),
    ({"PMI_RANK": "0"}, 0), ({"SLURM_PROCID": "redacted"}, None), ({}, None),
])
def test_rank_is_of_the_job(ranks, rank):
    assert merge.rank_of(host(settings={"ranks": ranks})) == rank


def test_rank_is_unknown_to_older_files():
    assert merge.rank_of(host()) is None


def refuse(paths, mentions, **options):
    with pytest.raises(results.BadInput, match=mentions):
        merge.merge(paths, **options)


def test_the_same_run_twice_is_refused(days, tmp_path):
    refuse([days[0], days[0]], "the same run")
    copy = write(tmp_path / "copy.json", json.loads(days[0].read_text()))
    refuse([days[0], days[1], copy], "copy.json: the same run as in .*1.json")
    pair = write(tmp_path / "pair.json", merge.merge(days[:2]))
    refuse([pair, days[1]], "the same run")
    redacted = apart(json.loads(days[0].read_text()))
    redacted["context"]["host_name"] = redacted["offload_bench"]["platform"]["gpu"]["uuid"] = (
        "redacted")
    refuse([days[0], write(tmp_path / "redacted.json", redacted)], "the same run")


def test_ranks_that_began_at_once_are_different_runs(tmp_path):
    paths = [write(tmp_path / f"{rank}.json", one_run(1, 1.3e-3 + rank * 1e-6)) for rank in (0, 1)]
    assert len(merge.merge(paths)["offload_bench"]["sources"]) == 2


def test_incomplete_runs_are_refused_unless_wanted(days, tmp_path):
    half = one_run(4, 1.3e-3, incomplete="interrupted")
    if major_of(json.loads(days[0].read_text())) == 1:
        half = of_schema_1(half)
    half = write(tmp_path / "half.json", half)
    refuse([days[0], half], "half.json: an incomplete run .interrupted.: --incomplete")
    ours = valid(merge.merge([days[0], half], True))["offload_bench"]
    assert not ours["complete"] and ours["incomplete_reason"] == "half.json: interrupted"
    assert ours["sources"][0]["run"]["complete"] and not ours["sources"][1]["run"]["complete"]


def test_redacted_is_only_what_is_so_throughout(tmp_path):
    paths = [write(tmp_path / f"{day}.json", one_run(day, 1.3e-3, redacted=day == 1))
             for day in (1, 2)]
    assert not merge.merge(paths)["offload_bench"]["redacted"]
    assert merge.merge(paths[:1])["offload_bench"]["redacted"]


def test_files_that_are_not_valid_are_refused(tmp_path, days):
    document = apart(one_run(5, 1.3e-3))
    del document["offload_bench"]["cases"][1]["bytes"]
    refuse([days[0], write(tmp_path / "bad.json", document)], r"bad.json: not valid: \$.offload")
    twice = run([case(), case()])
    refuse([write(tmp_path / "twice.json", twice)], "twice")


def test_machines_with_and_without_a_gpu_and_runs_without_cases(tmp_path):
    cpu = write(tmp_path / "cpu.json", run([case(path="host_memory")], gpu=None))
    empty = write(tmp_path / "empty.json", run([], started_at="2026-02-01T00:00:00Z"))
    ours = valid(merge.merge([cpu, empty]))["offload_bench"]
    assert ours["sources"][0]["gpu"] is None and len(ours["cases"]) == 1
    assert ours["platform"] == platform(None)  # the first one's, as all that describes a run


@pytest.mark.parametrize("major", [1, 2])
def test_all_committed_results_merge(tmp_path, major):
    given = {path: json.loads(path.read_text()) for path in RESULTS + OLD}
    paths = [path for path, document in given.items() if major_of(document) == major
             and "sources" not in document["offload_bench"]]  # these repeat runs
    merged = valid(merge.merge(paths))
    samples = [one["samples_s"] for path in paths for one in given[path]["offload_bench"]["cases"]]
    assert [one["samples_s"] for one in merged["offload_bench"]["cases"]] == samples
    separate = sorted(str(finding.text) for path in paths
                      for finding in sanity.findings(results.load(path, True)))
    # Whether runs of one case differ is for the merged file alone to show.
    together = [one.text for one in sanity.findings(results.results_in("all.json", merged))
                if one.check != sanity.runs_differ_by_what_is_told.__name__]
    assert sorted(together) == separate


def command(*arguments):
    return script("offload-results", "merge", *arguments)


def test_command(days, tmp_path):
    output = tmp_path / "out.json"
    done = command(*days, "--output", output)
    assert done.returncode == 0 and done.stdout == f"{output}: 6 cases of 3 runs\n"
    assert json.loads(output.read_text()) == merge.merge(days)
    again = command(output, "--output", output)
    assert again.returncode == 2 and "out.json: is the input" in again.stderr
    assert command(*days).returncode == 2  # no --output
    validated = script("offload-results", "validate", output)
    assert validated.returncode == 0, validated.stdout
    assert "6 cases, 0 skipped, 3 sources; no finding" in validated.stdout
