# SPDX-License-Identifier: Apache-2.0
"""Figures of bars show what the results say, and nothing unknown as 0. Nothing is drawn here.

Needs pytest.
"""
import pathlib
import statistics
import sys

import pytest

root = pathlib.Path(__file__).parent.parent.parent
sys.path[:0] = [str(root / "scripts"), str(root / "tests")]
import results_builder as make  # noqa: E402
from figure_data import MIB, load  # noqa: E402
from offload_results.figures import data, evidence, latency, machines, rates, runs, tokens  # noqa: E402


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

def model_pass(label, policy, start, name, rate, path="link", samples=(1.0, 1.0, 1.0), fixed_s=0.0, **how):
    """`fixed_s` of a pass is for what stays on the GPU and is not in the slice."""
    tokens = int(label.rpartition(":")[2])
    model = {
        "name": name, "layers": 32, "layers_measured": 4, "offloaded_bytes": 10 * 2**30,
        "resident_bytes": 0, "tokens_per_second_ceiling": rate, "pass_s": tokens / rate,
        "scale": (tokens / rate - fixed_s) / statistics.median(samples),
    }
    return make.case(label, policy, name, start, samples, path=path, model=model, tokens=tokens, **how)


def test_models_are_columns_of_what_an_engine_can_stay_in(tmp_path):
    one = make.write(tmp_path / "a.json", make.run([
        model_pass("decode/tokens:1", "slow", "cold", "8b", 2.0),
        model_pass("decode/tokens:1", "slow", "warm", "8b", 90.0, "device_memory"),
        model_pass("decode/tokens:1", "device_resident", "steady", "8b", 100.0, "device_memory"),
        model_pass("decode/tokens:1", "fast", "steady", "8b", 4.0, samples=[1.0, 2.0, 2.0, 2.0, 4.0]),
        model_pass("decode/tokens:1", "mapped", "cold", "8b", 0.5),
        model_pass("decode/tokens:1", "mapped", "warm", "8b", 2.0),
    ]))
    two = make.write(tmp_path / "b.json", make.run([
        model_pass("decode/tokens:1", "slow", "cold", "70b", 0.5),
        {**model_pass("decode/tokens:1", "fast", "steady", "70b", 1.0, failure="lost"), "model": None},
        model_pass("decode/tokens:1", "mapped", "warm", "70b", 0.5),
        model_pass("decode/tokens:32", "fast", "steady", "70b", 7.0),
        model_pass("prefill/tokens:512", "slow", "cold", "70b", 7.0),
    ]))
    first, second = tokens.figures(runs.load([one, two]))
    assert (first.name, second.name) == ("tokens-decode/tokens:1", "tokens-decode/tokens:32")
    assert [figure.name for figure in tokens.figures(runs.load([one, two]), "decode/tokens:32")] == [
        "tokens-decode/tokens:32"]
    assert [(row.policy, row.start) for row in first.rows] == [("fast", "steady"), ("mapped", "warm")]
    small, large = first.columns
    assert [cell.value for cell in small.cells] == [4.0, 2.0]
    assert small.bound == 100.0 and large.bound is None
    assert [(cell.state, cell.text) for cell in large.cells] == [
        ("failed", "lost"), ("measured", None)]
    # Twice the median time is half the rate: the 95th percentile of 1, 2, 2, 2, 4 s is 3.6 s.
    assert (small.cells[0].low, small.cells[0].high) == pytest.approx((4 * 2 / 3.6, 4 * 2 / 1.2))
    assert "8b: 10 GiB offloaded; 4 of 32 layers measured." in first.notes
    assert "decode/tokens:1/fast/70b/steady: failed, lost." in first.notes


def test_whiskers_leave_alone_what_stays_on_the_gpu(tmp_path):
    """Of a pass of 8 s, 4 s are for it: the 95th percentile of 1, 2, 2, 2, 4 s is 3.6 s, or 7.2 + 4 s a pass."""
    path = make.write(tmp_path / "a.json", make.run([
        model_pass("decode/tokens:1", "fast", "steady", "8b", 0.125, samples=[1.0, 2.0, 2.0, 2.0, 4.0], fixed_s=4.0)]))
    [figure] = tokens.figures(runs.load([path]))
    [[cell]] = [column.cells for column in figure.columns]
    assert (cell.low, cell.value, cell.high) == pytest.approx((1 / 11.2, 1 / 8, 1 / 6.4))


