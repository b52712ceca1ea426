# SPDX-License-Identifier: Apache-2.0
"""Cases as the page holds them: a list per column, with what repeats in a table of values."""
from ..results import label_of, passed, tokens_per_second
from ..intervals import is_rough
from . import answers, evidence, memory
from .packing import microseconds, rounded

SPARSE = ("setup", "whole")  # few cases have them
PERCENTILES = ("p05_s", "p25_s", "median_s", "p75_s", "p95_s")


def status(case):
    if case["failure"] is not None:
        return "failed"
    return "passed" if passed(case) else "incomplete"


def columns_of(runs, table, max_samples):
    """{column: a value per case}, by run and then in the runs' own order."""
    rows = [row for index, run in enumerate(runs)
            for row in rows_of(index, run, table, max_samples)]
    columns = {name: [row[name] for row in rows] for name in rows[0]} if rows else {}
    for name in SPARSE:
        columns[name] = {index: row[name] for index, row in enumerate(rows)
                         if row[name] is not None}
    return columns


def rows_of(index, run, table, max_samples):
    """What comes in few combinations stands together in the table."""
    moving = memory.moving(run.cases)
    for case, (text, ratio) in zip(run.cases, answers.verdicts(run)):
        yield {
            "run": index,
            **{part: table.index(list(fields.values()))
               for part, fields in parts_of(case, moving).items()},
            **times(case, max_samples),
            "verdict": table.index(text), "slower": rounded(ratio, 4),
            "evidence": evidence.of_case(case, table),
        }


def what(case):
    weights = case["weights"]
    tensors = weights.get("tensors") or []
    shape = (f"{tensors[0]['rows']} x {tensors[0]['cols']} {tensors[0]['dtype']}"
             if len(tensors) == 1 else f"{len(tensors)} tensors")
    return {"workload": case["workload"], "label": label_of(case), "weights": weights["name"],
            "bytes": weights["bytes"], "shape": shape, "tokens": case.get("tokens", 0),
            "steps": case["steps"]}


def how(case):
    return {"policy": case["policy"], "start": case["start"], "graph": case.get("captured", False),
            "path": case["path"], "memory": case["memory"], "mechanism": case["mechanism"],
            "flags": case["engine_flags"]}


def outcome(case):
    return {"status": status(case), "failure": case["failure"],
            "passes": case["passes_per_sample"], "count": len(case["samples_s"]),
            "rough": is_rough(case)}


def sizes(case):
    bytes_of = case["bytes"]
    return {"requested": bytes_of["requested"], "touched": bytes_of["touched"],
            "only_read": bytes_of.get("only_read", 0), "link_bytes": case.get("link_bytes"),
            "cpu_bytes": case.get("cpu_bytes")}


def space(case, moving):
    footprint = case["footprint"]
    return {"footprint": [footprint[kind] for kind in ("device", "pinned", "managed", "pageable")],
            "hbm": memory.on_gpu(case, moving)}


def model(case):
    found = case.get("model")
    return {"model": found and {key: found[key] for key in (
        "layers", "layers_measured", "offloaded_bytes", "resident_bytes", "other_bytes",
        "left_out", "memory_bytes", "pinned_bytes_by_powers_of_two", "scale")}}


def parts_of(case, moving):
    return {"what": what(case), "how": how(case), "outcome": outcome(case), "sizes": sizes(case),
            "space": space(case, moving), "model": model(case)}


def times(case, max_samples):
    setup, whole = case.get("setup"), case.get("model")
    summary = case["summary"] if case["failure"] is None else None
    return {
        "us": summary and percentiles(summary, 0 < len(case["samples_s"]) <= max_samples),
        "spread": summary and rounded(summary["coefficient_of_variation"], 2),
        "share": rounded(case["share_of_link"], 4),
        "samples": samples(case["samples_s"], max_samples),
        "setup": [microseconds(max(setup["median_s"], 0)), microseconds(setup["read_median_s"])]
                 if setup else None,
        "whole": whole and whole_model(case),
    }


def whole_model(case):
    model = case["model"]
    bound = model.get("bound") or {"by": None, "tokens_per_second": None}
    return [rounded(model["pass_s"]), rounded(tokens_per_second(case)),
            rounded(model["link_bytes_per_token"]), rounded(model["overlap"]),
            rounded(bound["tokens_per_second"]), bound["by"]]


def percentiles(summary, from_samples):
    """The median, and the others where the page cannot compute them from all samples."""
    median = microseconds(summary["median_s"])
    if from_samples:
        return median
    return [median if name == "median_s" else microseconds(summary[name])
            for name in PERCENTILES]


def samples(seconds, most):
    """All, in the order they were taken; of more than `most`, as many order statistics, the least
    and the largest among them."""
    if len(seconds) <= most:
        return [microseconds(sample) for sample in seconds]
    if most < 2:
        return []
    ordered = sorted(seconds)
    last = len(ordered) - 1
    return [microseconds(ordered[round(index * last / (most - 1))]) for index in range(most)]


def legend(runs):
    """The fields of each part, in the order of their values."""
    first = next((case for run in runs for case in run.cases), None)
    return {part: list(fields) for part, fields in parts_of(first, {}).items()} if first else {}
