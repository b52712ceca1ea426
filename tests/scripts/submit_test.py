# SPDX-License-Identifier: Apache-2.0
"""Results that are to be published: which are refused, that nothing in them names the machine or its user, and the
text of the issue. Needs pytest and jsonschema."""
import json
import os
import re
import subprocess
import sys

import pytest

import committed
import results_builder as build
from forked import ROOT, script

sys.path.insert(0, str(ROOT / "scripts"))
from offload_results import redact, submit  # noqa: E402

BENCH = os.environ.get("OFFLOAD_BENCH")
SOMEONE = (["sesame-host.example.org", "sesame-host", "sesameuser"], ["/data/sesame/here", "/home/sesameuser"])
# As tests/unit/redact_test.cpp has them for the program's own --redact.
TELLTALE = ("cannot read /srv/sesame/weights.gguf (GPU-sesame-0 at 0000:5E:00.0, serial 16sesame61): "
            '"~/sesame/x"; retry')
TELLTALE_REDACTED = 'cannot read weights.gguf (redacted at redacted, serial redacted): "x"; retry'


def document(cases=None, **changes):
    cases = [build.case()] if cases is None else cases
    return build.apart(build.run(cases, **{"schema_version": "2.7.0", **changes}))


def submitted(tmp_path, *documents, **options):
    paths = [build.write(tmp_path / f"run{index}.json", one) for index, one in enumerate(documents)]
    named = [f"--{name}={value}" for name, value in {"output": tmp_path / "out", **options}.items()]
    return script("offload-results", "submit", *named, *paths, cwd=tmp_path)


def test_a_run_is_ready_to_be_sent(tmp_path):
    source = document(argv=["/opt/bench/offload_bench", "--output", "/home/ann/run.json"])
    done = submitted(tmp_path, source)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 file for results/test-gpu-pcie5/, checked and redacted; nothing was sent." in done.stdout
    text = (tmp_path / "out/quick.json").read_text()
    published = json.loads(text)
    assert text == json.dumps(published, ensure_ascii=False, separators=(",", ":")) + "\n"
    assert published["benchmarks"] == source["benchmarks"]
    assert published["offload_bench"]["cases"] == source["offload_bench"]["cases"]
    assert published["offload_bench"]["argv"] == ["offload_bench", "--output", "run.json"]
    assert json.loads((tmp_path / "run0.json").read_text()) == source


def test_what_is_ready_is_valid_and_can_be_published_again(tmp_path):
    submitted(tmp_path, document())
    assert script("offload-results", "validate", tmp_path / "out/quick.json").returncode == 0
    again = script("offload-results", "submit", tmp_path / "out", "--output", tmp_path / "again")
    assert again.returncode == 0
    assert (tmp_path / "again/quick.json").read_bytes() == (tmp_path / "out/quick.json").read_bytes()


def failed():
    return [build.case(samples=[], failure="no memory", path="link")]


@pytest.mark.parametrize("source,why", [
    (document(incomplete="interrupted by SIGINT"), "an incomplete run (interrupted by SIGINT): run it again"),
    (document(build=build.build(git_dirty=True)), "built from a changed tree"),
    (document(build=build.build(git_commit=None)), "the build does not know its commit"),
    (document(build=build.build(build_type="Debug")), "a build of type Debug"),
    (document([{**build.case(), "gb_per_s": 99.0}]), "1 finding, first "),
    (document(failed()), "nothing was measured"),
    (document(wall_time={}), "not valid: $.offload_bench.wall_time: "),
    (document(schema_version="2.99.0"), "written by schema version 2.99.0"),
    (document(schema_version="3.0.0"), "written by schema version 3.0.0"),
    (build.apart(build.of_schema_1(document())), "of schema 1.2.0: measure again"),
    ([], "not results of offload_bench"),
], ids=lambda value: value[:20] if isinstance(value, str) else "")
def test_what_cannot_be_published_is_refused_in_a_line(tmp_path, source, why):
    done = submitted(tmp_path, source)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"offload-results submit: {tmp_path}/run0.json: ") and why in done.stderr
    assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["run0.json"]


