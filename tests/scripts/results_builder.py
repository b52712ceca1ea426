# SPDX-License-Identifier: Apache-2.0
"""Synthetic results files, valid by the schema and sane: what tests of the scripts read.

    document = run([case("gemv", "pinned_copy", samples=[1.2e-3, 1.3e-3])], gpu=gpu(name="A"))
    path = write(tmp_path / "a.json", document)

Every figure follows from the samples and bytes given, by the formulas of docs/methodology.md. Parts
that are alike are one object: change apart(document), not it.
"""
import json
import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "scripts"))
from offload_results.results import family_of  # noqa: E402

LINK_PEAK = 63.0e9  # PCI Express 5.0 x16
COPY_RATE = 55.0e9
HBM_PEAK = 4.8e12
MIB = 2**20


def summary(samples):
    ordered = sorted(samples)

    def percentile(share):
        position = share * (len(ordered) - 1)
        below = int(position)
        above = min(below + 1, len(ordered) - 1)
        return ordered[below] + (position - below) * (ordered[above] - ordered[below])

    mean = statistics.fmean(ordered)
    spread = statistics.stdev(ordered) if len(ordered) > 1 else 0.0
    return {
        "median_s": percentile(0.5), "mean_s": mean, "min_s": ordered[0], "max_s": ordered[-1],
        "p05_s": percentile(0.05), "p25_s": percentile(0.25), "p75_s": percentile(0.75),
        "p95_s": percentile(0.95), "p99_s": percentile(0.99), "stddev_s": spread,
        "coefficient_of_variation": spread / mean if len(ordered) > 1 else None,
    }


def no_evidence(reason="--evidence none"):
    absent = {"state": "unavailable", "reason": reason}
    collectors = ("um", "cpu", "link", "energy", "page_faults", "residency", "gpu")
    figures = ("amplification", "driver_cpu_s_per_gb", "process_cpu_s_per_gb", "joules_per_gb",
               "link_payload_per_requested")
    return {**dict.fromkeys(collectors, absent), "passes": 0, **dict.fromkeys(figures)}


NO_EVIDENCE = no_evidence()
BY_CAUSE = ("fault", "around_fault", "prefetch", "eviction", "access_counters", "other")


def bytes_by_cause(**causes):
    return {**dict.fromkeys(BY_CAUSE, 0), **causes, "total": sum(causes.values())}


def um(bytes_read, to_device=None, to_host=None, **counts):
    """Measured traffic; `to_device` and `to_host` are {cause: bytes}."""
    zeros = dict.fromkeys(("gpu_fault_groups", "cpu_faults", "remote_maps", "thrashing",
                           "throttling"), 0)
    return {"state": "measured", "reason": None, "to_device": bytes_by_cause(**(to_device or {})),
            "to_host": bytes_by_cause(**(to_host or {})), **zeros, **counts,
            "bytes_read": bytes_read}


def evidence_of(um):
    """Evidence with these unified-memory figures and nothing else."""
    return {**NO_EVIDENCE, "um": um, "amplification": um["to_device"]["total"] / um["bytes_read"]}


TENSORS = {}


def tensors(size):
    """One matrix of `size` bytes; the same object for the same size."""
    if size not in TENSORS:
        TENSORS[size] = [{"name": "w", "dtype": "u8", "rows": 1, "cols": size, "bytes": size}]
    return TENSORS[size]


