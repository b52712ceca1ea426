# SPDX-License-Identifier: Apache-2.0
"""What offload-results validate says, and what figures it compares with published ones. Needs pytest."""
import json
import pathlib
import sys

import pytest

from sanity_parts import said, with_host
from committed import OLD, RESULTS, short
from forked import script
from results_builder import MIB, apart, calibration, case, gpu, link, of_schema_1, platform, run, skipped, write

ROOT = pathlib.Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from offload_results import reference, results  # noqa: E402

DEFINITIONS = json.loads((ROOT / "results/schema/results-2.json").read_text())["$defs"]
SIZE = 64 * MIB

H200 = gpu(name="NVIDIA H200")
GRACE = {"gpu": gpu(name="NVIDIA GH200 480GB"),
         "link": link("nvlink-c2c", None, None, 450e9)}


def compared(document):
    whole = results.results_in("a.json", document, True)
    return {one.what: one for one in reference.comparisons(whole)}


def test_figures_are_compared_with_those_of_such_machines():
    machine = {**platform(), **GRACE}
    rates = calibration(copy_rate=380e9, copy_d2h_bytes_per_second=133e9)
    of_grace = compared(run([], platform=machine, calibration=rates))
    inside = of_grace["copy engine, host to GPU"]
    assert not inside.outside and inside.value == pytest.approx(380)
    assert len(inside.entries) == 2  # published twice
    outside = of_grace["copy engine, GPU to host"]
    assert outside.outside
    assert "133 GB/s; published are 297 to 298 GB/s by dnhkng/GH200_benchmarking" in str(outside)
    assert "on another Grace" in str(outside)
    assert not compared(run([], gpu=gpu(name="Test GPU"), platform=platform(
        gpu(name="Test GPU", compute_capability={"major": 7, "minor": 0}))))
    assert not compared(run([], gpu=None))


@pytest.mark.parametrize("rate,outside", [
    (35.2e9, False), (51.3e9, False), (43e9, True), (33.4e9, False), (33.0e9, True)])
def test_two_published_modes_are_both_inside(rate, outside):
    """35 GB/s by some, 51 by others; between them is neither; 5 % to either side are granted."""
    figure = compared(run([], gpu=H200, calibration=calibration(
        sm_read_pinned_bytes_per_second=rate)))["SMs read pinned memory"]
    assert figure.outside == outside


def test_cases_are_compared_by_their_fields():
    slow = case("stream_read", samples=[2e-3])  # 33.6 GB/s
    of_cases = compared(run([slow, case("gemv", samples=[2e-3]), case(
        "stream_read", samples=[2e-3], size=4096, weights="small")], gpu=H200))
    zero_copy = of_cases["zero-copy"]
    assert zero_copy.where == slow["name"] and zero_copy.outside
    assert zero_copy.value == pytest.approx(SIZE / 2e-3 / 1e9)


def test_the_reference_is_sound():
    document = results.read_json(reference.REFERENCE)
    fields = DEFINITIONS["calibration"]["properties"]
    for entry in document["entries"]:
        assert 0 < entry["low"] <= entry["high"] and entry["source"] and entry["platform"]
        assert entry["grade"] in ("primary", "secondary", "derived", "probe")
        assert ("calibration" in entry) != ("case" in entry)
        assert entry.get("calibration") is None or entry["calibration"] in fields
        assert entry["unit"] in (("GB/s", "ns") if "calibration" in entry else ("GB/s", "ms"))



def command(*arguments):
    return script("offload-results", "validate", *arguments)


