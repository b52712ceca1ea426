# SPDX-License-Identifier: Apache-2.0
"""What differs between the machines, builds and options of two files: what forbids to compare their
times, and what a reader should know. And what makes two cases of one name different
measurements."""
import dataclasses

from .results import BadInput

MEMORY_MODEL = ("managed", "concurrent_managed_access", "pageable_memory_access",
                "pageable_memory_access_uses_host_page_tables", "direct_managed_access_from_host")
# Where output goes does not bear on what is measured.
OUTPUT_OPTIONS = {"action", "output", "ci_json", "format", "progress", "strict", "redact"}
UNKNOWN = "unknown"
CALIBRATION_SHIFT = 0.05  # the calibration takes a second: less than this is its own spread


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
    old, new = baseline.run, candidate.run
    notes = [difference for difference in compare_facts(noted(old), noted(new), forbids=False)
             if UNKNOWN not in (difference.baseline, difference.candidate)]
    return (compare_facts(decisive(old), decisive(new), forbids=True)
            + compare_facts(cpu_facts(old), cpu_facts(new), forbids=with_cpu)
            + notes + calibration_shifts(old, new))


def refuse(baseline, candidate, found):
    """Raises BadInput that names every difference that forbids to compare."""
    lines = [f"  {difference}" for difference in found if difference.forbids]
    if lines:
        raise BadInput("\n".join([
            f"{candidate.path} is not comparable with {baseline.path} (--force compares anyway):",
            *lines]))


def compare_facts(baseline, candidate, forbids):
    """A fact that one side does not know is told, and forbids nothing."""
    return [Difference(what, text(old), text(new),
                       forbids and old is not None and new is not None)
            for what, old, new in ((what, baseline.get(what), candidate.get(what))
                                   for what in {**baseline, **candidate})
            if old != new]


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
    }


def link_text(link):
    if link is None:
        return None
    return f"{link.get('kind')}, generation {text(link.get('generation'))}, width " \
           f"{text(link.get('width'))}"


def cpu_facts(run):
    return {"CPU": reach(run, "platform", "host", "cpu"),
            "CPU threads": reach(run, "host_workers", "threads")}


def noted(run):
    build, host = run.get("build"), reach(run, "platform", "host")
    gpu = reach(run, "platform", "gpu")
    return {
        "run": "complete" if run.get("complete") else
               f"incomplete ({run.get('incomplete_reason')})",
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
        **{f"option {name.replace('_', ' ')}": value
           for name, value in (run.get("options") or {}).items() if name not in OUTPUT_OPTIONS},
    }


def commit(build):
    known = reach(build, "git_commit")
    return known and known[:12] + (" with changes" if build.get("git_dirty") else "")


def calibration_shifts(baseline, candidate):
    """Rates that the hardware reached before the first case: where they differ, cases will."""
    found = []
    for name, old in (baseline.get("calibration") or {}).items():
        new = reach(candidate, "calibration", name)
        if name == "seconds" or not all(isinstance(rate, (int, float)) and rate > 0
                                        for rate in (old, new)):
            continue
        if abs(new / old - 1) > CALIBRATION_SHIFT:
            found.append(Difference(f"calibration, {name}", f"{old:.4g}", f"{new:.4g}", False))
    return found


MEASUREMENT = ("weights", "path", "bytes", "tokens", "steps")  # alike: so is all that follows
# A field that a file of an older schema lacks is not held against it. passes_per_sample is missing on
# purpose: the program chooses it by how long a pass takes.
SAME_MEASUREMENT = (("path",), ("tokens",), ("steps",), ("bytes", "requested"))


def what_differs(one, other):
    """Between two cases of one name that makes them different measurements; else None."""
    if all(one.get(name) == other.get(name) for name in MEASUREMENT):
        return None
    if one["weights"].get("bytes") != other["weights"].get("bytes"):
        return f"weights of {one['weights'].get('bytes')} and {other['weights'].get('bytes')} bytes"
    if shapes(one) != shapes(other):
        return "weights of other tensors"
    for path in SAME_MEASUREMENT:
        old, new = reach(one, *path), reach(other, *path)
        if old is not None and new is not None and old != new:
            return f"{' '.join(path)}: {old} and {new}"
    return None


def shapes(case):
    tensors = case["weights"].get("tensors")
    if not isinstance(tensors, list):
        return None
    return [(tensor.get("dtype"), tensor.get("rows"), tensor.get("cols"),
             tensor.get("resident", False)) for tensor in tensors]
