# SPDX-License-Identifier: Apache-2.0
"""Rows: how many tokens, with the weight in which layout; and what a row came to. And what oneDNN says
of itself. Times are in seconds, sizes in bytes."""
import re
import statistics

LAYOUTS = ("plain", "prepacked")
ELEMENT_BYTES = 2  # bf16


def name(layout, tokens):
    return f"{layout}:tokens={tokens}"


def weight(rows, cols):
    return {"dtype": "bf16", "rows": rows, "cols": cols, "bytes": rows * cols * ELEMENT_BYTES}


def as_json(layout, tokens, of_weight, samples=(), passes=None, implementations=(), difference=None,
            error=None):
    """`implementations` are the primitives that oneDNN says a call runs, `difference` is that of the
    result from a product in fp32, as a share of its length."""
    samples = list(samples)
    median = statistics.median(samples) if samples else None
    operations = 2 * of_weight["rows"] * of_weight["cols"] * tokens
    return {
        "row": name(layout, tokens), "layout": layout, "tokens": tokens,
        "implementations": list(implementations), "difference": difference,
        "passes_per_sample": passes, "samples_s": samples, "median_s": median,
        "p25_s": percentile(samples, 0.25), "p75_s": percentile(samples, 0.75),
        "gb_per_s": of_weight["bytes"] / median / 1e9 if samples else None,
        "tflop_per_s": operations / median / 1e12 if samples else None, "error": error,
    }


def percentile(samples, share):
    """By linear interpolation between order statistics; None of nothing."""
    if not samples:
        return None
    ordered = sorted(samples)
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])


def onednn_version(config):
    """Of what torch.__config__.show() prints: 3.10.2; None where it names none."""
    found = re.search(r"^\s*- (?:Intel\(R\) MKL-DNN|oneDNN) v(\S+)", config, re.MULTILINE)
    return found[1] if found else None


def implementations(verbose):
    """In the order in which oneDNN ran them: matmul brg_matmul:avx10_1_512_amx."""
    return [f"{found[1]} {found[2]}" for found in re.finditer(
        r"^onednn_verbose,(?:v\d+,)?(?:[\d.]+,)?primitive,exec,cpu,([^,\n]+),([^,\n]+),", verbose, re.MULTILINE)]


def instruction_set(verbose):
    """What oneDNN makes use of, by its header; None where it prints none."""
    found = re.search(r"^onednn_verbose,.*\bcpu,isa:(.+)$", verbose, re.MULTILINE)
    return found[1].strip() if found else None
