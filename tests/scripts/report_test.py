# SPDX-License-Identifier: Apache-2.0
"""The page as a file: what it answers, what it holds and leaves out, what it never lets become markup, how
large it may get, what it refuses. How it behaves in a browser: report_browser_test.py. Needs pytest."""
import base64
import hashlib
import html.parser
import json
import pathlib
import re
import statistics
import sys
import time

import pytest

from committed import SCHEMA_1
from forked import script
from results_builder import apart, answered, case, evidence_of, gpu, gpu_settings, run, skipped, um, write

ROOT = pathlib.Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from offload_results import merge, results  # noqa: E402
from offload_results.page import build  # noqa: E402

H200 = ROOT / "results/h200-sxm-pcie5"
COMMITTED = sorted([*H200.glob("*.json"), *ROOT.glob("results/*/quick.json")], key=str)
COMMITTED = list(dict.fromkeys(COMMITTED))
HOSTILE = ("<img/src=x/onerror=alert(1)>", "</script><script>alert(1)</script>", "]]>", "</template><b>",
           "<!--<script>", "{{ 7 * 7 }}{% raw %}", "&lt;b&gt;", "__proto__", "\" onclick=\"alert(1)")
VOID = {"meta", "path", "use", "wbr", "input", "polyline", "br"}


class Element:
    def __init__(self, tag, attributes, parent):
        self.tag, self.attributes, self.parent = tag, attributes, parent
        self.children = []

    def __getitem__(self, name):
        return self.attributes.get(name)

    @property
    def text(self):
        return " ".join("".join(child if isinstance(child, str) else child.raw for child in self.children).split())

    @property
    def raw(self):
        return "".join(child if isinstance(child, str) else child.raw for child in self.children)

    def all(self, tag="", **attributes):
        for child in self.children:
            if not isinstance(child, str):
                if tag in ("", child.tag) and all((child[name.rstrip("_")] or "").split().count(value) or
                                                  child[name.rstrip("_")] == value
                                                  for name, value in attributes.items()):
                    yield child
                yield from child.all(tag, **attributes)

    def one(self, tag="", **attributes):
        return next(self.all(tag, **attributes))


class Page(html.parser.HTMLParser):
    """The elements of a page, as nested as they are written; those of dl close by themselves."""

    def __init__(self, text):
        super().__init__()
        self.root = self._open = Element("", {}, None)
        self.tags = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, tuple(name for name, _ in attributes)))
        if tag in ("dt", "dd") and self._open.tag in ("dt", "dd"):
            self._open = self._open.parent
        found = Element(tag, dict(attributes), self._open)
        self._open.children.append(found)
        if tag not in VOID:
            self._open = found

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, tuple(name for name, _ in attributes)))
        self._open.children.append(Element(tag, dict(attributes), self._open))

    def handle_endtag(self, tag):
        opened = self._open
        while opened.parent is not None and opened.tag != tag:
            opened = opened.parent
        self._open = opened.parent or self._open

    def handle_data(self, data):
        self._open.children.append(data)


def html_of(*paths, **how):
    return build.html_of(list(paths), **how)[0]


def page(*paths, **how):
    return Page(html_of(*paths, **how)).root


def made(tmp_path, document, **how):
    return html_of(write(tmp_path / "run.json", document), **how)


def views(root):
    return {view.one("h2").one("bdi").text: view for view in root.all("div", class_="view")}


def rows(view):
    """{(policy, start): its cells}"""
    return {(row["data-policy"], row["data-start"]): list(row.all("td")) for row in view.all("tr")
            if row["data-policy"] is not None}


def drawer(root, cell):
    """{term: words} of all that a cell opens."""
    templates = {template["id"]: template for template in root.all("template")}
    found = {}
    for part in cell["data-parts"].split():
        terms = [child for child in templates[f"p{part}"].children if not isinstance(child, str)]
        found.update({term.text: words.text for term, words in zip(terms, terms[1:])
                      if (term.tag, words.tag) == ("dt", "dd")})
    return found


