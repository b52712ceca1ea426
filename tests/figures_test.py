# SPDX-License-Identifier: Apache-2.0
"""What the figures show is what the results say: series are taken out of small results whose figures
can be worked out by hand, and out of the committed ones. Nothing is drawn here.

Needs pytest.
"""
import pathlib
import sys

import pytest

root = pathlib.Path(__file__).parent.parent
sys.path[:0] = [str(root / "scripts"), str(root / "tests")]
import results_builder as make  # noqa: E402
from offload_results.figures import (  # noqa: E402
    adaptation, bandwidth, batch, caption, data, evidence, granularity, latency, runs, tokens)

MIB = 2**20
H200 = root / "results/h200-sxm-pcie5"


def load(tmp_path, cases, **how):
    """The runs of one file with these cases."""
    return runs.load([make.write(tmp_path / "r.json", make.run(cases, **how))])


def curves(panel):
    return {(curve.policy, curve.start): curve for curve in panel.curves}


def points(curve):
    return [(point.x, point.y) for point in curve.points]


def sized(policy, start, size, seconds, **how):
    return make.case("stream_read", policy, f"{size}B", start, seconds, size=size, **how)


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
    assert [curve.label for curve in steady.curves] == ["pinned_zero_copy", "managed_prefer_host (warm)"]


def test_lines_are_the_link_and_the_copy_engine_of_the_run(tmp_path):
    cases = [sized("pinned_copy", "steady", size, [1e-3] * 3) for size in (MIB, 2 * MIB)]
    [figure] = bandwidth.figures(load(tmp_path, cases))
    assert [line.y for line in figure.panels[0].lines] == [make.LINK_PEAK / 1e9, make.COPY_RATE / 1e9]


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
    assert {(point.low, point.high) for point in figure.panels[0].curves[0].points} == {(None, None)}


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
    return make.case(f"gemm.m{tokens}", policy, "w", start, [seconds] * 3, size=55 * 10**6,
                     tokens=tokens, **how)


def test_time_over_tokens_with_the_link_floor_and_the_reads_that_were_counted(tmp_path):
    again = {**make.no_evidence(), "link_payload_per_requested": 2.01}
    once = {**make.no_evidence(), "link_payload_per_requested": 1.1}
    cases = [
        product("pinned_zero_copy", 512, 2e-3, evidence=again),
        product("pinned_zero_copy", 16, 1e-3, evidence=once),
        product("managed_demand", 16, 1e-5, "warm", path="device_memory"),
        product("device_resident", 16, 1e-5, path="device_memory"),
    ]
    skipped = [make.skipped(f"gemm.m{tokens}", "host_compute", "w", "steady",
                            f"too many tokens for the CPU: gemm.m{tokens}") for tokens in (16, 512)]
    [figure] = batch.figures(load(tmp_path, cases, skipped=skipped))
    [panel] = figure.panels
    found = curves(panel)
    assert points(found["pinned_zero_copy", "steady"]) == [(16, 1.0), (512, 2.0)]
    assert [point.note for point in found["pinned_zero_copy", "steady"].points] == [None, "read 2.0x"]
    assert set(found) == {("pinned_zero_copy", "steady"), ("device_resident", "steady")}
    # 55 MB at the copy engine's 55 GB/s
    assert [line.y for line in panel.lines] == [pytest.approx(1.0)]
    assert figure.notes == ("Not run: host_compute (too many tokens for the CPU).",)


def test_products_of_two_weights_are_two_figures(tmp_path):
    cases = [{**product("pinned_copy", tokens, 1e-3), "weights": {**product("pinned_copy", 1, 1)[
        "weights"], "name": name}} for tokens in (1, 2) for name in ("a", "b")]
    assert [figure.name for figure in batch.figures(load(tmp_path, cases))] == ["batch-a", "batch-b"]


# granularity

