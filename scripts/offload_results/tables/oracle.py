# SPDX-License-Identifier: Apache-2.0
"""Which architectures the program reads, as a table in Markdown: what scripts/model_oracle.py wrote, and
the list of what is not read as it says, which the tests hold."""
import collections
import pathlib

from ..results import BadInput, read_json, read_text
from ..text import row, three_digits

FORMS = {"config.json": "config", "safetensors": "safetensors", "GGUF": "gguf"}
WORDS = {"linear": "linear weights", "experts": "experts", "parameters": "parameters", "layers": "layers"}


def outcomes(folder):
    """{(form, name): "refused" or "wrong: what"}; what is not in it is read."""
    found = {}
    for line in read_text(folder / "open.txt").splitlines():
        form, name, outcome = line.split(maxsplit=2)
        kind, _, why = outcome.partition(": ")
        found[form, name] = f"wrong: {faults(why)}" if kind == "wrong" else kind
    return found


def faults(why):
    """Each once: "experts, linear weights"."""
    return ", ".join(dict.fromkeys(WORDS[fault.split()[0]] for fault in why.split("; ")))


def by_type(folder):
    """(model_type, its models, {form: outcome}); of several models the worst is said."""
    models, found = collections.defaultdict(list), outcomes(folder)
    converted = {file["name"] for file in read_json(folder / "gguf.json")["models"]}
    for model in read_json(folder / "models.json")["models"]:
        models[model["model_type"]].append(model)
    for model_type in sorted(models):
        yield model_type, models[model_type], {
            form: max((outcome(found, form, model, converted) for model in models[model_type]), key=badness)
            for form in FORMS.values()}


def outcome(found, form, model, converted):
    if form == "safetensors" and model["names"] is None or form == "gguf" and model["name"] not in converted:
        return "-"
    return found.get((form, model["name"]), "read")


def badness(said):
    return ("-", "read", "refused", "wrong").index(said.partition(":")[0])


def size_of(models):
    """Of a published model where there is one, best of that with the type's own name."""
    model = max(models, key=lambda one: (one["dimensions_of"] != "", one["name"] == one["model_type"]))
    experts = f"{model['experts_per_token']} of {model['experts']}" if model["experts"] else "-"
    return [model["dimensions_of"] or "-", f"{three_digits(model['parameters'] / 1e9)} B", experts]


def architectures(folder):
    lines = [row(["architecture", "as", "parameters", "experts", *FORMS]), "|---|---|---:|---:|---|---|---|"]
    for model_type, models, said in by_type(folder):
        lines.append(row([f"`{model_type}`", *size_of(models), *said.values()]))
    return "\n".join(lines)


def counts(folder):
    lines = [row(["architectures", "read", "refused", "wrong"]), "|---|---:|---:|---:|"]
    shown = [said for _, _, said in by_type(folder)]
    for title, form in FORMS.items():
        kinds = [said[form].partition(":")[0] for said in shown]
        lines.append(row([f"from {title}", *(str(kinds.count(kind)) for kind in ("read", "refused", "wrong"))]))
    return "\n".join(lines)


def quantised(folder):
    """Of the two models that each quantiser took, the worse; what is not listed is read."""
    forms, found = collections.defaultdict(list), outcomes(folder)
    for model in read_json(folder / "models.json")["models"]:
        forms[model["form"]].append(model)
    lines = [row(["form", "written by", "a matrix is stored as", "config.json", "safetensors"]),
             "|---|---|---|---|---|"]
    for form, models in forms.items():
        said = [max((found.get((file, model["name"]), "read") for model in models), key=badness)
                for file in ("config", "safetensors")]
        lines.append(row([form, models[0]["by"], stored_as(models[0]), *said]))
    return "\n".join(lines)


def stored_as(model):
    """The tensors of one module, by what they are called after it."""
    patterns = [pattern for pattern, _, _ in model["names"] if not pattern.endswith("bias")]
    stacked = any(pattern.endswith("down_proj_blocks") for pattern in patterns)
    before = ".experts.down_proj" if stacked else ".self_attn.o_proj."
    found = (pattern.partition(before)[2] for pattern in patterns if before in pattern)
    return ", ".join(f"`{name}`" for name in sorted(found, key=lambda name: (not name.endswith("weight"), name)))


def of_vllm(folder):
    """vLLM's text architectures, by what becomes of a config.json."""
    found = collections.defaultdict(list)
    for line in read_text(folder / "vllm.txt").splitlines():
        architecture, _, outcome = line.split(maxsplit=2)
        found[outcome].append(f"`{architecture}`")
    lines = [row(["config.json", "how many", "architectures"]), "|---|---:|---|"]
    for outcome in sorted(found, key=lambda one: -len(found[one])):
        names = "-" if outcome == "read" else ", ".join(found[outcome])
        lines.append(row([outcome, str(len(found[outcome])), names]))
    return "\n".join(lines)


PARTS = {"": architectures, "counts": counts, "quantised": quantised, "vllm": of_vllm}


def render(paths, part=""):
    if len(paths) != 1 or part not in PARTS:
        raise BadInput("oracle, oracle:counts, oracle:quantised and oracle:vllm are made from one folder")
    return PARTS[part](pathlib.Path(paths[0]))