def test_every_file_that_is_refused_has_its_line(tmp_path):
    dirty = document(build=build.build(git_dirty=True))
    done = submitted(tmp_path, dirty, document(started_at="2026-01-02T00:00:00Z"), document(incomplete="killed"))
    assert done.returncode == 2 and not (tmp_path / "out").exists()
    assert [line.split(": ")[1][-9:] for line in done.stderr.splitlines()] == ["run0.json", "run2.json"]


def test_a_merged_file_is_refused(tmp_path):
    for day in (1, 2):
        build.write(tmp_path / f"{day}.json", document(started_at=f"2026-01-0{day}T00:00:00Z"))
    script("offload-results", "merge", tmp_path / "1.json", tmp_path / "2.json", "--output", tmp_path / "merged.json")
    done = script("offload-results", "submit", tmp_path / "merged.json", cwd=tmp_path)
    assert done.returncode == 2 and "merged.json: a merged file: give those it was merged from" in done.stderr


def test_one_run_is_not_sent_twice(tmp_path):
    done = submitted(tmp_path, document(), document(redacted=True))
    assert done.returncode == 2 and "run1.json: the same run as in" in done.stderr


def test_files_are_of_one_machine(tmp_path):
    done = submitted(tmp_path, document(), document(gpu=build.gpu(name="Other"), started_at="2026-01-02T00:00:00Z"))
    assert done.returncode == 2 and "runs of several GPUs" in done.stderr


@pytest.mark.parametrize("there", ["out", "out.md"])
def test_nothing_that_is_there_is_replaced(tmp_path, there):
    (tmp_path / there).write_text("mine")
    done = submitted(tmp_path, document())
    assert done.returncode == 2 and f"{there}: is there already" in done.stderr
    assert (tmp_path / there).read_text() == "mine"


def test_of_a_folder_files_of_other_programs_are_left_out(tmp_path):
    (tmp_path / "runs").mkdir()
    build.write(tmp_path / "runs/a.json", document())
    (tmp_path / "runs/doctor.json").write_text('{"offload_bench_doctor": {}}')
    done = script("offload-results", "submit", tmp_path / "runs", cwd=tmp_path)
    assert done.returncode == 0
    assert [path.name for path in (tmp_path / "build/submit/test-gpu-pcie5").iterdir()] == ["quick.json"]
    (tmp_path / "runs/cut.json").write_text('{"offload_bench": ')
    assert "cut.json: not JSON" in script("offload-results", "submit", tmp_path / "runs", cwd=tmp_path).stderr
    (tmp_path / "none").mkdir()
    assert "none: no results in it" in script("offload-results", "submit", tmp_path / "none").stderr


ATS = {"pageable_memory_access": True, "pageable_memory_access_uses_host_page_tables": True}


@pytest.mark.parametrize("gpu,link,expected", [
    ({"name": "NVIDIA H100 80GB HBM3"}, build.link(), "h100-sxm-pcie5"),
    ({"name": "NVIDIA H200 NVL"}, build.link(), "h200-nvl-pcie5"),
    ({"name": "NVIDIA GeForce RTX 4070"}, build.link(generation=4), "rtx-4070-pcie4"),
    ({"name": "NVIDIA GeForce RTX 4070", "memory_mode": "hmm"}, build.link(generation=4), "rtx-4070-pcie4-hmm"),
    ({"name": "NVIDIA A800-SXM4-80GB"}, build.link(generation=4), "a800-sxm-80gb-pcie4"),
    ({"name": "NVIDIA XH1", "memory_mode": "cdmm"}, build.link("nvlink-c2c", None, None), "xh1-cdmm"),
    ({"name": "../../x\n*"}, build.link(generation=None), "x-pcie"),
    ({"name": "\u00b7"}, None, "machine"),
])
def test_a_folder_is_called_after_gpu_link_and_memory_mode(gpu, link, expected):
    made = build.apart(build.gpu(**gpu))
    assert submit.folder_name({"platform": build.platform(gpu=made, link=link)}) == expected


