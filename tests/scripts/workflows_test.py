# SPDX-License-Identifier: Apache-2.0
"""What a workflow runs of others is the commit that was looked at, whatever its tag is moved to."""
import pathlib
import re

WORKFLOWS = pathlib.Path(__file__).parents[2] / ".github" / "workflows"


def test_actions_are_named_by_their_commit_and_say_which_version_it_is():
    used = [line.strip() for file in WORKFLOWS.glob("*.yml") for line in file.read_text().splitlines()
            if re.match(r"\s*(- )?uses:", line)]
    assert used
    assert [line for line in used
            if not re.search(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+$", line)] == []
