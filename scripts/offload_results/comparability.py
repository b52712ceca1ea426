# SPDX-License-Identifier: Apache-2.0
"""What differs between the machines, builds and options of two files: what forbids comparing their
times, and what a reader should know. And what makes two cases of one name different
measurements."""
from __future__ import annotations

import dataclasses
import statistics
import typing

from .results import BadInput

MEMORY_MODEL = ("managed", "concurrent_managed_access", "pageable_memory_access",
                "pageable_memory_access_uses_host_page_tables", "direct_managed_access_from_host",
                "gpu_is_numa_node")
# Where output goes, and who hears of it, does not bear on what is measured.
OUTPUT_OPTIONS = {"action", "output", "ci_json", "format", "progress", "quiet", "strict", "redact"}
UNKNOWN = "unknown"
BUSY = 0.5  # of the CPUs, by the load average; a run right before leaves less: it waits for the GPU
# The calibration takes a second: less than this is its own spread.
CALIBRATION_SHIFT = 0.05
DEVICE_SHIFT = 0.02  # of the GPU's own memory, where nobody else interferes; cards differ by more


@dataclasses.dataclass(frozen=True)
class Difference:
    what: str
    baseline: str
    candidate: str
    forbids: bool  # to compare, unless forced

    def __str__(self):
        return f"{self.what}: {self.baseline} in the baseline, {self.candidate} in the candidate"


def differences(baseline, candidate, with_cpu):
    """Of two Results. `with_cpu`: whether there are cases that the CPU takes part in."""
    old, new = runs_of(baseline), runs_of(candidate)
    notes = [difference for difference in compare_facts(noted, old, new, forbids=False)
             if UNKNOWN not in (difference.baseline, difference.candidate)]
    return (compare_facts(decisive, old, new, forbids=True)
            + compare_facts(cpu_facts, old, new, forbids=with_cpu)
            + notes + calibration_shifts(old, new))


def runs_of(results):
    """What each run says of itself, its context included: of a merged file, every source."""
    sources = results.run.get("sources") or [
        {"run": results.run, "context": results.document.get("context")}]
    return [{**source["run"], "context": source.get("context")} for source in sources]


def busy_runs(results):
    """{index of the source: its load} of runs that began while others worked the CPU."""
    return {index: load for index, load in enumerate(map(busy, runs_of(results)))
            if load not in (None, "no")}


def refuse(baseline, candidate, found):
    """Raises BadInput that names every difference that forbids to compare."""
    reasons = [str(difference) for difference in found if difference.forbids]
    if reasons:
        raise BadInput(f"{candidate.path} is not comparable with {baseline.path}: "
                       f"{'; '.join(reasons)}; --across sets two machines side by side, --force "
                       "compares as if they were one")


def compare_facts(facts_of, old, new, forbids):
    """A fact that one side does not know is mentioned, and forbids nothing; one in which the runs of one
    side differ among themselves forbids even if the other side's do likewise."""
    found = []
    old, new = (collect(map(facts_of, runs)) for runs in (old, new))
    for what in {**old, **new}:
        before, after = old.get(what, []), new.get(what, [])
        if before == after and len(before) <= 1:
            continue
        found.append(Difference(what, " or ".join(before) or UNKNOWN, " or ".join(after) or UNKNOWN,
                                forbids and bool(before and after)))
    return found


def collect(all_facts):
    """{fact: its different values as text, in order; none if unknown}"""
    values = {}
    for facts in all_facts:
        for what, value in facts.items():
            known = values.setdefault(what, set())
            if value is not None:
                known.add(text(value))
    return {what: sorted(known) for what, known in values.items()}


