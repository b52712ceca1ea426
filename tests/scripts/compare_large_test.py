# SPDX-License-Identifier: Apache-2.0
"""scripts/compare.py on large files: how long it takes, and that they are read as strictly as small
ones. Needs pytest only."""
import json
import os
import signal
import subprocess
import sys

import pytest

import large_results
import results_builder as build
from compared import ROOT, case, compare, compare_runs, merged

sys.path.insert(0, str(ROOT / "scripts"))
from offload_results import reading  # noqa: E402
from offload_results.json_reader import LARGE  # noqa: E402


def test_100000_cases_take_less_than_5_seconds(tmp_path):
    paths = [large_results.bare(tmp_path / f"{shift}.json", 100_000, shift) for shift in (0, 1)]
    seconds, _ = usage([sys.executable, ROOT / "scripts/compare.py", *paths], tmp_path / "out.txt")
    assert "No regression in 100000 cases: 100000 same." in (tmp_path / "out.txt").read_text()
    assert seconds < 5


def test_evidence_takes_little_time_and_memory(tmp_path):
    """Of cases as they are measured, with all that is not compared; beside what a script without
    any check takes to read the same, since a machine may be slow, or busy."""
    path = large_results.with_evidence(tmp_path / "a.json", 20_000)
    read = "import json, sys; [json.load(open(path)) for path in sys.argv[1:]]"
    plain, compared = (usage([sys.executable, *command, path, path], tmp_path / "out.txt")
                       for command in (["-c", read], [ROOT / "scripts/compare.py"]))
    assert "No regression in 20000 cases" in (tmp_path / "out.txt").read_text()
    assert compared[0] < 1.2 * plain[0]
    assert compared[1] < 4 * path.stat().st_size  # 2.3 times; 7 with whole cases


# A process begins with the peak memory of the one it was forked from, so that one is to be small.
MEASURED = """if True:
    import resource, subprocess, sys
    subprocess.run(sys.argv[2:], stdout=open(sys.argv[1], "w"), check=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)
"""


def usage(command, output):
    """(CPU seconds of it and the processes that it waited for, most bytes of one of them)"""
    done = subprocess.run([sys.executable, "-c", MEASURED, output, *command], check=True,
                          capture_output=True, text=True)
    seconds, peak = done.stdout.split()
    return float(seconds), int(peak)


def grown(path):
    """The same, as large as what is read in a process of its own."""
    with path.open("a") as file:
        file.write(" " * LARGE)
    return path


@pytest.mark.parametrize("kind", ["table", "json"])
def test_large_files_give_what_small_ones_give(tmp_path, kind):
    whole = merged(*(build.run([case(scale=scale), case("b")]) for scale in (1, 1.01)))
    paths = [build.write(tmp_path / f"{name}.json", document) for name, document in (
        ("old", whole), ("new", build.run([case(scale=2), case("b")])),
        ("newer", build.run([case(), case("c")])))]
    small = compare(*paths, f"--format={kind}")
    assert small.returncode == 1 and "slower" in small.stdout
    for some in (paths[1:2], paths):
        for path in some:
            grown(path)
        large = compare(*paths, f"--format={kind}")
        assert (large.stdout, large.returncode) == (small.stdout, 1)


GOOD = json.dumps(build.run([case()]))
BAD = {
    "cut": GOOD[:GOOD.index("passes")], "empty": " ", "foreign": "{}",
    "no case": GOOD.replace('"policy"', '"p"'),
    "version": GOOD.replace('"1.2.0"', '"2.0.0"'), "comma": GOOD.replace(", ", "\n,, ", 9),
    # Within what is not compared:
    "NaN": GOOD.replace('"passes": 0', '"passes": NaN'),
    "infinite": GOOD.replace('"passes": 0', '"passes": -1e999'),
    "endless": GOOD.replace('"passes": 0', f'"passes": 1{"0" * 20}'),
    "surrogate": GOOD.replace("--evidence none", r"\udc00"),
    "control": GOOD.replace("--evidence none", "\x01"),
    "deep": GOOD.replace('"passes": 0', f'"passes": {"[" * 100_000}'),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_files_are_refused_whatever_their_size(tmp_path, kind):
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(GOOD)
    bad.write_text(BAD[kind])
    small = compare(good, bad)
    assert small.returncode == 2 and len(small.stderr.splitlines()) == 1
    assert small.stderr.startswith(f"compare.py: {bad}: ")
    grown(good), grown(bad)
    for paths in ((good, bad), (bad, good)):
        large = compare(*paths)
        assert (large.stderr, large.stdout, large.returncode) == (small.stderr, "", 2)


def test_samples_that_are_no_times_are_refused_only_where_they_count(tmp_path):
    endless = build.case(policy="pinned_copy", samples=[1e300] * 3)
    assert "a sample that is no time" in compare_runs(
        tmp_path, build.run([case()]), build.run([endless])).stderr
    endless.update(failure="wrong result")
    done = compare_runs(tmp_path, build.run([case()]), build.run([endless]))
    assert done.returncode == 1 and "wrong result" in done.stdout


def test_a_file_is_read_even_if_the_process_that_did_was_killed(tmp_path):
    path = grown(build.write(tmp_path / "a.json", build.run([case()])))
    ahead = reading.read_ahead(path)
    os.kill(ahead.process, signal.SIGKILL)
    assert reading.results_of(path, ahead).by_key() == reading.load(path).by_key()


def test_no_process_is_left_behind(tmp_path):
    paths = [grown(build.write(tmp_path / f"{name}.json", build.run([case()]))) for name in "ab"]
    files = reading.each(paths)
    next(files)
    files.close()
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, 0)