def test_chunks_are_ordered_by_size_and_rates_are_of_useful_bytes(tmp_path):
    useful = {"requested": 8 * 10**6, "touched": 64 * 10**6, "only_read": 0}
    cases = [make.case(f"row_gather.c{chunk}", "pinned_copy", "w", "steady", [seconds] * 3,
                       size=64 * 10**6, bytes=useful, gb_per_s=8e-3 / seconds)
             for chunk, seconds in ((65536, 1e-3), (512, 2e-3))]
    [figure] = granularity.figures(load(tmp_path, cases))
    assert points(figure.panels[0].curves[0]) == [(512, pytest.approx(4)), (65536, pytest.approx(8))]
    assert figure.panels[0].curves[0].points[0].low == pytest.approx(4)
    assert "12.5%" in figure.subtitle


# latency

def chase(policy, start, weights, size, per_step, path="link"):
    return make.case("pointer_chase", policy, weights, start, [per_step * 1000] * 3, path=path,
                     size=size, steps=1000, seconds_per_step=per_step)


def test_latency_has_a_column_per_size_and_a_bound(tmp_path):
    cases = [
        chase("pinned_zero_copy", "steady", "large", 4 * MIB, 2e-6),
        chase("pinned_zero_copy", "steady", "small", MIB, 1e-6),
        chase("managed_demand", "cold", "large", 4 * MIB, 1e-6),
        chase("managed_demand", "warm", "large", 4 * MIB, 1e-7, "device_memory"),
        chase("device_resident", "steady", "large", 4 * MIB, 1e-7, "device_memory"),
    ]
    [figure] = latency.figures(load(tmp_path, cases))
    assert [row.policy for row in figure.rows] == ["managed_demand", "pinned_zero_copy"]
    small, large = figure.columns
    assert (small.title, large.title) == ("small", "large")
    assert [cell.state for cell in small.cells] == ["absent", "measured"]
    assert [cell.value for cell in large.cells] == pytest.approx([1, 2])
    assert large.cells[1].low == pytest.approx(2)
    assert (small.bound, large.bound) == (None, pytest.approx(0.1))


# tokens

def model_pass(label, policy, start, name, rate, path="link", samples=(1.0, 1.0, 1.0), **how):
    model = {
        "name": name, "layers": 32, "layers_measured": 4, "offloaded_bytes": 10 * 2**30,
        "resident_bytes": 0, "tokens_per_second_ceiling": rate,
    }
    return make.case(label, policy, name, start, samples, path=path, model=model,
                     tokens=int(label.rpartition(".m")[2]), **how)


def test_models_are_columns_and_what_migrates_counts_from_cold(tmp_path):
    one = make.write(tmp_path / "a.json", make.run([
        model_pass("decode.m1", "slow", "cold", "8b", 2.0),
        model_pass("decode.m1", "slow", "warm", "8b", 90.0, "device_memory"),
        model_pass("decode.m1", "device_resident", "steady", "8b", 100.0, "device_memory"),
        model_pass("decode.m1", "fast", "steady", "8b", 4.0, samples=[1.0, 2.0, 2.0, 2.0, 4.0]),
    ]))
    two = make.write(tmp_path / "b.json", make.run([
        model_pass("decode.m1", "slow", "cold", "70b", 0.5),
        {**model_pass("decode.m1", "fast", "steady", "70b", 1.0, failure="lost"), "model": None},
        model_pass("decode.m32", "slow", "cold", "70b", 7.0),
    ]))
    first, second = tokens.figures(runs.load([one, two]))
    assert (first.name, second.name) == ("tokens-decode.m1", "tokens-decode.m32")
    assert [(row.policy, row.start) for row in first.rows] == [("fast", "steady"), ("slow", "cold")]
    small, large = first.columns
    assert [cell.value for cell in small.cells] == [4.0, 2.0]
    assert small.bound == 100.0 and large.bound is None
    assert [(cell.state, cell.text) for cell in large.cells] == [("failed", "lost"), ("measured", None)]
    # Twice the median time is half the rate: the 95th percentile of 1, 2, 2, 2, 4 s is 3.6 s.
    assert (small.cells[0].low, small.cells[0].high) == pytest.approx((4 * 2 / 3.6, 4 * 2 / 1.2))
    assert "8b: 10 GiB offloaded; 4 of 32 layers measured." in first.notes
    assert "decode.m1/fast/70b/steady: failed, lost." in first.notes


