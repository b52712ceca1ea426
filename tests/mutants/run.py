#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Break the program in the ways of mutants.json, one at a time, and say which the tests do not notice.

In a copy of the tree; ten minutes to half an hour on two CPUs. A mutant is a text that stands once in a file,
and another in its place; a test holds that each still stands there (tests/scripts/mutants_test.py).
exit codes: 0 every mutant was caught, 1 some survived, 2 bad input, or the tests fail without a mutant."""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LIST = ROOT / "tests/mutants/mutants.json"
LEFT_OUT = shutil.ignore_patterns(".git", "build", ".ccache", "__pycache__")
SHARDS = os.cpu_count() or 1
LIMIT_S = 240  # what never ends is caught


def mutants(path=LIST):
    return json.loads(path.read_text(encoding="utf-8"))


def mutated(mutant, text):
    """`text` with the mutant in it; raises ValueError where it does not stand there once."""
    found = text.count(mutant["from"])
    if found != 1:
        raise ValueError(f"{mutant['name']}: stands {found} times in {mutant['file']}")
    return text.replace(mutant["from"], mutant["to"])


class Tree:
    """A copy of the sources, and a build of its unit tests without CUDA."""

    def __init__(self, folder):
        self.root = pathlib.Path(folder, "tree")
        self.build = pathlib.Path(folder, "build")
        shutil.copytree(ROOT, self.root, ignore=LEFT_OUT)
        arguments = ["-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DOFFLOAD_BENCH_CUDA=OFF"]
        if shutil.which("ccache"):
            arguments.append("-DCMAKE_CXX_COMPILER_LAUNCHER=ccache")
        subprocess.run(["cmake", "-S", self.root, "-B", self.build, *arguments], check=True,
                       stdout=subprocess.DEVNULL)

    def verdict(self):
        """"passed", "failed" or "does not build"."""
        built = subprocess.run(["cmake", "--build", self.build, "--target", "offload_tests"], check=False,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if built.returncode:
            return "does not build"
        shards = [self.shard(index) for index in range(SHARDS)]
        return "passed" if all([ended(shard) for shard in shards]) else "failed"

    def shard(self, index):
        environment = {**os.environ, "GTEST_TOTAL_SHARDS": str(SHARDS), "GTEST_SHARD_INDEX": str(index)}
        return subprocess.Popen([self.build / "tests/offload_tests", "--gtest_fail_fast", "--gtest_brief=1"],
                                env=environment, cwd=self.build / "tests", stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)

    def with_mutant(self, mutant):
        file = self.root / mutant["file"]
        before = file.read_text(encoding="utf-8")
        file.write_text(mutated(mutant, before), encoding="utf-8")
        try:
            return self.verdict()
        finally:
            file.write_text(before, encoding="utf-8")


def ended(process):
    """Whether it ended well, and in time."""
    try:
        return process.wait(LIMIT_S) == 0
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="WORD", help="only those whose name has one of these")
    words = parser.parse_args().names
    wanted = [one for one in mutants() if not words or any(word in one["name"] for word in words)]
    if not wanted:
        parser.error("no mutant is called so")
    survived = []
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree(folder)
        if (without := tree.verdict()) != "passed":
            parser.exit(2, f"run.py: without a mutant: {without}\n")
        for mutant in wanted:
            verdict = tree.with_mutant(mutant)
            print(f"{'SURVIVED' if verdict == 'passed' else verdict:15} {mutant['name']}", flush=True)
            survived += [mutant["name"]] * (verdict == "passed")
    print(f"{len(wanted) - len(survived)} of {len(wanted)} caught")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
