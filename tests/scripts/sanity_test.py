# SPDX-License-Identifier: Apache-2.0
"""Each check finds what it is for, where it is, and nothing in what is sane. Needs pytest."""
import json
import os
import pathlib
import random
import subprocess
import sys

import pytest

from committed import OLD, RESULTS, short
from results_builder import case, gpu, run, write
from sanity_documents import NOT_SANE, SANE
from sanity_mended_test import FOUND
from sanity_parts import with_energy

ROOT = pathlib.Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from offload_results import merge, reference, results, sanity, schema  # noqa: E402

OF_NOISE = {check.__name__ for check in sanity.noise.CHECKS}
MENDED = {check for _, _, check, _ in FOUND}  # what is right of a file before 2.1 to be found
DEFINITIONS = json.loads((ROOT / "results/schema/results-2.json").read_text())["$defs"]


def found(document):
    assert not schema.errors_in(document)
    return list(sanity.findings(results.results_in("a.json", document, True)))


@pytest.mark.parametrize("kind", SANE)
def test_nothing_is_found_in(kind):
    assert not list(map(str, found(SANE[kind])))


@pytest.mark.parametrize("check,what", [
    (check, what) for check, tries in NOT_SANE.items() for what, *_ in tries])
def test_found(check, what):
    [(document, where, text)] = [rest for name, *rest in NOT_SANE[check] if name == what]
    of_check = [finding for finding in found(document) if finding.check == check]
    assert of_check, "not found"
    [finding] = [finding for finding in of_check if text in finding.text]
    if where:
        assert finding.where == where
    # What is wrong in one place may show in another, but not everywhere.
    assert len(found(document)) <= 4


# As tests/unit/statistics_test.cpp has them of the program's own drift_of().
@pytest.mark.parametrize("samples,ends", [
    ([5.688, 5.812, 6.644, 6.792, 6.682], (5.75, 6.737)),
    ([9, 8, 8.9, 7, 6, 5.1, 5, 4.9, 5.2], (8.9, 5)),
    ([2.451, 2.529, 2.84], (2.451, 2.84)),
    ([100, 101, 102, 103, 104], (100.5, 103.5)),
    ([100, 100.5, 101, 101.5, 101.9], None),
    ([100, 110, 95, 108, 103, 112, 97, 115, 104, 110, 116, 102], None),
    ([120, 100, 100.1, 100.2, 100], None),
    ([100, 100.1, 100.2, 100, 120], None),
    ([100, 100, 100, 100], None), ([], None), ([1, 2], None), ([1, 3, 2], None),
])
def test_what_drifts_is_what_drifts_by_the_program(samples, ends):
    found = sanity.noise.drift_of(samples)
    assert found == (ends and pytest.approx(ends))


def test_many_samples_in_some_order_drift_only_beyond_their_scatter():
    noise = random.Random(1)
    scatter = [noise.uniform(-10, 10) for _ in range(200)]

    def with_slope(total):
        return [100 + total * index / 200 + one for index, one in enumerate(scatter)]
    assert sanity.noise.drift_of(with_slope(6)) is None  # though far from a random order
    first, last = sanity.noise.drift_of(with_slope(30))
    assert last - first == pytest.approx(20, abs=3)


def test_every_check_is_tried():
    assert {check.__name__ for check in sanity.CHECKS} == NOT_SANE.keys()


def test_power_above_its_limit_is_found():
    limits = dict.fromkeys(DEFINITIONS["gpu_settings"]["required"])
    machine = gpu(settings={**limits, "enforced_power_limit_watts": 300.0, "unknown": {}})
    [finding] = found(run([with_energy(0.52, 400.0)], gpu=machine))
    assert "drew 400 W, above the limit of 300 W" in finding.text


def test_findings_in_a_merged_file_name_their_source(tmp_path):
    good = write(tmp_path / "good.json", run([case()]))
    bad = write(tmp_path / "bad.json", run([{**case(), "gb_per_s": 99.0}],
                                           started_at="2026-01-02T00:00:00Z"))
    document = merge.merge([good, bad])
    [finding] = found(document)
    assert finding.where == "source 1 (bad.json): gemv/pinned_zero_copy/w/steady"
    del document["offload_bench"]["cases"][0]["source"]
    assert "cases_have_a_source" in {finding.check for finding in found(document)}


