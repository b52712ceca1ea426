# SPDX-License-Identifier: Apache-2.0
"""offload-results report: the data of the page, as much of it as keeps the page small."""
import dataclasses
import shlex

from ..figures import caption, runs as result_runs
from ..results import BadInput
from . import (
    answers, cases, charts, evidence, facts, host_memory, overview, page, policy_styles)
from .packing import ValueTable, rounded

MAX_BYTES = 500_000
SAMPLES = (32, 9, 0)  # of a case: tried in turn until the page is small enough
FIRST = ("decode", "prefill", "gemv", "gemm", "expert_gather", "stream_read", "row_gather",
         "nested", "pointer_chase")  # what readers ask for first


def html_of(paths):
    """(the page, a line on what it lacks or None)."""
    runs = load(paths)
    for max_samples in SAMPLES:
        text = page.html(data_of(runs, max_samples))
        if len(text.encode("utf-8")) <= MAX_BYTES:
            return text, None
    return text, (f"{len(text.encode('utf-8')) / 1e6:.1f} MB: the cases are too many for a page of "
                  f"{MAX_BYTES / 1e3:.0f} kB, even without their samples")


def load(paths):
    """The runs, each with a name of its own."""
    runs = result_runs.load(paths)
    if not any(run.cases or run.run["skipped"] or costs_of(run) for run in runs):
        raise BadInput(f"{', '.join(map(str, paths))}: nothing in it to report: no case, none "
                       "skipped, no memory costs")
    seen = {}
    named = []
    for run in runs:
        seen[run.name] = seen.get(run.name, 0) + 1
        again = f" ({seen[run.name]})" if seen[run.name] > 1 else ""
        named.append(dataclasses.replace(run, name=run.name + again))
    return named


def costs_of(run):
    return run.run.get("memory_costs") or []


def data_of(runs, max_samples):
    table = ValueTable()
    workloads = sorted({case["workload"]: None for run in runs for case in run.cases},
                       key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST)))
    data = {
        "machine": machines(runs),
        "runs": [run_of(run) for run in runs],
        "sections": [section(runs, workload, table) for workload in workloads],
        "cases": cases.columns_of(runs, table, max_samples),
        "parts": cases.legend(runs),
        "skipped": list(skipped(runs, table)),
        "limits": [{**limit, "run": index} for index, run in enumerate(runs)
                   for limit in run.run.get("limits") or []],
        "memory_answers": [text for run in runs for text in host_memory.sentences(costs_of(run))],
        "memory_costs": [{**cost, "run": index} for index, run in enumerate(runs)
                         for cost in costs_of(run)],
        "facts": facts.of_runs(runs, table),
        "legend": evidence.legend(),
        "styles": policy_styles.of_policies(runs),
        "max_samples": max_samples,
        "reduced": reduced(runs, max_samples),
    }
    return {**data, "values": table.values}


def machines(runs):
    return list(dict.fromkeys(caption.machine(run) for run in runs))


def run_of(run):
    found = run.run
    build, calibration = found["build"], found["calibration"]
    failed = sum(case["failure"] is not None for case in run.cases)
    return {
        "name": run.name, "machine": caption.machine(run), "started_at": found["started_at"],
        "schema_version": found["schema_version"],
        "unanswered": None if answers.has_answers(run) or not run.cases else answers.AGAIN,
        "complete": found["complete"],
        "incomplete_reason": found["incomplete_reason"],
        "findings": [one["text"] for one in run.run.get("findings") or ()],
        "redacted": bool(found.get("redacted")), "command": shlex.join(found["argv"]),
        "environment": found["environment"], "commit": build["git_commit"],
        "dirty": build["git_dirty"], "version": build["version"], "build": caption.build(run),
        "build_type": build["build_type"], "cases": len(run.cases),
        "failed": failed, "skipped": len(found["skipped"]),
        "copy_rate": rounded(calibration["copy_h2d_bytes_per_second"]),
        "calibration": {key: rounded(value) for key, value in calibration.items()
                        if not isinstance(value, list)}  # products are of the cases' weights,
    }


def section(runs, workload, table):
    shown, evidence_shown = charts.of_workload(runs, workload, table)
    found = []
    for index, run in enumerate(runs):
        of_run = answers.of_workload(run, workload)
        if of_run:
            found.append({
                "run": index, "lead": overview.of_answers(of_run, run),
                "sentences": [text for answer in of_run for text in answer["sentences"]]})
    return {"workload": workload, "answers": found, "charts": shown, "evidence": evidence_shown}


def skipped(runs, table):
    """One entry for all cases that were skipped for one reason, most first."""
    reasons = {}
    for index, run in enumerate(runs):
        for case in run.run["skipped"]:
            reasons.setdefault(result_runs.reason_of(case), []).append((index, case))
    for reason, found in sorted(reasons.items(), key=lambda item: -len(item[1])):
        of_reason = [case for _, case in found]
        yield {"reason": reason, "runs": list(dict.fromkeys(index for index, _ in found)),
               "cases": [[index, table.index("/".join(case[field] for field in (
                   "workload", "policy", "weights", "start")))] for index, case in found],
               **{field: list(dict.fromkeys(case[field] for case in of_reason))
                  for field in ("workload", "policy", "start")}}


def reduced(runs, max_samples):
    """What of the files is not in the page, in words."""
    most = max((len(case["samples_s"]) for run in runs for case in run.cases), default=0)
    if most <= max_samples:
        of_samples = "Samples are rounded to 4 digits"
    elif max_samples:
        of_samples = (f"Of a case with more than {max_samples} samples, {max_samples} order "
                      "statistics stand here, the least and the largest among them; rounded to 4 "
                      "digits")
    else:
        of_samples = "No samples stand here, for lack of room: their percentiles do"
    return [
        of_samples + "; the files have every sample in full.",
        "Percentiles and rates are rounded to 5 digits, evidence to 4, "
        "counts of less than a million stand in full. Mean, minimum, maximum, "
        "standard deviation and the 99th percentile are left out.",
        "Google Benchmark's own rows, the single tensors of models, and consecutive passes beyond what "
        "their figures show are left out.",
    ]
