#!/usr/bin/env python3
# /// script
# requires-python = ">=3.10"
# dependencies = ["transformers==5.24.0", "torch>=2.11", "pillow"]
# ///
# SPDX-License-Identifier: Apache-2.0
"""Write what models are made of, by Hugging Face transformers instead of this project's readers, which are
tested against it."""
import importlib
import json
import pathlib
import sys

from meta_models import architectures
from offload_results import command
from offload_results.results import BadInput

TRANSFORMERS = "5.24.0"
DATA = pathlib.Path(__file__).resolve().parent.parent / "tests/data/models/oracle"


def main():
    parser = command.Parser(description=__doc__)
    parser.add_argument("--only", metavar="NAME,...", help="these entries, to standard output")
    arguments = parser.parse_args()
    built = imported()
    only = arguments.only.split(",") if arguments.only else None
    document = written(built, only)
    if only:
        print(text_of(document), end="")
    else:
        write(document)


def imported():
    try:
        import transformers
        built = importlib.import_module("meta_models.built")
    except ImportError as error:
        raise BadInput(f"needs PyTorch: pip install transformers=={TRANSFORMERS} torch pillow ({error})") from None
    if transformers.__version__ != TRANSFORMERS:
        raise BadInput(f"is for transformers {TRANSFORMERS}, not {transformers.__version__}")
    transformers.logging.set_verbosity_error()
    return built


def written(built, only):
    models, not_built = [], {}
    for name, model_type, fields, published in architectures.entries(built.decoders()):
        if only and name not in only:
            continue
        if name in architectures.OTHERWISE:
            not_built[name] = architectures.OTHERWISE[name]
            continue
        print(name, file=sys.stderr)
        try:
            found = built.facts(model_type, fields, published)
        except built.CannotBuild as error:
            not_built[name] = str(error)
            continue
        if found is not None:
            elements = found["parameters"] + found["other_parameters"]
            dimensions = architectures.dimensions(name, elements, published)
            models.append({"name": name, "model_type": model_type, "dimensions_of": dimensions} | found)
    return {"transformers": TRANSFORMERS, "not_built": not_built, "models": models}


def write(document):
    DATA.mkdir(exist_ok=True)
    for old in DATA.glob("*/config.json"):
        old.unlink()
        old.parent.rmdir()
    for model in document["models"]:
        (DATA / model["name"]).mkdir(exist_ok=True)
        command.write_whole(DATA / model["name"] / "config.json", json.dumps(model.pop("config")) + "\n")
    command.write_whole(DATA / "models.json", text_of(document))


def text_of(document):
    """A line for each model, so that a difference between two versions can be read."""
    lines = ",\n".join(json.dumps(model, separators=(",", ":")) for model in document["models"])
    head = json.dumps({name: value for name, value in document.items() if name != "models"}, indent=1)
    return f'{head[:-2]},\n "models": [\n{lines}\n]}}\n'


if __name__ == "__main__":
    command.run(main)
