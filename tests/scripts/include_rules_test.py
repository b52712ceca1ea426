# SPDX-License-Identifier: Apache-2.0
"""Dependencies run one way: this reads the #include lines of all C++ and CUDA sources and names each one
that runs against them. By itself it prints them: python3 tests/scripts/include_rules_test.py
"""
import itertools
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parent.parent.parent

# From the lowest layer to the highest. A layer has rooms, a room has places. A file may include what is
# in its own room and in lower layers: nothing of another room of its layer, nothing higher.
LAYERS = (
    (("include/offload/", "bench/core/"),),
    (("include/offload/cuda/", "bench/cuda/"), ("kernels/",)),
    (("bench/platform/",), ("bench/models/",)),
    (("bench/machines/",),),
    (("bench/policies/",), ("bench/workloads/",)),
    (("bench/catalog.",),),
    (("bench/options.",),),
    (("bench/record.", "bench/evidence."),),
    (("bench/measure/",),),
    (("bench/report/",),),
    (("bench/cli/",),),
    (("bench/run.", "bench/doctor.", "bench/advise.", "bench/main."),),
)

# And what a lower room may not see all the same: a policy knows no kernel.
FORBIDDEN = (("bench/policies/", "kernels/"),)

# Libraries that one source file alone may include.
ONE_OWNER = {"CLI11": "CLI/", "Google Benchmark": "benchmark/"}
# nlohmann/json: what reads models and what writes results, and no header.
JSON = re.compile(r"bench/(models|report)/\w+\.cpp")
CUDA = re.compile(r"cuda|cublas|cupti|nvtx|nvml|device_launch|vector_types|cooperative_groups|cub/|cutlass")
# The seams to CUDA: each source file there has a stand-in for builds without it.
SEES_CUDA = re.compile(r"kernels/.*\.cuh?|bench/cuda/.*|bench/platform/gpu\.cpp|bench/measure/(um_traffic|ranges)\.cpp")
MOST_LINES = 700

INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')


def sources(*folders):
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".hpp", ".cpp", ".cuh", ".cu"):
                yield str(path.relative_to(root))


def includes(name):
    for line in (root / name).read_text(encoding="utf-8").splitlines():
        if match := INCLUDE.match(line):
            yield match[2]


def own(name):
    """The path of an own header, or None for one of a library or of the build."""
    for path in (name, f"include/{name}"):
        if (root / path).is_file():
            return path
    return None


# (file, what it includes), for own headers and for all.
ALL = [(file, name) for file in sources("include", "kernels", "bench") for name in includes(file)]
OWN = [(file, own(name)) for file, name in ALL if own(name)]


def place(file):
    """(layer, room) of a file: that of the longest prefix."""
    found = [
        (len(prefix), layer, room)
        for layer, rooms in enumerate(LAYERS)
        for room, prefixes in enumerate(rooms)
        for prefix in prefixes
        if file.startswith(prefix)
    ]
    return max(found)[1:] if found else None


def against_the_layers(edges=OWN):
    for file, included in edges:
        (layer, room), (other_layer, other_room) = place(file), place(included)
        forbidden = any(file.startswith(one) and included.startswith(other) for one, other in FORBIDDEN)
        if forbidden or other_layer > layer or (other_layer == layer and other_room != room):
            yield f"{file} -> {included}"


def module(file):
    """A source, its header and its stand-in are one; the bodies of include/offload/ are in bench/core/."""
    stem = re.sub(r"(_absent)?\.\w+$", "", file)
    return re.sub(r"^(include/offload/(?=[^/]+$)|bench/core/)", "", stem)


def cycles(edges=OWN):
    """Sets of modules that all include each other, however far round."""
    uses = {}
    for file, included in edges:
        uses.setdefault(module(file), set()).add(module(included))

    def reachable(start):
        seen, todo = set(), list(uses.get(start, set()) - {start})
        while todo:
            if (at := todo.pop()) not in seen:
                seen.add(at)
                todo.extend(uses.get(at, ()))
        return seen

    reached = {start: reachable(start) for start in uses}
    rounds = {
        frozenset(other for other in seen if start in reached.get(other, ()))
        for start, seen in reached.items() if start in seen
    }
    return sorted(sorted(modules) for modules in rounds if len(modules) > 1)


