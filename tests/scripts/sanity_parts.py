# SPDX-License-Identifier: Apache-2.0
"""Synthetic cases with what checks look at: evidence, models, limits. For sanity_documents.py."""
from results_builder import (
    MIB, NO_EVIDENCE, answered, apart, calibration, case, evidence_of, gpu, platform, run, um,
)

SIZE = 64 * MIB
LIMIT = {"id": "a", "description": "d", "ratio": 0.5, "goal": 0.4, "at_least": True, "met": True,
         "measured": 1.0, "reference": 2.0, "unit": "s"}
GROWTH = dict.fromkeys(("host_bytes", "resident_bytes", "cgroup_bytes", "device_bytes"), 0)
COST = {"allocator": "malloc", "weights": "w", "tensors": 1, "asked_bytes": 8, "rounded_bytes": 8,
        "taken": GROWTH, "kept": GROWTH, "seconds": 1.0, "failure": None}
MODEL = {
    "name": "tiny", "layers": 4, "layers_measured": 1, "experts_per_token": 0,
    "offloaded_bytes": 4 * SIZE, "resident_bytes": 0, "other_bytes": 0, "left_out": "attention",
    "scale": 4.0, "pass_s": 4 * 1.3e-3, "tokens_per_second_ceiling": 1 / (4 * 1.3e-3),
    "link_bytes_per_token": 4.0 * SIZE, "overlap": 1 - (1.3e-3 - 0.1e-3) / (SIZE / 55e9),
    "memory_bytes": {"device": 0, "pinned": 0, "managed": 0, "pageable": 0},
    "pinned_bytes_by_powers_of_two": 0,
}
# 64 MiB four times over the link by the copy engine.
BOUND = {"by": "link", "pass_s": 4 * SIZE / 55e9, "tokens_per_second": 55e9 / (4 * SIZE),
         "from": "55.0 GB/s by the copy engine"}
