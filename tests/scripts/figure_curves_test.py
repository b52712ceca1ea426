# SPDX-License-Identifier: Apache-2.0
"""Figures of curves show what the results say: series are taken out of small results whose figures
can be worked out by hand, and out of the committed ones. Nothing is drawn here.

Needs pytest.
"""
import pathlib
import sys

import pytest

root = pathlib.Path(__file__).parent.parent.parent
sys.path[:0] = [str(root / "scripts"), str(root / "tests")]
import results_builder as make  # noqa: E402
from figure_data import MIB, curves, load, points, sized  # noqa: E402
from offload_results.figures import (  # noqa: E402
    adaptation, bandwidth, batch, data, granularity, runs)

H200 = root / "results/h200-sxm-pcie5"


# bandwidth

def test_cold_and_steady_and_what_is_on_the_gpu_are_apart(tmp_path):
    cases = [
        sized(policy, start, size, [seconds * size / MIB] * 3, path=path)
        for policy, start, path, seconds in [
            ("pinned_zero_copy", "steady", "link", 1e-3),
            ("managed_demand", "cold", "link", 4e-3),
            ("managed_demand", "warm", "device_memory", 1e-5),
            ("managed_prefer_host", "warm", "link", 2e-3),
            ("device_resident", "steady", "device_memory", 1e-5),
        ] for size in (MIB, 4 * MIB)
    ]
    [figure] = bandwidth.figures(load(tmp_path, cases))
    steady, cold, there = figure.panels
    assert set(curves(steady)) == {("pinned_zero_copy", "steady"), ("managed_prefer_host", "warm")}
    assert set(curves(cold)) == {("managed_demand", "cold")}
    assert set(curves(there)) == {("managed_demand", "warm"), ("device_resident", "steady")}
    # 2^20 bytes in 1 ms are 1.048576 GB/s, whatever the size where time grows with it.
    assert points(curves(steady)["pinned_zero_copy", "steady"]) == [
        (MIB, pytest.approx(1.048576)), (4 * MIB, pytest.approx(1.048576))]
    assert points(curves(cold)["managed_demand", "cold"])[0][1] == pytest.approx(1.048576 / 4)
    assert [curve.label for curve in steady.curves] == [
        "pinned_zero_copy", "managed_prefer_host (warm)"]


def test_lines_are_the_link_and_the_copy_engine_of_the_run(tmp_path):
    cases = [sized("pinned_copy", "steady", size, [1e-3] * 3) for size in (MIB, 2 * MIB)]
    [figure] = bandwidth.figures(load(tmp_path, cases))
    levels = [line.y for line in figure.panels[0].lines]
    assert levels == [make.LINK_PEAK / 1e9, make.COPY_RATE / 1e9]


def test_spread_is_of_the_5th_and_95th_percentile(tmp_path):
    # Of 21 samples 1, 2, ... 21 ms those are the second and the last but one.
    samples = [index * 1e-3 for index in range(1, 22)]
    cases = [sized("pinned_copy", "steady", size, samples) for size in (10**6, 2 * 10**6)]
    [figure] = bandwidth.figures(load(tmp_path, cases))
    point = figure.panels[0].curves[0].points[0]
    assert (point.low, point.y, point.high) == pytest.approx((1 / 20, 1 / 11, 1 / 2))


def test_one_sample_has_no_spread(tmp_path):
    cases = [sized("pinned_copy", "steady", size, [1e-3]) for size in (MIB, 2 * MIB)]
    [figure] = bandwidth.figures(load(tmp_path, cases))
    drawn = figure.panels[0].curves[0].points
    assert {(point.low, point.high) for point in drawn} == {(None, None)}


def test_failed_incomplete_and_skipped_are_said_and_not_drawn(tmp_path):
    cases = [
        sized("pinned_copy", "steady", MIB, [1e-3] * 3),
        sized("pinned_copy", "steady", 2 * MIB, [1e-3] * 3),
        sized("pageable_copy", "steady", MIB, [1e-3] * 3, failure="out of memory"),
        sized("managed_demand", "cold", MIB, [1e-3] * 2, complete=False),
    ]
    skipped = [make.skipped("stream_read", "system_demand", f"{size}B", "cold", "needs HMM")
               for size in (MIB, 2 * MIB)]
    skipped.append(make.skipped("gemv", "host_compute", "w", "steady", "of another workload"))
    [figure] = bandwidth.figures(load(tmp_path, cases, skipped=skipped, incomplete="interrupted"))
    assert [curve.policy for panel in figure.panels for curve in panel.curves] == ["pinned_copy"]
    notes = "\n".join(figure.notes)
    assert f"stream_read/pageable_copy/{MIB}B/steady: failed, out of memory." in notes
    assert f"stream_read/managed_demand/{MIB}B/cold: incomplete." in notes
    assert notes.count("needs HMM") == 1 and "of another workload" not in notes
    assert "r is INCOMPLETE: interrupted." in notes


def test_one_size_is_no_figure(tmp_path):
    found = load(tmp_path, [sized("pinned_copy", "steady", MIB, [1e-3] * 3)])
    with pytest.raises(data.NoData, match="--suite micro"):
        bandwidth.figures(found)


# batch

def product(policy, tokens, seconds, start="steady", **how):
    return make.case(f"gemm/tokens:{tokens}", policy, "w", start, [seconds] * 3, size=55 * 10**6,
                     tokens=tokens, **how)