@pytest.mark.parametrize("medians,told,expected", [
    ((1.3e-3, 1.4e-3, 1.5e-3), None, "1 of 1 cases differ by more than 5% between runs of one build"),
    ((1.3e-3, 1.4e-3, 1.5e-3), 0.004, "gemv/pinned_zero_copy/w/steady took 1.30 ms to 1.50 ms"),
    ((1.3e-3, 1.4e-3, 1.5e-3), 0.15, None),
    ((1.3e-3, 1.31e-3, 1.32e-3), None, None),
    ((1.3e-3, 1.5e-3), None, None)])
def test_runs_that_differ_more_than_is_told_are_found(medians, told, expected, tmp_path):
    field = {} if told is None else {"variability": {"kind": "gpu", "run_to_run": told}}
    paths = [write(tmp_path / f"{index}.json", run([case(samples=[median], **field)],
                                                   started_at=f"2026-01-0{index}T00:00:00Z"))
             for index, median in enumerate(medians, 1)]
    texts = [finding.text for finding in found(merge.merge(paths))]
    assert bool(texts) == bool(expected) and (not expected or expected in texts[0])


def test_runs_of_other_machines_may_differ(tmp_path):
    paths = [write(tmp_path / f"{index}.json", run([case(samples=[1.3e-3 + index * 1e-4])],
                                                   gpu=gpu(uuid=f"GPU-{index}"),
                                                   started_at=f"2026-01-0{index}T00:00:00Z"))
             for index in (1, 2, 3)]
    assert not found(merge.merge(paths))


@pytest.mark.parametrize("path", RESULTS + OLD, ids=short)
def test_committed_results_are_sane(path):
    """Files before 2.1 show figures that have been mended since, and cannot tell of noise: that alone is
    found. sanity_mended_test.py says which figures."""
    whole = results.load(path, True)
    if results.version_of(results.as_written(path, json.loads(path.read_text())).run) >= (2, 1):
        assert not list(map(str, sanity.findings(whole)))
        return
    found_in = [one for one in sanity.findings(whole) if one.check not in OF_NOISE]
    assert not [str(one) for one in found_in if one.check not in MENDED]
    assert {one.where for one in found_in if one.check == "tokens_are_of_a_state_that_lasts"} == {
        case["name"] for case in whole.cases if case.get("model") and not results.lasts(case)}


@pytest.mark.skipif("OFFLOAD_BENCH" not in os.environ, reason="OFFLOAD_BENCH is not set")
def test_a_real_run_is_sane(tmp_path):
    """The smallest run of the real program; it works on a machine without a GPU too."""
    output = tmp_path / "run.json"
    subprocess.run([os.environ["OFFLOAD_BENCH"], "--workloads=stream_read,gemv,pointer_chase",
                    "--sizes=1MiB", "--samples=3", f"--output={output}"],
                   capture_output=True, timeout=300, check=True)
    assert not list(map(str, found(json.loads(output.read_text()))))


def leaves(value, path=()):
    children = (value.items() if isinstance(value, dict)
                else enumerate(value) if isinstance(value, list) else None)
    if children is None:
        yield path
    else:
        for key, child in children:
            yield from leaves(child, (*path, key))


def examine(document):
    try:
        whole = results.results_in("a.json", document, True)
    except results.BadInput:
        return  # said in one line
    list(sanity.findings(whole))
    list(reference.comparisons(whole))


def shortened(value, length=3):
    """No list has more items than that: each place that a check looks at is there, and little twice."""
    if isinstance(value, dict):
        return {key: shortened(child, length) for key, child in value.items()}
    return [shortened(child, length) for child in value[:length]] if isinstance(value, list) else value


def is_still_valid(document, path):
    """After a change at `path`: of a list whose items have a definition only that item is asked."""
    validator = schema.validator_of(schema.major_in(document))
    for whole, name in ((("benchmarks",), "row"), (("offload_bench", "cases"), "case")):
        depth = len(whole)
        if path[:depth] == whole:
            for step in path[:depth + 1]:
                document = document[step]
            validator = validator.evolve(schema=validator.schema["$defs"][name])
    return validator.is_valid(document)


@pytest.mark.parametrize("name", ["adaptation", "decode-llama3.1-8b", "gemm", "memory-cost"])
def test_no_valid_document_makes_a_check_stumble(name):
    document = shortened(json.loads((ROOT / f"results/h200-sxm-pcie5/{name}.json").read_text()))
    paths = list(leaves(document))
    chosen = random.Random(1)
    tried = 0
    for path in chosen.sample(paths, min(len(paths), 300)):
        parent = document
        for step in path[:-1]:
            parent = parent[step]
        before = parent[path[-1]]
        for value in (0, None, 10**19, 1e-300):
            parent[path[-1]] = value
            if is_still_valid(document, path):
                tried += 1
                examine(document)
        parent[path[-1]] = before
    assert tried > 100