def lines(root):
    return [line.text for line in root.one("ol", class_="answer").all("li")]


def report(*arguments):
    return script("offload-results", "report", *arguments)


# The answer

def offloaded(policy, ms, **changes):
    return case(policy=policy, samples=[ms * 1e-3] * 5, **changes)


def ways_of(weights="w", factor=1.0):
    """One of each way, and its answer; the CPU is what an engine switches on."""
    managed = {"family": "managed"}
    cases, answer = answered([
        offloaded("pinned_zero_copy", 2 * factor, weights=weights),
        offloaded("registered_zero_copy", 3 * factor, weights=weights),
        offloaded("new_faults", 9 * factor, weights=weights, mechanism="page faults migrate it", **managed),
        offloaded("new_mapped", 2.5 * factor, weights=weights, mechanism="mapped up front", **managed),
        offloaded("pinned_copy", 1.9 * factor, weights=weights),
        offloaded("host_compute", 1.2 * factor, weights=weights, path="host_memory", engine_flags="engine --on-cpu -n 7"),
        offloaded("hybrid_split", 1.0 * factor, weights=weights)])
    cpu = next(one for one in cases if one["policy"] == "host_compute")
    answer["cold"]["switchable"] = {"case": cpu["name"], "policy": "host_compute", "times_slower": 1.2,
                                    "engine_flags": "engine --on-cpu -n 7"}
    return cases, answer


def test_the_answer_names_each_way_with_its_best_policy(tmp_path):
    cases, answer = ways_of()
    root = Page(made(tmp_path, run(cases, answers=[answer]))).root
    found = {way.one("h3").text: way.one("p").text for way in root.all("div", class_="way")}
    best = {"UVA zero-copy": "pinned_zero_copy", "UVM by page faults": "new_faults", "UVM mapped": "new_mapped",
            "Copies": "pinned_copy", "CPU": "host_compute", "CPU and link together": "hybrid_split"}
    assert {way: next(policy for policy in best.values() if policy in text)
            for way, text in found.items()} == best
    assert "2.00x slower than the best" in found["UVA zero-copy"]
    assert f"{64 * 2**20 / 2e-3 / 1e9:.1f} GB/s" in found["UVA zero-copy"]


def test_the_answer_has_the_best_of_all_and_what_an_engine_switches_on(tmp_path):
    cases, answer = ways_of()
    subject, best, today, *_ = lines(Page(made(tmp_path, run(cases, answers=[answer]))).root)
    assert subject.startswith("gemv of w: run, Test GPU, PCIe 5.0 x16")
    assert best.startswith("Best of all hybrid_split 67")
    assert today.startswith("In an engine today host_compute 56") and "1.20x slower" in today
    assert "engine --on-cpu -n 7" in today


def test_a_way_says_what_of_it_engines_switch_on_where_that_is_not_its_best(tmp_path):
    cases, answer = answered([offloaded("pinned_copy", 1), offloaded("pinned_ring_copy", 2), offloaded("host_compute", 3)])
    for one in cases:
        one["engine_flags"] = None if one["policy"] == "pinned_copy" else "engine --on"
    root = Page(made(tmp_path, run(cases, answers=[answer]))).root
    found = {way.one("h3").text: way.one("p").text for way in root.all("div", class_="way")}
    assert "in engines pinned_ring_copy" in found["Copies"] and "in engines" not in found["CPU"]


def test_a_way_that_was_not_measured_or_failed_says_so(tmp_path):
    cases, answer = answered([offloaded("pinned_copy", 1)])
    broken = case(policy="host_compute", failure="wrong result")
    root = Page(made(tmp_path, run([*cases, broken], answers=[answer]))).root
    found = {way.one("h3").text: way.one("p").text for way in root.all("div", class_="way")}
    assert found["CPU"] == "failed" and found["UVM mapped"] == "not measured"