def test_what_never_leaves_the_gpu_is_no_figure_by_itself(tmp_path):
    alone = make.write(tmp_path / "a.json", make.run([
        model_pass("decode/tokens:1", "device_resident", "steady", "8b", 100.0, "device_memory")]))
    with pytest.raises(data.NoData, match="no offloaded passes"):
        tokens.figures(runs.load([alone]))


def of_machines(tmp_path, case, names=("GPU-A", "GPU-B")):
    return [make.write(tmp_path / f"run-{place}.json", make.run([case(place)], gpu=make.gpu(name=name, uuid=str(place))))
            for place, name in enumerate(names)]


def test_machines_share_a_figure_of_tokens_and_its_scale(tmp_path):
    paths = of_machines(tmp_path, lambda place: model_pass(
        "decode/tokens:1", "pinned_copy", "steady", "8b", 1.0 + place))
    [figure] = tokens.figures(runs.load(paths))
    assert [column.title for column in figure.columns] == ["8b, GPU-A", "8b, GPU-B"] and figure.one_scale
    assert [column.cells[0].value for column in figure.columns] == [1.0, 2.0]


def test_runs_of_a_model_with_other_rows_share_its_column(tmp_path):
    """As one captured in a graph does."""
    paths = [make.write(tmp_path / f"{name}.json", make.run(
        [model_pass("decode/tokens:1", "pinned_copy", "steady", "8b", rate, captured=captured)]))
        for name, rate, captured in (("plain", 1.0, False), ("graph", 2.0, True))]
    [figure] = tokens.figures(runs.load(paths))
    [column] = figure.columns
    assert column.title == "8b" and {run.name for run in figure.runs} == {"plain", "graph"}
    assert [(row.graph, cell.value) for row, cell in zip(figure.rows, column.cells)] == [(True, 2.0), (False, 1.0)]


# machines

def test_one_workload_of_several_machines_is_a_figure_on_one_scale(tmp_path):
    paths = of_machines(tmp_path, lambda place: make.case(
        "gemv", "pinned_copy", "w", samples=[0.1 * (place + 1)] * 3, size=10**9))
    [figure] = machines.figures(runs.load(paths))
    assert [column.title for column in figure.columns] == ["GPU-A", "GPU-B"] and figure.one_scale
    assert [column.cells[0].value for column in figure.columns] == pytest.approx([10, 5])


def test_runs_of_one_machine_stand_beside_each_other_where_they_measured_the_same(tmp_path):
    paths = of_machines(tmp_path, lambda place: make.case("gemv"), ("GPU-A", "GPU-A"))
    [figure] = machines.figures(runs.load(paths))
    assert [column.title for column in figure.columns] == ["GPU-A, run-0", "GPU-A, run-1"]
    for paths in (of_machines(tmp_path, lambda place: make.case("gemv", f"p{place}"), ("GPU-A", "GPU-A")),
                  of_machines(tmp_path, lambda place: make.case("gemv", weights=f"w{place}"))):
        with pytest.raises(data.NoData, match="that two machines"):
            machines.figures(runs.load(paths))


# titles

def contest(label, best, tied=(), runner_up="slow"):
    def entry(policy):
        return {"case": f"{label}/{policy}/w/steady", "policy": policy, "times_slower": 1.0}
    return {"workload": "gemv", "label": label, "weights": "w", "warm": None, "cold": {
        "best": entry(best), "tied": list(map(entry, tied)), "runner_up": runner_up and entry(runner_up)}}


