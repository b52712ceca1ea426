# SPDX-License-Identifier: Apache-2.0
"""Passes by an engine beside the cases that do the same: which stands beside which, and what is refused."""
import json
import pathlib
import sys

import pytest

from results_builder import case, run, write

ROOT = pathlib.Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from offload_results import table as tables  # noqa: E402
from offload_results.results import BadInput  # noqa: E402

GIB = 1 << 30


def of_engine(steps=1, captured=False, error=None, offloaded=13 * GIB):
    return {"row": f"prefetch:S={steps}", "policy": "pinned_prefetch_copy", "prefetch_step": steps, "tokens": 1,
            "captured": captured, "offloaded_bytes": offloaded + 4096, "median_s": 0.2 * steps, "error": error}


def printed(path, *rows):
    path.write_text(json.dumps({"program": "vllm_offload", "model": {"name": "llama3.1-8b"},
                                "vllm": {"version": "1.2.3"}, "rows": rows}))
    return path


def of_model(policy, seconds, captured=False, offloaded=13 * GIB):
    """A case of the whole model."""
    model = {"name": "llama3.1-8b", "layers": 32, "layers_measured": 32, "experts_per_token": 0, "scale": 1.0,
             "offloaded_bytes": offloaded, "resident_bytes": 0, "pass_s": seconds}
    return case("decode/tokens:1", policy, samples=[seconds] * 3, captured=captured, tokens=1, model=model)


def table(tmp_path, rows, cases):
    results = write(tmp_path / "results.json", run(cases))
    return tables.render([printed(tmp_path / "engine.json", *rows), results], "vllm")


def column(shown, name):
    head, _, *lines = ([cell.strip() for cell in line.strip("| ").split(" | ")] for line in shown.splitlines())
    return [line[head.index(name)] for line in lines]


def test_each_row_stands_beside_the_case_that_does_the_same(tmp_path):
    shown = table(tmp_path, [of_engine(1), of_engine(2), of_engine(1, captured=True)], [
        of_model("pinned_prefetch_copy", 0.1), of_model("pinned_prefetch2_copy", 0.5),
        of_model("pinned_prefetch_copy", 0.4, captured=True)])
    assert column(shown, "vLLM / here") == ["2.000", "0.800", "0.500"]
    assert column(shown, "predicted") == column(shown, "vLLM / predicted") == ["-"] * 3
    assert "vLLM 1.2.3" in shown and "a graph" in shown.splitlines()[-1]


def test_a_prediction_is_held_against_the_engine_too(tmp_path):
    two_of_32 = of_model("pinned_prefetch_copy", 0.16)
    two_of_32["summary"]["median_s"] = 0.01
    two_of_32["predicted"] = {"seconds": 0.0125, "least_s": 0.012, "most_s": 0.013}
    shown = table(tmp_path, [of_engine(1)], [two_of_32])
    assert column(shown, "predicted") == ["200"]
    assert column(shown, "vLLM / predicted") == ["1.000"]


def test_what_has_no_twin_is_refused(tmp_path):
    with pytest.raises(BadInput, match="no case does what prefetch:S=2 does"):
        table(tmp_path, [of_engine(2)], [of_model("pinned_prefetch_copy", 0.1)])
    with pytest.raises(BadInput, match="no case does"):  # other groups offload less
        table(tmp_path, [of_engine(1, offloaded=3 * GIB)], [of_model("pinned_prefetch_copy", 0.1)])


def test_a_failed_row_is_refused(tmp_path):
    with pytest.raises(BadInput, match="prefetch:S=1: out of memory"):
        table(tmp_path, [of_engine(error="out of memory")], [of_model("pinned_prefetch_copy", 0.1)])


def test_another_document_is_refused(tmp_path):
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(BadInput, match="not what scripts/vllm_offload.py prints"):
        tables.render([tmp_path / "other.json"], "vllm")