def test_twenty_runs_are_answered_in_five_lines(tmp_path):
    paths = []
    for index in range(20):
        cases, answer = ways_of(factor=1 + index / 10)
        others, second = ways_of(weights=f"w{index}")
        paths.append(write(tmp_path / f"{index}.json", run(cases + others, answers=[answer, second])))
    root = page(*paths)
    assert len(lines(root)) <= 5
    assert "17 more runs" in lines(root)[0] and "20 more answers" in lines(root)[-1]


@pytest.mark.parametrize("paths,headline", [
    ([H200 / "micro.json", H200 / "decode-llama3.1-8b.json", H200 / "quick.json"], "decode/tokens:1 of llama3.1-8b"),
    ([H200 / "micro.json", H200 / "quick.json"], "gemv of llama3.1-70b.down_proj"),
    ([H200 / "adaptation.json"], "expert_gather/skew:1 of qwen3-30b-a3b.experts")], ids=["decode", "gemv", "first"])
def test_the_headline_is_a_models_decode_or_gemv_or_the_first(paths, headline):
    assert lines(page(*paths))[0].startswith(f"{headline}: ")


def test_a_run_of_a_few_policies_does_not_answer_beside_a_full_one():
    root = page(H200 / "decode-graph.json", H200 / "decode-qwen3-30b-a3b.json")
    assert lines(root)[0] == ("decode/tokens:1 of qwen3-30b-a3b: decode-qwen3-30b-a3b, NVIDIA H200, PCIe 5.0 x16"
                              "; 1 more run in the table")


def test_two_machines_answer_side_by_side():
    root = page(H200 / "quick.json", ROOT / "results/h200-sxm-pcie5-second-card/quick.json",
                ROOT / "results/epyc-2vcpu/quick.json")
    _, best, _, ways, last = lines(root)
    for name in ("h200-sxm-pcie5-quick", "h200-sxm-pcie5-second-card-quick"):
        assert name in best and name in ways
    assert "made before 2.0: epyc-2vcpu-quick" in last
    heads = [head.text for head in views(root)["gemv"].one("thead").all("th")]
    assert ["H200" in head for head in heads[1:]] == [True, True, False] and "no GPU" in heads[3]


def test_files_without_answers_say_so():
    root = page(SCHEMA_1 / "another-card.json")
    assert "made before 2.0" in root.one("section", id="answer").text and list(root.all("tr"))


# The table

def test_figures_of_a_case_are_those_of_the_file():
    """By another road: from the samples of a committed run."""
    root = page(H200 / "quick.json")
    checked = 0
    for original in results.load(H200 / "quick.json").cases:
        if original["label"] != "gemv" or original["variability"]["run_to_run"] > 0.05:
            continue
        [cell] = rows(views(root)["gemv"])[original["policy"], original["start"]]
        rate = original["bytes"]["requested"] / statistics.median(original["samples_s"]) / 1e9
        assert float(re.match(r"[\d.]+", cell.text).group()) == pytest.approx(rate, rel=6e-3)
        words = drawer(root, cell)
        assert float(words["result"].split()[0]) == pytest.approx(rate, rel=6e-3)
        assert words["mechanism"] == original["mechanism"]
        assert words["samples"].startswith(f"{len(original['samples_s'])} of ") or original["passes_per_sample"] == 1
        checked += 1
    assert checked > 10


def test_every_case_is_in_a_table_and_rows_go_from_best_to_worst():
    root = page(*COMMITTED)
    cells = [cell for view in views(root).values() for of_row in rows(view).values() for cell in of_row]
    measured = sum(cell["data-status"].split()[:1] == ["passed"] for cell in cells)
    assert measured == sum(len(results.load(path, empty_allowed=True).cases) for path in COMMITTED)
    for view in views(root).values():
        first = [row.one("td")["data-good"] for row in view.all("tr")
                 if row["data-policy"] is not None and "on-gpu" not in row["class"]]
        known = [float(good) for good in first if good is not None]
        assert known == sorted(known, reverse=True) and None not in first[:len(known)]