@pytest.mark.parametrize("answers,title", [
    ([contest("a", "x")], "t: x is fastest at 0.001"),
    ([contest("a", "x", ["y"])], "t: x and y tie at 0.001"),
    ([contest("a", "x", ["y", "z", "v"])], "t: x, y and 2 more tie at 0.001"),
    ([contest("a", "x", runner_up=None)], "t"), ([], "t"),
    ([contest("a", "x"), contest("b", "x")], "t: x is fastest in both"),
    ([contest("a", "x", ["y"]), contest("b", "y", ["x"])], "t: x and y tie in both"),
    ([contest("a", "x"), contest("b", "y"), contest("c", "y", ["x"])], "t: x is fastest or ties with a and c; "
                                                                       "y is fastest or ties with b"),
    ([contest(label, "x", ["y"] * (label > "b")) for label in "abcd"], "t: x is fastest or ties in all 4"),
])
def test_a_title_says_what_the_answers_of_the_results_say(tmp_path, answers, title):
    cases = [make.case(answer["label"], answer["cold"]["best"]["policy"], samples=[1e-3] * 3)
             for answer in answers or [contest("a", "x")]]
    [run] = runs.load([make.write(tmp_path / "r.json", make.run(cases, answers=answers))])
    for case, answer in zip(run.cases, answers):
        case["name"] = answer["cold"]["best"]["case"]
    found = runs.titled("t", [(case["label"], run, [case]) for case in run.cases],
                        lambda case: case["summary"]["median_s"])
    assert found == title


def test_two_runs_of_a_model_are_told_apart(tmp_path):
    paths = [make.write(tmp_path / f"{name}.json", make.run(
        [model_pass("decode/tokens:1", "pinned_copy", "steady", "8b", 1.0)])) for name in "ab"]
    [figure] = tokens.figures(runs.load(paths))
    assert [column.title for column in figure.columns] == ["8b, a", "8b, b"]


def test_what_runs_do_not_repeat_is_rough(tmp_path):
    """By variability, as in tables: from cold the driver takes part, and runs differ by 15 %."""
    cases = [make.case("gemv", "managed_demand", "w", "cold", [5e-3, 6e-3]),
             make.case("gemv", "pinned_copy", "w", "steady", [1e-3, 1.1e-3])]
    [figure] = rates.figures(load(tmp_path, cases))
    assert [(row.policy, cell.rough) for row, cell in zip(figure.rows, figure.columns[0].cells)] == [
        ("pinned_copy", False), ("managed_demand", True)]


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
    assert faults["remote maps"] == data.Cell("measured", 15e3)  # 3 in 200 bytes
    assert faults["CPU time of the driver"] == data.Cell("measured", 0.25)
    assert faults["energy of the GPU"] == data.Cell("unavailable", text="too short")
    assert pinned["amplification"].state == "zero by design"
    assert pinned["CPU time of the driver"] == data.Cell("unavailable", text="not asked")


@pytest.mark.parametrize("seconds,title", [
    ((0.25, 0.0), "gemv of w: the driver's threads work in 1 of 2 cases"),
    ((1e-5, 0.0), "gemv of w: the driver's threads are idle in all cases"),
    ((None, None), "gemv of w: what driver and hardware did"), ((0.25, None), "gemv of w: the driver's threads work in 1 of 1 cases")])
def test_evidence_is_titled_by_what_the_driver_does(tmp_path, seconds, title):
    cases = [make.case("gemv", policy, "w", "cold", [1e-3], evidence={**measured_evidence(), "driver_cpu_s_per_gb": of_case})
             for policy, of_case in zip(("managed_demand", "pinned_copy"), seconds)]
    [figure] = evidence.figures(load(tmp_path, cases))
    assert figure.title == title


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


def test_a_workload_without_a_figure_of_its_own_has_rates(tmp_path):
    cases = [make.case("toy", policy, weights, samples=[seconds] * 3, size=10**9, path=path)
             for weights in ("a", "b", "c", "d", "e") for policy, seconds, path in (
                 ("slow", 0.5, "link"), ("fast", 0.25, "link"), ("there", 0.01, "device_memory"))]
    cases += [make.case("stream_read", weights=f"{size}B", size=size) for size in (1024, 2048)]
    [figure] = rates.figures(load(tmp_path, cases))
    assert figure.name == "rates-toy"
    assert [row.policy for row in figure.rows] == ["fast", "slow"]
    assert [column.title for column in figure.columns] == ["c", "d", "e"]
    assert figure.notes == ("2 more columns: offload-results report shows all.",)
    assert [cell.value for cell in figure.columns[0].cells] == [pytest.approx(4), pytest.approx(2)]
    assert figure.columns[0].bound == pytest.approx(100)
    assert len(rates.of_workload(load(tmp_path, cases[:-2])[0])[0].columns) == 5
    with pytest.raises(data.NoData):
        rates.figures(load(tmp_path, cases[-2:]))