@pytest.mark.parametrize("path", [one for one in committed.RESULTS if one.stem == "quick"], ids=committed.short)
def test_committed_results_would_get_the_folder_that_they_have(path):
    """A second machine of a kind adds to the name."""
    run = json.loads(path.read_text(encoding="utf-8"))["offload_bench"]
    if run["schema_version"].startswith("1."):
        pytest.skip("of schema 1, which is refused")
    assert f"{path.parent.name}-".startswith(f"{submit.folder_name(run)}-")


def test_a_machine_without_a_gpu_is_called_after_its_cpu():
    host = build.host(cpu="AMD EPYC", logical_cpus=2, settings=build.host_settings(virtual_machine=True))
    assert submit.folder_name({"platform": build.platform(gpu=None, host=host)}) == "epyc-2vcpu"


@pytest.mark.parametrize("options,expected", [
    ({"suite": "quick"}, "quick"), ({"suite": "decode", "models": ["meta-llama/Llama-3.1-8B"]}, "decode-llama-3.1-8b"),
    ({"suite": "quick", "workloads": ["gemm"]}, "gemm"), ({"suite": "decode", "graph": True}, "decode-graph"),
    ({"action": "memory-cost", "models": ["llama3.1-8b"]}, "memory-cost-llama3.1-8b"),
    ({"suite": "decode", "models": ["/home/ann/../x"]}, "decode-x")])
def test_a_file_is_called_after_what_was_measured(options, expected):
    assert submit.file_name({"options": build.options(**options)}) == expected


def test_the_plainer_command_line_has_the_plain_name(tmp_path):
    part = document(argv=["offload_bench", "--policies", "file"], started_at="2026-01-02T00:00:00Z")
    assert submitted(tmp_path, part, document()).returncode == 0
    whole = json.loads((tmp_path / "out/quick.json").read_text())
    assert whole["offload_bench"]["argv"] == ["offload_bench"]
    assert (tmp_path / "out/quick-2.json").exists()


def test_the_name_can_be_given_but_no_path(tmp_path):
    assert "for results/h200-sxm-pcie5/" in submitted(tmp_path, document(), name="h200-sxm-pcie5").stdout
    done = submitted(tmp_path, document(), name="../x")
    assert done.returncode == 2 and "not a folder's name" in done.stderr


def test_the_issue_says_what_was_measured_and_what_is_odd(tmp_path):
    cases = [build.case(), build.case(policy="pinned_copy", samples=[], failure="no memory | left")]
    told = [{"check": "drift", "text": "1 case drifts @all", "cases": []}]
    assert submitted(tmp_path, document(cases, findings=told, argv=["b", "--suite", "a b"])).returncode == 0
    text = (tmp_path / "out.md").read_text()
    assert "| Test GPU, PCIe 5.0 x16, driver 580.00 | no HMM | 55.0 of 63.0 GB/s | Test CPU, 16 CPUs | 1 | 2026-01 |" in text
    assert "| <code>b --suite 'a b'</code> | 2 | 10.0 s | 0123456789ab |" in text
    assert "1 case drifts &#64;&#8288;all" in text
    assert "<code>gemv/pinned_copy/w/steady</code> failed: no memory &#124; left" in text
    assert submit.to_look_at({}) == ["Nothing failed, and no figure is outside the range that others published."]


def test_the_issue_says_which_figures_are_unlike_those_of_others(tmp_path):
    source = ROOT / "results/h200-sxm-pcie5/quick.json"
    done = script("offload-results", "submit", source, "--output", tmp_path / "out")
    assert done.returncode == 0 and (tmp_path / "out/quick.json").read_bytes() == source.read_bytes()
    told = script("offload-results", "validate", "--reference", source).stdout
    assert told.count("outside the published range: ") == (tmp_path / "out.md").read_text().count("outside the published")


