# SPDX-License-Identifier: Apache-2.0
"""packaging/spack/package.py, read with stand-ins for what Spack gives to a recipe, against CMake's own files.
Whether Spack builds it, this cannot say. Needs pytest."""
import pathlib
import re
import sys
import types

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECIPE = ROOT / "packaging/spack/package.py"


class Variant:
    def __init__(self, value):
        self.value = value


class Spec:
    """Of what is asked for: "+cuda" in spec, spec.variants["cuda_arch"].value."""
    def __init__(self, architectures=("none",), **variants):
        self.enabled = {f"{'+' if on else '~'}{name}" for name, on in variants.items()}
        self.variants = {"cuda_arch": Variant(architectures), **{name: Variant(on) for name, on in variants.items()}}

    def __contains__(self, text):
        return text in self.enabled


class CMakePackage:
    def __init__(self, spec):
        self.spec = spec

    @staticmethod
    def define(name, value):
        if isinstance(value, bool):
            return f"-D{name}:BOOL={'ON' if value else 'OFF'}"
        return f"-D{name}:STRING={value if isinstance(value, str) else ';'.join(value)}"

    def define_from_variant(self, name, variant):
        return self.define(name, self.spec.variants[variant].value)


class CudaPackage:
    pass


@pytest.fixture
def recipe(monkeypatch):
    """The class, and its directives as (name, positional, keywords)."""
    said = []
    package = types.ModuleType("spack.package")
    package.CMakePackage, package.CudaPackage = CMakePackage, CudaPackage
    for name in ("license", "version", "variant", "depends_on", "conflicts"):
        setattr(package, name, lambda *args, name=name, **keywords: said.append((name, args, keywords)))
    monkeypatch.setitem(sys.modules, "spack", types.ModuleType("spack"))
    monkeypatch.setitem(sys.modules, "spack.package", package)
    space = {}
    exec(compile(RECIPE.read_text(encoding="utf-8"), RECIPE, "exec"), space)
    return space["OffloadBench"], said


def dependencies(said):
    return {args[0].partition("@")[0]: (args[0].partition("@")[2].rstrip(":"), keywords.get("when"))
            for name, args, keywords in said if name == "depends_on"}


def test_it_is_of_this_version(recipe):
    project = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    [version] = [args[0] for name, args, _ in recipe[1] if name == "version"]
    assert re.search(r"project\(offload-bench VERSION ([\d.]+)", project)[1] == version


def test_it_depends_on_what_cmake_looks_for(recipe):
    cmake = (ROOT / "cmake/Dependencies.cmake").read_text(encoding="utf-8")
    wanted = {name.lower(): least for name, least in re.findall(
        r"FetchContent_Declare\((\w+).*?FIND_PACKAGE_ARGS ([\d.]+)", cmake, re.DOTALL)}
    called = {"nlohmann_json": "nlohmann-json", "hwy": "highway"}  # as Spack calls them
    found = dependencies(recipe[1])
    assert len(wanted) == 5
    assert {called.get(name, name): least for name, least in wanted.items()} == {
        name: least for name, (least, _) in found.items() if name not in ("c", "cxx", "cmake", "cuda")}
    assert found["googletest"][1] == "+tests" and found["cuda"] == ("12.4", "+cuda")
    project = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    assert re.search(r"cmake_minimum_required\(VERSION ([\d.]+)\)", project)[1] == found["cmake"][0]


def test_it_sets_options_that_there_are(recipe):
    project = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    args = recipe[0](Spec(("90", "100"), cuda=True, tests=False)).cmake_args()
    assert args == ["-DOFFLOAD_BENCH_CUDA:BOOL=ON", "-DOFFLOAD_BENCH_TESTS:BOOL=OFF",
                    "-DFETCHCONTENT_FULLY_DISCONNECTED:BOOL=ON", "-DCMAKE_CUDA_ARCHITECTURES:STRING=90;100"]
    for name in re.findall(r"-D(OFFLOAD_\w+)", " ".join(args)):
        assert re.search(rf"^(?:option|set)\({name} ", project, re.MULTILINE)


@pytest.mark.parametrize("spec", [Spec(cuda=True, tests=True), Spec(("90",), cuda=False, tests=False)])
def test_architectures_are_for_those_who_name_them(recipe, spec):
    assert "CMAKE_CUDA_ARCHITECTURES" not in " ".join(recipe[0](spec).cmake_args())
