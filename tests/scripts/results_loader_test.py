# SPDX-License-Identifier: Apache-2.0
"""Bad input to the scripts: one clear line and exit code 2, nothing half-written. Needs pytest."""
import errno
import json
import os
import pathlib
import sys

import pytest

import forked
from results_builder import apart, case, run, write

ROOT = pathlib.Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from offload_results import command, results  # noqa: E402

GOOD = json.dumps(run([case()]))
NOT_FINITE = GOOD.replace('"gb_per_s": ', '"gb_per_s": NaN, "was": ', 1)
BAD_FILES = {
    "empty": (b"", "empty"),
    "blank": (b" \n", "empty"),
    "truncated": (GOOD[:1000].encode(), "cut short"),
    "not json": (b"name,iterations\n", "not JSON"),
    "not utf-8": (b'{"offload_bench": "\xff"}', "UTF-8"),
    "a number": (b"1", "not results of offload_bench"),
    "a list": (b"[]", "not results of offload_bench"),
    "foreign": (b'{"context": {}, "benchmarks": []}', "not results of offload_bench"),
    "foreign by name": (b'{"offload_bench": {}}', "it has no schema version: it is damaged or foreign"),
    "two in one": (GOOD.encode() * 2, f"not JSON: text after its end, in line 1, column {len(GOOD) + 1}"),
    "more after it": (GOOD.encode() + b"\nPASS", "not JSON: text after its end, in line 2, column 1"),
    "a name twice": (GOOD.replace('"start": ', '"start": "cold", "start": ', 1).encode(),
                     'the name "start" stands twice in one object'),
    "no version": (GOOD.replace('"2.0.0"', "1.2").encode(), "schema version"),
    "half a version": (GOOD.replace('"2.0.0"', '"1"').encode(), "schema version"),
    "future": (GOOD.replace('"2.0.0"', '"3.0.0"').encode(), "version 3.0.0"),
    "nan": (NOT_FINITE.encode(), "NaN"),
    "infinite": (GOOD.replace('"gb_per_s": ', '"gb_per_s": 1e999, "was": ', 1).encode(), "1e999"),
    "huge": (GOOD.replace('"gb_per_s": ', '"gb_per_s": 1e308, "was": ', 1).encode(),
             "1e308 is larger than any figure of a measurement, in line 1, column"),
    "tiny": (GOOD.replace('"gb_per_s": ', '"gb_per_s": 1e-320, "was": ', 1).encode(),
             "1e-320 is smaller than any figure of a measurement, in line 1, column"),
    "endless": (GOOD.replace('"steps": 0', '"steps": 1' + "0" * 5000, 1).encode(), "5001 digits"),
    "deep": (b"[" * 200_000, "too deep"),
    "half a character": (GOOD.replace("cudaHostAlloc", r"\ud800", 1).encode(), "surrogate"),
}


def bad_file(tmp_path, kind):
    path = tmp_path / "bad.json"
    path.write_bytes(BAD_FILES[kind][0])
    return path


@pytest.mark.parametrize("kind", BAD_FILES)
def test_load_refuses(tmp_path, kind):
    path = bad_file(tmp_path, kind)
    with pytest.raises(results.BadInput) as error:
        results.load(path)
    assert str(error.value).startswith(f"{path}: ")
    assert BAD_FILES[kind][1] in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("number", ["1e308", "-1e308", "1E-320", "NaN", "-Infinity", "1" + "0" * 5000])
def test_a_number_is_refused_with_its_place(tmp_path, number):
    path = tmp_path / "bad.json"
    path.write_text(f'{{"text": "\\" {number} ",\n "longer": 7, "numbers": [1.5,\n  0, {number}]}}')
    with pytest.raises(results.BadInput, match="in line 3, column 6$"):
        results.load(path)


@pytest.mark.parametrize("number", ["0.0", "-0.0", "1e-90", "9.9e99", "-1.5"])
def test_other_numbers_are_taken(tmp_path, number):
    path = tmp_path / "good.json"
    path.write_text(GOOD.replace('"gb_per_s": ', f'"gb_per_s": {number}, "was": ', 1))
    assert results.load(path).cases


@pytest.mark.parametrize("length", range(1, len(GOOD), 97))
def test_a_file_cut_short_is_refused_wherever_it_is_cut(tmp_path, length):
    path = tmp_path / "cut.json"
    path.write_text(GOOD[:length])
    with pytest.raises(results.BadInput, match="cut short"):
        results.load(path)


def test_load_takes_what_is_good(tmp_path):
    whole = GOOD.replace("cudaHostAlloc", r"\ud83d\ude00", 1)  # a whole character
    path = tmp_path / "good.json"
    path.write_text(whole)
    [found] = results.load(path).cases
    assert found["memory"] == "\N{GRINNING FACE}"


def test_a_run_without_cases_is_for_those_who_ask(tmp_path):
    path = write(tmp_path / "none.json", run([]))
    with pytest.raises(results.BadInput, match="nothing was measured"):
        results.load(path)
    assert results.load(path, empty_allowed=True).cases == []