def test_what_memory_costs_can_be_sent_without_a_case(tmp_path):
    source = ROOT / "results/h200-sxm-pcie5/memory-cost.json"
    assert script("offload-results", "submit", source, "--output", tmp_path / "out").returncode == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["memory-cost-llama3.1-8b.json"]


def test_the_template_has_the_headings_of_the_issue(tmp_path):
    template = (ROOT / ".github/ISSUE_TEMPLATE/results.md").read_text(encoding="utf-8")
    submitted(tmp_path, document())
    headings = re.findall("^## .*", (tmp_path / "out.md").read_text(), re.MULTILINE)
    assert len(headings) == 5 and re.findall("^## .*", template, re.MULTILINE) == headings


# What is taken out.

def secrets():
    """A word in every place of a document that can name a machine or a user."""
    gpu = build.apart(build.gpu(uuid="GPU-sesame-0", pci_bus_id="0000:5e:00.0",
                                settings=build.gpu_settings(serial="16sesame61", unknown={"ecc": TELLTALE})))
    gpu["pci"] = {"unknown": {"numa_node": TELLTALE}}
    host = build.apart(build.host(kernel="Linux 6.1 /sesame", settings=build.host_settings(
        iommu_parameters=["/sesame"], kernel_command_line="root=UUID=sesame quiet", ranks={"SLURM_PROCID": "sesame"}, unknown={"governor": TELLTALE},
        kernel_modules={"open": None, "nvidia_uvm": {"uvm_peer_copy": "phys"},
                        "nvidia": {"TemporaryFilePath": '"/var/sesame"', "ExcludedGpus": "GPU-sesame-7"}})))
    case = build.case(policy="pinned_copy", samples=[], failure=TELLTALE)
    evidence = {**case["evidence"], "um": {"state": "unavailable", "reason": TELLTALE}}
    options = build.options(explain="/sesame/x", models=["../sesame/model.gguf"], output="/home/sesame/out.json", ci_json="sesame/ci.json",
                            benchmark_flags=["--benchmark_context=owner=sesame"],
                            tuning={**build.TUNING, "file_directory": "/home/sesame/scratch"})
    source = document(
        [build.case(), {**case, "evidence": evidence}], host_name="sesame-host.example.org", options=options,
        platform=build.apart({**build.platform(gpu=gpu, host=host), "link": {**build.link(), "reason": TELLTALE},
                              "gpu_absent_reason": TELLTALE}),
        argv=["/opt/sesame/offload_bench", "--output=/home/sesame/out.json", "--ci-json", "sesame/ci.json", "--model",
              "../sesame/model.gguf,/sesame/other.gguf", "--benchmark_context=owner=sesame",
              "--benchmark_filter=gemv/.*/cold"],
        environment={"CUDA_VISIBLE_DEVICES": "GPU-sesame-0", "CUDA_CACHE_PATH": "/home/sesame/.nv",
                     "CUDA_MODULE_LOADING": "EAGER", "MALLOC_ARENA_MAX": "xsesame", "BENCHMARK_CONTEXT": "owner=xsesame"},
        benchmark_flags=["--benchmark_repetitions=3", "--benchmark_context=owner=sesame"],
        skipped=[build.skipped("gemv", "system_demand", "w", "cold", TELLTALE)],
        memory_costs=[{"failure": TELLTALE}], weight_files=[{"path": "/data/of sesame/part.gguf", "bytes": 100}],
        findings=[{"check": "x", "text": "SESAME-HOST: sesameuser's at 5E:00.0, /data/sesame/here/d e/f", "cases": []}])
    source["offload_bench"].update(
        gpus=[{"gpu": {**gpu, "uuid": "GPU-sesame-1", "pci_bus_id": "0000:6e:00.0"},
               "link": {**build.link(), "reason": TELLTALE}}, {"gpu": None, "link": None}],
        rank={"index": 3, "size": 4, "host": "node7-sesame"})
    source["offload_bench"]["cases"][0]["members"] = [{"gpu": 1, "failure": "GPU 6E:00.0 of sesame-host is gone"}]
    source["context"].update(note="by sesame, in /a/sesame", executable="/opt/sesame/offload_bench")
    return source


