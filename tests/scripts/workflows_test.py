# SPDX-License-Identifier: Apache-2.0
"""What a workflow runs of others is the commit that was looked at, whatever its tag is moved to."""
import pathlib
import re
import subprocess

WORKFLOWS = pathlib.Path(__file__).parents[2] / ".github" / "workflows"


def test_actions_are_named_by_their_commit_and_say_which_version_it_is():
    used = [line.strip() for file in WORKFLOWS.glob("*.yml") for line in file.read_text().splitlines()
            if re.match(r"\s*(- )?uses:", line)]
    assert used
    assert [line for line in used
            if not re.search(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+$", line)] == []


def test_what_a_release_makes_its_pages_of_is_there():
    text = (WORKFLOWS / "release.yml").read_text()
    folder = WORKFLOWS.parents[1] / re.search(r"working-directory: (\S+)", text)[1]
    made = re.findall(r"\$report (\S+) --output", text)
    for names in made:
        patterns = subprocess.run(["bash", "-c", f"printf '%s\\n' {names}"], cwd=folder, capture_output=True,
                                  text=True, check=True).stdout.split()
        assert patterns and all((folder / name).is_file() for name in patterns), patterns
    assert len(made) == 2
