# SPDX-License-Identifier: Apache-2.0
"""Products by oneDNN beside those of host_compute: which stands beside which, and what is refused."""
import json
import pathlib
import sys

import pytest

from results_builder import case, run, write

ROOT = pathlib.Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from offload_results import table as tables  # noqa: E402
from offload_results.results import BadInput  # noqa: E402
from torch_linear import rows  # noqa: E402

WEIGHT = rows.weight(1000, 500)


def products(tokens, plain, prepacked, error=None):
    return [rows.as_json("plain", tokens, WEIGHT, plain), rows.as_json("prepacked", tokens, WEIGHT, prepacked, error=error)]


def printed(path, of_library, **machine):
    path.write_text(json.dumps({"program": "cpu_library", "weight": WEIGHT, "torch": {"onednn": "1.2.3"},
                                "machine": {"cpu": "Test CPU", "threads": 16, **machine}, "rows": of_library}))
    return path


def of_program(tokens, samples, policy="host_compute", shape=(1000, 500), dtype="bf16", workload="gemm"):
    tensor = {"name": "w", "dtype": dtype, "rows": shape[0], "cols": shape[1], "bytes": 1_000_000}
    one = case(f"{workload}/tokens:{tokens}", policy, samples=samples, size=1_000_000, path="host_memory", tokens=tokens,
               cpu_bytes=1_000_000)
    return {**one, "weights": {**one["weights"], "tensors": [tensor]}}


def table(tmp_path, of_library, cases, **machine):
    results = write(tmp_path / "results.json", run(cases))
    return tables.render([printed(tmp_path / "library.json", of_library, **machine), results], "onednn")


def test_each_number_of_tokens_stands_beside_its_case(tmp_path):
    shown = table(tmp_path, [*products(64, [8e-3], [2e-3]), *products(16, [4e-3, 5e-3, 6e-3], [10e-3])], [
        of_program(16, [1e-3] * 3, policy="hybrid_split"), of_program(16, [1e-3] * 3, shape=(500, 1000)),
        of_program(16, [1e-3] * 3, dtype="fp16"), of_program(16, [1e-3] * 3, workload="prefill"),
        of_program(16, [2e-3, 2.5e-3, 3e-3]), of_program(64, [4e-3] * 3)])
    header, _, *lines = shown.splitlines()
    assert "oneDNN 1.2.3" in header
    assert lines == [
        "| 16 | 0.40 (0.33..0.50) | 2.5 (2.0..3.0) | 5.0 (4.0..6.0) | 10 | 0.50 |",
        "| 64 | 0.25 | 4.0 | 8.0 | 2.0 | 2.0 |"]


def test_what_has_no_twin_is_refused(tmp_path):
    with pytest.raises(BadInput, match="no case does what plain:tokens=64 does"):
        table(tmp_path, products(64, [1e-3], [1e-3]), [of_program(16, [1e-3] * 3)])
    with pytest.raises(BadInput, match="64 tokens were not measured in both layouts"):
        table(tmp_path, products(64, [1e-3], [1e-3])[:1], [of_program(64, [1e-3] * 3)])


@pytest.mark.parametrize("machine,said", [
    ({"cpu": "Other CPU"}, "another machine: cpu is Other CPU there and Test CPU here"),
    ({"threads": 8}, "another machine: threads is 8 there and 16 here"),
])
def test_another_machine_is_refused(tmp_path, machine, said):
    with pytest.raises(BadInput, match=said):
        table(tmp_path, products(16, [1e-3], [1e-3]), [of_program(16, [1e-3] * 3)], **machine)


def test_a_failed_row_is_refused(tmp_path):
    with pytest.raises(BadInput, match="prepacked:tokens=16: out of memory"):
        table(tmp_path, products(16, [1e-3], [], error="out of memory"), [of_program(16, [1e-3] * 3)])


@pytest.mark.parametrize("text", ["{}", "[]", '{"program": "vllm_offload", "rows": []}'])
def test_another_document_is_refused(tmp_path, text):
    (tmp_path / "other.json").write_text(text)
    with pytest.raises(BadInput, match="not what scripts/cpu_library.py prints"):
        tables.render([tmp_path / "other.json"], "onednn")