def test_nothing_names_the_machine_or_its_user():
    source = secrets()
    assert json.dumps(source).count("sesame") > 40
    clean = redact.redacted(source, SOMEONE)
    text = json.dumps(clean)
    assert not any(secret in text.lower() for secret in ("sesame", "5e:00.0", "6e:00.0"))
    run = clean["offload_bench"]
    assert (clean["context"]["host_name"], clean["context"]["executable"]) == ("redacted", "offload_bench")
    assert run["redacted"] and run["platform"]["redacted"] and run["options"]["redact"]
    assert run["cases"][1]["failure"] == run["skipped"][0]["reason"] == TELLTALE_REDACTED
    assert run["argv"] == ["offload_bench", "--output=out.json", "--ci-json", "ci.json", "--model",
                           "model.gguf,other.gguf", "--benchmark_context=redacted", "--benchmark_filter=gemv/.*/cold"]
    assert run["environment"]["CUDA_MODULE_LOADING"] == "EAGER"
    assert run["rank"] == {"index": 3, "size": 4, "host": "redacted"}
    assert run["cases"][0]["members"] == [{"gpu": 1, "failure": "GPU redacted of redacted is gone"}]
    assert run["findings"][0]["text"] == "redacted: redacted's at redacted, d e/f"
    assert run["platform"]["host"]["settings"]["kernel_modules"]["nvidia_uvm"] == {"uvm_peer_copy": "phys"}


def texts(value, path=()):
    """{place: text} of whatever in it is text."""
    if isinstance(value, str):
        return {path: value}
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {place: text for name, item in items for place, text in texts(item, (*path, name)).items()}


@pytest.mark.skipif(not BENCH, reason="OFFLOAD_BENCH is not set")
def test_what_is_taken_out_is_what_the_program_takes_out(tmp_path):
    environment = {**os.environ, "HOME": "/home/sesame", "CUDA_CACHE_PATH": "/home/sesame/.nv", "MALLOC_ARENA_MAX": "4",
                   "SLURM_PROCID": "3"}
    found = []
    for more in ([], ["--redact"]):
        subprocess.run([BENCH, "--workloads", "gemv", "--sizes", "64KiB", "--samples", "3", "--policies", "host_compute",
                        "--evidence", "none", "--output", tmp_path / "run.json", *more], env=environment, check=True,
                       capture_output=True, cwd=tmp_path)
        found.append(redact.redacted(json.loads((tmp_path / "run.json").read_text()), SOMEONE))
    ours, theirs = found
    assert ours["offload_bench"]["argv"] == theirs["offload_bench"]["argv"][:-1]
    for part in ("environment", "options", "platform", "skipped"):
        assert texts(ours["offload_bench"][part]) == texts(theirs["offload_bench"][part])
    assert {**ours["context"], "date": 0, "load_avg": 0} == {**theirs["context"], "date": 0, "load_avg": 0}
    assert theirs == json.loads((tmp_path / "run.json").read_text())


def test_a_machine_without_a_known_kernel_is_redacted():
    source = document(platform=build.platform(host=build.host(kernel=None)))
    assert redact.redacted(source, SOMEONE)["offload_bench"]["platform"]["host"]["kernel"] is None


def test_a_file_of_another_users_machine_is_redacted_by_what_it_says_itself():
    source = document(host_name="node7.lab", argv=["offload_bench", "--output", "/home/ann/run.json"],
                      incomplete="node7: killed by ann")
    assert redact.redacted(source, ([], []))["offload_bench"]["incomplete_reason"] == "redacted: killed by redacted"