def foreign_includes(edges=ALL):
    for library, prefix in ONE_OWNER.items():
        owners = sorted({file for file, name in edges if name.startswith(prefix)})
        if len(owners) != 1 or not owners[0].endswith(".cpp"):
            yield f"{library} is included by {', '.join(owners) or 'nobody'}; one source file should"
    for file, name in edges:
        if name.startswith("nlohmann/") and not JSON.fullmatch(file):
            yield f"{file} includes {name}: for source files of {JSON.pattern}"
        if CUDA.match(name) and own(name) is None and not SEES_CUDA.fullmatch(file):
            yield f"{file} includes {name}; go through offload/cuda/runtime.hpp"
        if file.startswith("include/") and re.match(r"bench/|kernels/|tests/|hwy/|gtest/", name):
            yield f"{file} includes {name}: more than the vocabulary and the standard library"


def long_files():
    for file in sources("include", "kernels", "bench", "tests"):
        lines = (root / file).read_text(encoding="utf-8").count("\n")
        if lines > MOST_LINES:
            yield f"{file} has {lines} lines"


def test_every_source_has_a_place():
    assert [file for file in sources("include", "kernels", "bench") if not place(file)] == []


def test_no_include_runs_against_the_layers():
    assert list(against_the_layers()) == []


def test_no_modules_include_each_other():
    assert cycles() == []


def test_libraries_are_seen_by_their_owners_alone():
    assert list(foreign_includes()) == []


def test_no_file_is_too_long():
    assert list(long_files()) == []


def test_the_rules_see_what_they_forbid():
    """Layers in the order that the design gives them; a file's place is that of its longest prefix."""
    assert place("include/offload/cuda/runtime.hpp") == place("bench/cuda/runtime.cpp") == (1, 0)
    assert place("include/offload/policy.hpp") == place("bench/core/weights.cpp") == (0, 0)
    assert place("bench/measure/loop.cpp") < place("bench/report/json.cpp") < place("bench/main.cpp")
    assert place("bench/somewhere/else.cpp") is None
    assert module("bench/cuda/matmul_absent.cpp") == module("bench/cuda/matmul.cpp")
    assert module("include/offload/weights.hpp") == module("bench/core/weights.cpp") == "weights"
    assert len(OWN) > 500 and ("bench/main.cpp", "bench/run.hpp") in OWN
    upwards = [
        ("kernels/gemv.cu", "bench/models/load.hpp"),
        ("bench/policies/managed.cpp", "bench/workloads/gemv.cpp"),
        ("bench/policies/managed.cpp", "kernels/gemv.hpp"),
        ("bench/measure/loop.cpp", "bench/report/json.hpp"),
    ]
    assert list(against_the_layers(upwards)) == [f"{file} -> {included}" for file, included in upwards]
    assert list(against_the_layers([("bench/measure/loop.cpp", "bench/policies/managed.hpp")])) == []
    one, two, three = ("bench/cli/a.cpp", "bench/cli/b.hpp", "bench/cli/c.hpp")
    assert cycles([(one, two), (two, three)]) == []
    assert cycles([(one, two), (two, three), (three, "bench/cli/a.hpp")]) == [
        ["bench/cli/a", "bench/cli/b", "bench/cli/c"]
    ]
    owned = [("bench/cli/a.cpp", "CLI/CLI.hpp"), ("bench/measure/b.cpp", "benchmark/benchmark.h")]
    assert list(foreign_includes(owned)) == []
    for wrong in (
        ("bench/cli/b.cpp", "CLI/CLI.hpp"),
        ("bench/report/json.hpp", "nlohmann/json.hpp"),
        ("bench/measure/loop.cpp", "cuda_runtime.h"),
        ("bench/measure/loop.cpp", "nvml.h"),
        ("include/offload/weights.hpp", "hwy/highway.h"),
    ):
        assert len(list(foreign_includes([*owned, wrong]))) == 1, wrong


if __name__ == "__main__":
    around = [f"a cycle: {', '.join(modules)}" for modules in cycles()]
    wrong = [*against_the_layers(), *around, *foreign_includes(), *long_files()]
    print("\n".join(wrong))
    sys.exit(bool(wrong))
