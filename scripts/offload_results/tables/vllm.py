# SPDX-License-Identifier: Apache-2.0
"""Passes by an engine's own offloader (scripts/vllm_offload.py) beside the cases of this program that do
the same, as a table in Markdown."""
from ..text import ratio_text, row, three_digits
from . import printed

# A layer's norms go with it in the engine; here they stay.
SAME_BYTES = 1e-3


def as_the_engine_says(case, tuning):
    """(policy, layers copied ahead) as in a row of the engine; None ahead where nothing is."""
    if case["policy"] == "pinned_prefetch2_copy":
        return "pinned_prefetch_copy", 2
    ahead = tuning["prefetch_step"] if case["policy"] == "pinned_prefetch_copy" else None
    return case["policy"], ahead


def twin(of_engine, model_name, runs):
    """The case that does what `of_engine` does."""
    asked = (of_engine["policy"], of_engine["prefetch_step"])

    def does_the_same(case, run):
        model = case.get("model")
        if not model or model["name"] != model_name:
            return False
        same_bytes = abs(model["offloaded_bytes"] / of_engine["offloaded_bytes"] - 1) < SAME_BYTES
        return (as_the_engine_says(case, run["options"]["tuning"]) == asked and same_bytes
                and all(case[name] == of_engine[name] for name in ("tokens", "captured")))

    return printed.twin(of_engine, runs, does_the_same)


def predicted(case):
    """Seconds of a pass over all layers, as those measured are scaled to them; None where nothing was
    predicted."""
    if not case.get("predicted"):
        return None
    return case["predicted"]["seconds"] * case["model"]["pass_s"] / case["summary"]["median_s"]


def render(path, runs):
    """`path` is what the engine's script printed, `runs` are this program's on the same machine."""
    document = printed.by("vllm_offload", path)
    lines = [f"| vLLM {document['vllm']['version']} | ms a pass | here | ms a pass | vLLM / here "
             "| predicted | vLLM / predicted |", "|---|---:|---|---:|---:|---:|---:|"]
    for of_engine in document["rows"]:
        case = twin(of_engine, document["model"]["name"], runs)
        theirs, ours, expected = of_engine["median_s"], case["model"]["pass_s"], predicted(case)
        lines.append(row([
            f"`{of_engine['row']}`", three_digits(theirs * 1e3),
            f"`{case['label']}`, `{case['policy']}`" + (", a graph" if case["captured"] else ""),
            three_digits(ours * 1e3), ratio_text(theirs / ours),
            three_digits(expected * 1e3) if expected else "-",
            ratio_text(theirs / expected) if expected else "-"]))
    return "\n".join(lines)
