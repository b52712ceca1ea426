#!/usr/bin/env python3
# /// script
# requires-python = ">=3.10"
# dependencies = ["transformers==5.24.0", "torch>=2.11", "pillow", "compressed-tensors", "gptqmodel", "autoawq",
#                 "bitsandbytes", "nvidia-modelopt", "mlx[cpu]", "mlx-lm"]
# ///
# SPDX-License-Identifier: Apache-2.0
"""Write what quantisers make of two small models, by their own code, which the readers are tested against."""
import json
import pathlib
import sys

from offload_results import command
from offload_results.results import BadInput

DATA = pathlib.Path(__file__).resolve().parent.parent / "tests/data/models/quantised/models.json"
DTYPES = {"bfloat16": "BF16", "float16": "F16", "float32": "F32", "float8_e4m3fn": "F8_E4M3", "uint8": "U8",
          "int8": "I8", "int32": "I32", "uint32": "U32", "int64": "I64"}


def main():
    parser = command.Parser(description=__doc__)
    parser.add_argument("--only", metavar="PART", help="what has this in its name, to standard output")
    arguments = parser.parse_args()
    try:
        from quantised_models import plain, writers
    except ImportError as error:
        raise BadInput(f"needs PyTorch and transformers ({error})") from None
    lines = [json.dumps(entry, separators=(",", ":")) for entry in entries(plain, writers, arguments.only or "")]
    text = '{"models":[\n' + ",\n".join(lines) + "\n]}\n"
    if arguments.only:
        print(text, end="")
    else:
        DATA.parent.mkdir(exist_ok=True)
        command.write_whole(DATA, text)


def entries(plain, writers, part):
    for form, write in writers.WRITERS.items():
        for model in writers.models_of(form) if part in form else ():
            print(form, model[0], file=sys.stderr)
            facts = plain.facts(*model)
            tensors, fields, files, by = write(model)
            yield {"name": f"{form}/{model[0]}", "form": form, "by": by} | facts | {
                "config": json.dumps(facts["config"] | fields),
                "files": {name: json.dumps(file) for name, file in files.items()}, "names": listed(tensors)}


def listed(tensors):
    from meta_models.names import patterns
    return patterns({name: typed(tensor) for name, tensor in tensors.items()})


def typed(tensor):
    shape, dtype = tensor if isinstance(tensor, tuple) else (tensor.shape, str(tensor.dtype).rpartition(".")[2])
    return tuple(shape), DTYPES[dtype]


if __name__ == "__main__":
    command.run(main)