def test_machines_do_not_share_a_figure_of_tokens(tmp_path):
    paths = [make.write(tmp_path / f"{name}.json", make.run(
        [model_pass("decode.m1", "pinned_copy", "steady", "8b", 1.0)], gpu=make.gpu(name=name)))
        for name in ("GPU-A", "GPU-B")]
    assert [len(figure.columns) for figure in tokens.figures(runs.load(paths))] == [1, 1]


def test_two_runs_of_a_model_are_told_apart(tmp_path):
    paths = [make.write(tmp_path / f"{name}.json", make.run(
        [model_pass("decode.m1", "pinned_copy", "steady", "8b", 1.0)])) for name in "ab"]
    [figure] = tokens.figures(runs.load(paths))
    assert [column.title for column in figure.columns] == ["8b, a", "8b, b"]


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
    cases = [make.case("expert_gather.z100", policy, "w", "cold", [1e-3],
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


# evidence

def measured_evidence():
    return {
        **make.evidence_of(make.um(200, to_device={"fault": 100}, remote_maps=3)),
        "cpu": {"state": "measured", "reason": None}, "driver_cpu_s_per_gb": 0.25,
        "energy": {"state": "unavailable", "reason": "too short"},
    }


def by_title(figure, row):
    return {column.title: column.cells[row] for column in figure.columns}


def test_what_is_unknown_is_never_0(tmp_path):
    zero = {"state": "zero by design", "reason": "pinned"}
    cases = [
        make.case("gemv", "managed_demand", "w", "cold", [2e-3], evidence=measured_evidence()),
        make.case("gemv", "pinned_copy", "w", "steady", [1e-3],
                  evidence={**make.no_evidence("not asked"), "um": zero}),
        make.case("gemv", "managed_demand", "w", "warm", [1e-5], path="device_memory"),
    ]
    [figure] = evidence.figures(load(tmp_path, cases))
    assert [(row.policy, row.start) for row in figure.rows] == [
        ("pinned_copy", "steady"), ("managed_demand", "cold")]
    faults, pinned = by_title(figure, 1), by_title(figure, 0)
    assert faults["amplification"] == data.Cell("measured", 0.5)
    assert faults["remote maps"] == data.Cell("measured", 3)
    assert faults["CPU time of the driver"] == data.Cell("measured", 0.25)
    assert faults["energy of the GPU"] == data.Cell("unavailable", text="too short")
    assert pinned["amplification"].state == "zero by design"
    assert pinned["CPU time of the driver"] == data.Cell("unavailable", text="not asked")


def test_evidence_of_a_driver_that_shows_no_thread_is_unknown(tmp_path):
    found = {**measured_evidence(), "driver_cpu_s_per_gb": None}
    cases = [make.case("gemv", "managed_demand", "w", "cold", [1e-3], evidence=found)]
    [figure] = evidence.figures(load(tmp_path, cases))
    assert by_title(figure, 0)["CPU time of the driver"].state == "unavailable"


def test_evidence_before_schema_1_2_is_read(tmp_path):
    counted = {"bytes_to_device": 300, "bytes_to_host": 0, "gpu_fault_groups": 1, "cpu_faults": 0,
               "remote_maps": 0}
    old = {"um": counted, "um_state": "measured", "bytes_read": 100}
    none = {"um": None, "um_state": "not measured: nothing is cold", "bytes_read": 0}
    cases = [make.case("gemv", "managed_demand", "w", "cold", [1e-3], evidence=old),
             make.case("gemv", "pinned_copy", "w", "steady", [2e-3], evidence=none)]
    [figure] = evidence.figures(load(tmp_path, cases))
    assert by_title(figure, 0)["amplification"] == data.Cell("measured", 3.0)
    assert by_title(figure, 0)["remote maps"] == data.Cell("measured", 0)
    assert by_title(figure, 1)["amplification"].text == "not measured: nothing is cold"
    assert by_title(figure, 0)["energy of the GPU"].state == "unavailable"


def test_evidence_is_of_the_label_asked_for_and_the_largest_weights(tmp_path):
    cases = [make.case(label, "managed_demand", f"{size}B", "cold", [1e-3], size=size,
                       evidence=measured_evidence())
             for label in ("gemv", "stream_read") for size in (MIB, 2 * MIB)]
    found = load(tmp_path, cases)
    [figure] = evidence.figures(found)
    assert figure.name == "evidence-stream_read" and f"{2 * MIB}B" in figure.title
    assert len(figure.rows) == 1
    assert evidence.figures(found, "gemv")[0].name == "evidence-gemv"
    with pytest.raises(data.NoData, match="nested"):
        evidence.figures(found, "nested")


# groups, captions, merged files

def curve(policy, *ys):
    return data.Curve(policy, "steady", tuple(data.Point(x, y) for x, y in enumerate(ys)))


def test_curves_are_one_only_where_they_agree_everywhere():
    groups = data.alike([curve("a", 1.0, 100), curve("b", 1.01, 101), curve("c", 1.0, 103),
                         curve("d", 1.0), curve("e", 0, 0), curve("f", 0, 0)], 0.02)
    assert [[member.policy for member in group] for group in groups] == [
        ["a", "b"], ["c"], ["d"], ["e", "f"]]


def test_a_chain_of_neighbours_is_no_group():
    """a is near b and b near c, but a is not near c."""
    groups = data.alike([curve("a", 100), curve("b", 101.5), curve("c", 103)], 0.02)
    assert [len(group) for group in groups] == [2, 1]


def test_the_caption_names_the_platform_and_not_the_machine(tmp_path):
    build = make.build(git_commit="0123456789abcdef", git_dirty=True)
    host = make.host(cpu="redacted")
    found = load(tmp_path, [make.case()], host_name="secret-host", build=build,
                 platform=make.platform(host=host))
    text = "\n".join(caption.lines(found))
    for shown in ("Test GPU", "PCIe 5.0 x16", "driver 580.00", "0123456789ab + changes", "2026-01-01"):
        assert shown in text
    for hidden in ("redacted", "secret-host", "GPU-0"):
        assert hidden not in text


def test_the_caption_says_that_there_is_no_gpu(tmp_path):
    found = load(tmp_path, [make.case("gemv", "host_compute", path="host_memory")], gpu=None)
    assert caption.lines(found)[0].startswith("No GPU (no CUDA driver); host CPU Test CPU")


def test_sources_of_a_merged_file_are_runs_of_their_own(tmp_path):
    document = make.run([
        {**sized("pinned_copy", "steady", size, [1e-3 * (source + 1)] * 3), "source": source}
        for source in (0, 1) for size in (MIB, 2 * MIB)])
    document["offload_bench"]["skipped"] = [
        {**make.skipped("stream_read", "system_demand", "w", "cold", "needs HMM"), "source": 1}]
    described = [make.run([], gpu=make.gpu(name=name))["offload_bench"] for name in ("A", "B")]
    document["offload_bench"]["sources"] = [{"run": run} for run in described]
    found = runs.load([make.write(tmp_path / "all.json", document)])
    assert [run.name for run in found] == ["all.0", "all.1"]
    first, second = bandwidth.figures(found)
    assert first.panels[0].curves[0].points[0].y == pytest.approx(
        2 * second.panels[0].curves[0].points[0].y)
    assert caption.lines(first.runs)[0].startswith("A,")
    assert not first.notes and "needs HMM" in second.notes[0]


def test_files_of_one_name_are_told_apart(tmp_path):
    paths = []
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        paths.append(make.write(tmp_path / folder / "r.json", make.run([make.case()])))
    assert [run.name for run in runs.load(paths)] == ["here-r", "there-r"]


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
              for case in run.run["cases"] if (case["path"], case["start"]) != ("device_memory", "warm")}
    assert drawn == fields
