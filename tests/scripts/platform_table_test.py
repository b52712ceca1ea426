# SPDX-License-Identifier: Apache-2.0
"""Tables of platform profiles: every profile, every figure with its grade and source, and what is refused."""
import json
import re
import sys

import pytest

from committed import PLATFORMS, ROOT

sys.path.insert(0, str(ROOT / "scripts"))
from offload_results.tables import platforms  # noqa: E402
from offload_results import table as tables  # noqa: E402
from offload_results.results import BadInput, read_json  # noqa: E402

by_slug = {path.stem: read_json(path)["offload_bench_platform"] for path in PLATFORMS}


def test_the_table_has_every_profile():
    lines = platforms.render([ROOT / "results/platforms"]).splitlines()[2:]
    assert [re.match(r"\| \[`(.+?)`\]", line)[1] for line in lines] == sorted(by_slug)
    assert all(f"| {len(by_slug[slug]['rates'])} of {len(platforms.known_rates())} |" in line
               for slug, line in zip(sorted(by_slug), lines))


def written(folder, **changes):
    document = {"offload_bench_platform": {**by_slug["rtx-4090"], **changes}}
    (folder / f"{document['offload_bench_platform']['slug']}.json").write_text(json.dumps(document))
    return folder


def test_grades_stand_beside_their_figures(tmp_path):
    made = {**by_slug["rtx-4090"]["rates"]}
    made["copy_h2d_bytes_per_second"] = {**made["copy_h2d_bytes_per_second"], "value": 12.34e9, "grade": "derived"}
    made["device_read_bytes_per_second"] = {**made["device_read_bytes_per_second"], "value": 1e12, "grade": "vendor"}
    made["sm_read_pinned_bytes_per_second"] = {**made["copy_d2h_bytes_per_second"], "value": 10e9, "grade": "secondary"}
    shown = platforms.render([written(tmp_path, rates=made)]).splitlines()[-1]
    assert "| 12.3 d | " in shown and "| 10.0 s | " in shown and "| 1000 v | " in shown and "| 26.8 | " in shown


def test_sources_are_listed_by_rate(tmp_path):
    shown = platforms.render([written(tmp_path)], "sources")
    one = by_slug["rtx-4090"]["rates"]["copy_h2d_bytes_per_second"]
    [line] = [line for line in shown.splitlines() if "`copy_h2d_bytes_per_second`" in line]
    assert "26.2 GB/s (23.9 GB/s..26.4 GB/s)" in line and one["source"] in line and "2024-01-06" in line
    assert tables.render([tmp_path], "platforms:sources") == shown


def test_sources_list_what_is_published_beside_a_figure():
    lines = platforms.render([ROOT / "results/platforms/gh200-480gb.json"], "sources").splitlines()
    at = next(at for at, line in enumerate(lines) if "`link_latency_s`" in line)
    assert "| 621 ns (618 ns..624 ns) | primary |" in lines[at]
    assert "| also | 990 ns | primary | the memory is on another Grace |" in lines[at + 1]


def test_ranges_are_of_the_files_named():
    """What is published of the link, with its spread and its grade."""
    files = [ROOT / f"results/platforms/{slug}.json" for slug in ("gh200-480gb", "gh200-120gb")]
    lines = platforms.render(files, "ranges").splitlines()[2:]
    assert [re.match(r"\| \[`(.+?)`\]", line)[1] for line in lines] == ["gh200-480gb", "gh200-120gb"]
    assert "| 380 GB/s (377 GB/s..382 GB/s) |" in lines[0] and "| 410 GB/s (410 GB/s..486 GB/s) v |" in lines[1]


def test_what_is_not_a_profile_is_refused(tmp_path):
    with pytest.raises(BadInput, match="no profiles"):
        platforms.render([tmp_path])
    (tmp_path / "odd.json").write_text('{"offload_bench": {}}')
    with pytest.raises(BadInput, match="odd.json: not a platform profile"):
        platforms.render([tmp_path])
    with pytest.raises(BadInput, match="one folder"):
        platforms.render([tmp_path, tmp_path])
    with pytest.raises(BadInput, match="platforms:odd"):
        tables.render([ROOT / "results/platforms"], "platforms:odd")


def test_what_is_rarely_known_comes_first(tmp_path):
    lines = platforms.render([written(tmp_path)], "unknown").splitlines()[2:]
    counts = [int(re.search(r"\| (\d) of 1 \|$", line)[1]) for line in lines]
    assert counts == sorted(counts) and sum(counts) == len(by_slug["rtx-4090"]["rates"])
    assert len(lines) == len(platforms.known_rates())
