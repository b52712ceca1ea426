# SPDX-License-Identifier: Apache-2.0
"""The HTML report as a file: what it holds, what it never lets become markup, how large it may get,
what it refuses. How it behaves in a browser: report_browser_test.py. Needs pytest."""
import base64
import hashlib
import html.parser
import json
import pathlib
import re
import sys

import pytest

from committed import SCHEMA_1
from forked import script
from results_builder import answered, case, evidence_of, run, skipped, um, write

ROOT = pathlib.Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from offload_results.report import cases, make, packing, page  # noqa: E402

H200 = ROOT / "results/h200-sxm-pcie5"
MODELS = {*H200.glob("decode-*.json"), *H200.glob("prefill-*.json")}
COMMITTED = {"weights": sorted({*H200.glob("*.json")} - MODELS), "models": sorted(MODELS)}
HOSTILE = ("<img/src=x/onerror=alert(1)>", "</script><script>alert(1)</script>", "]]>",
           "\u2028\u2029", "<!--<script>", "@DATA@@STYLE@", "&lt;b&gt;", "__proto__")


def report(*arguments):
    return script("offload-results", "report", *arguments)


class Blocks(html.parser.HTMLParser):
    """Every tag, and what stands in script and style."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.blocks, self._open = [], [], None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag in ("script", "style"):
            self._open = dict(attributes).get("type", tag)
            self.blocks.append((self._open, ""))

    def handle_endtag(self, tag):
        self._open = None

    def handle_data(self, data):
        if self._open:
            self.blocks[-1] = (self._open, self.blocks[-1][1] + data)


def data_in(text):
    """As a browser finds it."""
    return json.loads(dict(Blocks(text).blocks)["application/json"])


def shared_texts(data):
    return [value for value in data["values"] if isinstance(value, str)]


def made(tmp_path, document):
    text, _ = make.html_of([write(tmp_path / "run.json", document)])
    return text


@pytest.mark.parametrize("name", HOSTILE)
def test_names_from_results_stay_text(tmp_path, name):
    hostile = case(policy=name, weights=name, label=f"gemv.{name}", memory=name, mechanism=name,
                   engine_flags=name)
    broken = case(policy="b", failure=name)
    text = made(tmp_path, run(
        [hostile, broken], skipped=[skipped("gemv", name, name, "cold", name)],
        argv=["offload_bench", name], environment={name: name}))
    plain = made(tmp_path, run([case(), case(policy="b", failure="no")]))
    assert Blocks(text).tags == [
        (tag, {**attributes, **({"content": Blocks(text).tags[index][1]["content"]}
                                if attributes.get("http-equiv") else {})})
        for index, (tag, attributes) in enumerate(Blocks(plain).tags)]
    assert name in shared_texts(data_in(text)) or any(
        name in json.dumps(value, ensure_ascii=False) for value in data_in(text)["values"])
    block = text.partition('type="application/json" id="data">')[2].partition("</script>")[0]
    assert not set("<>&\u2028\u2029") & set(block)


def test_nothing_can_be_loaded_and_only_its_own_script_runs(tmp_path):
    text = made(tmp_path, run([case()]))
    found = Blocks(text)
    policy = next(attributes["content"] for tag, attributes in found.tags
                  if attributes.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    for kind in ("script", "style"):
        block = dict(found.blocks)[kind]
        digest = base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()
        assert rules[f"{kind}-src"] == f"'sha256-{digest}'"
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", text)
    assert not [tag for tag, attributes in found.tags
                if {"src", "srcset", "style"} & attributes.keys()
                or tag in ("link", "img", "iframe")]
    assert not any(name.startswith("on") for _, attributes in found.tags for name in attributes)


def test_scripts_build_no_markup_from_text():
    for name in page.SCRIPTS:
        assert not re.findall(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|"
            r"DOMParser|setHTML|srcdoc",
            page.read(f"{name}.js")), name


@pytest.mark.parametrize("paths", [[H200 / "micro.json"], *COMMITTED.values()],
                         ids=["micro", *COMMITTED])
def test_a_full_run_stays_below_500_kB(paths):
    text, lacking = make.html_of(paths)
    data = data_in(text)
    assert len(text.encode()) < 500_000 and lacking is None
    assert data["max_samples"] == make.SAMPLES[0]  # nothing had to go
    originals = [len(json.loads(path.read_text())["offload_bench"]["cases"]) for path in paths]
    assert [found["cases"] for found in data["runs"]] == originals
    assert len(data["cases"]["run"]) == sum(originals)


def test_figures_of_a_case_are_those_of_the_file():
    """By another road: a case of a committed run, put together from the page's own columns."""
    document = json.loads((H200 / "quick.json").read_text())
    original = document["offload_bench"]["cases"][17]
    data = data_in(make.html_of([H200 / "quick.json"])[0])
    row = {name: values[17] for name, values in data["cases"].items() if isinstance(values, list)}
    fields = {}
    for part, names in data["parts"].items():
        fields.update(zip(names, data["values"][row[part]]))
    assert (fields["policy"], fields["start"], fields["weights"]) == (
        original["policy"], original["start"], original["weights"]["name"])
    assert row["us"] == pytest.approx(original["summary"]["median_s"] * 1e6, rel=1e-4)
    assert row["samples"] == pytest.approx(
        [sample * 1e6 for sample in original["samples_s"]], rel=1e-3)
    assert fields["requested"] == original["bytes"]["requested"]
    evidence = [data["values"][index] for index in data["values"][row["evidence"]]]
    order = [collector["key"] for collector in data["legend"]["collectors"]]
    for key, found in zip(order, evidence):
        if key not in original["evidence"]:  # the collector is younger than the file
            assert found[0] == "unavailable"
        elif original["evidence"][key]["state"] != "measured":
            assert found == [original["evidence"][key][part] for part in ("state", "reason")]
        else:
            assert found[0] not in ("unavailable", "zero by design")