def test_bars_of_all_columns_are_on_one_axis(tmp_path):
    paths = [write(tmp_path / f"{name}.json", run([offloaded("a", ms), offloaded("b", 4 * ms)]))
             for name, ms in (("fast", 1), ("slow", 2))]
    ends = {key: [cell.one("i")["style"] for cell in cells] for key, cells in rows(views(page(*paths))["gemv"]).items()}
    assert [int(re.search(r"--e:(\d+)", style)[1]) for key in ends for style in ends[key]] == [1000, 500, 250, 125]


def test_weights_on_the_gpu_do_not_set_the_axis_and_are_cut(tmp_path):
    resident = offloaded("device_resident", 0.01, path="device_memory")
    [bar] = rows(views(Page(made(tmp_path, run([offloaded("a", 1), resident]))).root)["gemv"])[
        "device_resident", "steady"][0].all("i", class_="bar")
    assert "cut" in bar["class"].split() and "--e:1000" in bar["style"]


def test_runs_without_the_workload_make_no_column_and_are_named(tmp_path):
    paths = [write(tmp_path / f"{label}.json", run([case(label=label)])) for label in ("gemv", "nested")]
    found = views(page(*paths))
    assert [len(list(view.one("thead").all("th"))) for view in found.values()] == [2, 2]
    assert "Nothing of it in: nested." in found["gemv"].text


def test_failed_skipped_and_unfinished_cases_say_so_with_their_reasons(tmp_path):
    document = run([case(), case(policy="broken", failure="wrong result: y[3]"),
                    case(policy="part", complete=False), case(policy="none", samples=[], complete=False)],
                   incomplete="interrupted by SIGINT",
                   skipped=[skipped("gemv", "system_demand", "w", start, "no HMM") for start in ("cold", "warm")])
    root = Page(made(tmp_path, document)).root
    cells = {policy: of_row[0] for (policy, _), of_row in rows(views(root)["gemv"]).items()}
    assert {policy: cell["data-status"] for policy, cell in cells.items()} == {
        "pinned_zero_copy": "passed", "broken": "failed", "part": "incomplete", "none": "incomplete"}
    assert drawer(root, cells["broken"])["failed"] == "wrong result: y[3]"
    assert drawer(root, cells["none"])["incomplete"] == "no sample was taken"
    [reason] = views(root)["gemv"].one("details", class_="skipped").all("li")
    assert reason.text == "no HMM: system_demand cold system_demand warm"
    assert "interrupted by SIGINT" in root.one("section", id="runs").text


def test_a_case_skipped_in_one_run_says_so_beside_the_other(tmp_path):
    paths = [write(tmp_path / "a.json", run([case(), case(policy="b")])),
             write(tmp_path / "b.json", run([case()], skipped=[skipped("gemv", "b", "w", "steady", "too old")]))]
    root = page(*paths)
    cell = rows(views(root)["gemv"])["b", "steady"][1]
    assert cell.text == "skipped" and drawer(root, cell)["skipped"] == "too old"


def test_a_case_that_still_migrates_says_so_in_the_cell_and_the_drawer(tmp_path):
    warm = case(policy="a", start="warm", path="device_memory", excluded="unsettled", unsettled={
        "moved_per_read": 0.12, "on_gpu_before": 0.1, "on_gpu_after": 0.45})
    findings = [{"check": "unsettled", "text": "1 warm case of 2 cases", "cases": [warm["name"]]}]
    root = Page(made(tmp_path, run([warm, case(policy="b", samples=[5e-4] * 3)], findings=findings))).root
    cell = rows(views(root)["gemv"])["a", "warm"][0]
    [sign] = [one["data-tip"] for one in cell.all("i", class_="sign") if "unsettled" in one["data-tip"]]
    assert "12 % of what it reads" in sign and "10 % to 45 % of its pages" in sign
    assert drawer(root, cell)["unsettled"] in sign


