# SPDX-License-Identifier: Apache-2.0
"""Platform profiles (results/platforms/) are of their schema, complete in what they cite and in what they
leave out, and below what link and memory carry. Needs pytest and jsonschema; OFFLOAD_BENCH names the
benchmark in its build directory."""
import copy
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys

import jsonschema
import pytest

from committed import PLATFORMS, RESULTS, ROOT

sys.path.insert(0, str(ROOT / "scripts"))
from offload_results.results import read_json  # noqa: E402
from offload_results.sanity.physics import PCIE  # noqa: E402

SCHEMA = json.loads((ROOT / "results/schema/platform-1.json").read_text(encoding="utf-8"))
CHECKER = jsonschema.Draft202012Validator(SCHEMA)
RATES = SCHEMA["$defs"]["rates"]["properties"]
WITHOUT_ADVICE = {"sm_write_pinned_bytes_per_second", "copy_h2d_beside_d2h_bytes_per_second",
                  "copy_d2h_beside_h2d_bytes_per_second", "host_read_of_gpu_memory_bytes_per_second"}
UNITS = {"bytes_per_second": "B/s", "seconds": "s", "flops": "FLOP/s"}
MEASURED = ("primary", "secondary")
C2C = 450e9  # per direction
# What crosses the link, and what only its own memory bounds.
OVER_LINK = {name for name in RATES if re.match(r"(copy|pageable|sm_read|prefetch|fault).*bytes_per_second", name)}

by_slug = {path.stem: read_json(path)["offload_bench_platform"] for path in PLATFORMS}
profiles = pytest.mark.parametrize("slug", by_slug)


def test_there_are_profiles():
    assert len(by_slug) >= 15


@profiles
def test_a_profile_follows_its_schema(slug):
    messages = [error.message for error in CHECKER.iter_errors({"offload_bench_platform": by_slug[slug]})]
    assert messages == []


def test_the_schema_refuses_what_is_not_a_profile():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    good = {"offload_bench_platform": next(iter(by_slug.values()))}
    assert CHECKER.is_valid(good)
    for spoil in (lambda one: one.pop("slug"), lambda one: one.update(surprise=1),
                  lambda one: one["rates"].update(odd_s={}),
                  *(lambda one, field=field: rate(one).pop(field)
                    for field in ("value", "unit", "grade", "date", "method", "source")),
                  *(lambda one, other=other: rate(one).update(also=other)
                    for other in ([], [{"value": 1e9, "grade": "primary"}], [{"value": 0, "grade": "primary", "source": "a"}],
                                  [{"value": 1e9, "grade": "primary", "source": "a", "unit": "B/s"}])),
                  *(lambda one, change=change: rate(one).update(change)
                    for change in ({"value": 0}, {"value": -1}, {"unit": "s"}, {"unit": "GB/s"}, {"source": ""}, {"source": "a | b"},
                                   {"grade": "guessed"}, {"date": "2026"}, {"date": "2026-13"},
                                   {"undated": False}))):
        bad = copy.deepcopy(good)
        spoil(bad["offload_bench_platform"])
        assert not CHECKER.is_valid(bad)


def rate(profile):
    return profile["rates"]["copy_h2d_bytes_per_second"]


@profiles
def test_a_profile_is_called_as_its_file(slug):
    assert by_slug[slug]["slug"] == slug


@pytest.mark.parametrize("names", [
    lambda profile: [profile["name"]], lambda profile: profile["gpu"]["names"]], ids=["name", "gpu"])
def test_no_two_profiles_have_a_name_in_common(names):
    all_names = [name for profile in by_slug.values() for name in names(profile)]
    assert len(all_names) == len(set(all_names))


@profiles
def test_every_rate_is_known_or_said_to_be_unknown(slug):
    """Each once: what nobody has published is not guessed. No advice hangs on what goes home."""
    missing = [name for gap in by_slug[slug]["unknown"] for name in gap["rates"]]
    named = {*by_slug[slug]["rates"], *missing}
    assert sorted([*by_slug[slug]["rates"], *missing]) == sorted(named)
    assert set(RATES) - named <= WITHOUT_ADVICE


def test_units_are_those_of_the_names():
    for name, definition in RATES.items():
        kind = definition["$ref"].rpartition("/")[2]
        assert name.endswith({"bytes_per_second": "_bytes_per_second", "seconds": "_s"}.get(kind, "")), name
        assert ("flops" in name) == (kind == "flops"), name
        assert SCHEMA["$defs"][kind]["properties"]["unit"]["const"] == UNITS[kind]


@profiles
def test_values_are_within_their_range(slug):
    for name, one in by_slug[slug]["rates"].items():
        low, high = one.get("range", (one["value"], one["value"]))
        assert low <= one["value"] <= high and (low < high or "range" not in one), name


def last_day(date):
    """The latest that `date` can mean; raises ValueError for a day that is not."""
    if len(date) == 10:
        return datetime.date.fromisoformat(date)
    first = datetime.date.fromisoformat(f"{date}-01")
    return (first + datetime.timedelta(days=31)).replace(day=1) - datetime.timedelta(days=1)