def text(value):
    if value is None:
        return UNKNOWN
    if isinstance(value, dict):
        return ", ".join(f"{name} {text(part)}" for name, part in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(text, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def reach(document, *path):
    """document[a][b]...; None where anything on the way is absent or null."""
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def decisive(run):
    platform = run.get("platform")
    gpu = reach(platform, "gpu")
    facts = {
        "GPU": reach(gpu, "name") or ("none" if isinstance(platform, dict) else None),
        "build type": reach(run, "build", "build_type"),
        "page size of the host": reach(platform, "host", "page_bytes"),
    }
    if gpu is None:
        return facts
    return facts | {
        "driver": reach(gpu, "driver_release"),
        **{f"memory model, {name}": reach(gpu, "memory_model", name) for name in MEMORY_MODEL},
        "addressing of pageable memory": reach(gpu, "settings", "addressing_mode"),
        "MIG": reach(gpu, "settings", "mig"),
        "confidential computing": reach(gpu, "settings", "confidential_compute"),
        "link": link_text(reach(platform, "link")),
        "link under load": link_under_load(reach(run, "calibration")),
    }


def link_text(link):
    if link is None:
        return None
    return f"{link.get('kind')}, generation {text(link.get('generation'))}, width " \
           f"{text(link.get('width'))}"


def link_under_load(calibration):
    """None in files before 2.1, and where it is no PCI Express."""
    generation, width = reach(calibration, "link_generation"), reach(calibration, "link_width")
    return None if generation is None else f"generation {generation}, width {text(width)}"


def cpu_facts(run):
    return {"CPU": reach(run, "platform", "host", "cpu"),
            "CPU threads": reach(run, "host_workers", "threads")}


def noted(run):
    build, host = run.get("build"), reach(run, "platform", "host")
    gpu = reach(run, "platform", "gpu")
    return {
        "GPU, UUID": None if run.get("redacted") else reach(gpu, "uuid"),
        "run": "complete" if run.get("complete") else
               f"incomplete ({run.get('incomplete_reason')})",
        "busy when the run began": busy(run),
        "git commit": commit(build),
        **{f"build, {name.replace('_', ' ')}": reach(build, name)
           for name in ("version", "compiler", "cuda_toolkit", "cuda_architectures",
                        "benchmark_library")},
        "instruction set": reach(run, "host_workers", "instruction_set"),
        **{f"host, {name.replace('_', ' ')}": reach(host, name)
           for name in ("kernel", "logical_cpus", "numa_nodes", "memory_bytes",
                        "transparent_hugepages")},
        **{f"host, {name.replace('_', ' ')}": reach(host, "settings", name)
           for name in ("numa_balancing", "governor", "virtual_machine", "container")},
        **{f"GPU, {name.replace('_', ' ')}": reach(gpu, "settings", name)
           for name in ("ecc", "persistence", "enforced_power_limit_watts", "sm_mhz",
                        "application_sm_mhz", "memory_mhz", "application_memory_mhz",
                        "throttled")},
        **{f"option {name.replace('_', ' ')}": given(value)
           for name, value in (run.get("options") or {}).items() if name not in OUTPUT_OPTIONS},
    }


def given(option):
    """Without what is null, be it that a newer version has it or that nobody gave it."""
    if not isinstance(option, dict):
        return option
    return {name: value for name, value in option.items() if value is not None}


def commit(build):
    known = reach(build, "git_commit")
    return known and known[:7] + (" with changes" if build.get("git_dirty") else "")


def busy(run):
    load, cpus = reach(run, "context", "load_avg"), reach(run, "context", "num_cpus")
    if not load or not cpus:
        return None
    return f"load {load[0]:.1f} on {cpus} CPUs" if load[0] > BUSY * cpus else "no"


def calibration_shifts(old, new):
    """Rates and latencies before the first case: where they differ, cases will."""
    found = []
    for name in reach(old[0], "calibration") or ():
        before, after = (statistics.median(known) if known else None
                         for known in (known_calibration(name, old), known_calibration(name, new)))
        least = DEVICE_SHIFT if name.startswith("device_") else CALIBRATION_SHIFT
        if name != "seconds" and before and after and abs(after / before - 1) > least:
            found.append(Difference(f"calibration, {name}", f"{before:.4g}", f"{after:.4g}", False))
    return found


def known_calibration(name, runs):
    values = (reach(run, "calibration", name) for run in runs)
    return [value for value in values if isinstance(value, (int, float)) and value > 0]


class Measurement(typing.NamedTuple):
    """What cases of one name have in common if they are the same measurement. passes_per_sample is
    missing on purpose: the program chooses it by how long a pass takes."""

    path: str | None
    tokens: int | None
    steps: int | None
    bytes_requested: int | None
    weight_bytes: int | None
    tensors: tuple | None


def measurement_of(case):
    weights, moved = case["weights"], case.get("bytes")
    return Measurement(case.get("path"), case.get("tokens"), case.get("steps"),
                       moved.get("requested") if isinstance(moved, dict) else None,
                       weights.get("bytes"), shapes(weights.get("tensors")))


def shapes(tensors):
    if not isinstance(tensors, list):
        return None
    return tuple((tensor.get("dtype"), tensor.get("rows"), tensor.get("cols"),
                  tensor.get("resident", False)) for tensor in tensors)


def what_differs(one, other):
    """Between two measurements, as text; else None."""
    if one == other:
        return None
    if one.weight_bytes != other.weight_bytes:
        return f"weights of {one.weight_bytes} and {other.weight_bytes} bytes"
    if one.tensors != other.tensors:
        return "weights of other tensors"
    # A field that a file of an older schema lacks is not held against it.
    for name, old, new in zip(Measurement._fields, one, other):
        if old is not None and new is not None and old != new:
            return f"{name.replace('_', ' ')}: {old} and {new}"
    return None