def test_command_says_what_it_found(tmp_path):
    good = write(tmp_path / "good.json", run([case()]))
    bad = write(tmp_path / "bad.json", run([{**case(), "gb_per_s": 99.0}]))
    done = command(good)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{good}: valid; 1 case, 0 skipped; no finding\n"
    done = command(good, bad, "--json", tmp_path / "found.json")
    assert done.returncode == 1 and len(done.stdout.splitlines()) == 3
    assert (f"{bad}: gemv/pinned_zero_copy/w/steady: gb_per_s is 99, by its formula 51.2"
            in done.stdout)
    first, second = json.loads((tmp_path / "found.json").read_text())["files"]
    assert first["exit_code"] == 0 and first["findings"] == []
    assert second["exit_code"] == 1
    assert second["findings"][0]["check"] == "rates_are_of_the_median"
    assert second["findings"][0]["where"] == "gemv/pinned_zero_copy/w/steady"


def test_command_repeats_what_a_run_says_of_itself(tmp_path):
    """Noise that is told is no fault; the same noise untold is one."""
    busy = with_host(0.0, 4.0)
    told = write(tmp_path / "told.json", run([busy], findings=[said("busy_machine", busy)]))
    untold = write(tmp_path / "untold.json", run([busy], findings=[]))
    done = command(told)
    assert done.returncode == 0
    assert f"{told}: the run says: busy_machine: said." in done.stdout
    done = command(untold)
    assert done.returncode == 1 and "25.0% of the CPU time taken by others" in done.stdout


def test_command_shows_ten_errors_of_many(tmp_path):
    document = apart(run([case(policy=f"p{index}") for index in range(12)]))
    for one in document["offload_bench"]["cases"]:
        del one["bytes"]
    done = command(write(tmp_path / "bad.json", document), "--json", tmp_path / "found.json")
    lines = done.stdout.splitlines()
    assert done.returncode == 2 and len(lines) == 12
    assert lines[0].endswith("bad.json: $.offload_bench.cases[0]: 'bytes' is a required property")
    assert "2 errors more" in lines[10] and "12 errors" in lines[11]
    [of_file] = json.loads((tmp_path / "found.json").read_text())["files"]
    assert len(of_file["schema_errors"]) == 12


def test_command_goes_on_behind_a_bad_file(tmp_path):
    good = write(tmp_path / "good.json", run([case()]))
    done = command(tmp_path / "none.json", good)
    assert done.returncode == 2 and "no such file" in done.stderr
    assert f"{good}: valid" in done.stdout


def test_command_knows_what_it_does_not_know(tmp_path):
    newer = write(tmp_path / "newer.json", run([case()], schema_version="1.99.0"))
    done = command(newer)
    assert done.returncode == 2 and "1.99.0" in done.stderr and "offload-bench" in done.stderr
    assert command(write(tmp_path / "b.json", run([case()]))).returncode == 0
    for known in ("1.0.0", "1.1.0", "1.2.0", "1.3.0"):
        old = of_schema_1(run([case()]))
        old["offload_bench"]["schema_version"] = known
        assert command(write(tmp_path / "a.json", old)).returncode == 0


def test_command_counts_what_did_not_pass(tmp_path):
    document = run([case(), case(policy="a", samples=[], failure="wrong result"),
                    case(policy="b", samples=[1.3e-3], complete=False)], incomplete="interrupted",
                   skipped=[skipped("gemv", "c", "w", "cold", "needs HMM")])
    done = command(write(tmp_path / "a.json", document))
    assert ("3 cases, 1 failed, 1 unfinished, 1 skipped, an incomplete run (interrupted)"
            in done.stdout)


def test_a_figure_outside_the_published_range_is_no_fault(tmp_path):
    path = write(tmp_path / "a.json", run([case("stream_read", samples=[2e-3])], gpu=H200))
    done = command("--reference", path)
    assert done.returncode == 0
    assert "outside the published range: zero-copy, 33.55 GB/s" in done.stdout
    assert "published" not in command(path).stdout


@pytest.mark.parametrize("path", RESULTS + OLD, ids=short)
def test_committed_results_hold_no_white_space(path):
    """They are kept for good, and half of a file as --output writes it is indentation:
    python3 -m json.tool --compact --no-ensure-ascii FILE COMMITTED."""
    text = path.read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":")) + "\n"