def test_noise_drift_findings_and_predictions_stand_in_the_cell_and_the_drawer(tmp_path):
    name = "gemv/a/w/cold"
    doubtful = case(
        policy="a", start="cold", samples=[2e-3] * 5, variability={"kind": "driver", "run_to_run": 0.15},
        drift={"first_s": 1e-3, "last_s": 2e-3, "because": "SW thermal slowdown"},
        predicted={"seconds": 1e-3, "least_s": 0.9e-3, "most_s": 1.1e-3})
    findings = [{"check": "prediction", "text": "1 case of 2", "cases": [name]},
                {"check": "busy_machine", "text": "steal took 9 % of the CPU time", "cases": [name]}]
    root = Page(made(tmp_path, run([doubtful, case(policy="b", samples=[5e-4] * 3)], findings=findings))).root
    cell = rows(views(root)["gemv"])["a", "cold"][0]
    tips = {sign["data-tip"].partition(": ")[0]: sign["data-tip"] for sign in cell.all("i", class_="sign")}
    assert set(tips) == {"rough", "drift", "prediction", "busy machine"}
    assert "15 %" in tips["rough"] and "1.00 ms to 2.00 ms" in tips["drift"] and "thermal" in tips["drift"]
    assert "900 us to 1.10 ms" in tips["prediction"] and "steal took 9 %" in tips["busy machine"]
    words = drawer(root, cell)
    assert all(f"{about}: {words[about]}" == tip for about, tip in tips.items())
    assert words["predicted"].startswith("1.00 ms")
    style = cell.one("i", class_="bar")["style"]
    assert int(re.search(r"--t:(\d+)", style)[1]) == pytest.approx(2 * int(re.search(r"--e:(\d+)", style)[1]), abs=2)
    assert not list(rows(views(root)["gemv"])["b", "steady"][0].all("i", class_="sign"))


def test_a_finding_about_no_single_case_stands_at_its_column(tmp_path):
    findings = [{"check": "slow_link", "text": "the link ran at PCIe 3.0", "cases": []}]
    root = Page(made(tmp_path, run([case()], findings=findings))).root
    [sign] = views(root)["gemv"].one("thead").all("i", class_="sign")
    assert sign["data-tip"] == "finding: the link ran at PCIe 3.0"


def test_the_drawer_says_what_was_seen_and_what_is_not_known(tmp_path):
    seen = case(policy="seen", evidence=evidence_of(um(100_000_000, {"fault": 100_000_000}, gpu_fault_groups=1234)))
    root = Page(made(tmp_path, run([seen, case()]))).root
    found = {policy: drawer(root, cells[0]) for (policy, _), cells in rows(views(root)["gemv"]).items()}
    memory = found["seen"]["unified memory, by the driver's counters"]
    assert "1,234 groups of GPU page faults" in memory and "100 MB (100 MB by page faults) moved to the GPU" in memory
    assert found["pinned_zero_copy"]["unified memory, by the driver's counters"] == "not known: --evidence none"


def test_runs_of_a_merged_file_stay_apart(tmp_path):
    paths = []
    for index in (1, 2):
        cases, answer = answered([offloaded("a", index)], sentences=[f"{index}."])
        paths.append(write(tmp_path / f"{index}.json", run(cases, answers=[answer])))
    root = Page(made(tmp_path, merge.merge(paths))).root
    view = views(root)["gemv"]
    assert [head.one("bdi").text for head in list(view.one("thead").all("th"))[1:]] == ["run.0", "run.1"]
    assert [cell.text for cell in rows(view)["a", "steady"]] == ["67.1", "33.6"]
    assert [line.text for line in view.one("details", class_="sentences").all("li")] == ["1. (run.0)", "2. (run.1)"]


def test_memory_costs_alone_make_a_page():
    root = page(H200 / "memory-cost.json")
    assert len(list(root.one("table", class_="plain").one("tbody").all("tr"))) == 8
    assert "no measured case" in root.one("section", id="answer").text


def test_a_file_without_a_gpu_and_of_the_first_schema():
    root = page(SCHEMA_1 / "no-gpu.json")
    assert "No GPU (no NVIDIA driver is loaded)" in root.one("section", id="runs").text