@pytest.mark.parametrize("text", [
    "moved 3 GB/s of 1/2", "gemv/pinned_copy/w/cold failed", "the same measurement",
    "/sys/kernel/mm/hugepages shows none", "nothing in /sys", "/proc/cmdline is missing or empty", "needs root, or x"])
def test_sentences_that_name_nobody_stay(text):
    assert redact.Redactor(["me", "root", "x", ""], ["", "."]).text(text) == text


@pytest.mark.parametrize("path", [path for path in committed.RESULTS if path.parent.parent.name == "results"],
                         ids=committed.short)
def test_what_the_program_redacted_stays_as_it_is(path):
    """Its own --redact says what a redacted file looks like."""
    source = json.loads(path.read_text(encoding="utf-8"))
    run = source.get("offload_bench", {})
    if not run.get("redacted") or "sources" in run or not run["schema_version"].startswith("2."):
        pytest.skip("not a run of one machine that --redact was given to")
    assert redact.redacted(source, SOMEONE) == source


def test_a_device_in_the_name_of_what_was_measured_is_refused(tmp_path):
    done = submitted(tmp_path, document([build.case(weights="GPU-0a1b2c3d-1111-2222")]))
    assert done.returncode == 2 and "names a device or a home directory" in done.stderr
    assert "$.benchmarks[0].run_name " in done.stderr and not (tmp_path / "out").exists()


def test_a_home_directory_is_found_wherever_it_stands():
    assert list(redact.named_in({"a": [1, "in /home/ann/x"], "/home/ann": {}})) == [("a", 1), ()]
    assert not list(redact.named_in({"a": "at home", "b": "GPU-less", "c": "at 12:30 of 2026-01-01, 16:9"}))


@pytest.mark.parametrize("device", ["GPU-0a1b2c3d-1111-2222", "MIG-0a1b", "0a1b2c3d-1111-2222-3333-444455556666",
                                    "0000:3b:00.0", "3b:00.0"])
def test_no_device_is_left_in_a_text(tmp_path, device):
    """Such as the slot above the GPU, whose address no field of the file has."""
    assert list(redact.named_in({"a": f"of {device}, which"})) == [("a",)]
    assert redact.Redactor([], []).text(f"/sys/devices/pci0000:16/{device}/x is missing, of {device}") == (
        "/sys/devices/pci0000:16/redacted/x is missing, of redacted")


# The project's address.

CMAKE = 'cmake_minimum_required(VERSION 3.25)\nproject(offload-bench VERSION 0.1.0\n        HOMEPAGE_URL "{}")\n'


def test_the_address_is_that_of_the_build():
    assert submit.homepage(CMAKE.format("https://example.org/a/offload-bench")) == "https://example.org/a/offload-bench"
    assert submit.homepage("project(offload-bench LANGUAGES CXX)\nset(HOMEPAGE_URL x)\n") is None


def others(text, address):
    """Addresses of a project of this name that are not this one's."""
    found = re.findall(r"https?://[\w.-]+/[\w./-]*?/?offload-bench\b", text)
    return [one for one in found if one != address]


def test_every_copy_of_the_address_is_the_same():
    assert others("see https://example.org/b/offload-bench.", "https://example.org/a/offload-bench")
    assert not others("see https://example.org/a/offload-bench/issues", "https://example.org/a/offload-bench")
    address = submit.homepage((ROOT / "CMakeLists.txt").read_text(encoding="utf-8"))
    tracked = subprocess.run(["git", "ls-files", "-z", "*.md", "*.cff", "*.toml", "*.json", "*.py", "*.yml"], cwd=ROOT,
                             capture_output=True, text=True)
    if tracked.returncode != 0:
        pytest.skip("not a clone")
    paths = [ROOT / name for name in tracked.stdout.split("\0") if name and not name.startswith("tests/")]
    large = [path for path in paths if path.suffix == ".json" and "schema" not in path.parts]
    copies = {str(path): others(path.read_text(encoding="utf-8"), address) for path in paths if path not in large}
    assert {path: found for path, found in copies.items() if found} == {}