def case(label="gemv", policy="pinned_zero_copy", weights="w", start="steady",
         samples=(1.3e-3, 1.31e-3, 1.32e-3), path="link", size=64 * MIB, failure=None,
         complete=None, evidence=NO_EVIDENCE, copy_rate=COPY_RATE, **changes):
    """A case that passed, failed (`failure`), or was not finished (`complete=False`)."""
    name = f"{label}/{policy}/{weights}/{start}"
    samples = list(samples)
    complete = failure is None and bool(samples) if complete is None else complete
    figures = summary(samples) if samples else None
    good = figures if failure is None else None
    crossing = size if path == "link" else 0
    return {
        "name": name, "run_name": f"{name}/manual_time" if good and complete else None,
        "workload": label.partition("/")[0], "label": label, "policy": policy,
        "family": family_of(policy),
        "weights": {"name": weights, "bytes": size, "tensors": tensors(size)},
        "start": start, "path": path, "memory": "cudaHostAlloc", "mechanism": "somehow",
        "engine_flags": None, "bytes": {"requested": size, "touched": size, "only_read": 0},
        "steps": 0, "tokens": 0, "link_bytes": crossing, "cpu_bytes": 0, "captured": False,
        "model": None, "footprint": {"device": 0, "pinned": size, "managed": 0, "pageable": 0},
        "passes_per_sample": 1, "samples_s": samples, "summary": figures,
        "gb_per_s": size / good["median_s"] / 1e9 if good else None, "seconds_per_step": None,
        "share_of_link": crossing / good["median_s"] / copy_rate if good and crossing else None,
        "setup": None, "evidence": evidence, "series": None, "failure": failure,
        "complete": complete, "standing": None, "excluded": excluded(samples, path, failure),
        **changes,
    }


def excluded(samples, path, failure):
    if failure is not None:
        return "failed"
    if not samples:
        return "no_samples"
    return "on_gpu" if path == "device_memory" else None


def answered(cases, start="cold", sentences=("said so.",)):
    """(cases, answer) of one label and weights: competitors in the order of their medians, those
    that tie with the best named by a standing that says so."""
    rivals = sorted((one for one in cases if one["excluded"] is None),
                    key=lambda one: one["summary"]["median_s"])
    best = rivals[0]["summary"]["median_s"]
    for rank, one in enumerate(rivals, 1):
        ratio = one["summary"]["median_s"] / best
        one["standing"] = {start: {"rank": rank, "times_slower": ratio,
                                   "ties_with_best": ratio < 1.01}}

    def named(one):
        return {"case": one["name"], "policy": one["policy"], "engine_flags": one["engine_flags"]}

    def slower(one):
        return {**named(one), "times_slower": one["summary"]["median_s"] / best}
    tied = [one for one in rivals if one["standing"][start]["ties_with_best"]]
    contest = {"best": named(rivals[0]), "tied": list(map(slower, tied[1:])),
               "runner_up": slower(rivals[len(tied)]) if len(tied) < len(rivals) else None,
               "switchable": None, "resident": None, "limited_by": "unknown"}
    first = cases[0]
    return cases, {
        "workload": first["workload"], "label": first["label"], "weights": first["weights"]["name"],
        **dict.fromkeys(("cold", "warm")), start: contest, "sentences": list(sentences)}


def skipped(label, policy, weights, start, reason):
    return {"name": f"{label}/{policy}/{weights}/{start}", "workload": label.partition("/")[0],
            "policy": policy, "weights": weights, "start": start, "reason": reason}


def rows(case):
    """Google Benchmark's rows of a case: a repetition per sample, then its statistics."""
    if case["run_name"] is None:
        return []
    common = {"run_name": case["run_name"], "repetitions": len(case["samples_s"]), "threads": 1,
              "time_unit": "us"}
    iterations = [
        {**common, "name": case["run_name"], "run_type": "iteration", "repetition_index": index,
         "iterations": 1, "real_time": seconds * 1e6, "cpu_time": seconds * 1e6,
         "bytes_per_second": case["bytes"]["requested"] / seconds}
        for index, seconds in enumerate(case["samples_s"])
    ]
    statistic = {"mean": case["summary"]["mean_s"], "median": case["summary"]["median_s"]}
    return iterations + [
        {**common, "name": f"{case['run_name']}_{name}", "run_type": "aggregate",
         "aggregate_name": name, "aggregate_unit": "time", "iterations": len(case["samples_s"]),
         "real_time": seconds * 1e6, "cpu_time": seconds * 1e6}
        for name, seconds in statistic.items()
    ]