@pytest.mark.parametrize("spoil", [
    lambda one: one.clear(),
    lambda one: one.pop("policy"),
    lambda one: one.update(label=["gemv"]),
    lambda one: one.update(weights="w"),
    lambda one: one.update(samples_s=None),
    lambda one: one.update(samples_s=["1"]),
    lambda one: one.update(samples_s=[True]),
    lambda one: one.update(samples_s=[0]),
    lambda one: one.update(samples_s=[-1.0]),
    lambda one: one.update(summary="fast"),
    lambda one: one["summary"].pop("median_s"),
    lambda one: one["summary"].update(median_s=0),
    lambda one: one.update(captured=[1]),
    lambda one: one.update(complete="yes"),
    lambda one: one.update(failure=1),
    lambda one: one.update(source=1),
    lambda one: one.update(source=True),
    lambda one: one.update(source=-1),
])
def test_a_case_that_cannot_be_joined_is_refused(tmp_path, spoil):
    document = apart(run([case(), case(policy="other")]))
    spoil(document["offload_bench"]["cases"][1])
    with pytest.raises(results.BadInput, match=r"cases\[1\] is not a case"):
        results.load(write(tmp_path / "bad.json", document))


def test_cases_are_joined_by_their_fields(tmp_path):
    cases = [case("gemv"), case("gemm/tokens:2"), case("gemv", captured=True), case("gemv", start="cold")]
    found = results.load(write(tmp_path / "a.json", run(cases)))
    assert [str(key) for key in found.by_key()] == [
        "gemv/pinned_zero_copy/w/steady", "gemm/tokens:2/pinned_zero_copy/w/steady",
        "gemv/pinned_zero_copy/w/steady (graph)", "gemv/pinned_zero_copy/w/cold"]
    twice = results.load(write(tmp_path / "b.json", run([case(), case()])))
    with pytest.raises(results.BadInput, match="twice"):
        twice.by_key()


def script(name, *arguments):
    return forked.script("offload-results", name, *arguments)


def refused(done, mentions):
    assert done.returncode == 2, done.stderr
    [line] = done.stderr.splitlines()
    assert mentions in line
    return line


@pytest.mark.parametrize("kind", BAD_FILES)
def test_scripts_refuse_in_one_line(tmp_path, kind):
    path = bad_file(tmp_path, kind)
    output = tmp_path / "out.json"
    line = refused(script("validate", path), BAD_FILES[kind][1])
    assert line.startswith(f"offload-results validate: {path}: ")
    refused(script("merge", path, "--output", output), BAD_FILES[kind][1])
    assert sorted(tmp_path.iterdir()) == [path], "something was left behind"


@pytest.mark.parametrize("path,mentions", [
    ("none.json", "no such file"), (".", "is a directory"), ("good.json/more", "not a directory"),
    ("/dev/null", "is a device"),
])
def test_paths_that_are_no_files(tmp_path, path, mentions):
    (tmp_path / "good.json").write_text(GOOD)
    refused(script("validate", tmp_path / path), mentions)
    refused(script("merge", tmp_path / path, "--output", tmp_path / "out.json"), mentions)
    assert not (tmp_path / "out.json").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
def test_files_that_may_not_be_read_or_written(tmp_path):
    path = tmp_path / "good.json"
    path.write_text(GOOD)
    tmp_path.chmod(0o500)
    refused(script("merge", path, "--output", tmp_path / "out.json"), "permission denied")
    tmp_path.chmod(0o700)
    (tmp_path / "protected.json").touch(0o400)
    refused(script("merge", path, "--output", tmp_path / "protected.json"), "permission denied")
    path.chmod(0)
    refused(script("validate", path), "permission denied")


@pytest.mark.parametrize("output,mentions", [
    ("none/out.json", "no such file"), (".", "not a regular file"),
    ("good.json/out", "not a directory"),
])
def test_outputs_that_cannot_be_written(tmp_path, output, mentions):
    path = tmp_path / "good.json"
    path.write_text(GOOD)
    for name, option in (("merge", "--output"), ("validate", "--json")):
        refused(script(name, path, option, tmp_path / output), mentions)
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "out.json"
    path.write_text("old")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr(pathlib.Path, "replace", full)
    with pytest.raises(results.BadInput, match="no space left"):
        command.write_whole(path, "new")
    assert list(tmp_path.iterdir()) == [path] and path.read_text() == "old"


def test_a_link_stays_a_link(tmp_path):
    target, link = tmp_path / "target.json", tmp_path / "link.json"
    target.write_text("old")
    link.symlink_to(target)
    command.write_whole(link, "new")
    assert link.is_symlink() and target.read_text() == "new"


def test_file_mode_is_the_usual_one(tmp_path):
    mask = os.umask(0o027)
    try:
        command.write_whole(tmp_path / "a", b"1")
    finally:
        os.umask(mask)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_a_private_file_stays_private(tmp_path):
    path = tmp_path / "a"
    path.write_text("old")
    path.chmod(0o600)
    command.write_whole(path, "new")
    assert path.stat().st_mode & 0o777 == 0o600 and path.read_text() == "new"


def test_a_link_to_nothing_gets_its_target(tmp_path):
    (tmp_path / "link").symlink_to("target")
    command.write_whole(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "target").read_text() == "new"


