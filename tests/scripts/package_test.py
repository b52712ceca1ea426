# SPDX-License-Identifier: Apache-2.0
"""The package offload_results, as pip installs it: the command with all it reads, away from the repository.
Needs pytest."""
import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCRIPTS = ROOT / "scripts"
sys.path.insert(0, str(SCRIPTS))
import offload_results  # noqa: E402
from offload_results import cli  # noqa: E402


def test_its_version_is_the_projects():
    project = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    assert re.search(r"project\(offload-bench VERSION ([\d.]+)", project)[1] == offload_results.__version__


def test_every_command_says_what_it_takes():
    for name in cli.COMMANDS:
        done = subprocess.run([sys.executable, SCRIPTS / "offload-results", name, "--help"], capture_output=True, text=True)
        assert done.returncode == 0 and "offload-results" in done.stdout, done.stderr


@pytest.mark.parametrize("arguments,code,mentions", [
    ([], 0, "compare"), (["--help"], 0, "validate"), (["--version"], 0, f"offload-results {offload_results.__version__}"),
    (["nope"], 2, "offload-results: nope: no such command; the commands are compare")])
def test_without_a_command_it_names_them(arguments, code, mentions):
    done = subprocess.run([sys.executable, SCRIPTS / "offload-results", *arguments], capture_output=True, text=True)
    assert done.returncode == code and mentions in (done.stderr if code else done.stdout)


def test_a_wheel_holds_all_that_it_reads(tmp_path):
    """Schemas and profiles lie elsewhere in the repository."""
    pytest.importorskip("setuptools")
    pytest.importorskip("wheel")
    clone = tmp_path / "clone"  # what pip builds there would lie about
    shutil.copytree(SCRIPTS, clone / "scripts", symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    (clone / "results").symlink_to(ROOT / "results")
    done = subprocess.run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
                           "--no-index", "--wheel-dir", tmp_path, clone / "scripts"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    [wheel] = tmp_path.glob("*.whl")
    unpacked = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    for folder in ("schema", "platforms"):
        ours = {path.name for path in (ROOT / "results" / folder).glob("*.json")}
        assert {path.name for path in (unpacked / "offload_results").glob(f"{folder}*/*.json")} == ours
    run = ROOT / "results/h200-sxm-pcie5/quick.json"
    done = subprocess.run([sys.executable, "-c", "from offload_results.cli import main; main()", "validate", "--reference",
                           run], capture_output=True, text=True, cwd=tmp_path, env={"PYTHONPATH": str(unpacked)})
    assert done.returncode == 0 and ": valid;" in done.stdout, done.stderr
