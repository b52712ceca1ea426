# SPDX-License-Identifier: Apache-2.0
"""A results file taken apart into its runs, and what checks of one run ask of it."""
import dataclasses
import math

from .results import label_of, passed, source_of, weights_of

# What holds clocks down because somebody wants it, of the reasons that a GPU gives.
CHOSEN = {"application clocks", "display clocks", "sync boost"}


@dataclasses.dataclass(frozen=True)
class Part:
    """One run: a whole file, or one source of a merged one. `prefix` names the source."""

    prefix: str
    run: dict
    cases: list
    skipped: list
    limits: list
    memory_costs: list
    loading_costs: list
    rows: list
    context: dict

    @property
    def load(self):
        """(load average, CPUs) as Google Benchmark read them when the run began; None if it did not."""
        load, cpus = self.context.get("load_avg"), self.context.get("num_cpus")
        return (load[0], cpus) if load and cpus else None

    @property
    def passed(self):
        return [case for case in self.cases if passed(case) and case["samples_s"]]

    @property
    def link_peak(self):
        link = self.run["platform"]["link"]
        return link and link["peak_bytes_per_second"]

    @property
    def memory_peak(self):
        gpu = self.run["platform"]["gpu"]
        return gpu and gpu["hbm_peak_bytes_per_second"]


def parts(results):
    rows = results.document["benchmarks"]
    return [
        Part("" if source is None else f"source {index} ({source['file']}): ", run, run["cases"],
             run["skipped"], run["limits"], run.get("memory_costs", []), run.get("loading_costs", []),
             rows if source is None else [row for row in rows if source_of(row) == index],
             (results.document if source is None else source).get("context") or {})
        for index, (source, run) in enumerate(results.apart())
    ]


def link_bytes(case):
    """Of weights that cross the link in a pass; files of schema 1.0 do not say which those are.
    None where a kernel does not say how often it reads."""
    whole = case["bytes"]["requested"] if case["path"] == "link" else 0
    return case.get("link_bytes", whole)


def same_but_for_start(case):
    return (label_of(case), case["policy"], weights_of(case), case.get("captured", False))


def twins(cases, start):
    """{what else makes a case: its case with this start}"""
    return {same_but_for_start(case): case for case in cases if case["start"] == start}


def measured(collector):
    """The figures of an evidence collector, or None."""
    return collector if collector["state"] == "measured" else None


def traffic(case):
    """(bytes moved to the GPU, of these by access counters, remote maps, bytes read) in a counted
    pass, or None where nothing was counted."""
    evidence = case["evidence"]
    if "um_state" in evidence:  # before schema 1.2
        um = evidence["um"]
        return um and (um["bytes_to_device"], 0, um["remote_maps"], evidence["bytes_read"])
    um = measured(evidence["um"])
    return um and (um["to_device"]["total"], um["to_device"]["access_counters"],
                   um["remote_maps"], um["bytes_read"])


def memory_rate(run):
    """What the one memory of GPU and CPU gives whoever reads it fastest; None where each has its own."""
    gpu = run["platform"]["gpu"]
    if not gpu or memory_mode(gpu) != "one_memory":
        return None
    return max(run["calibration"].get(f"{reader}_bytes_per_second") or 0
               for reader in ("device_read", "sm_read_pinned", "host_read")) or None


def near(one, other, tolerance=1e-6):
    """Whether two figures are the same but for rounding; None is the same as None only."""
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=tolerance, abs_tol=1e-12)


def memory_mode(gpu):
    """As schema 2.6 names it. Files before it have what it follows from, but for one_memory."""
    if "memory_mode" in gpu:
        return gpu["memory_mode"]
    model = gpu["memory_model"]
    if model["pageable_memory_access_uses_host_page_tables"]:
        return {True: "numa", False: "cdmm", None: "ats"}[model["gpu_is_numa_node"]]
    return "hmm" if model["pageable_memory_access"] else "separate"