def test_an_interrupt_leaves_no_part_of_a_file(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt
    monkeypatch.setattr(pathlib.Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        command.write_whole(tmp_path / "a", "new")
    assert not list(tmp_path.iterdir())


def stumble():
    raise KeyError("bytes")


def test_a_script_that_stumbles_over_damage_says_where_it_is(tmp_path, monkeypatch, capsys):
    document = apart(run([case()]))
    del document["offload_bench"]["cases"][0]["bytes"]
    path = write(tmp_path / "bad.json", document)
    monkeypatch.setattr(sys, "argv", ["scripts/any.py", str(path)])
    with pytest.raises(SystemExit) as end:
        command.run(stumble)
    assert end.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "$.offload_bench.cases[0]: 'bytes' is a required property" in line and line.startswith("any.py: ")


def test_a_script_that_is_wrong_itself_shows_it_and_no_finding(tmp_path, monkeypatch, capsys):
    path = write(tmp_path / "good.json", run([case()]))
    monkeypatch.setattr(sys, "argv", ["scripts/any.py", str(path)])
    with pytest.raises(SystemExit) as end:
        command.run(stumble)
    assert end.value.code == 2 and "KeyError: 'bytes'" in capsys.readouterr().err


def test_what_does_not_fit_into_memory_is_one_line_and_no_finding(tmp_path, monkeypatch, capsys):
    def grow():
        raise MemoryError
    monkeypatch.setattr(sys, "argv", ["scripts/any.py", str(write(tmp_path / "good.json", run([case()])))])
    with pytest.raises(SystemExit) as end:
        command.run(grow)
    [line] = capsys.readouterr().err.splitlines()
    assert end.value.code == 2 and line.startswith("any.py: not enough memory")


SPOILT = {  # what no arithmetic or document takes, though the fields around it are right
    "a family that is no number": lambda document: document["benchmarks"][0].update(family_index=None),
    "a load that is a number": lambda document: document["context"].update(load_avg=3),
    "a load that is a text": lambda document: document["context"].update(load_avg=["a", "b", "c"]),
}


@pytest.mark.parametrize("what", SPOILT)
def test_what_google_benchmark_adds_is_checked_too(tmp_path, what):
    document = apart(run([case()]))
    SPOILT[what](document)
    path = write(tmp_path / "bad.json", document)
    refused(script("merge", path, "--output", tmp_path / "merged.json"), "is not of type")
    done = script("validate", path)
    assert done.returncode == 2 and "is not of type" in done.stdout


def test_a_name_that_is_no_text_is_shown_escaped(tmp_path):
    path = os.fsencode(tmp_path) + b"/x\xfe.json"
    with open(path, "w", encoding="utf-8") as file:
        file.write(GOOD)
    for name, out in (("report", "page.html"), ("merge", "merged.json")):
        done = script(name, os.fsdecode(path), "--output", tmp_path / out)
        assert done.returncode == 0, done.stderr
        assert r"\xfe" in (tmp_path / out).read_text(encoding="utf-8")


@pytest.mark.parametrize("arguments", [
    ("merge", "a.json", "--output", "out.json", "b.json"),
    ("report", "a.json", "--output", "out.html", "b.json"),
    ("compare", "a.json", "--rows", "3", "b.json"),
    ("validate", "a.json", "--json", "out.json", "b.json")], ids=" ".join)
def test_options_may_stand_between_files(tmp_path, arguments):
    for name, day in (("a.json", 1), ("b.json", 2)):
        write(tmp_path / name, run([case()], started_at=f"2026-01-0{day}T00:00:00Z"))
    done = forked.script("offload-results", *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("spelled", ["b.json", "./b.json", "link.json"])
@pytest.mark.parametrize("arguments", [
    ("merge", "a.json", "b.json", "--output"), ("report", "a.json", "b.json", "--output"),
    ("compare", "a.json", "b.json", "--output"), ("validate", "a.json", "b.json", "--json")],
    ids=lambda arguments: arguments[0])
def test_no_script_writes_over_its_input(tmp_path, arguments, spelled):
    for name in ("a.json", "b.json"):
        write(tmp_path / name, run([case()]))
    (tmp_path / "link.json").symlink_to("b.json")
    before = (tmp_path / "b.json").read_bytes()
    done = forked.script("offload-results", *arguments, spelled, cwd=tmp_path)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert f"{spelled.removeprefix('./')}: is the input" in line
    assert (tmp_path / "b.json").read_bytes() == before


def test_hostile_names_stay_in_their_line(tmp_path):
    document = apart(run([case()]))
    hostile = "\x1b[2J\nvalidate.py:\u202eall"
    document["offload_bench"]["cases"][0].update(policy="a", name=hostile)
    done = script("validate", write(tmp_path / "a.json", document))
    assert done.returncode == 1 and not done.stderr
    assert not any(mark in done.stdout for mark in ("\x1b", "\u202e"))
    assert len(done.stdout.splitlines()) == 2  # the finding and the summary
    assert r"\x1b[2J\nvalidate.py:\u202eall" in done.stdout
