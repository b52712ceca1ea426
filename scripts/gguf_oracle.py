#!/usr/bin/env python3
# /// script
# requires-python = ">=3.10"
# dependencies = ["gguf==0.19.0"]
# ///
# SPDX-License-Identifier: Apache-2.0
"""Write the tensors that GGUF files of the models in tests/data/models/oracle have, by the names of the gguf
package, which the reader of GGUF is tested against."""
import json
import math
import pathlib
import sys

from gguf_models import architectures, converted
from meta_models import names
from offload_results import command
from offload_results.results import BadInput, read_json, read_text

DATA = pathlib.Path(__file__).resolve().parent.parent / "tests/data/models/oracle"


def main():
    try:
        import gguf
    except ImportError as error:
        raise BadInput(f"needs gguf: pip install gguf==0.19.0 ({error})") from None
    known = {name: number for number, name in gguf.MODEL_ARCH_NAMES.items()}
    lines, without = [], {}
    for model in read_json(DATA / "models.json")["models"]:
        architecture = architectures.architecture_of(model["model_type"], known)
        if architecture is None or model["names"] is None:
            continue
        layers = sum(1 for run, _ in model["layers"] for _ in names.numbers(run))
        name_map = gguf.get_tensor_name_map(known[architecture], layers)
        try:
            lines.append(json.dumps(entry(model, architecture, layers, name_map), separators=(",", ":")))
        except converted.NotMapped as error:
            without[model["name"]] = f"{architecture} has no name for {error}"
    head = json.dumps({"gguf": "0.19.0", "not_converted": without}, indent=1)
    command.write_whole(DATA / "gguf.json", f'{head[:-2]},\n "models": [\n' + ",\n".join(lines) + "\n]}\n")
    print(f"{len(lines)} converted, {len(without)} not", file=sys.stderr)


def entry(model, architecture, layers, name_map):
    fields = json.loads(read_text(DATA / model["name"] / "config.json"))  # Python's own, with Infinity
    fields = fields | fields.get("text_config", {})
    tensors = {name: tuple(shape) for pattern, shape, _ in model["names"] for name in sorted(names.meant(pattern))}
    found = {}
    for name, shape in converted.convert(tensors, fields, name_map):
        if name in found:
            raise converted.NotMapped(f"{name}, twice")
        found[name] = (shape, converted.type_of(name, shape))
    elements = sum(math.prod(shape) for shape, _ in found.values())
    if elements + converted.in_metadata(tensors) != model["parameters"]:
        raise converted.NotMapped(f"{model['parameters'] - elements} parameters")
    tables = {name: ((64,), "F32") for name in converted.TABLES.get(architecture, ())}
    return {"name": model["name"], "architecture": architecture, "block_count": layers, "parameters": elements,
            "names": names.patterns(found | tables)}


if __name__ == "__main__":
    command.run(main)
