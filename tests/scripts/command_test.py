# SPDX-License-Identifier: Apache-2.0
"""What every command of the scripts has in common. Needs pytest."""
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
RUN = ROOT / "results/epyc-2vcpu/quick.json"


@pytest.mark.parametrize("command", [["compare.py", RUN, RUN], ["validate.py", RUN],
                                     ["readme_table.py", RUN, "engines"]],
                         ids=lambda command: command[0])
def test_a_full_disk_behind_stdout_is_one_line_and_no_finding(command):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([sys.executable, ROOT / "scripts" / command[0], *command[1:]],
                              stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2  # 1 is a regression, or a finding
    assert done.stderr == f"{command[0]}: cannot write to standard output: No space left on device\n"
