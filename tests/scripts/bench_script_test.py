# SPDX-License-Identifier: Apache-2.0
"""scripts/bench.sh and scripts/test.sh on a machine on paper: compilers, CMake and the program are stand-ins that write down
how they were called."""
import os
import pathlib
import re
import shutil
import subprocess
import time

import pytest

root = pathlib.Path(__file__).parent.parent.parent
VERSIONS = {
    "cmake": "cmake version 3.25.1", "g++": "g++ (Debian 12.2.0-14) 12.2.0\nFree Software Foundation",
    "python3": "Python 3.9.2", "ctest": "ctest version 3.25.1", "ninja": "1.11.1", "git": "git version 2.39.5",
}
PROGRAM = '#!/bin/sh\necho "program: $*"\n'
STAND_IN = """#!/bin/sh
case "$*" in *--version*|*-dumpfullversion*) printf '%s\\n' '{version}'; exit;; esac
echo "{name} $*" >> "$CALLS"
"""
NINJA = """for source in one two three; do echo "c++ -o $source.o -c /tree/$source.cpp"; done
echo "nvcc -x cu -c /tree/kernel.cu -o kernel.cu.o"
"""
# Configuring says what the GPU part is; building makes the program.
CMAKE = """case "$*" in
  *--build*) cp "$PROGRAM" build/release/offload_bench ;;
  *) mkdir -p build/release; touch build/release/build.ninja; echo '-- GPU part: not built' ;;
esac
"""


@pytest.fixture(name="machine")
def a_machine(tmp_path):
    return Machine(tmp_path)


class Machine:
    def __init__(self, folder):
        self.tree, self.bin, self.log = folder / "tree", folder / "bin", folder / "calls"
        for name in ("scripts", "bench", "include", "kernels", "cmake"):
            (self.tree / name).mkdir(parents=True)
        for name in ("CMakeLists.txt", "CMakePresets.json", "scripts/bench.sh", "scripts/lib.sh", "scripts/test.sh"):
            shutil.copy(root / name, self.tree / name)
        self.bin.mkdir()
        for name, version in VERSIONS.items():
            self.install(name, version)
        self.script(self.bin / "dpkg-query", "#!/bin/sh\necho install ok installed\n")
        self.script(folder / "program", PROGRAM)
        self.environment = {
            "PATH": f"{self.bin}:{os.environ['PATH']}", "CALLS": str(self.log), "PROGRAM": str(folder / "program"),
            "HOME": str(folder),
        }

    def script(self, path, text):
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)

    def install(self, name, version):
        text = STAND_IN.format(name=name, version=version)
        self.script(self.bin / name, text + {"cmake": CMAKE, "ninja": NINJA}.get(name, ""))

    def built(self):
        program = self.tree / "build/release/offload_bench"
        program.parent.mkdir(parents=True)
        self.script(program, PROGRAM)
        later = time.time() + 10
        os.utime(program, (later, later))

    def bench(self, *arguments, script="bench.sh"):
        return subprocess.run(
            [self.tree / "scripts" / script, *arguments], env=self.environment, cwd=self.tree,
            capture_output=True, text=True, timeout=60,
        )

    def calls(self):
        return self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []


@pytest.mark.parametrize(
    "tool,version,message",
    [
        ("cmake", "cmake version 3.22.1", "error: CMake 3.22.1 is older than 3.25: "),
        ("g++", "g++ (Ubuntu) 11.4.0\nFree Software Foundation", "error: g++ 11.4.0 is older than 12: "),
        ("python3", "Python 3.8.10", "error: Python 3.8.10 is older than 3.9: "),
    ],
)
def test_what_is_too_old_is_said_before_anything_begins(machine, tool, version, message):
    machine.install(tool, version)
    done = machine.bench()
    assert done.returncode == 1 and done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith(message) and len(line) > len(message)
    assert machine.calls() == []


