# SPDX-License-Identifier: Apache-2.0
"""What offload-results compare shows. Needs pytest; one test takes jsonschema."""
import json

import pytest

import results_builder as build
from compared import ROOT, as_json, case, compare, compare_cases, merged, on_cpu, verdicts

GOLDEN = ROOT / "tests/data/compare"


# --- what is shown

HOSTILE = ("x|<script>alert(1)</script>|`**_a_**`@someone#12 https://evil.example www.evil.example "
           "</details>\n\n# head ![](x) \x1b[31m\u202e [a](javascript:1)")


def test_hostile_names_stay_text(tmp_path):
    bad = build.case(policy="ok", samples=[], failure=HOSTILE)
    old = [case(HOSTILE), case("ok"), case("still")]
    new = [case(HOSTILE, 2), bad, case("still")]
    done = compare_cases(tmp_path, old, new, "--format=markdown")
    assert done.returncode == 1
    rows = [line for line in done.stdout.splitlines() if "script" in line and line[0] == "|"]
    assert len(rows) == 2 and all(row.count("|") == 9 for row in rows)
    for forbidden in ("<script", "</script", "`", "**_", "@some", "#12", "https:", "www.", "![",
                      "](", "\x1b", "\u202e", "\n# "):
        assert forbidden not in done.stdout.replace("&#", "")
    assert "&#64;&#8288;someone&#35;&#8288;12" in done.stdout
    assert done.stdout.count("</details>") == done.stdout.count("<details>")

    text = compare_cases(tmp_path, old, new).stdout
    assert "\x1b" not in text and "\u202e" not in text
    assert sum("script" in line for line in text.splitlines()) == 3  # the sentence and two rows


def many(count, changed):
    return [case(f"p{index}", 1.5 if index < changed else 1.0) for index in range(count)]


def test_thousands_of_rows(tmp_path):
    old, new = many(3000, 0), many(3000, 100)
    table = compare_cases(tmp_path, old, new)
    assert table.returncode == 1
    assert table.stdout.count("slower") == 1 + 40 + 1 and len(table.stdout.splitlines()) < 60
    assert "... 60 more rows: 60 slower\n... 2900 cases are the same\n" in table.stdout
    markdown = compare_cases(tmp_path, old, new, "--format=markdown").stdout
    assert len(markdown.encode()) < 65536  # the most that a comment on GitHub holds
    assert "60 more rows: 60 slower" in markdown and "2960 more" not in markdown
    everything = compare_cases(tmp_path, old, new, "--rows=0").stdout
    assert sum(" same " in line for line in everything.splitlines()) == 2900
    assert len(as_json(compare_cases(tmp_path, old, new, "--format=json"))[0]["cases"]) == 3000


def test_output_file(tmp_path):
    out = tmp_path / "comparison.md"
    done = compare_cases(tmp_path, [case()], [case(scale=2)], "--format=markdown", "--output", out)
    assert done.returncode == 1 and done.stdout.startswith("Regression: 1 slower of 1 case")
    assert len(done.stdout.splitlines()) == 1 and out.read_text().startswith("**Regression")
    lost = compare_cases(tmp_path, [case()], [case()], "--output", tmp_path / "no/such/place")
    assert lost.returncode == 2 and "cannot be written" in lost.stderr


def one_of_each():
    """Two documents in which every verdict occurs; all figures follow from the scales."""
    skip = build.skipped("gemv", "managed_demand", "w", "cold", "no unified memory")
    old = [case("device_resident", path="device_memory"), case("pinned_copy"),
           case("pinned_ring_copy", 2), on_cpu(scale=10), case("pinned_zero_copy"),
           case("managed_demand", start="cold"), case("hostvmm_zero_copy"),
           case("registered_zero_copy")]
    new = [case("device_resident", 1.01, path="device_memory"), case("pinned_copy", 1.1),
           case("pinned_ring_copy", 1.6), on_cpu(scale=11),
           build.case(policy="pinned_zero_copy", samples=[], failure="wrong result"),
           case("hostvmm_zero_copy", size=32 * build.MIB), case("hybrid_split")]
    return (build.run(old, build=build.build(git_commit="1" * 40)),
            build.run(new, build=build.build(git_commit="2" * 40), skipped=[skip]))


GOLDEN_FILES = {"table": "table.txt", "markdown": "markdown.md", "json": "comparison.json"}


def golden(tmp_path, kind):
    for name, document in zip(("baseline.json", "candidate.json"), one_of_each()):
        build.write(tmp_path / name, document)
    done = compare("baseline.json", "candidate.json", f"--format={kind}", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    return done.stdout


@pytest.mark.parametrize("kind", ["table", "markdown"])
def test_golden_text(tmp_path, kind):
    assert golden(tmp_path, kind) == (GOLDEN / GOLDEN_FILES[kind]).read_text(encoding="utf-8")


def rounded(value):
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    if isinstance(value, list):
        return list(map(rounded, value))
    return float(f"{value:.9g}") if isinstance(value, float) else value


def test_golden_json(tmp_path):
    expected = json.loads((GOLDEN / GOLDEN_FILES["json"]).read_text())
    assert rounded(json.loads(golden(tmp_path, "json"))) == rounded(expected)


def test_json_follows_its_schema(tmp_path):
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((ROOT / "results/schema/comparison-1.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    checker = jsonschema.Draft202012Validator(schema)
    document = json.loads(golden(tmp_path, "json"))
    planned = json.loads(compare("baseline.json", "candidate.json", "--plan=5", "--format=json",
                                 cwd=tmp_path).stdout)
    assert planned["offload_bench_comparison"]["comparisons"][0]["plan"]["kinds"]
    for written in (document, planned):
        assert not list(checker.iter_errors(written))
    [found] = document["offload_bench_comparison"]["comparisons"]
    for since_1_1 in ("resolution", "plan"):
        del found[since_1_1]
    assert not list(checker.iter_errors(document))
    found["cases"][0]["verdict"] = "fine"
    assert list(checker.iter_errors(document))


# --- tolerances of a baseline

def test_tolerances_say_what_would_be_flagged(tmp_path):
    few = build.case(policy="few", samples=[1e-3])
    documents = [build.run([case(), on_cpu(), few]), build.run([case(), on_cpu()])]
    path = build.write(tmp_path / "base.json", merged(*documents))
    found = {one["policy"]: one for one in json.loads(
        compare(path, "--tolerances", "--format=json").stdout)["offload_bench_tolerances"]["cases"]}
    assert found["pinned_copy"]["value"] == pytest.approx(1e-3)
    assert (found["pinned_copy"]["upper"], found["few"]["unit"]) == (pytest.approx(0.03), "s")
    assert found["few"]["upper"] is None and found["few"]["lower"] is None
    limit = 1 + found["host_compute"]["upper"]
    assert 1 + found["host_compute"]["lower"] == pytest.approx(1 / limit)
    for scale, verdict in ((limit * 1.001, "slower"), (limit * 0.999, "ambiguous"),
                           (1 / limit * 1.001, "ambiguous"), (1 / limit * 0.999, "faster")):
        new = build.write(tmp_path / "new.json", build.run([case(), on_cpu(scale=scale),
                                                            case("few")]))
        assert verdicts(compare(path, new, "--format=json"))["host_compute"] == verdict
    table = compare(path, "--tolerances").stdout
    assert [line.split()[-1] for line in table.splitlines() if "/few/" in line] == ["-"]
    assert compare(path).returncode == 2 and compare(path, path, "--tolerances").returncode == 2
    assert compare(path, "--tolerances", "--format=markdown").returncode == 2