def test_time_over_tokens_with_the_link_floor_and_the_reads_that_were_counted(tmp_path):
    again = {**make.no_evidence(), "link_payload_per_requested": 2.01}
    once = {**make.no_evidence(), "link_payload_per_requested": 1.1}
    cases = [
        product("pinned_zero_copy", 512, 2e-3, evidence=again),
        product("pinned_zero_copy", 1024, 4e-3, link_bytes=4 * 55 * 10**6),
        product("pinned_zero_copy", 16, 1e-3, evidence=once),
        product("managed_demand", 16, 1e-5, "warm", path="device_memory"),
        product("device_resident", 16, 1e-5, path="device_memory"),
    ]
    skipped = [make.skipped(f"gemm/tokens:{tokens}", "host_compute", "w", "steady",
                            f"too many tokens for the CPU: gemm/tokens:{tokens}") for tokens in (16, 512)]
    [figure] = batch.figures(load(tmp_path, cases, skipped=skipped))
    panel, reads = figure.panels
    found = curves(panel)
    assert points(found["pinned_zero_copy", "steady"]) == [(16, 1.0), (512, 2.0), (1024, 4.0)]
    # Counted; at 1024 tokens it could not be, and the kernel says what crosses the link.
    assert points(curves(reads)["pinned_zero_copy", "steady"]) == [(16, 1.1), (512, 2.01), (1024, 4.0)]
    assert set(curves(reads)) == {("pinned_zero_copy", "steady")}
    assert set(found) == {("pinned_zero_copy", "steady"), ("device_resident", "steady")}
    # 55 MB at the copy engine's 55 GB/s
    assert [line.y for line in panel.lines] == [pytest.approx(1.0)]
    assert figure.notes == ("Not run: host_compute (too many tokens for the CPU).",)


def test_products_of_two_weights_are_two_figures(tmp_path):
    cases = [{**product("pinned_copy", tokens, 1e-3), "weights": {**product("pinned_copy", 1, 1)[
        "weights"], "name": name}} for tokens in (1, 2) for name in ("a", "b")]
    names = [figure.name for figure in batch.figures(load(tmp_path, cases))]
    assert names == ["batch-a", "batch-b"]


# granularity

def test_chunks_are_ordered_by_size_and_rates_are_of_useful_bytes(tmp_path):
    useful = {"requested": 8 * 10**6, "touched": 64 * 10**6, "only_read": 0}
    cases = [make.case(f"row_gather/chunk:{chunk}", "pinned_copy", "w", "steady", [seconds] * 3,
                       size=64 * 10**6, bytes=useful, gb_per_s=8e-3 / seconds)
             for chunk, seconds in ((65536, 1e-3), (512, 2e-3))]
    [figure] = granularity.figures(load(tmp_path, cases))
    assert points(figure.panels[0].curves[0]) == [
        (512, pytest.approx(4)), (65536, pytest.approx(8))]
    assert figure.panels[0].curves[0].points[0].low == pytest.approx(4)
    assert "12.5%" in figure.subtitle


# adaptation

def series(pass_s, um, distinct):
    return {"pass_s": pass_s, "driver_s": None, "distinct_bytes": distinct, "um": um}


def test_moved_bytes_add_up_and_the_unknown_is_said(tmp_path):
    traffic = [make.um(100, to_device={"fault": moved}) for moved in (70, 30, 0)]
    for figures in traffic:
        del figures["state"], figures["reason"]
    kinds = {
        "managed_demand": {"state": "measured", "reason": None, "passes": traffic},
        "pinned_zero_copy": {"state": "zero by design", "reason": "pinned"},
        "managed_prefer_host": {"state": "unavailable", "reason": "records were lost"},
    }
    cases = [make.case("expert_gather/skew:1", policy, "w", "cold", [1e-3],
                       series=series([3e-3, 2e-3, 1e-3], um, [70, 20, 0]))
             for policy, um in kinds.items()]
    [figure] = adaptation.figures(load(tmp_path, cases))
    times, moved = figure.panels
    assert len(times.curves) == 3
    assert points(times.curves[0]) == [(1, 3.0), (2, 2.0), (3, 1.0)]
    found = {curve.policy: [point.y for point in curve.points] for curve in moved.curves}
    assert found == {"managed_demand": [70, 100, 100], "pinned_zero_copy": [0, 0, 0]}
    assert [point.y for point in moved.references[0].points] == [70, 90, 90]
    assert "Moved bytes of managed_prefer_host n/a: records were lost." in figure.notes


# the committed results

@pytest.mark.skipif(not H200.exists(), reason="no committed results here")
def test_series_are_the_fields_of_the_committed_results():
    """Every point drawn is a field of a case, found by another way than the figures'."""
    [run] = runs.load([H200 / "micro.json"])
    fields = {(case["policy"], case["start"], case["weights"]["bytes"]): case["gb_per_s"]
              for case in run.run["cases"] if case["workload"] == "stream_read"}
    [figure] = bandwidth.figures([run])
    drawn = {(curve.policy, curve.start, point.x): point.y
             for panel in figure.panels for curve in panel.curves for point in curve.points}
    assert drawn == fields

    [run] = runs.load([H200 / "gemm.json"])
    [figure] = batch.figures([run])
    drawn = {(curve.policy, point.x): point.y
             for curve in figure.panels[0].curves for point in curve.points}
    fields = {(case["policy"], case["tokens"]): case["summary"]["median_s"] * 1e3
              for case in run.run["cases"]
              if (case["path"], case["start"]) != ("device_memory", "warm")}
    assert drawn == fields