def test_three_steps_build_the_program_alone_and_measure(machine):
    done = machine.bench("--suite", "quick")
    assert done.returncode == 0
    configure, count, build = machine.calls()
    assert count.startswith("ninja ") and count.endswith(" -t commands offload_bench")
    assert configure == "cmake --preset release"
    assert build.startswith("cmake --build --preset release") and build.endswith("--target offload_bench")
    steps = [line for line in done.stderr.splitlines() if line[:3] in ("1/3", "2/3", "3/3")]
    assert steps[0] == "1/3 install: nothing missing"
    assert re.fullmatch(r"2/3 build \(about \d+ min\)", steps[1])
    assert steps[2].startswith("3/3 measure; results go to build/results/2")
    assert done.stdout.startswith("program: --suite quick --output ")


@pytest.mark.parametrize("command", [["list"], ["--version"], ["platform"], ["--yes", "list"]])
def test_what_only_shows_is_passed_through_where_the_program_is_built(machine, command):
    machine.built()
    done = machine.bench(*command)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"program: {command[-1]}\n", "")
    assert machine.calls() == []


def test_a_source_newer_than_the_program_is_built_first(machine):
    machine.built()
    source = machine.tree / "bench/main.cpp"
    source.write_text("", encoding="utf-8")
    later = time.time() + 20
    os.utime(source, (later, later))
    done = machine.bench("list")
    assert done.returncode == 0 and done.stdout == "program: list\n"
    assert [call.split()[0] for call in machine.calls()] == ["cmake", "cmake"]
    assert "2/3 build" in done.stderr.splitlines() and "3/3 list" in done.stderr.splitlines()


def test_help_builds_nothing(machine):
    done = machine.bench("--help")
    assert done.returncode == 0 and machine.calls() == []
    assert done.stdout.startswith("usage: scripts/bench.sh ") and "not built yet" in done.stderr
    machine.built()
    done = machine.bench("--help")
    assert done.returncode == 0 and machine.calls() == []
    assert done.stdout.startswith("usage: scripts/bench.sh ") and "program: --help\n" in done.stdout


def test_the_exit_code_is_the_programs(machine):
    machine.script(pathlib.Path(machine.environment["PROGRAM"]), "#!/bin/sh\nexit 130\n")
    assert machine.bench().returncode == 130


def test_an_output_of_the_users_is_kept(machine):
    done = machine.bench("--output", "mine.json")
    assert done.stdout == "program: --output mine.json\n"
    assert "3/3 measure; results go to mine.json" in done.stderr


@pytest.mark.parametrize("script", ["bench.sh", "test.sh"])
def test_the_tree_is_the_scripts_own_whatever_cdpath_says(machine, script):
    other = machine.tree.parent / "other"
    (other / "scripts").mkdir(parents=True)
    machine.environment["CDPATH"] = f".:{other}"
    done = subprocess.run([f"scripts/{script}", "list"], env=machine.environment, cwd=machine.tree,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert machine.calls() and not (other / "build").exists()


@pytest.mark.parametrize("script", ["bench.sh", "test.sh"])
def test_a_link_to_the_script_will_do(machine, script):
    link = machine.tree.parent / "run"
    link.symlink_to(machine.tree / "scripts" / script)
    done = subprocess.run([link, "list"], env=machine.environment, cwd=machine.tree.parent,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert machine.calls()


@pytest.mark.parametrize("ci", [{}, {"CI": "true"}])
def test_the_tests_are_built_beside_the_program_as_it_is(machine, ci):
    """The same preset without other flags: what is compiled stays."""
    machine.environment |= ci
    assert machine.bench().returncode == 0
    as_benched = machine.calls()[0]
    machine.log.unlink()
    assert machine.bench("-L", "gpu", script="test.sh").returncode == 0
    configure, build, tests = machine.calls()
    assert configure == as_benched == "cmake --preset release"
    assert build.startswith("cmake --build --preset release --parallel") and "--target" not in build
    assert tests.startswith("ctest --preset release") and tests.endswith(" -L gpu")


def test_another_preset_can_be_tested(machine):
    assert machine.bench("--preset", "ci", script="test.sh").returncode == 0
    assert all(call.split()[call.split().index("--preset") + 1] == "ci" for call in machine.calls())
