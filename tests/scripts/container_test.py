# SPDX-License-Identifier: Apache-2.0
"""What can be said of Containerfile without building it, which tests/container/in_chroot.sh does by hand."""
import pathlib
import re

ROOT = pathlib.Path(__file__).parents[2]
LINES = re.sub(r"\\\n\s*", "", (ROOT / "Containerfile").read_text(encoding="utf-8")).splitlines()
STEPS = [line.split(None, 1) for line in LINES if line and not line.startswith("#")]


def of(word):
    return [rest for step, rest in STEPS if step == word]


def test_images_are_pinned_and_hold_the_toolkit_that_is_built_with_elsewhere():
    [version] = [rest.partition("=")[2] for rest in of("ARG") if rest.startswith("CUDA=")]
    pinned = (ROOT / "cmake/aarch64/requirements-nvcc.txt").read_text(encoding="utf-8")
    assert re.search(r"^nvidia-cuda-nvcc==(\d+\.\d+)\.", pinned, re.MULTILINE)[1] == version.rpartition(".")[0]
    assert all(re.fullmatch(r"docker\.io/nvidia/cuda:\$\{CUDA\}-(devel|base)-ubuntu24\.04( AS build)?", image)
               for image in of("FROM"))


def test_what_is_copied_is_there_and_not_ignored():
    ignored = set((ROOT / ".containerignore").read_text(encoding="utf-8").split())
    sources = [words[:-1] for words in map(str.split, of("COPY")) if not words[0].startswith("--from")]
    assert sources and all((ROOT / name).exists() and name not in ignored for names in sources for name in names)
    assert (ROOT / ".dockerignore").resolve() == ROOT / ".containerignore"


def test_it_installs_what_the_project_builds_with_and_the_scripts_need():
    text = " ".join(of("RUN"))
    ours = (ROOT / "scripts/lib.sh").read_text(encoding="utf-8")
    built_with = set(re.search(r"need_packages ca-certificates (.*)", ours)[1].split()) - {"libgtest-dev"}
    needed = re.findall(r'^    "(\w+)>=', (ROOT / "scripts/pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert built_with and needed
    assert not [name for name in [*built_with, *(f"python3-{name}" for name in needed)] if name not in text]
