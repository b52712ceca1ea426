# SPDX-License-Identifier: Apache-2.0
"""The manual page and the completions, as man and the shells themselves take them.

Needs pytest. OFFLOAD_BENCH names the benchmark. mandoc, zsh, fish and shellcheck each are asked where they are.
"""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

BENCH = os.environ.get("OFFLOAD_BENCH")
pytestmark = pytest.mark.skipif(not BENCH, reason="OFFLOAD_BENCH is not set")

COMMANDS = ["run", "plan", "explain", "list", "platform", "doctor", "advise", "memory-cost"]


def bench(*arguments):
    done = subprocess.run([BENCH, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def need(program):
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")


def flags_in(help_text):
    return set(re.findall(r"(?<![\w-])--[a-z][\w-]*", "\n".join(
        line for line in help_text.splitlines() if line.startswith("  -"))))


@pytest.fixture(scope="module")
def completion(tmp_path_factory):
    folder = tmp_path_factory.mktemp("completions")
    for shell in ("bash", "zsh", "fish"):
        (folder / shell).write_text(bench("--completion", shell))
    return folder


@pytest.fixture
def completed(completion, tmp_path):
    """What bash offers for a command line, in an empty folder but for one file."""
    (tmp_path / "my results.json").touch()

    def ask(*words):
        broken = [part for word in words for part in (re.split("(=)", word) if word.startswith("--") else [word])]
        quoted = " ".join("'" + word + "'" for word in ("offload_bench", *broken))
        script = (f"compopt() {{ :; }}; source '{completion / 'bash'}'; COMP_WORDS=({quoted}); COMP_CWORD={len(broken)}; "
                  "_offload_bench; printf '%s\\n' \"${COMPREPLY[@]}\"")
        done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 0 and done.stderr == "", done.stderr
        return done.stdout.split("\n")[:-1]
    return ask


def test_bash_completes_commands_and_flags(completed):
    assert completed("pl") == ["plan", "platform"]
    assert set(COMMANDS) <= set(completed(""))
    assert completed("--sam") == ["--samples"] == completed("plan", "--sam")
    assert completed("doctor", "--sam") == [""]
    assert completed("advise", "--bat") == ["--batch"]


def test_bash_completes_values(completed):
    assert completed("--format", "js") == ["json", "jsonl"] == completed("run", "--format", "js")
    assert completed("--format=js") == ["json", "jsonl"]
    assert completed("--format=") == ["table", "md", "csv", "json", "jsonl", "sql"]
    assert completed("doctor", "--format", "") == ["table", "md", "csv", "json"]
    assert completed("--policies", "pinned_copy,pinned_zero") == ["pinned_copy,pinned_zero_copy"]
    assert completed("--policies", "uv") == ["uva", "uvm"]
    assert completed("--workloads", "stre") == ["stream_read"]
    assert completed("--suite", "pre") == ["prefill"]
    assert "cold" in completed("--start", "")
    assert completed("--samples", "") == [""]
    assert "llama3.1-8b" in completed("advise", "--model", "llama3.1-")
    assert "rtx-4090" in completed("advise", "--platform", "rtx-40")


def test_bash_completes_paths_where_they_are_taken(completed):
    assert completed("--output", "my") == ["my results.json"] == completed("--model", "my")
    assert completed("--suite", "my") == [""]


def test_every_flag_of_help_is_completed_and_in_the_manual(completed):
    manual = bench("--man").replace("\\-", "-")
    for command in COMMANDS:
        flags = flags_in(bench(command, "--help")) - {"--benchmark_"}
        assert flags - set(completed(command, "-")) == set()
        assert {flag for flag in flags if flag not in manual} == set()


def test_bash_is_clean(completion):
    need("shellcheck")
    done = subprocess.run(["shellcheck", "--shell=bash", completion / "bash"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_zsh_takes_it(completion, tmp_path):
    need("zsh")
    assert subprocess.run(["zsh", "-n", completion / "zsh"], capture_output=True).returncode == 0
    (tmp_path / "_offload_bench").write_text((completion / "zsh").read_text())
    # A terminal of zsh's own, in which the Tab key is typed.
    script = (f"zmodload zsh/zpty; zpty shell zsh -f -i; zpty -w shell \"PS1=; fpath=({tmp_path} \\$fpath); autoload -U compinit; "
              "compinit -u -D; stty columns 200; print ready\"; zpty -r -m shell seen '*ready*ready*'; "
              "zpty -n -w shell $'offload_bench plan --form\\tjs\\t'; zpty -r -m shell seen '*--format*json*'; print -r -- $seen; "
              "zpty -n -w shell $'\\x15offload_bench --policies pinned_copy,pinned_zer\\t'; "
              "zpty -r -m shell seen '*pinned_zero_copy*'; print -r -- $seen")
    done = subprocess.run(["zsh", "-f", "-c", script], capture_output=True, text=True, timeout=60)
    shown = " ".join(re.sub(r".\x08", "", re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", done.stdout)).split())
    assert "offload_bench plan --format json" in shown, done.stdout + done.stderr
    assert "offload_bench --policies pinned_copy,pinned_zero_copy" in shown, done.stdout + done.stderr


def test_fish_takes_it(completion):
    need("fish")

    def ask(line):
        done = subprocess.run(["fish", "--no-config", "-c", f"source {completion / 'fish'}; complete -C '{line}'"],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and done.stderr == "", done.stderr
        return [text.split("\t")[0] for text in done.stdout.splitlines()]
    assert ask("offload_bench pl") == ["plan", "platform"]
    assert ask("offload_bench --sam") == ["--samples"] == ask("offload_bench plan --sam")
    assert ask("offload_bench doctor --sam") == []
    assert ask("offload_bench --format js") == ["json", "jsonl"]
    assert ask("offload_bench doctor --format js") == ["json"]
    assert "pinned_copy,pinned_zero_copy" in ask("offload_bench --policies pinned_copy,pinned_zer")


def test_cmake_installs_them_where_they_are_looked_for(tmp_path):
    build = pathlib.Path(BENCH).parent
    if not (build / "cmake_install.cmake").exists():
        pytest.skip("the program does not lie in a folder of CMake's")
    done = subprocess.run(["cmake", "--install", build, "--prefix", tmp_path / "a prefix"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for file, arguments in {
            "man/man1/offload_bench.1": ["--man"], "bash-completion/completions/offload_bench": ["--completion", "bash"],
            "zsh/site-functions/_offload_bench": ["--completion", "zsh"],
            "fish/vendor_completions.d/offload_bench.fish": ["--completion", "fish"]}.items():
        assert (tmp_path / "a prefix/share" / file).read_text() == bench(*arguments)


def test_the_manual_is_one(tmp_path):
    need("mandoc")
    page = tmp_path / "offload_bench.1"
    page.write_text(bench("--man"))
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True)
    problems = [line for line in (done.stdout + done.stderr).splitlines() if "missing date" not in line]  # builds are alike
    assert problems == []
    shown = subprocess.run(["mandoc", "-T", "ascii", page], capture_output=True, text=True).stdout
    shown = re.sub(".\b", "", shown)
    assert "offload_bench - measures ways for a GPU to read" in " ".join(shown.split())
    assert f"offload_bench {bench('--version').split()[1]}" in shown
    for line in ("EXIT STATUS", "NO_COLOR", "--format table|md|csv|json|jsonl|sql", "offload_bench --output run.json"):
        assert line in shown


@pytest.mark.parametrize("arguments,mentions", [
    (["--completion", "powershell"], "known are bash, zsh, fish"), (["--completion"], "known are bash, zsh, fish"),
    (["--man", "x"], "--man")])
def test_bad_input_gets_one_clear_line(arguments, mentions):
    done = subprocess.run([BENCH, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and done.stdout == "" and len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("offload_bench: ") and mentions in done.stderr
