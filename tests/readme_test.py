# SPDX-License-Identifier: Apache-2.0
"""Figures in the documentation are those of the committed results: every table between
`<!-- scripts/readme_table.py FILE WHAT -->` and `<!-- end -->` is what that command prints."""
import json
import pathlib
import re
import sys

import pytest

root = pathlib.Path(__file__).parent.parent
sys.path.insert(0, str(root / "scripts"))
import readme_table  # noqa: E402

block = re.compile(r"<!-- scripts/readme_table\.py (\S+) (\S+) -->\n(.*?)\n<!-- end -->", re.DOTALL)
blocks = [
    (document, *match.groups())
    for document in ("README.md", "docs/methodology.md")
    for match in block.finditer((root / document).read_text(encoding="utf-8"))
]


def test_both_documents_have_a_table():
    assert {entry[0] for entry in blocks} == {"README.md", "docs/methodology.md"}


@pytest.mark.parametrize("document,results,what,shown", blocks)
def test_tables_are_the_committed_figures(document, results, what, shown):
    assert shown == readme_table.render(root / results, what), document


def test_the_yardstick_named_beside_the_table_is_its_runs():
    with open(root / "results/h200-sxm-pcie5/quick.json", encoding="utf-8") as file:
        calibration = json.load(file)["offload_bench"]["calibration"]
    rate = f"{calibration['copy_h2d_bytes_per_second'] / 1e9:.1f} GB/s"
    readme = (root / "README.md").read_text(encoding="utf-8")
    assert f"the copy engine reaches in the same run ({rate})" in readme.replace("\n", " ")
