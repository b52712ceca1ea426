# SPDX-License-Identifier: Apache-2.0
"""Runs behind the figures: merged files, captions, and curves that are drawn as one.

Needs pytest.
"""
import pathlib
import sys

import pytest

root = pathlib.Path(__file__).parent.parent.parent
sys.path[:0] = [str(root / "scripts"), str(root / "tests")]
import results_builder as make  # noqa: E402
from figure_data import MIB, load, sized  # noqa: E402
from offload_results.figures import bandwidth, caption, data, runs  # noqa: E402


# groups

def curve(policy, *ys):
    return data.Curve(policy, "steady", tuple(data.Point(x, y) for x, y in enumerate(ys)))


def test_curves_are_one_only_where_they_agree_everywhere():
    groups = data.group_similar([curve("a", 1.0, 100), curve("b", 1.01, 101), curve("c", 1.0, 103),
                         curve("d", 1.0), curve("e", 0, 0), curve("f", 0, 0)], 0.02)
    assert [[member.policy for member in group] for group in groups] == [
        ["a", "b"], ["c"], ["d"], ["e", "f"]]


def test_a_chain_of_neighbours_is_no_group():
    """a is near b and b near c, but a is not near c."""
    groups = data.group_similar([curve("a", 100), curve("b", 101.5), curve("c", 103)], 0.02)
    assert [len(group) for group in groups] == [2, 1]


def test_the_caption_names_the_platform_and_not_the_machine(tmp_path):
    build = make.build(git_commit="0123456789abcdef", git_dirty=True)
    host = make.host(cpu="redacted")
    found = load(tmp_path, [make.case()], host_name="secret-host", build=build,
                 platform=make.platform(host=host))
    text = "\n".join(caption.lines(found))
    for shown in ("Test GPU", "PCIe 5.0 x16", "driver 580.00", "0123456789ab + changes",
                  "2026-01-01"):
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


def test_many_failures_are_counted(tmp_path):
    cases = [sized("pinned_copy", "steady", size, [1e-3] * 3) for size in (MIB, 2 * MIB)]
    cases += [sized("pageable_copy", "steady", size, [1e-3], failure="out of memory")
              for size in range(1, 101)]
    [figure] = bandwidth.figures(load(tmp_path, cases))
    assert len(figure.notes) == 9
    assert figure.notes[-1] == "And 92 more cases failed or are incomplete."