def gpu_settings(**changes):
    names = ("serial", "ecc", "mig", "persistence", "compute_mode", "power_limit_watts",
             "enforced_power_limit_watts", "sm_mhz", "max_sm_mhz", "application_sm_mhz",
             "memory_mhz", "max_memory_mhz", "application_memory_mhz", "throttled",
             "temperature_celsius", "bar1_bytes", "addressing_mode", "numa_node",
             "confidential_compute")
    return {**dict.fromkeys(names), "unknown": {}, **changes}


def host_settings(**changes):
    names = ("sockets", "transparent_hugepage_defrag", "numa_balancing", "governor",
             "kernel_command_line", "iommu_parameters", "init_on_alloc", "iommu_groups",
             "locked_memory_limit_bytes", "virtual_machine", "container", "swap_bytes",
             "overcommit_memory")
    return {**dict.fromkeys(names), "nodes": [], "hugepages": [], "ranks": {}, "unknown": {},
            "kernel_modules": {"open": None, "nvidia_uvm": {}, "nvidia": {}}, **changes}


def gpu(name="Test GPU", driver_release="580.00", uuid="GPU-0", index=0, **changes):
    flags = ("managed", "concurrent_managed_access", "pageable_memory_access",
             "pageable_memory_access_uses_host_page_tables", "direct_managed_access_from_host",
             "host_native_atomics", "host_register", "host_numa_vmm",
             "host_pointer_for_registered_memory", "memory_pools", "host_numa_memory_pools",
             "gpu_is_numa_node")
    return {
        "index": index, "name": name, "uuid": uuid, "pci_bus_id": "0000:01:00.0",
        "compute_capability": {"major": 9, "minor": 0}, "sm_count": 100, "l2_bytes": 50 * MIB,
        "memory_bytes": 80 * 2**30, "free_bytes": 79 * 2**30, "hbm_peak_bytes_per_second": HBM_PEAK,
        "driver_version": 13000, "runtime_version": 13000, "driver_release": driver_release,
        "memory_model": {**dict.fromkeys(flags, False), "managed": True, "host_numa_id": 0,
                         "async_engines": 2, "gpu_numa_id": None},
        "settings": gpu_settings(),
        **changes,
    }


def link(kind="pcie", generation=5, width=16, peak=LINK_PEAK):
    return {"kind": kind, "generation": generation, "width": width,
            "current_generation": generation, "current_width": width,
            "peak_bytes_per_second": peak, "reason": None}


def host(cpu="Test CPU", **changes):
    return {
        "cpu": cpu, "architecture": "x86_64", "kernel": "Linux 6.1", "logical_cpus": 16,
        "numa_nodes": 1, "page_bytes": 4096, "memory_bytes": 2**37, "available_bytes": 2**36,
        "cgroup_limit_bytes": None, "cgroup_used_bytes": None,
        "last_level_cache_bytes": 32 * MIB, "transparent_hugepages": "madvise",
        "settings": host_settings(), **changes,
    }


def platform(gpu=gpu(), link=link(), host=host()):
    """`gpu=None` is a machine without one."""
    return {"gpu": gpu, "gpu_absent_reason": None if gpu else "no CUDA driver",
            "link": link if gpu else None, "host": host, "redacted": False}


def build(**changes):
    return {"version": "1.0.0", "git_commit": "0123456789ab", "git_dirty": False,
            "build_type": "Release", "compiler": "GNU 12.2.0", "cuda_toolkit": "13.0",
            "cuda_architectures": "90", "benchmark_library": "1.7.1", **changes}


def calibration(gpu=True, copy_rate=COPY_RATE, **changes):
    rates = {
        "copy_h2d_bytes_per_second": copy_rate, "copy_d2h_bytes_per_second": 54.0e9,
        "sm_read_pinned_bytes_per_second": 51.0e9, "device_read_bytes_per_second": 4.4e12,
        "link_latency_s": 1.2e-6, "device_latency_s": 1.5e-7,
        "copy_h2d_beside_host_bytes_per_second": 54.0e9,
        "host_read_beside_copy_bytes_per_second": 100.0e9,
    }
    return {**(rates if gpu else dict.fromkeys(rates)), "host_read_bytes_per_second": 110.0e9,
            "seconds": 1.0, **changes}