MANAGED = {"device": 0, "pinned": 0, "managed": SIZE, "pageable": 0}
WINDOW = {**MANAGED, "device": SIZE // 4}


# GPU and CPU share one memory, of which the GPU reads 200 GB/s: 64 MiB in 0.336 ms.
ONE_MEMORY = {
    "schema_version": "2.7.0",
    "platform": platform(gpu=gpu(memory_mode="one_memory", hbm_peak_bytes_per_second=None), link=None),
    "calibration": calibration(device_read_bytes_per_second=200e9, sm_read_pinned_bytes_per_second=190e9,
                               host_read_bytes_per_second=160e9, copy_h2d_bytes_per_second=80e9),
}
LOADING = {"way": "mmap", "start": "cold", "file_bytes": 2**30, "held_bytes": 0, "samples_s": [2.0, 1.0, 4.0],
           "median_s": 2.0, "failure": None}


def in_one_memory(policy="pinned_zero_copy", samples=(0.4e-3,), **changes):
    """A case there; its share follows from its samples."""
    one = case(policy=policy, path="one_memory", samples=samples, excluded=None)
    return {**one, "share_of_memory": one["gb_per_s"] * 1e9 / 200e9, **changes}


def model_in_one_memory(**changes):
    """Four times 64 MiB at 200 GB/s are 1.342 ms, of which the GPU reads all."""
    bound = {"by": "one_memory", "pass_s": 4 * SIZE / 200e9, "tokens_per_second": 200e9 / (4 * SIZE),
             "from": "200 GB/s read by the GPU"}
    model = {**MODEL, "overlap": None, "link_bytes_per_token": 0.0, "bound": bound, "pass_s": 4 * 0.4e-3,
             "tokens_per_second_ceiling": 1 / (4 * 0.4e-3), **changes}
    weights = with_model()[1]["weights"]
    return {**in_one_memory(), "label": "decode/tokens:1", "workload": "decode", "tokens": 1,
            "name": "decode/tokens:1/pinned_zero_copy/w/steady",
            "run_name": "decode/tokens:1/pinned_zero_copy/w/steady/manual_time",
            "weights": weights, "model": model}


# Five samples under a power cap, as an H200 showed them.
CAPPED = [5.688e-3, 5.812e-3, 6.644e-3, 6.792e-3, 6.682e-3]


def with_gpu(clocks=(1980, 1980), throttled=(), pcie=(5, 16), **changes):
    """A case around which NVML was asked; `clocks` of the SMs before and after."""
    state = {"state": "measured", "reason": None, "sm_mhz_before": clocks[0],
             "sm_mhz_after": clocks[1], "memory_mhz_after": 3201, "throttled_before": [],
             "throttled_after": list(throttled), "pcie_generation": pcie[0], "pcie_width": pcie[1],
             "c2c_links": 0}
    return case(**{"evidence": {**NO_EVIDENCE, "gpu": state}, **changes})


def with_host(steal, others, over=1.0, cpus=16, **changes):
    """A case during which others used the host for that many seconds of CPU time."""
    state = {"state": "measured", "reason": None, "over_s": over, "cpus": cpus, "steal_s": steal,
             "others_s": others, "load_average": 1.0, "cpu_mhz": 2000.0}
    return case(**{"evidence": {**NO_EVIDENCE, "host": state}, **changes})


def drifting(first=5.75e-3, last=6.737e-3, **changes):
    """A case that drifts, and says so."""
    return {**case(policy="device_resident", path="device_memory", samples=CAPPED, **changes),
            "drift": {"first_s": first, "last_s": last, "because": "power cap"}}


def still_migrating(moved=0.25, before=None, after=0, told=True, start="warm"):
    """A case over eight pages whose passes go on moving that share of what they read, and says so."""
    counted = evidence_of(um(SIZE, {"fault": int(SIZE * moved)}, gpu_fault_groups=9))
    pages = measured(pages_asked=8, not_on_cpu=after, on_node={"0": 8 - after}, last_prefetch=None,
                     not_on_cpu_before=before)
    shares = (None, None) if before is None else (before / 8, after / 8)
    one = case(policy="managed_demand", start=start, samples=[1e-3] * 4, footprint=MANAGED,
               path="device_memory", evidence={**counted, "residency": pages})
    if told:
        one |= {"excluded": "unsettled", "unsettled": {
            "moved_per_read": moved, "on_gpu_before": shares[0], "on_gpu_after": shares[1]}}
    return one


def said(check, *cases):
    """A finding as the run itself has it."""
    return {"check": check, "text": f"{check}: said.", "cases": [one["name"] for one in cases]}


def predicted(least, most, seconds=None, **changes):
    """A case of 1.31 ms, and what was predicted of it."""
    return {**case(**changes), "predicted": {
        "seconds": seconds or (least + most) / 2, "least_s": least, "most_s": most}}


def resident(median=0.1e-3, **changes):
    return case(policy="device_resident", path="device_memory", samples=[median], **changes)


def migrating(cold=1.5e-3, warm=0.1e-3, moved=SIZE, **changes):
    """A policy that brings the weights to the GPU: from cold over the link, warm they are there."""
    counted = evidence_of(um(SIZE, {"fault": moved}, gpu_fault_groups=9))
    return [case(policy="managed_demand", start="cold", samples=[cold] * 4, footprint=MANAGED,
                 evidence=counted, **changes),
            case(policy="managed_demand", start="warm", samples=[warm] * 4, footprint=MANAGED,
                 path="device_memory", **changes)]


def measured(**figures):
    return {"state": "measured", "reason": None, **figures}


def with_link(wire, payload, **changes):
    """Evidence of a case that requests SIZE bytes."""
    evidence = {**case()["evidence"], "link": measured(
        wire_bytes_to_device=wire, wire_bytes_to_host=0.0, payload_bytes_to_device=payload)}
    evidence["link_payload_per_requested"] = None if payload is None else payload / SIZE
    return case(evidence=evidence, **changes)


def with_residency(asked, away, on_cpu, **changes):
    evidence = {**case()["evidence"], "residency": measured(
        pages_asked=asked, not_on_cpu=away, on_node={"0": on_cpu}, last_prefetch=None)}
    return case(evidence=evidence, **changes)


def with_energy(joules, watts, **changes):
    evidence = {**case()["evidence"], "joules_per_gb": joules / (SIZE / 1e9), "energy": measured(
        joules_per_pass=joules, watts=watts, over_s=0.3)}
    return case(evidence=evidence, **changes)


def with_cpu(driver, threads):
    evidence = {**case()["evidence"], "cpu": measured(
        process_s=1e-3, driver_s=driver, threads=threads)}
    evidence["process_cpu_s_per_gb"] = 1e-3 / (SIZE / 1e9)
    evidence["driver_cpu_s_per_gb"] = driver / (SIZE / 1e9)
    return case(evidence=evidence)


def with_setup(setup, median, read):
    return case(samples=[2e-3, 4e-3, 3e-3], setup={
        "samples_s": setup, "median_s": median, "read_median_s": read})


def with_series(passes, distinct):
    return case(series={"pass_s": passes, "driver_s": None, "distinct_bytes": distinct, "um": {
        "state": "unavailable", "reason": "not counted"}})


def with_counted_series(moved, distinct):
    """Passes in a row of a policy that migrates, and the bytes that counters saw in each."""
    passes = [{name: value for name, value in um(SIZE, {"fault": one}).items()
               if name not in ("state", "reason")} for one in moved]
    return case(policy="managed_demand", start="cold", footprint=MANAGED, series={
        "pass_s": [1.3e-3] * len(moved), "driver_s": None, "distinct_bytes": distinct,
        "um": measured(passes=passes)})


def with_model(**changes):
    tensors = [{"name": "w", "dtype": "u8", "rows": 1, "cols": SIZE, "bytes": SIZE, "layer": 0,
                "experts": 0, "resident": False}]
    weights = {"name": "w", "bytes": SIZE, "tensors": tensors}
    return [case("decode/tokens:1", "device_resident", samples=[0.1e-3], path="device_memory"),
            case("decode/tokens:1", samples=[1.3e-3], tokens=1, model={**MODEL, **changes},
                 **{"weights": "w"}) | {"weights": weights}]


def first_pass(path="link", start="cold", **changes):
    """Of a policy that migrates: it brings the model to the GPU, or finds it there."""
    resident_case, one = with_model(tokens_per_second_ceiling=None, overlap=None, **changes)
    if path == "device_memory":
        one = {**one, "share_of_link": None, "link_bytes": 0,
               "model": {**one["model"], "link_bytes_per_token": 0}}
    else:
        one["model"]["overlap"] = MODEL["overlap"]
    name = one["name"].replace("pinned_zero_copy", "managed_demand").replace("steady", start)
    return [resident_case, {**one, "name": name, "run_name": f"{name}/manual_time", "path": path,
                            "policy": "managed_demand", "start": start}]


def copied_model(policy="pinned_prefetch_copy", median=1.6e-3, layers=4, slots=1, **changes):
    """[resident, copied]: as many of a model's 16 equal layers, copied into slots of one layer."""
    each = SIZE // 4
    size, scale, twin = layers * each, 16 / layers, 0.4e-3
    tensors = [{"name": f"layers.{index}.w", "dtype": "u8", "rows": 1, "cols": each, "bytes": each,
                "layer": index, "experts": 0, "resident": False} for index in range(layers)]
    model = {**MODEL, "layers": 16, "layers_measured": layers, "scale": scale,
             "pass_s": scale * median, "tokens_per_second_ceiling": 1 / (scale * median),
             "overlap": 1 - (median - twin) / (size / 55e9)}
    weights = {"weights": {"name": "w", "bytes": size, "tensors": tensors}}
    return [case("decode/tokens:1", "device_resident", samples=[twin], path="device_memory",
                 size=size) | weights,
            case("decode/tokens:1", policy, samples=[median], size=size, tokens=1, model=model,
                 mechanism="a copy stream, S layers ahead",
                 footprint={"device": int(slots * each), "pinned": size, "managed": 0, "pageable": 0},
                 **changes) | weights]


def partly_counted(link=None):
    """A model's first pass of which the driver's counters saw 16 MiB."""
    counted = evidence_of(um(16 * MIB, {"fault": 16 * MIB}))
    if link:
        counted |= {"link": measured(wire_bytes_to_device=link * 1.08, wire_bytes_to_host=0.0,
                                     payload_bytes_to_device=link),
                    "link_payload_per_requested": link / SIZE}
    return spoilt(first_pass(), footprint=MANAGED, evidence=counted)


def split(median=1.5e-3, by_cpu=SIZE // 2):
    """[ring, split]: a share for the CPU beside none."""
    return [case(policy="pinned_ring_copy", samples=[1.3e-3] * 4),
            case(policy="hybrid_split", samples=[median] * 4, cpu_bytes=by_cpu,
                 link_bytes=SIZE - by_cpu, share_of_link=(SIZE - by_cpu) / median / 55e9)]


def colds(first):
    """Ten cold cases in each of which one sample stands out: the first, or one after the other."""
    samples = [1.5e-3, 1.3e-3, 1.31e-3, 1.3e-3]
    return [case(policy=f"p{index}", start="cold",
                 samples=samples if first else samples[index % 4:] + samples[:index % 4])
            for index in range(10)]


def with_engine(sentence="a wins, an engine has b, by vLLM --x.", named=True):
    """`a`, which no engine has, wins over `b`."""
    cases, answer = answered([
        case(policy="a", samples=[1.3e-3] * 3),
        case(policy="b", samples=[2.6e-3] * 3, engine_flags="vLLM --x")], sentences=[sentence])
    if named:
        answer["cold"]["switchable"] = answer["cold"]["runner_up"]
    return run(cases, answers=[answer])


def with_resident(sentence, resident=None, median=0.1e-3, **changes):
    """A model's answer: what it is compared with, and what its sentence says of that."""
    _, measured_one = with_model(overlap=1 - (1.3e-3 - median) / (SIZE / 55e9))
    cases = [case("decode/tokens:1", "device_resident", samples=[median], path="device_memory",
                  **changes), measured_one]
    cases[0]["model"] = {**MODEL, "pass_s": 4 * median,
                         "tokens_per_second_ceiling": 1 / (4 * median),
                         "link_bytes_per_token": 0, "overlap": None,
                         "bound": {"by": "device_memory", "pass_s": 4 * SIZE / 4.4e12,
                                   "tokens_per_second": 4.4e12 / (4 * SIZE), "from": "4.4 TB/s"}}
    cases[0] |= {"tokens": 1, "weights": cases[1]["weights"]}
    came = first_pass("device_memory", "warm")[1]
    cases, answer = answered([*cases, came], sentences=[sentence])
    for one in cases:
        if one["excluded"] is None and one["start"] == "warm":
            one["excluded"] = "on_gpu"
    if resident:
        answer["cold"]["resident"] = {
            "case": resident, "policy": "p", "engine_flags": None, "times_faster": 1.0}
    return run(cases, answers=[answer])


def spoilt(cases, **changes):
    """Cases of which the last one's properties are replaced."""
    return [*cases[:-1], {**cases[-1], **changes}]


def rows_spoilt(spoil):
    document = apart(run([case(samples=[1.3e-3, 1.4e-3])]))
    spoil(document["benchmarks"])
    return document


def summary_spoilt(**changes):
    one = case()
    return run([{**one, "summary": {**one["summary"], **changes}}])


def with_answers(spoil=lambda cases, answer: None, **changes):
    """Three cases with their places and the answer, spoilt."""
    cases, answer = answered([case(policy=policy, samples=[seconds] * 3) for policy, seconds in (
        ("a", 1.3e-3), ("b", 2.6e-3), ("c", 3.9e-3))])
    spoil(cases, answer)
    return run(cases, answers=[answer], **changes)
