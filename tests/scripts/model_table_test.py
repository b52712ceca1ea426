# SPDX-License-Identifier: Apache-2.0
"""What transformers says of models, and the table of what is read of it."""
import json
import math
import re
import sys

import pytest

from committed import ROOT

sys.path.insert(0, str(ROOT / "scripts"))
from offload_results.tables import oracle  # noqa: E402
from meta_models import names  # noqa: E402
from offload_results.results import BadInput  # noqa: E402

ORACLE = ROOT / "tests/data/models/oracle"
document = json.loads((ORACLE / "models.json").read_text())
by_name = {model["name"]: model for model in document["models"]}


def test_patterns_mean_every_name_and_no_other():
    sparse = [f"layers.{layer}.experts.{expert}.up.weight" for layer in (0, 1, 2, 5) for expert in range(4)]
    some = [*sparse, "layers.3.experts.0.up.weight", "layers.3.mlp.up.weight", "head.weight"]
    found = names.patterns({name: ((4, 2), "BF16") for name in some})
    assert set.union(*(names.meant(pattern) for pattern, _, _ in found)) == set(some)
    assert ["layers.{0-2,5}.experts.{0-3}.up.weight", [4, 2], "BF16"] in found and len(found) == 4


@pytest.mark.parametrize("name", sorted(by_name))
def test_the_names_are_as_many_as_there_are_parameters(name):
    model = by_name[name]
    assert (ORACLE / name / "config.json").is_file()
    if model["names"] is None:
        return
    tensors = [(one, shape) for pattern, shape, _ in model["names"] for one in names.meant(pattern)]
    assert len({one for one, _ in tensors}) == len(tensors) == model["tensors"]
    elements = 0
    for _, shape in tensors:
        product = 1
        for length in shape:
            product *= length
        elements += product
    assert elements == model["parameters"] + model["other_parameters"]


def test_what_is_not_read_is_of_known_models():
    assert {name for _, name in oracle.outcomes(ORACLE)} <= set(by_name)


def test_every_architecture_has_its_row():
    lines = oracle.render([ORACLE]).splitlines()[2:]
    types = [re.match(r"\| `(.+?)` \|", line)[1] for line in lines]
    assert types == sorted({model["model_type"] for model in document["models"]})
    llama = lines[types.index("llama")]
    assert llama == "| `llama` | Llama 2 7B | 6.74 B | - | read | read | read |"


def test_of_several_models_the_worst_is_said(tmp_path):
    models = [{"name": name, "model_type": "one", "dimensions_of": "", "parameters": 2_000_000_000, "experts": 8,
               "experts_per_token": 2, "names": []} for name in ("one", "two")]
    (tmp_path / "models.json").write_text(json.dumps({"models": models}))
    (tmp_path / "gguf.json").write_text(json.dumps({"models": [{"name": "two"}]}))
    (tmp_path / "open.txt").write_text("config two refused\nsafetensors one wrong: experts 0, not 8\n")
    assert oracle.render([tmp_path]).splitlines()[-1] == (
        "| `one` | - | 2.00 B | 2 of 8 | refused | wrong: experts | read |")
    assert oracle.render([tmp_path], "counts").splitlines()[-3:] == [
        "| from config.json | 0 | 1 | 0 |", "| from safetensors | 0 | 0 | 1 |", "| from GGUF | 1 | 0 | 0 |"]


def test_what_llama_cpp_does_not_have_is_a_dash():
    converted = {file["name"] for file in json.loads((ORACLE / "gguf.json").read_text())["models"]}
    assert len(converted) > 100 and converted <= set(by_name)
    assert "doge" not in converted
    assert "| `doge` | - | 0.403 B | - | read | read | - |" in oracle.render([ORACLE]).splitlines()


@pytest.mark.parametrize(
    "file", json.loads((ORACLE / "gguf.json").read_text())["models"], ids=lambda file: file["name"])
def test_a_gguf_holds_the_elements_of_the_checkpoint(file):
    tensors = {name: shape for pattern, shape, _ in file["names"] for name in names.meant(pattern)}
    tables = [name for name in tensors if name.startswith("rope_")]
    elements = sum(math.prod(shape) for name, shape in tensors.items() if name not in tables)
    assert elements == file["parameters"]
    assert elements == by_name[file["name"]]["parameters"] - (128 if file["name"] == "apertus" else 0)


def test_a_form_has_its_tensors_and_the_worse_of_its_models(tmp_path):
    models = [{"name": f"odd/{name}", "form": "odd", "by": "maker 1.0",
               "names": [["model.layers.{0-1}.self_attn.o_proj.scales", [4], "F16"],
                         ["model.layers.{0-1}.self_attn.o_proj.qweight", [4, 2], "I32"]]} for name in ("a", "b")]
    (tmp_path / "models.json").write_text(json.dumps({"models": models}))
    (tmp_path / "open.txt").write_text("config odd/b refused\n")
    assert oracle.render([tmp_path], "quantised").splitlines()[-1] == (
        "| odd | maker 1.0 | `qweight`, `scales` | refused | read |")


def test_vllms_architectures_are_counted_by_what_becomes_of_them(tmp_path):
    (tmp_path / "vllm.txt").write_text("B b read\nA - refused: odd\nC c read\nD - refused: odd\nE e refused: old\n")
    assert oracle.render([tmp_path], "vllm").splitlines()[2:] == [
        "| read | 2 | - |", "| refused: odd | 2 | `A`, `D` |", "| refused: old | 1 | `E` |"]


def test_another_part_is_refused():
    with pytest.raises(BadInput, match="oracle:counts"):
        oracle.render([ORACLE], "odd")
