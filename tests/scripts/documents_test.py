# SPDX-License-Identifier: Apache-2.0
"""The documents hang together: every link leads somewhere, the index has every page, and README.md stays as
short as a front door should be."""
import pathlib
import re

import pytest

root = pathlib.Path(__file__).parent.parent.parent
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "results/README.md", "CHANGELOG.md", *sorted(f"docs/{path.name}" for path in (root / "docs").glob("*.md"))]


def prose(text):
    """What a reader sees outside code blocks and comments."""
    return re.sub(r"^```.*?^```$|<!--.*?-->", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(text):
    headings = re.findall(r"^#+ (.*)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name):
    text = prose((root / name).read_text(encoding="utf-8"))
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"\w+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (root / name).parent / path if path else root / name
        if not file.exists() or (anchor and anchor not in anchors(file.read_text(encoding="utf-8"))):
            broken.append(target)
    assert broken == []


def test_the_index_has_every_page():
    index = (root / "docs/README.md").read_text(encoding="utf-8")
    assert [name for name in DOCUMENTS if name.startswith("docs/") and name != "docs/README.md"
            and f"({name.removeprefix('docs/')})" not in index] == []


def test_the_front_door_is_short():
    text = (root / "README.md").read_text(encoding="utf-8")
    assert text.count("\n") <= 110
    before = prose(text.partition("```sh")[0])
    words = [word for word in before.split() if re.search(r"\w", word)]
    assert len(words) <= 125, len(words)


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if name != "CHANGELOG.md"])
def test_files_that_are_named_are_there(name):
    text = (root / name).read_text(encoding="utf-8")
    named = re.findall(r"`((?:bench|kernels|include|tests|scripts|cmake|results)/[\w./-]*\w\.\w+)`", text)
    assert sorted({file for file in named if not (root / file).exists()}) == []
