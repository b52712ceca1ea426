# SPDX-License-Identifier: Apache-2.0
"""offload-results compare --across: two machines side by side. Needs pytest."""
import json

import pytest

import results_builder as build
from compared import case, compare, compare_runs, merged, on_cpu

OTHER = build.gpu(name="Other GPU")
TIMES = {  # {policy: its time on the first machine, and on the second}, as multiples of 1 ms
    "pinned_copy": (1.0, 3.0), "pinned_ring_copy": (2.0, 1.0), "host_compute": (4.0, 4.0),
    "managed_demand": (8.0, 4.04)}


def cases_of(machine, times=TIMES):
    """Competitors of one contest, ranked by their times."""
    cases = [case(policy, scales[machine]) for policy, scales in times.items()]
    return build.answered(cases)[0]


def machines(tmp_path, *options, times=TIMES):
    return compare_runs(tmp_path, build.run(cases_of(0, times)),
                        build.run(cases_of(1, times), gpu=OTHER, build=build.build(git_commit="2" * 40)),
                        *options)


def pair(done):
    return json.loads(done.stdout)["offload_bench_across"]["pairs"][0]


def test_two_machines_are_refused_and_the_way_out_is_named(tmp_path):
    done = machines(tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--across" in done.stderr and "--force" in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("form", ["table", "markdown"])
def test_it_says_that_it_is_no_gate_and_gives_no_verdict(tmp_path, form):
    done = machines(tmp_path, "--across", f"--format={form}")
    assert done.returncode == 0 and "not a gate" in done.stdout.splitlines()[0]
    assert "Test GPU" in done.stdout and "Other GPU" in done.stdout
    for word in ("slower", "faster", "egression", "ambiguous", "resolution"):
        assert word not in done.stdout
    assert "GPU: Test GPU and Other GPU" in done.stdout and "commit" not in done.stdout


def test_ratios_are_in_order_whatever_they_are(tmp_path):
    found = pair(machines(tmp_path, "--across", "--format=json"))
    assert [(one["policy"], one["ratio"]) for one in found["cases"]] == [
        ("pinned_ring_copy", pytest.approx(0.5)), ("managed_demand", pytest.approx(0.505)),
        ("host_compute", pytest.approx(1)), ("pinned_copy", pytest.approx(3))]
    assert found["cases"][0]["first_s"] == pytest.approx(2e-3)
    assert found["first"]["machine"] == "Test GPU" and found["second"]["machine"] == "Other GPU"
    table = machines(tmp_path, "--across", "--rows=2").stdout
    rows = [line.split() for line in table.splitlines() if line.startswith("gemv/")]
    assert [row[0].split("/")[1] for row in rows] == ["pinned_ring_copy", "managed_demand"]
    assert rows[1][1:6] == ["8.00", "ms", "4.04", "ms", "0.505x"] and "... 2 more rows" in table


def test_who_changes_rank_is_told_with_whom(tmp_path):
    """On the second machine the ring is ahead of the copy; the CPU and managed memory lie within 3 %
    there, which is no change of places."""
    found = pair(machines(tmp_path, "--across", "--format=json"))["rank_changes"]
    names = {policy: f"gemv/{policy}/w/steady" for policy in TIMES}
    assert {one["case"]: (one["first"]["rank"], one["second"]["rank"], one["past"]) for one in found} == {
        names["pinned_copy"]: (1, 2, [names["pinned_ring_copy"]]),
        names["pinned_ring_copy"]: (2, 1, [names["pinned_copy"]])}
    assert "2 cases change rank" in machines(tmp_path, "--across").stdout.splitlines()[0]


def test_what_is_not_compared_has_no_rank(tmp_path):
    """Left out by --filter, or another measurement on the other machine."""
    filtered = machines(tmp_path, "--across", "--format=json", "--filter=policy=pinned_copy,host_compute")
    assert len(pair(filtered)["cases"]) == 2 and pair(filtered)["rank_changes"] == []
    old, new = build.run(cases_of(0)), build.apart(build.run(cases_of(1), gpu=OTHER))
    next(one for one in new["offload_bench"]["cases"] if one["policy"] == "pinned_copy")["tokens"] = 8
    other = pair(compare_runs(tmp_path, old, new, "--across", "--format=json"))
    assert len(other["cases"]) == 3 and other["rank_changes"] == []


def test_near_ties_change_no_places(tmp_path):
    times = {"pinned_copy": (1.0, 1.02), "pinned_ring_copy": (1.02, 1.0)}
    assert pair(machines(tmp_path, "--across", "--format=json", times=times))["rank_changes"] == []
    clear = pair(machines(tmp_path, "--across", "--format=json", "--threshold=1", times=times))
    assert len(clear["rank_changes"]) == 2


def test_ranks_come_from_the_files_and_must_hold_in_every_run(tmp_path):
    """The ring is ahead of the copy in one of the second machine's two runs, and behind in the other."""
    def of(copied, ring, **changes):
        return build.run(build.answered([case("host_compute"), case("pinned_copy", copied),
                                         case("pinned_ring_copy", ring)])[0], **changes)
    first = of(2, 3)
    for second, moved in ((of(2.5, 2.9, gpu=OTHER), 0), (of(2.9, 2.5, gpu=OTHER), 2)):
        whole = merged(of(3, 2, gpu=OTHER), second)
        found = pair(compare_runs(tmp_path, first, whole, "--across", "--format=json"))
        assert len(found["rank_changes"]) == moved and len(found["cases"]) == 3
    unranked = build.run([case(policy, 1.0) for policy in TIMES], gpu=OTHER)
    done = compare_runs(tmp_path, first, unranked, "--across")
    assert done.returncode == 0 and "ranks are not known: no standing in " in done.stdout.splitlines()[0]


def test_what_only_one_machine_has_is_counted(tmp_path):
    old = build.run([case(), case("a"), case("b"), case("c")])
    bad = build.case(policy="b", samples=[], failure="wrong", path="link")
    new = build.run([case(), case("n"), bad, case("c", size=2**20)], gpu=OTHER)
    done = compare_runs(tmp_path, old, new, "--across")
    assert done.returncode == 0
    for line in ("1 case failed on the second", "1 case on the first only", "1 case on the second only, or failed on the first",
                 "1 case not the same measurement on both"):
        assert f"... {line}\n" in done.stdout
    left = pair(compare_runs(tmp_path, old, new, "--across", "--format=json"))["left_out"]
    assert {one["policy"] for one in left} == {"a", "b", "c", "n"}


def test_nothing_in_common_and_contradictions_end_with_2(tmp_path):
    for old, new in (([case("a")], [case("b")]),
                     ([case("a")], [build.case(policy="a", samples=[], failure="wrong", path="link")])):
        done = compare_runs(tmp_path, build.run(old), build.run(new, gpu=OTHER), "--across")
        assert (done.returncode, done.stdout) == (2, "") and len(done.stderr.splitlines()) == 1
    assert machines(tmp_path, "--across", "--plan=5").returncode == 2
    assert compare(tmp_path / "old.json", "--across").returncode == 2


def test_hostile_names_stay_text(tmp_path):
    name = "x|<script>|`**a**`@someone\n# head \x1b[31m"
    old, new = build.run([case(name)]), build.run([case(name)], gpu=build.gpu(name=name))
    markdown = compare_runs(tmp_path, old, new, "--across", "--format=markdown").stdout
    for forbidden in ("<script", "`", "**a", "@some", "\x1b", "\n# "):
        assert forbidden not in markdown.replace("&#", "")
    assert "\x1b" not in compare_runs(tmp_path, old, new, "--across").stdout


def test_a_machine_without_gpu_is_named_by_its_cpu(tmp_path):
    found = pair(compare_runs(tmp_path, build.run([on_cpu()]), build.run([on_cpu()], gpu=None),
                              "--across", "--format=json"))
    assert (found["first"]["machine"], found["second"]["machine"]) == ("Test GPU", "Test CPU")