# What it lets out, and what it never lets in

def tags(text):
    """But for where a name may break."""
    return [found for found in Page(text).tags if found[0] != "wbr"]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_from_results_stay_text(tmp_path, name):
    def document(name):
        cases, answer = answered([case(policy=name, weights=name, label="gemv", memory=name, mechanism=name,
                                       engine_flags=name)], sentences=[name])
        return run([*cases, case(policy="b", failure=name)], answers=[answer],
                   skipped=[skipped("gemv", f"{name}!", name, "cold", name)], incomplete=name,
                   findings=[{"check": "busy_machine", "text": name, "cases": []}],
                   argv=["offload_bench", name], environment={name: name})
    text = made(tmp_path, document(name), title=name)
    assert tags(text) == tags(made(tmp_path, document("plain"), title="plain"))
    assert name in Page(text).root.text


def test_what_turns_the_direction_of_text_is_shown_as_its_code(tmp_path):
    text = made(tmp_path, run([case(policy="a\u202eb\x00", failure="\u2066c")]))
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00]", text)
    assert "a\\u202eb\\x00" in text


def test_nothing_can_be_loaded_and_only_its_own_script_runs():
    text = html_of(H200 / "micro.json")
    found = Page(text)
    allowed = next(tag["content"] for tag in found.root.all("meta")
                   if tag["http-equiv"] == "Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in allowed.split(";"))
    assert rules["default-src"] == "'none'"
    for kind in ("script", "style"):
        [block] = found.root.all(kind)
        digest = base64.b64encode(hashlib.sha256(block.raw.encode()).digest()).decode()
        assert rules[f"{kind}-src"] == f"'sha256-{digest}'"
    assert not re.findall(r"(?:src|href)=\"(?!#)", text) and "url(http" not in text
    assert not {"link", "img", "iframe", "object", "image"} & {tag for tag, _ in found.tags}
    assert not any(name.startswith("on") for _, names in found.tags for name in names)


def test_the_script_builds_no_markup_from_text_and_is_short():
    text = build.read("page.js")
    assert not re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|"
                          r"DOMParser|setHTML|srcdoc", text)
    assert len(text.splitlines()) < 300


SECRETS = {
    "host": "node-17.cluster.example", "short": "node-17", "user": "alice", "path": "/srv/private/run",
    "uuid": "GPU-1f2e3d4c-0001-2222-3333-444455556666", "mig": "MIG-aaaabbbb-0001-2222-3333-444455556666",
    "pci": "0000:3b:00.0", "other_pci": "3c:00.0", "serial": "1650000123456", "token": "hf_verysecret"}


def secretive():
    quoting = " ".join(SECRETS.values()) + " ~/models/x ./y/z"
    cases, answer = answered([case(mechanism=quoting), case(policy="b", samples=[2e-3] * 3)], sentences=[quoting])
    cases.append(case(policy="c", failure=quoting, weights="w2"))
    return apart(run(
        cases, answers=[answer], host_name=SECRETS["host"], incomplete=quoting,
        gpu=gpu(uuid=SECRETS["uuid"], pci_bus_id=SECRETS["pci"], settings=gpu_settings(serial=SECRETS["serial"])),
        skipped=[skipped("gemv", "d", "w", "cold", quoting)],
        findings=[{"check": "busy_machine", "text": quoting, "cases": []}],
        argv=["/home/alice/bin/offload_bench", "--output", "/srv/private/run/x.json"],
        environment={"SECRET_TOKEN": "hf_verysecret"}))


def test_redact_leaves_out_what_names_the_machine(tmp_path):
    path = write(tmp_path / "node-17.json", secretive())
    plain, redacted = html_of(path), html_of(path, redacting=True)
    for name, secret in SECRETS.items():
        assert secret in plain, name  # or the test could not fail
        assert secret not in redacted, name
    assert "<dt>command</dt>" in plain and "<dt>command</dt>" not in redacted
    assert "models/x" not in redacted and str(tmp_path) not in redacted
    assert "GB/s" in redacted and "cold and warm" in html_of(H200 / "quick.json", redacting=True)


