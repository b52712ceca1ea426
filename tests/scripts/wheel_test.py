# SPDX-License-Identifier: Apache-2.0
"""The wheel of the program, as far as can be said without compiling it. Needs pytest."""
import os
import pathlib
import re
import stat
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PACKAGE = ROOT / "packaging/wheel/offload_bench"
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def setting(name):
    return re.search(rf'^{re.escape(name)} = "?(.*?)"?$', PYPROJECT, re.MULTILINE)[1]


def test_its_version_is_the_projects():
    [pattern] = re.findall(r"^regex = '(.*)'$", PYPROJECT, re.MULTILINE)
    version = re.search(pattern, (ROOT / setting("input")).read_text(encoding="utf-8"))["value"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    named = re.findall(r"offload_bench-([\d.]+)-py3", (ROOT / "docs/install.md").read_text(encoding="utf-8"))
    assert named and set(named) == {version}


def test_it_sets_options_that_there_are():
    _, _, defined = PYPROJECT.partition("[tool.scikit-build.cmake.define]")
    names = re.findall(r"^(OFFLOAD_\w+) = ", defined, re.MULTILINE)
    project = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    assert names and all(re.search(rf"(option|set)\({name} ", project) for name in names)


def test_nvidias_wheels_are_of_the_major_version_that_the_search_path_names():
    major = re.fullmatch(r"\$ORIGIN/\.\./\.\./nvidia/cu(\d+)/lib", setting("CMAKE_INSTALL_RPATH"))[1]
    wanted = re.findall(r'"nvidia-[\w-]+>=(\d+),<(\d+)"', PYPROJECT)
    assert wanted == [(major, str(int(major) + 1))] * 2
    container = (ROOT / "Containerfile").read_text(encoding="utf-8")
    assert re.search(r"^ARG CUDA=(\d+)", container, re.MULTILINE)[1] == major


def test_a_release_builds_it_on_the_toolkit_of_the_image():
    workflow = (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")
    assert os.access(ROOT / re.search(r"- run: (\S+build\.sh) wheels$", workflow, re.MULTILINE)[1], os.X_OK)
    toolkit = re.search(r"^ARG CUDA=(.+)", (ROOT / "Containerfile").read_text(encoding="utf-8"), re.MULTILINE)[1]
    assert f"container: docker.io/nvidia/cuda:{toolkit}-devel-ubuntu22.04\n" in workflow


def test_all_that_its_commands_name_is_there():
    assert ROOT / setting("wheel.packages").strip('[]"') == PACKAGE
    assert re.search(r"^def main\(\):", (PACKAGE / "__init__.py").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(re.findall(r'^(\S+) = "offload_bench:main"$', PYPROJECT, re.MULTILINE)) == {"offload-bench", "offload_bench"}


@pytest.mark.parametrize("code", [0, 3])
def test_the_command_becomes_the_program(code, tmp_path):
    """Arguments and exit code are the program's, from where cmake --install puts it."""
    package = tmp_path / setting("wheel.install-dir")
    (package / "bin").mkdir(parents=True)
    for file in PACKAGE.glob("*.py"):
        (package / file.name).write_bytes(file.read_bytes())
    program = package / "bin/offload_bench"
    program.write_text(f'#!/bin/sh\nprintf "%s," "$@"\nexit {code}\n', encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    done = subprocess.run([sys.executable, "-B", "-m", "offload_bench", "plan", "two words"], capture_output=True, text=True,
                          cwd=tmp_path)
    assert (done.stdout, done.returncode) == ("plan,two words,", code), done.stderr