def test_the_same_results_make_the_same_page(tmp_path):
    path = H200 / "quick.json"
    assert make.html_of([path]) == make.html_of([path])


def test_what_failed_was_skipped_or_is_unknown_is_there(tmp_path):
    cases_ = [case(), case(policy="broken", failure="wrong result: y[3]"),
              case(policy="part", complete=False), case(policy="none", samples=[], complete=False),
              case(policy="seen", evidence=evidence_of(um(100, {"fault": 100})))]
    data = data_in(made(tmp_path, run(cases_, incomplete="interrupted by SIGINT", skipped=[
        skipped("gemv", "system_demand", "w", start, "no HMM") for start in ("cold", "warm")])))
    status = data["parts"]["outcome"].index("status")
    assert [data["values"][index][status] for index in data["cases"]["outcome"]] == [
        "passed", "failed", "incomplete", "incomplete", "passed"]
    assert data["runs"][0]["incomplete_reason"] == "interrupted by SIGINT"
    assert [(skip["reason"], len(skip["cases"])) for skip in data["skipped"]] == [("no HMM", 2)]
    assert data["cases"]["us"][1] is None and data["cases"]["us"][3] is None
    first_um = data["values"][data["values"][data["cases"]["evidence"][0]][0]]
    assert first_um == ["unavailable", "--evidence none"]


def test_runs_of_a_merged_file_stay_apart(tmp_path):
    from offload_results import merge
    paths = []
    for index in (1, 2):
        cases_, answer = answered([case(samples=[index * 1e-3] * 3)], sentences=[f"{index}."])
        paths.append(write(tmp_path / f"{index}.json", run(cases_, answers=[answer])))
    data = data_in(made(tmp_path, merge.merge(paths)))
    assert [found["name"] for found in data["runs"]] == ["run.0", "run.1"]
    assert data["cases"]["run"] == [0, 1] and data["cases"]["us"] == [1000, 2000]
    assert [(found["run"], found["sentences"]) for found in data["sections"][0]["answers"]] == [
        (0, ["1."]), (1, ["2."])]


def test_many_samples_become_order_statistics():
    seconds = [(index * 7 % 100 + 1) * 1e-6 for index in range(100)]  # 1 to 100 us, shuffled
    kept = cases.samples(seconds, 12)
    assert len(kept) == 12 and kept[0] == 1 and kept[-1] == 100 and kept == sorted(kept)
    assert cases.samples(seconds[:12], 12) == [index * 7 + 1 for index in range(12)]
    assert cases.samples(seconds, 0) == []


@pytest.mark.parametrize("value,expected", [
    (0.123456789, 0.12346), (123456.7, 123460), (1e300, 1e300), (0, 0), (None, None), (-1.5, -1.5)])
def test_numbers_are_rounded_to_five_digits(value, expected):
    assert packing.rounded(value) == expected


def test_a_file_without_a_gpu_and_of_the_first_schema():
    data = data_in(make.html_of([SCHEMA_1 / "no-gpu.json"])[0])
    assert data["machine"] == ["No GPU (no NVIDIA driver is loaded); host CPU AMD EPYC, "
                               "2 logical CPUs"]
    assert sum(len(skip["cases"]) for skip in data["skipped"]) == 3


def test_memory_costs_alone_make_a_report():
    data = data_in(make.html_of([H200 / "memory-cost.json"])[0])
    assert len(data["memory_costs"]) == 8 and len(data["memory_answers"]) == 1
    assert data["cases"]["setup"] == {} and data["sections"] == []


def refused(tmp_path, content, name="bad.json"):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    found = report(path, "--output", tmp_path / "out.html")
    assert found.returncode == 2 and not (tmp_path / "out.html").exists()
    assert found.stderr.count("\n") == 1 and found.stderr.startswith("offload-results report: ")
    return found.stderr


def test_bad_input_is_refused_in_one_line(tmp_path):
    document = json.dumps(run([case()]))
    assert "cut short" in refused(tmp_path, document[:len(document) // 2])
    assert "empty file" in refused(tmp_path, "")
    assert "not results of offload_bench" in refused(tmp_path, '{"benchmarks": []}')
    assert "schema version 3.0.0" in refused(tmp_path, document.replace('"2.0.0"', '"3.0.0"'))
    assert "NaN" in refused(tmp_path, document.replace('"gb_per_s": 5', '"gb_per_s": NaN, "x": 5'))
    assert "nothing in it to report" in refused(tmp_path, json.dumps(run([])))
    assert "damaged" in refused(tmp_path, document.replace('"footprint"', '"footprints"'))


def test_the_results_are_never_written_over(tmp_path):
    path = write(tmp_path / "run.json", run([case()]))
    before = path.read_bytes()
    found = report(path, "--output", path)
    assert found.returncode == 2 and "is the input" in found.stderr
    assert path.read_bytes() == before


def test_a_page_that_grows_too_large_says_so(tmp_path):
    many = [case(weights=f"w{index}", samples=[(index + 1) * 1e-6] * 3) for index in range(6000)]
    path = write(tmp_path / "many.json", run(many, with_rows=False))
    found = report(path, "--output", tmp_path / "out.html")
    assert found.returncode == 0 and "too many for a page of 500 kB" in found.stderr
    data = data_in((tmp_path / "out.html").read_text(encoding="utf-8"))
    assert len(data["cases"]["run"]) == 6000 and data["max_samples"] == 0
    assert any("No samples stand here" in text for text in data["reduced"])