def test_redacting_changes_no_figure():
    plain, redacted = page(H200 / "quick.json"), page(H200 / "quick.json", redacting=True)
    assert [cell.text for cell in plain.all("td")] == [cell.text for cell in redacted.all("td")]
    assert lines(plain) == lines(redacted)


def test_a_host_that_goes_by_a_word_of_the_program_breaks_nothing(tmp_path):
    for host in ("link", "gemv", "cold", "gpu", "measured", "w"):
        cases, answer = answered([case()])
        root = Page(made(tmp_path, run(cases, answers=[answer], host_name=host), redacting=True)).root
        assert rows(views(root)["gemv"])["pinned_zero_copy", "steady"][0].text == "51.2"


def test_the_page_says_what_it_holds_of_the_machine(tmp_path):
    path = write(tmp_path / "mine.json", secretive())
    for redact in (False, True):
        section = page(path, redacting=redact).one("section", id="holds")
        found = {pair.one("dt").text: pair.one("dd").text for pair in section.all("div")}
        assert found["names of files"] == "mine" and found["GPU"] == "Test GPU" and found["CPU"] == "Test CPU"
        assert found["host name"] == ("left out" if redact else SECRETS["host"])
        assert found["environment variables"] == ("left out" if redact else "SECRET_TOKEN")
        assert found["command lines, which may hold paths"] == ("left out" if redact else "of 1 run")
        assert ("made with --redact" in section.text) == redact


# As a file

def test_all_committed_runs_stay_below_2_MB_and_are_quick():
    build.html_of([H200 / "micro.json"])  # packages are imported once
    began = time.process_time()
    text, lacking = build.html_of(COMMITTED)
    assert len(text.encode()) < 2_000_000 and lacking is None
    assert time.process_time() - began < 10  # five times what it takes


def test_the_same_results_make_the_same_page():
    assert html_of(H200 / "micro.json") == html_of(H200 / "micro.json")


def test_curves_and_evidence_are_drawn_and_a_page_without_matplotlib_says_so(monkeypatch):
    charts = [figure["aria-label"] for figure in page(H200 / "micro.json").all("figure")]
    assert any(chart.startswith("Reading 256 MiB of weights once: ") for chart in charts) and any("the driver's threads" in chart for chart in charts)
    imported = build.imported

    def without(module, *others):
        return imported("matplotlib_that_is_not_there" if module == "matplotlib" else module, *others)
    monkeypatch.setattr(build, "imported", without)
    text, lacking = build.html_of([H200 / "micro.json"])
    root = Page(text).root
    assert lacking.startswith("no charts: needs matplotlib") and lacking in root.one("section", id="charts").text
    assert not list(root.all("figure")) and rows(views(root)["pointer_chase"])


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
    cases, answer = answered([case()])
    answer["cold"]["best"]["case"] = "gemv/lost/w/cold"
    assert "an answer names gemv/lost/w/cold" in refused(tmp_path, json.dumps(run(cases, answers=[answer])))


def test_the_results_are_never_written_over(tmp_path):
    path = write(tmp_path / "run.json", run([case()]))
    before = path.read_bytes()
    found = report(path, "--output", path)
    assert found.returncode == 2 and "is the input" in found.stderr
    assert path.read_bytes() == before


def test_the_command_writes_the_page_with_its_title(tmp_path):
    path = write(tmp_path / "run.json", secretive())
    found = report(path, "--output", tmp_path / "out.html", "--title", "Ours & <theirs>", "--redact")
    root = Page((tmp_path / "out.html").read_text(encoding="utf-8")).root
    assert found.returncode == 0 and re.fullmatch(r".*out\.html: \d+ kB\n", found.stderr)
    assert root.one("title").text == root.one("h1").text == "Ours & <theirs>"
    assert SECRETS["user"] not in root.text.replace(str(tmp_path), "")