@profiles
def test_dates_are_past_days(slug):
    today = datetime.date.today()
    for name, one in by_slug[slug]["rates"].items():
        last = last_day(one["date"])
        assert last.replace(day=1) <= today and (len(one["date"]) == 7 or last <= today), name
    with pytest.raises(ValueError):
        last_day("2025-02-30")


@profiles
def test_what_is_derived_says_from_what(slug):
    for name, one in by_slug[slug]["rates"].items():
        assert one["source"].strip() and len(one["method"]) >= 5, name
        if one["grade"] == "derived":
            assert re.search(r"\b(as|of|half|cycles)\b", one["method"]), name


def most(one):
    return max([one["value"], *one.get("range", []), *(other["value"] for other in one.get("also", []))])


@profiles
def test_what_is_published_beside_a_figure_is_of_its_kind(slug):
    """A sign of a fault is slower than the machine without it; no figure stands there twice."""
    for name, one in by_slug[slug]["rates"].items():
        low, high = one.get("range", (one["value"], one["value"]))
        for other in one.get("also", []):
            assert not low <= other["value"] <= high, name
            if "means" in other:
                assert other["value"] > high if one["unit"] == "s" else other["value"] < low, name


@profiles
def test_the_link_is_one_that_exists(slug):
    link, gpu = by_slug[slug]["link"], by_slug[slug]["gpu"]
    if link["kind"] == "pcie":
        transfers, payload = PCIE[link["generation"]]
        assert link["peak_bytes_per_second"] == pytest.approx(transfers * payload * link["width"] / 8, rel=1e-3)
    else:
        assert link["generation"] is None and link["width"] is None
        assert link["peak_bytes_per_second"] == (None if gpu["shares_host_memory"] else C2C)
    assert by_slug[slug]["coherent"] == (link["kind"] == "nvlink-c2c")


@profiles
def test_no_rate_is_above_what_link_and_memory_carry(slug):
    profile = by_slug[slug]
    memory = profile["gpu"]["memory_peak_bytes_per_second"]
    link = profile["link"]["peak_bytes_per_second"] or memory / 2  # a copy within one memory reads and writes it
    for name, one in profile["rates"].items():
        if name in OVER_LINK:
            assert most(one) <= link, name
        elif name == "device_read_bytes_per_second":
            assert most(one) <= memory and (one["value"] < memory or one["grade"] == "vendor"), name
        elif one["unit"] == "s":
            assert 1e-9 < one["value"] < 1e-3, name
        elif one["unit"] == "FLOP/s":
            assert 1e12 < one["value"] < 1e17, name


@profiles
def test_a_kernel_reads_no_more_than_the_copy_engine_brings(slug):
    """None of these machines is known for it; a figure that says so is of two that do not belong together."""
    rates = by_slug[slug]["rates"]
    if "sm_read_pinned_bytes_per_second" in rates:
        assert rates["sm_read_pinned_bytes_per_second"]["value"] <= rates["copy_h2d_bytes_per_second"]["value"]


@profiles
def test_a_profile_can_be_predicted_from(slug):
    """What every prediction takes: the link's rate, not only its peak, and GPU memory's."""
    rates = by_slug[slug]["rates"]
    assert rates["copy_h2d_bytes_per_second"]["grade"] in (*MEASURED, "derived")
    assert "device_read_bytes_per_second" in rates


# --- apart from results

KINDS = {"offload_bench": RESULTS, "offload_bench_platform": PLATFORMS}


@pytest.mark.parametrize("key", KINDS)
def test_a_file_is_of_the_kind_of_its_folder(key):
    """Tests that read every results file find no profile among them, and the other way round."""
    others = set(KINDS) - {key}
    for path in KINDS[key]:
        document = json.loads(path.read_text(encoding="utf-8"))
        assert key in document and not others & set(document), path


def test_every_committed_file_is_of_some_kind():
    of_a_kind = {path for paths in KINDS.values() for path in paths}
    assert {path for path in (ROOT / "results").glob("*/*.json") if path.parent.name != "schema"} == of_a_kind


# --- the installation

def source_of(build):
    cache = build / "CMakeCache.txt"
    found = cache.is_file() and re.search(r"^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$", cache.read_text(), re.MULTILINE)
    return found and pathlib.Path(found[1]).resolve()


def test_profiles_are_installed_with_the_program(tmp_path):
    build = pathlib.Path(os.environ.get("OFFLOAD_BENCH", "none")).parent
    if source_of(build) != ROOT:
        pytest.skip("OFFLOAD_BENCH does not name a build of this tree")
    subprocess.run(["cmake", "--install", build, "--prefix", tmp_path], check=True, capture_output=True)
    installed = tmp_path / "share/offload_bench/platforms"
    assert {path.name: path.read_bytes() for path in installed.iterdir()} == {
        path.name: path.read_bytes() for path in PLATFORMS}