OFFLOAD_RULES = {"cpu_offload_gb": 0, "cpu_offload_params": [], "offload_group_size": 0,
                 "offload_num_in_group": 1, "offload_params": [], "n_cpu_moe": None}
TUNING = {"prefetch_step": 1, "panel_bytes": None, "slots": 3, "host_share": None}


def options(**changes):
    return {
        "action": "run", "suite": "quick", "policies": [], "workloads": [], "weights": [],
        "tensors": [], "sizes": [], "starts": [], "gpu": 0, "threads": 16, "samples": 12,
        "seed": 1, "allow_oversubscription": False, "limits": False, "output": "run.json",
        "ci_json": None, "format": "table", "progress": "never", "strict": False,
        "benchmark_flags": [], "graph": False, "evidence": "none", "passes": 0, "explain": None,
        "host_memory_cost": False, "models": [], "tokens": [], "chunks": [], "skews": [],
        "redact": False, "offload_rules": OFFLOAD_RULES, "checkpoint_shapes": False,
        "slice_bytes": 2**31, "tuning": TUNING, **changes,
    }


def run(cases, gpu=gpu(), platform=platform, build=build(), skipped=(), calibration=calibration,
        with_rows=True, schema_version="2.0.0", host_name="host", started_at="2026-01-01T00:00:00Z",
        incomplete=None, options=options(), answers=(), **changes):
    """A whole document. `incomplete` is the reason; `platform` and `calibration` are made for the
    GPU given, or are objects; `changes` replace properties of offload_bench."""
    cases = [one if with_rows else {**one, "run_name": None} for one in cases]
    return {
        "context": {"date": "2026-01-01T00:00:00+00:00", "host_name": host_name,
                    "executable": "offload_bench", "num_cpus": 16, "mhz_per_cpu": 2000,
                    "cpu_scaling_enabled": False, "caches": [], "load_avg": [],
                    "library_build_type": "release"},
        "benchmarks": [row for one in cases for row in rows(one)] if with_rows else [],
        "offload_bench": {
            "schema_version": schema_version, "complete": incomplete is None,
            "incomplete_reason": incomplete, "redacted": False, "started_at": started_at,
            "argv": ["offload_bench"], "benchmark_flags": [], "environment": {},
            "options": options, "build": build,
            "platform": platform(gpu) if callable(platform) else platform,
            "host_workers": {"threads": 16, "instruction_set": "AVX2"},
            "calibration": (calibration(gpu is not None) if callable(calibration)
                            else calibration),
            "limits": [], "memory_costs": [],
            "wall_time": {"total_s": 10.0, "measured_s": 4.0, "allocation_s": 1.0,
                          "content_s": 2.0, "reset_s": 1.0, "evidence_s": 1.0},
            "skipped": list(skipped), "answers": list(answers), "cases": cases, **changes,
        },
    }


def of_schema_1(document):
    """The same as the program wrote it before 2.0; labels with parameters are the caller's to put."""
    ours = {name: value for name, value in document["offload_bench"].items() if name != "answers"}
    since = ("family", "standing", "excluded")
    cases = [{name: value for name, value in one.items() if name not in since}
             for one in ours["cases"]]
    return {**document, "offload_bench": {**ours, "schema_version": "1.2.0", "cases": cases}}


def minimal(case):
    """Only what schema 1.0 asks of a case."""
    later = ("label", "tokens", "link_bytes", "cpu_bytes", "captured", "model", "setup", "series",
             "family", "standing", "excluded")
    return {**{key: value for key, value in case.items() if key not in later},
            "evidence": {"um": None, "um_state": "not counted", "bytes_read": 0}}


def apart(document):
    """The same without shared parts: each can be changed by itself."""
    return json.loads(json.dumps(document))


def write(path, document):
    path.write_text(json.dumps(document, allow_nan=True), encoding="utf-8")
    return path
