# SPDX-License-Identifier: Apache-2.0
"""The file that scripts/prediction_accuracy.py writes: of each run what predictions and measurements say, and
what both were made with. Times are in seconds, sizes in bytes."""
import collections
import json

from offload_results.results import BadInput, read_json
from offload_results.results import NUMBERS, passed

PROGRAM = "prediction_accuracy"
BUILD = ("version", "git_commit", "git_dirty", "build_type", "cuda_toolkit")
PREDICTED = ("seconds", "least_s", "most_s")
MEASURED = ("median_s", "min_s", "max_s")
MODEL = ("layers", "layers_measured", "offloaded_bytes", "resident_bytes")
TEXTS = ("label", "policy", "start")


def empty():
    return {"program": PROGRAM, "machine": None, "build": None, "runs": []}


def made_with(run):
    """The machine and the build of results; nothing that differs between runs of both."""
    platform = run["platform"]
    gpu, link, host = platform["gpu"], platform["link"], platform["host"]
    machine = {
        "gpu": gpu and gpu["name"],
        "gpu_memory_bytes": gpu and gpu["memory_bytes"],
        "driver_release": gpu and gpu["driver_release"],
        "link": link and {name: link[name] for name in ("kind", "generation", "width")},
        "cpu": host["cpu"],
        "logical_cpus": host["logical_cpus"],
    }
    return {"machine": machine, "build": {name: run["build"][name] for name in BUILD}}


def run_of(invocation, outcome):
    run = outcome.run or {"cases": [], "skipped": [], "calibration": {}}
    cases = run["cases"]
    failed = [case["failure"] or "not finished" for case in cases if not passed(case)]
    skipped = collections.Counter(skip["reason"] for skip in run["skipped"])
    skipped.update(dict(invocation.left_out))
    model = next((case["model"] for case in cases if case.get("model")), {})
    return {
        "model": invocation.model,
        "budget": invocation.budget,
        "command": invocation.command,
        "started_at": run.get("started_at"),
        "complete": outcome.reason is None,
        "incomplete_reason": outcome.reason,
        "seconds": rounded(run.get("wall_time", {}).get("total_s")),
        **{name: model.get(name) for name in MODEL},
        "calibration": {name: rounded(value) for name, value in run["calibration"].items()
                        if not isinstance(value, list)},
        "failed": counted(collections.Counter(failed)),
        "skipped": counted(skipped),
        "cases": [condensed(case) for case in cases if passed(case)],
    }


def counted(reasons):
    return [{"reason": reason, "cases": count} for reason, count in reasons.items()]


def condensed(case):
    """As in results, with the figures that tables need. `contends` is whether it is a way to
    offload, and not weights that are on the GPU already."""
    predicted, summary = case.get("predicted"), case["summary"]
    return {
        **{name: case[name] for name in TEXTS}, "captured": case["captured"],
        "contends": case["excluded"] is None,
        "predicted": predicted and {name: rounded(predicted[name]) for name in PREDICTED},
        "summary": {name: rounded(summary[name]) for name in MEASURED},
    }


def rounded(value):
    """To five digits: no case repeats so well."""
    return float(f"{value:.5g}") if isinstance(value, float) else value


def with_run(document, invocation, outcome):
    """The same with one run more, in place of an earlier one of its command line."""
    made = made_with(outcome.run) if outcome.run else {}
    for name, value in made.items():
        if document[name] not in (None, value):
            raise BadInput(f"another {name} than that of the runs before: {json.dumps(value)} after "
                           f"{json.dumps(document[name])}: give another --output")
    runs = [run for run in document["runs"] if run["command"] != invocation.command]
    return {**document, **made, "runs": [*runs, run_of(invocation, outcome)]}


def text_of(document):
    """JSON with a line for each case."""
    head = json.dumps({name: value for name, value in document.items() if name != "runs"}, indent=1)
    runs = ",\n".join(map(text_of_run, document["runs"]))
    return f'{head[:-2]},\n "runs": [\n{runs}\n ]\n}}\n'


def text_of_run(run):
    parts = [f"   {json.dumps(name)}: {json.dumps(value)}" for name, value in run.items() if name != "cases"]
    cases = ",\n".join(f"    {json.dumps(case)}" for case in run["cases"])
    return "  {\n" + ",\n".join([*parts, f'   "cases": [\n{cases}\n   ]']) + "\n  }"


def load(path):
    document = read_json(path)
    if not isinstance(document, dict) or document.get("program") != PROGRAM:
        raise BadInput(f"{path}: not what scripts/{PROGRAM}.py writes")
    runs = document.get("runs")
    if not isinstance(runs, list):
        raise BadInput(f"{path}: damaged: \"runs\" is not a list")
    for index, run in enumerate(runs):
        check_run(run, f"{path}: damaged: runs[{index}]")
    return {**empty(), **document}


def check_run(run, place):
    if not isinstance(run, dict) or not (
            type(run.get("model")) is type(run.get("command")) is str and type(run.get("complete")) is bool
            and type(run.get("budget")) in NUMBERS and isinstance(run.get("cases"), list)):
        raise BadInput(f"{place} is not a run")
    for index, case in enumerate(run["cases"]):
        if not is_case(case):
            raise BadInput(f"{place}.cases[{index}] is not a case")


def is_case(case):
    return (isinstance(case, dict) and all(type(case.get(name)) is str for name in TEXTS)
            and type(case.get("captured")) is type(case.get("contends")) is bool
            and are_times(case.get("summary"), MEASURED)
            and (case.get("predicted", 0) is None or are_times(case.get("predicted"), PREDICTED)))


def are_times(times, names):
    return isinstance(times, dict) and all(
        type(times.get(name)) in NUMBERS and times[name] > 0 for name in names)


def cases_of(paths):
    """All cases of some files, which may be of different days, each with its model and budget; refused
    where two runs have the same."""
    found = {}
    for path, run in ((path, run) for path in paths for run in load(path)["runs"]):
        for case in run["cases"]:
            key = (run["model"], run["budget"], *(case[name] for name in (*TEXTS, "captured")))
            if key in found:
                raise BadInput(f"{path}: {'/'.join(map(str, key[:5]))} stands there twice")
            found[key] = {**case, "model": run["model"], "budget": run["budget"]}
    return list(found.values())
