# SPDX-License-Identifier: Apache-2.0
"""Documents that are sane, and others with one thing wrong each, for sanity_test.py.

The machine of results_builder has a link of 63 GB/s whose copy engine reaches 55, and GPU memory of
4800 GB/s. 64 MiB take 1.065 ms at the link's peak and 1.22 ms at the copy engine's rate.
"""
from results_builder import (
    HBM_PEAK, LINK_PEAK, MIB, calibration, case, evidence_of, gpu, host, link, of_schema_1, platform, run,
    skipped, um,
)
from sanity_parts import (
    BOUND, CAPPED, COST, LIMIT, LOADING, MANAGED, ONE_MEMORY, SIZE, WINDOW, colds, copied_model, drifting,
    first_pass, in_one_memory, migrating, model_in_one_memory, partly_counted, predicted, resident, rows_spoilt, said, split, spoilt, summary_spoilt,
    with_answers, with_counted_series, with_cpu, with_energy, with_engine, with_gpu, with_host,
    still_migrating, with_link, with_model, with_residency, with_resident, with_series, with_setup,
)

ZERO_COPY = "gemv/pinned_zero_copy/w/steady"
PCIE4 = link(generation=4, width=16, peak=LINK_PEAK)
EIGHT_LANES = platform(link={**link(), "current_generation": 3, "current_width": 8})
SLOW = {"link_generation": 4, "link_width": 8}
SLOW_RATES = dict.fromkeys(("copy_h2d_bytes_per_second", "copy_d2h_bytes_per_second",
                            "sm_read_pinned_bytes_per_second"), 12e9)
LARGE_CACHE = platform(host=host(last_level_cache_bytes=300 * MIB))


def on_two_gpus(change):
    """The same case on GPU 0, on GPU 1 and on both, which `change` alters."""
    alone, times = case(), case()["samples_s"]
    both = case(size=2 * SIZE, share_of_link=alone["share_of_link"])
    both["weights"] = alone["weights"]
    both["members"] = [{"gpu": gpu, "samples_s": list(times), "summary": alone["summary"], "bytes": SIZE,
                        "failure": None} for gpu in (0, 1)]
    both["together"] = {"alone_gb_per_s": 2 * alone["gb_per_s"], "ratio": 1.0}
    cases = [named(alone, [0]), named(alone, [1]), named(both, [0, 1])]
    change(cases[2])
    return cases


def named(one, gpus):
    name = f"{one['name']}/gpus:{'+'.join(map(str, gpus))}"
    return {**one, "name": name, "run_name": f"{name}/manual_time", "gpus": gpus}


def beside_traffic(change):
    """The same case alone, and beside traffic, which `change` alters."""
    alone, beside = case(), case()
    beside["beside"] = {"traffic": "kv_out", "pace": 1.0, "unit_bytes": MIB, "traffic_alone_gb_per_s": 50.0,
                        "traffic_gb_per_s": 40.0, "traffic_ratio": 0.8, "alone_gb_per_s": alone["gb_per_s"],
                        "ratio": 1.0}
    beside["excluded"], beside["predicted"], beside["standing"] = "beside", None, None
    name = f"{beside['name']}/beside:kv_out"
    beside.update(name=name, run_name=f"{name}/manual_time")
    change(beside["beside"])
    return [alone, beside]


def by_the_cpu(rate, **fields):
    """64 MiB, of which half is in no cache and read at `rate` once; calibrated are 110 GB/s."""
    fields = {"path": "host_memory", "policy": "host_compute", "cpu_bytes": SIZE, "share_of_link": None,
              **fields}
    usual = 1.31e-3
    return case(samples=[usual, SIZE / 2 / rate, usual], **fields)


ENDING_FAST = with_series([2e-3] * 15 + [1e-4], [SIZE] + [0] * 15)
SLOW_KERNEL = {"pass_s": 15e-3, "tokens_per_second_ceiling": 1 / 15e-3}
# 0 to 11 %, in no order, and growing steadily.
SCATTERED = [(1.3 + 0.01 * step) * 1e-3 for step in (3, 9, 0, 11, 5, 2, 8, 6, 10, 1, 7, 4)]

SANE = {
    "nothing measured": run([]),
    "plain": run([case(), resident(), case(policy="pinned_copy", samples=[1.2e-3])]),
    "one sample": run([case(samples=[1.3e-3])]),
    "failed": run([case(samples=[], failure="wrong result"), case(policy="b", samples=[1e-9],
                                                                  failure="implausible")]),
    "interrupted": run([case(samples=[1.3e-3], complete=False)], incomplete="interrupted"),
    "no gpu": run([case(path="host_memory", policy="host_compute", samples=[1e-3])], gpu=None),
    "just below the link's peak": run(
        [case(samples=[1.067e-3], copy_rate=62e9)], calibration=calibration(copy_rate=62e9)),
    "the CPU reads somewhat faster than it was calibrated to": run([by_the_cpu(300e9)]),
    "the CPU reads its cache": run([by_the_cpu(1e13)], schema_version="2.1.0", platform=LARGE_CACHE),
    "the CPU reads parts, and again": run([by_the_cpu(
        1e13, size=2 * SIZE, cpu_bytes=SIZE, bytes={"requested": SIZE, "touched": SIZE, "only_read": 0},
        gb_per_s=SIZE / 1.31e-3 / 1e9)]),
    "the CPU helps": run([case(policy="hybrid_split", samples=[0.6e-3], cpu_bytes=SIZE // 2,
                               link_bytes=SIZE // 2, share_of_link=SIZE / 2 / 0.6e-3 / 55e9)]),
    "most is resident": run([case(samples=[0.2e-3], link_bytes=SIZE // 8,
                                  share_of_link=SIZE / 8 / 0.2e-3 / 55e9)]),
    "migrating": run(migrating()),
    "one memory, read faster than copies run": run([
        in_one_memory(samples=[0.34e-3]), in_one_memory("device_resident"),
        in_one_memory("pinned_copy", samples=[1.2e-3])], **ONE_MEMORY),
    "one memory, pages that only the GPU maps": run([{**with_residency(
        100, 100, 0, path="one_memory", start="warm", policy="managed_demand", footprint=MANAGED),
        "share_of_memory": case()["gb_per_s"] * 1e9 / 200e9}], **ONE_MEMORY),
    "a model in one memory": run([model_in_one_memory()], **ONE_MEMORY),
    "two GPUs": run(on_two_gpus(lambda both: None)),
    "beside traffic": run(beside_traffic(lambda beside: None)),
    "loading costs": run([], loading_costs=[LOADING, {
        **LOADING, "samples_s": [], "median_s": None, "failure": "no more"}]),
    "cold as fast as warm, but for noise": run([
        case(start="cold", samples=[1.30e-3] * 4), case(start="warm", samples=[1.34e-3] * 4)]),
    "too small to tell cold from warm": run([
        case(start="cold", size=65536, samples=[20e-6] * 4),
        case(start="warm", size=65536, samples=[30e-6] * 4, path="device_memory")]),
    "mapped by faults": run([
        case(policy="managed_prefer_host", start="cold", samples=[9e-3], footprint=MANAGED,
             evidence=evidence_of(um(SIZE, remote_maps=32))),
        case(policy="managed_prefer_host", start="warm", footprint=MANAGED,
             evidence=evidence_of(um(SIZE)))]),
    "moved by access counters": run([case(policy="system_accessed_by", evidence=evidence_of(
        um(SIZE, {"access_counters": 4096})))]),
    "a window moves what every pass reads": run([case(
        policy="managed_migrate_window", footprint=WINDOW,
        evidence=evidence_of(um(SIZE, {"prefetch": SIZE})))]),
    "link counters": run([with_link(SIZE * 1.08, SIZE * 1.0), with_link(
        SIZE * 1.2, None, policy="managed_accessed_by")]),
    "many tokens read the weights again": run([with_link(
        SIZE * 4.4, SIZE * 4.0, tokens=1024, link_bytes=4 * SIZE, samples=[5.2e-3],
        share_of_link=4 * SIZE / 5.2e-3 / 55e9)]),
    "what is small has no payload to speak of": run([case(size=4096, samples=[1e-5])]),
    "residency": run([with_residency(8, 0, 8), with_residency(
        8, 8, 0, policy="b", path="device_memory", start="warm"), with_residency(
        8, 2, 6, policy="managed_migrate_window", footprint=WINDOW)]),
    "energy": run([with_energy(0.26, 200.0)]),  # 1.3 ms at 200 W
    "cpu time": run([with_cpu(1e-3, {"UVM GPU1 BH": 0.75e-3, "other": 0.25e-3})]),
    "set-up": run([with_setup([1e-3, 3e-3, 1e-3], 1e-3, 1e-3)]),
    "series": run([with_series([1e-3, 2e-3], [SIZE, 0])]),
    "model": run(with_model()),
    "a model with its bound": run(with_model(bound=BOUND)),
    "a model that the GPU's arithmetic bounds": run(with_model(bound={
        **BOUND, "by": "compute", "pass_s": 5e-3, "tokens_per_second": 200.0})),
    "a model brought to the GPU": run(first_pass(bound={**BOUND, "tokens_per_second": None})),
    "a model that is on the GPU": run(first_pass("device_memory", "warm")),
    "a model's resident bound": with_resident(
        "a wins; with all weights resident (device_resident) 2500 tokens/s in 1 GiB of GPU memory."),
    "a resident bound that runs repeat to two digits": with_resident(  # 2513
        "a wins; with all weights resident (device_resident) 2500 tokens/s in 1 GiB of GPU memory.",
        median=0.0995e-3, mechanism="prefetched"),
    "answers": with_answers(),
    "a drift that is told": run([drifting()], findings=[said("drift", drifting())]),
    "passes that still migrate, which is told": run(
        [still_migrating()], findings=[said("unsettled", still_migrating())]),
    "pages that still come, which is told": run(
        [still_migrating(0, 1, 4)], findings=[said("unsettled", still_migrating())]),
    "passes that hardly migrate": run([still_migrating(0.04, 4, 4, told=False)]),
    "as was predicted": run([predicted(1.2e-3, 1.4e-3)]),
    "a prediction that was wrong, which is told": run(
        [predicted(2e-3, 3e-3)], findings=[said("prediction", case())]),
    "noise, and no drift": run([case(start="cold", samples=SCATTERED), case(samples=SCATTERED)]),
    "too few samples of what the driver does": run([case(start="cold", samples=CAPPED)]),
    "a busy machine that says so": run(
        [with_host(0.8, 4.0)], findings=[said("busy_machine", with_host(0.8, 4.0))]),
    "hardly busy": run([with_host(0.1, 1.0)]),
    "steal alone is known": run([with_host(0.8, None)]),
    "throttling that is told": run([with_gpu(throttled=["power cap"])],
                                   findings=[said("throttled", with_gpu())]),
    "clocks that were chosen": run([with_gpu(throttled=["application clocks"])]),
    "an idle link has a lower generation": run([with_gpu()], platform=platform(
        link={**link(), "current_generation": 1})),
    "a slow link that is told": run([], calibration=calibration(**SLOW, **SLOW_RATES),
                                    platform=EIGHT_LANES, findings=[said("slow_link")]),
    "a large cache, and a buffer that is larger": run([], platform=LARGE_CACHE,
                                                     schema_version="2.1.0"),
    "a kernel's rate beside its bound": run(with_model(**SLOW_KERNEL, bound=BOUND)),
    "a first pass that the link counted": run(partly_counted(link=SIZE)),
    "passes in a row that move what is new": run([with_counted_series([SIZE, 0], [SIZE, 0])]),
    "a series whose mean is shown": run([ENDING_FAST], schema_version="2.1.0"),
    "slow samples anywhere": run(colds(first=False)),
    "no share for the CPU": run(split(by_cpu=0)),
    "a share that pays": run(split(median=0.9e-3)),
    "a slot for a layer": run(copied_model("pinned_copy", engine_flags="vLLM --x")),
    "panels of no engine": run(copied_model("pinned_ring_copy", slots=0.5)),
    "two layers ahead": run([*copied_model(median=1.4e-3, slots=2),
                             copied_model("pinned_ring_copy", 1.4e-3)[1]]),
    "an engine's best": with_engine(),
    "limits": run([case()], limits=[LIMIT, {**LIMIT, "ratio": 2.0}, {
        **LIMIT, "at_least": False, "met": False}]),
    "memory costs": run([], memory_costs=[COST]),
    "a share of a latency is not told": run([case(
        "pointer_chase", steps=1024, share_of_link=None, seconds_per_step=1.31e-3 / 1024)]),
    "aggregates only": rows_spoilt(lambda rows: rows.__delitem__(slice(0, 2))),
}

# check: [(what is wrong, document, where, what the text says)]
NOT_SANE = {
    "answers_follow_from_the_medians": [
        ("order", with_answers(lambda cases, _: [
            one["standing"]["cold"].update(rank=rank) for one, rank in zip(cases, (2, 1, 3))]),
         None, "place 2, faster than gemv/b/w/steady before it"),
        ("gap", with_answers(lambda cases, _: cases[2]["standing"]["cold"].update(rank=4)),
         "gemv/c/w/steady", "place 4 of 3"),
        ("ratio", with_answers(lambda cases, _: cases[1]["standing"]["cold"].update(
            times_slower=3.0)), "gemv/b/w/steady", "times_slower is 3, by its formula 2"),
        ("tie", with_answers(lambda cases, _: cases[2]["standing"]["cold"].update(
            ties_with_best=True), schema_version="2.2.0"), "gemv/c/w/steady",
         "as gemv/b/w/steady does not"),
        ("best", with_answers(lambda _, answer: answer["cold"]["best"].update(
            case="gemv/c/w/steady")), "answer of gemv, w", "gemv/c/w/steady is the best cold"),
        ("none", with_answers(lambda _, answer: answer.update(cold=None)), "answer of gemv, w",
         "nothing is the best cold"),
        ("no samples", with_answers(lambda cases, _: cases[2].update(
            failure="wrong result", samples_s=[], summary=None, run_name=None, complete=False,
            gb_per_s=None, share_of_link=None)), "gemv/c/w/steady", "and no samples"),
    ],
    "names_tell_the_fields": [
        ("another policy", run([{**case(), "policy": "b"}]), ZERO_COPY, "/b/"),
        ("twice", run([case(), case()], with_rows=False), None, "twice"),
        ("skipped, too", run([case()], skipped=[
            skipped("gemv", "pinned_zero_copy", "w", "steady", "no")]), None, "skipped"),
        ("bytes of the weights", run([{**case(), "weights": {
            **case()["weights"], "bytes": 1}}]), None, str(SIZE)),
    ],
    "summary_is_of_the_samples": [
        ("median", summary_spoilt(median_s=1.3e-3), None,
         "median_s is 0.0013, of the samples 0.00131"),
        ("p95", summary_spoilt(p95_s=1.31e-3), None, "p95_s"),
        ("stddev", summary_spoilt(stddev_s=0.0), None, "stddev_s"),
        ("spread", summary_spoilt(coefficient_of_variation=None), None, "null"),
        ("no samples", run([{**case(), "samples_s": []}], with_rows=False), None, "no samples"),
        ("no summary", run([{**case(), "summary": None, "complete": False}], with_rows=False), None,
         "no summary"),
    ],
    "rates_are_of_the_median": [
        ("rate", run([{**case(), "gb_per_s": 99.0}]), None, "gb_per_s is 99, by its formula 51.2"),
        ("no rate", run([{**case(), "gb_per_s": None}]), None, "null"),
        ("share", run([{**case(), "share_of_link": 0.5}]), None, "share_of_link is 0.5"),
        ("share of what does not cross", run(spoilt([resident()], share_of_link=0.5)), None,
         "nothing of it crosses"),
        ("steps", run([case(steps=100)]), None, "seconds_per_step is null"),
        ("share of one memory", run([in_one_memory(share_of_memory=0.5)], **ONE_MEMORY), None,
         "share_of_memory is 0.5, by its formula 0.83"),
        ("no share of one memory", run([in_one_memory(share_of_memory=None)], **ONE_MEMORY), None,
         "share_of_memory is null"),
        ("share of a memory that nobody shares", run([{**case(), "share_of_memory": 0.5}]), None,
         "GPU and CPU share none"),
    ],
    "setup_is_part_of_the_samples": [
        ("median", run([with_setup([1e-3, 3e-3, 1e-3], 2e-3, 1e-3)]), None, "setup.median_s"),
        ("read", run([with_setup([1e-3, 3e-3, 1e-3], 1e-3, 2e-3)]), None, "setup.read_median_s"),
        ("count", run([with_setup([1e-3], 1e-3, 1e-3)]), None, "1 set-ups of 3"),
    ],
    "rows_are_the_samples": [
        ("one less", rows_spoilt(lambda rows: rows.pop(0)), None, "1 rows of repetitions, but 2"),
        ("another time", rows_spoilt(lambda rows: rows[1].update(real_time=1500.0)), None,
         "row 1 took 0.0015 s, sample 1 0.0014 s"),
        ("another unit", rows_spoilt(lambda rows: rows[0].update(time_unit="ms")), None, "row 0"),
        ("another mean", rows_spoilt(lambda rows: rows[2].update(real_time=1.0)), None, "mean"),
        ("of no case", rows_spoilt(lambda rows: rows.append(
            {**rows[0], "run_name": "x", "name": "x"})), "x", "of no case"),
        ("none", rows_spoilt(lambda rows: rows.clear()), None, "has no row"),
        ("none named", run([{**case(), "run_name": None}, case(policy="b")]), None, "has no rows"),
    ],
    "model_follows_from_the_median": [
        ("tokens/s", run(with_model(tokens_per_second_ceiling=150.0)), None, "ceiling is 150"),
        ("no tokens/s", run(with_model(tokens_per_second_ceiling=None)), None, "ceiling is null"),
        ("pass", run(with_model(pass_s=2e-3, tokens_per_second_ceiling=500.0)), None, "pass_s"),
        ("scale", run(with_model(scale=3.0)), None, "model.scale is 3, by its formula 4"),
        ("link", run(with_model(link_bytes_per_token=1.0)), None, "link_bytes_per_token"),
        ("overlap", run(with_model(overlap=1.0)), None, "model.overlap is 1"),
        ("layers", run(with_model(layers_measured=5)), None, "5 layers of a model of 4"),
    ],
    "tokens_are_of_a_state_that_lasts": [
        ("a first pass", run(spoilt(first_pass(), model={
            **first_pass()[1]["model"], "tokens_per_second_ceiling": 1 / (4 * 1.3e-3)})),
         "decode/tokens:1/managed_demand/w/cold", "192 tokens/s of a first pass"),
        ("on the GPU", run(spoilt(first_pass("device_memory", "warm"), model={
            **first_pass("device_memory", "warm")[1]["model"],
            "tokens_per_second_ceiling": 1 / (4 * 1.3e-3)})), None, "which is no offloading"),
    ],
    "tokens_are_below_the_bound": [
        # 64 MiB four times take 4.88 ms at 55 GB/s: 205 tokens/s.
        ("the link", run(with_model(pass_s=4e-3, tokens_per_second_ceiling=250.0)), None,
         "250 tokens/s, above the 205 that link allows"),
        ("the CPU's memory", run(spoilt(with_model(
            pass_s=1e-3, tokens_per_second_ceiling=1000.0, link_bytes_per_token=0, overlap=None),
            path="host_memory", link_bytes=0, cpu_bytes=SIZE, share_of_link=None)), None,
         "that host memory allows"),
    ],
    "rates_stand_beside_their_bound": [
        ("the kernel's", run(with_model(**SLOW_KERNEL)), "run",
         "of decode/tokens:1/pinned_zero_copy/w/steady 66.7, and 205 by the link"),
    ],
    "bounds_follow_from_the_calibration": [
        ("another time", run(with_model(bound={**BOUND, "pass_s": 1e-3})), None,
         "model.bound is 0.001 s by link"),
        ("another part", run(with_model(bound={**BOUND, "by": "device_memory"})), None,
         "by device_memory"),
        ("computing sooner than the link", run(with_model(bound={
            **BOUND, "by": "compute", "pass_s": 1e-3, "tokens_per_second": 1000.0})), None,
         "though link needs"),
        ("of one memory", run([model_in_one_memory(bound={**BOUND, "by": "one_memory"})], **ONE_MEMORY),
         None, "by one_memory"),
        ("other tokens", run(with_model(bound={**BOUND, "tokens_per_second": 1.0})), None,
         "bound.tokens_per_second is 1.0"),
        ("tokens of a first pass", run(first_pass(bound=BOUND)), None, "bound.tokens_per_second"),
    ],
    "resident_never_left_the_gpu": [
        ("the case", with_resident("a wins.", "decode/tokens:1/managed_demand/w/warm"),
         "answer of decode/tokens:1, w", "which came to the GPU"),
        ("the sentence", with_resident("a wins; with all weights resident 22163 tokens/s."), None,
         "but with weights that never leave the GPU 2500 was measured"),
        ("the sentence's digits", with_resident(
            "a wins; with all weights resident 2500 tokens/s.", median=0.0995e-3), None, "2513"),
        ("the sentence's policy", with_resident(
            "a wins; with all weights resident (managed_demand) 2500 tokens/s."), None, "2500"),
    ],
    "platform_is_possible": [
        ("more free than there is", run([], gpu=gpu(free_bytes=81 * 2**30)), "platform", "free"),
        ("a link too wide", run([], platform=platform(link=PCIE4)), "platform", "PCIe 4 x16 31.51"),
        ("no GPU", run([case()], gpu=None, calibration=calibration()), None, "without a GPU"),
    ],
    "calibration_is_below_the_peaks": [
        ("link", run([], calibration=calibration(copy_rate=64e9)), "calibration", "link's peak"),
        ("memory", run([], calibration=calibration(device_read_bytes_per_second=5e12)),
         "calibration", "GPU memory's peak of 4800 GB/s"),
    ],
    "the_cpu_reads_memory": [
        ("faster beside copies", run([], calibration=calibration(
            host_read_beside_copy_bytes_per_second=160e9)), "calibration",
         "160 GB/s beside copies and 110 GB/s alone"),
        ("a buffer that the cache holds", run([], platform=LARGE_CACHE), "calibration",
         f"of a buffer of {256 * MIB} bytes, as before 2.1, and its cache has {300 * MIB}"),
    ],
    "the_cpu_is_no_faster_than_its_memory": [
        ("nothing was read", run([by_the_cpu(1e13)]), "gemv/host_compute/w/steady",
         "1e+04 GB/s read by the CPU in one sample"),
        ("nothing of a share", run([by_the_cpu(
            1e12, path="link", policy="hybrid_split", cpu_bytes=SIZE - 4096, link_bytes=4096)]),
         None, "calibrated to read 110 GB/s"),
        ("before 1.3", of_schema_1(run([by_the_cpu(1e13, cpu_bytes=0)])), None, "read by the CPU"),
    ],
    "link_is_below_its_peak": [
        ("one sample", run([case(samples=[1.3e-3, 1.04e-3, 1.3e-3])]), None,
         "64.53 GB/s over the link"),
        ("the copy engine", run([case(samples=[1.1e-3])]), None, "110.9% of what the copy engine"),
        ("peak unknown", run([case(samples=[1.1e-3])], platform=platform(link=link(peak=None))),
         None, "calibrated 55 GB/s"),
    ],
    "memory_is_below_its_peak": [
        ("resident", run([resident(SIZE / HBM_PEAK / 1.02)]), None, "peak of 4800 GB/s"),
        ("beside the link", run([case(samples=[1e-5], link_bytes=4096,
                                      share_of_link=4096 / 1e-5 / 55e9)]), None, "read by the GPU"),
    ],
    "cold_is_not_faster_than_warm": [
        ("migrating", run(migrating(cold=1.3e-3, warm=2e-3)), "gemv/managed_demand/w/cold",
         "1300 us, 2000 us"),
        ("mapping", run([case(start="cold", samples=[1.3e-3] * 4),
                         case(start="warm", samples=[1.4e-3] * 4)]), None, "faster than warm"),
    ],
    "reading_over_the_link_is_not_faster_than_resident": [
        ("zero-copy", run([resident(2e-3), case()]), ZERO_COPY, "never leave"),
    ],
    "evidence_follows_its_formulas": [
        ("amplification", run([case(start="cold", evidence={
            **evidence_of(um(SIZE, {"fault": SIZE})), "amplification": 2.0})]), None,
         "amplification is 2, by its formula 1"),
        ("of nothing", run([case(evidence={**case()["evidence"], "joules_per_gb": 1.0})]), None,
         "joules_per_gb is 1, by its formula null"),
        ("threads", run([with_cpu(1e-3, {"UVM GPU1 BH": 0.5e-3})]), None, "threads"),
    ],
    "bytes_by_cause_add_up": [
        ("to device", run([case(start="cold", evidence=evidence_of({
            **um(SIZE), "to_device": {**um(SIZE, {"fault": SIZE})["to_device"], "fault": 0}}))]),
         None, "its causes 0 in total"),
    ],
    "series_has_every_pass": [
        ("bytes", run([with_series([1e-3, 2e-3], [SIZE])]), None, "1 passes"),
    ],
    "migration_is_what_the_case_says": [
        ("not cold", run(migrating(moved=SIZE // 2)), "gemv/managed_demand/w/cold", "not cold"),
        ("zero-copy moves", run([case(evidence=evidence_of(um(SIZE, {"fault": 4096})))]), None,
         "4096 bytes moved"),
        ("mapped, and moved", run([
            case(policy="managed_prefer_host", start="cold", footprint=MANAGED, samples=[9e-3],
                 evidence=evidence_of(um(SIZE, {"fault": 8192}))),
            case(policy="managed_prefer_host", start="warm", footprint=MANAGED)]), None,
         "8192 bytes moved"),
        ("a window that was counted in part", run([case(
            policy="managed_migrate_window", footprint=WINDOW,
            evidence=evidence_of(um(SIZE, {"prefetch": SIZE // 2})))]), None, "not steady"),
        ("before 1.2", of_schema_1(run([*spoilt(migrating()[:1], evidence={
            "um_state": "measured", "bytes_read": SIZE, "um": {
                "bytes_to_device": 1, "bytes_to_host": 0, "gpu_fault_groups": 1, "cpu_faults": 0,
                "remote_maps": 0}}), *migrating()[1:]])), None, "1 bytes moved"),
    ],
    "bytes_of_cold_passes_are_known": [
        ("counted in part", run(partly_counted()), "run",
         "what 1 of 1 cold passes moved is not known: of decode/tokens:1/managed_demand/w/cold "
         f"{16 * MIB} of {SIZE} bytes"),
    ],
    "a_series_counts_what_is_new": [
        ("lost records", run([with_counted_series([SIZE // 2, 0], [SIZE, 0])]), None,
         "records were lost"),
    ],
    "link_counters_agree": [
        ("too few", run([with_link(SIZE * 0.9, SIZE * 0.8)]), None, "its counters saw"),
        ("too few, whole packets", run([with_link(SIZE * 0.9, None)]), None, "its counters saw"),
        ("too many", run([with_link(SIZE * 2.2, SIZE * 2.0)]), None, "cross the link, its counters"),
        ("read again and not counted", run([with_link(SIZE * 4.3, SIZE * 4.0, workload="gemm",
                                                      label="gemm/tokens:1024", tokens=1024)],
                                           schema_version="2.1.0"), None, "its counters saw"),
        ("read again, before 2.1", of_schema_1(run([with_link(
            SIZE * 4.4, SIZE * 4.0, label="gemm/tokens:1024", tokens=1024)])), None,
         "its counters saw"),
        ("not quite", run([with_link(SIZE * 1.2, SIZE * 1.05, samples=[6e-3] * 4)]), None,
         "1.050 times as many"),
        ("payload", run([with_link(SIZE * 1.01, SIZE * 1.02)]), None, "in packets of"),
        ("not resident", run([with_link(SIZE * 0.2, None, path="device_memory", samples=[1e-3])]), None,
         "the link carried"),
    ],
    "residency_agrees": [
        ("pages", run([with_residency(8, 0, 7)]), None, "8 pages asked for"),
        ("in place", run([with_residency(8, 2, 6)]), None, "2 of 8 pages were on the GPU"),
        ("more than the window", run([with_residency(8, 4, 4, footprint=WINDOW)]), None,
         "4 of 8 pages were on the GPU"),
    ],
    "energy_is_power_times_time": [
        ("joules", run([with_energy(2.0, 200.0)]), None, "2 J a pass at 200 W"),
    ],
    "kinds_are_of_the_cases": [
        ("another kind", run([{**case(start="cold"), "variability": {
            "kind": "gpu", "run_to_run": 0.004}}]), None, "by its fields it is driver"),
    ],
    "predictions_are_ranges": [
        ("beyond the range", run([predicted(1.2e-3, 1.4e-3, seconds=1.5e-3)]), ZERO_COPY,
         "0.0015, outside its range of 0.0012 to 0.0014"),
    ],
    "what_lies_outside_its_range_is_told": [
        ("not told", run([predicted(2e-3, 3e-3)]), ZERO_COPY,
         "takes 0.00131 s, predicted were 0.002 to 0.003"),
        ("told of another", run([predicted(1.2e-3, 1.4e-3)], findings=[
            said("prediction", case())]), ZERO_COPY, "and does not"),
    ],
    "drifting_rows_say_so": [
        ("power cap", run([case(policy="device_resident", path="device_memory", samples=CAPPED)]),
         None, "drifts by +17.2% (5.75 ms in the first third, 6.737 ms in the last)"),
        ("of noisy kinds, with more samples", run([case(start="cold", samples=sorted(SCATTERED))]),
         None, "the row does not say so"),
        ("before 2.1", of_schema_1(run([with_gpu((1965, 1455), policy="device_resident",
                                                 path="device_memory", samples=CAPPED)])), None,
         "drifts by +17.2% (5.75 ms in the first third, 6.737 ms in the last)"),
        ("told by the row alone", run([drifting()]), None, "findings do not list it"),
        ("other figures", run([drifting(last=9e-3)], findings=[said("drift", drifting())]), None,
         "which its samples do not"),
    ],
    "unsettled_rows_say_so": [
        ("moved, not told", run([still_migrating(told=False)]), None, "still migrates (25%)"),
        ("pages, not told", run([still_migrating(0, 1, 4, told=False)]), None, "still migrates (38%)"),
        ("by the link, not told", run([with_link(SIZE * 0.2, None, path="device_memory", start="warm",
                                                 samples=[1e-3])]), None, "still migrates (20%)"),
        ("told by the row alone", run([still_migrating()]), None, "findings do not list it"),
        ("nothing moves", run([still_migrating(0, 4, 4)], findings=[
            said("unsettled", still_migrating())]), None, "which its evidence does not"),
    ],
    "first_samples_are_like_the_others": [
        ("slow ones", run(colds(first=True)), "run", "in 10 it is the first, by chance in 2"),
    ],
    "a_busy_machine_is_told": [
        ("load", run([], platform=platform(host=host(load_average=18.0))), "run",
         "a load of 18 on 16 CPUs"),
        ("load before 2.1", {**run([]), "context": {
            **run([])["context"], "load_avg": [18.2, 3.0, 1.0], "num_cpus": 2}}, "run",
         "a load of 18.2 on 2 CPUs"),
        ("steal", run([with_host(0.8, 0.0)]), "run", "steal of 5.0%"),
        ("others", run([with_host(0.0, 4.0)]), "run", "25.0% of the CPU time taken by others"),
    ],
    "throttling_is_told": [
        ("power cap", run([with_gpu((1980, 1455), ["power cap"])]), "run",
         "power cap held the clocks down around 1 of 1 cases"),
        ("before 2.1", of_schema_1(run([with_gpu((1980, 1455), ["power cap"])])), "run",
         "power cap held the clocks down around 1 of 1 cases"),
    ],
    "rates_fit_the_link": [
        ("by the calibration", run([], calibration=calibration(link_generation=3, link_width=8),
                                   platform=EIGHT_LANES, findings=[said("slow_link")]), None,
         "copy_h2d_bytes_per_second is 55 GB/s over PCIe 3 x8, which carries 7.877 GB/s"),
        ("right after a pass", run([with_gpu(pcie=(3, 8), samples=[6e-3], copy_rate=12e9)], findings=[
            said("slow_link")], platform=EIGHT_LANES, calibration=calibration(**SLOW_RATES)), "run",
         "1 cases read faster than PCIe 3 x8"),
        ("lanes when the run began", run([], platform=EIGHT_LANES), None,
         "copy_h2d_bytes_per_second is 55 GB/s over PCIe 5 x8"),
        ("before 2.1", of_schema_1(run([], platform=EIGHT_LANES)), None,
         "sm_read_pinned_bytes_per_second is 51 GB/s over PCIe 5 x8"),
        ("lanes under load", run([with_gpu()], platform=EIGHT_LANES), "platform",
         "the link had 8 lanes when the run began and 16 under load"),
    ],
    "a_slow_link_is_told": [
        ("not told", run([], calibration=calibration(**SLOW, **SLOW_RATES),
                         platform=EIGHT_LANES), "platform",
         "ran as PCIe 4 x8 under load, GPU and slot can 5 x16"),
    ],
    "a_share_beats_the_plain_ring": [
        ("a share that loses", run(split()), "gemv/hybrid_split/w/steady",
         "kept 50% for the CPU, which loses to leaving it nothing: ring and split take 1300 us, 1500"),
    ],
    "engines_hold_whole_layers": [
        ("a slot for a tensor", run(copied_model("pinned_copy", slots=0.5, engine_flags="vLLM --x")),
         "run", f"decode/tokens:1/pinned_copy/w/steady has {SIZE // 8} bytes for a layer of {SIZE // 4}"),
    ],
    "copies_that_run_ahead_overlap": [
        ("one slot", run([*copied_model(), copied_model("pinned_ring_copy", 1.4e-3)[1]]), "run",
         "pinned_prefetch_copy/w/steady hides 1.7% of its transfer, panels 18%"),
    ],
    "slices_use_slots_as_the_model_does": [
        ("an odd slice", run(copied_model(layers=3, slots=2)), None,
         "3 offloaded layers in 2 slots leave 1 over, the model's 16 leave 0"),
    ],
    "what_an_engine_has_is_named": [
        ("not in the fields", with_engine(named=False), "answer of gemv, w",
         "nothing is the best cold that an engine has, by the medians gemv/b/w/steady"),
        ("not in a sentence", with_engine("a wins."), None, "no sentence names b"),
    ],
    "a_series_is_more_than_its_last_pass": [
        ("single passes", run([ENDING_FAST]), None,
         "pass 16 took 0.100 ms, the last 8 1.76 ms on average"),
    ],
    "wall_times_add_up": [
        ("parts", run([], wall_time={"total_s": 5.0, "measured_s": 4.0, "allocation_s": 2.0,
                                     "content_s": 0, "reset_s": 0, "evidence_s": 0}), "wall_time",
         "6 s in total, the whole run 5"),
        ("samples", run([case(samples=[1.3e-3] * 4, passes_per_sample=1000)]), "wall_time",
         "samples of 5.2 s"),
    ],
    "limits_follow_from_what_was_measured": [
        ("ratio", run([], limits=[{**LIMIT, "ratio": 0.7}]), "limit a", "a ratio of 0.7"),
        ("met", run([], limits=[{**LIMIT, "met": False}]), "limit a", "not met"),
    ],
    "limits_stand_for_any_kernel": [
        ("a slow kernel", run([], limits=[{
            **LIMIT, "id": "zero_copy_vs_ring/m8192", "ratio": 45.0, "goal": 40.0, "measured": 45.0,
            "reference": 1.0}]), None, "asks zero-copy to be 40 times slower than the ring"),
    ],
    "members_make_the_case": [
        ("not the slowest", run(on_two_gpus(lambda both: both["members"][1]["samples_s"].reverse())),
         "gemv/pinned_zero_copy/w/steady/gpus:0+1", "are not those of the slowest"),
        ("other bytes", run(on_two_gpus(lambda both: both["members"][0].update(bytes=SIZE - 1))),
         "gemv/pinned_zero_copy/w/steady/gpus:0+1", "its members for"),
    ],
    "together_is_of_the_cases_alone": [
        ("another ratio", run(on_two_gpus(lambda both: both["together"].update(ratio=0.9))),
         "gemv/pinned_zero_copy/w/steady/gpus:0+1", "keeps 0.9 of"),
        ("of nothing", run(on_two_gpus(lambda both: None)[1:]),
         "gemv/pinned_zero_copy/w/steady/gpus:0+1", "cases alone that are not there"),
    ],
    "beside_is_of_the_case_alone": [
        ("another ratio", run(beside_traffic(lambda beside: beside.update(ratio=0.9))),
         "gemv/pinned_zero_copy/w/steady/beside:kv_out", "beside.ratio is 0.9"),
        ("another of the traffic", run(beside_traffic(lambda beside: beside.update(traffic_ratio=0.9))),
         "gemv/pinned_zero_copy/w/steady/beside:kv_out", "beside.traffic_ratio is 0.9"),
        ("of nothing", run(beside_traffic(lambda beside: None)[1:]),
         "gemv/pinned_zero_copy/w/steady/beside:kv_out", "beside.alone_gb_per_s is"),
        ("a gain", run(beside_traffic(lambda beside: beside.update(traffic_gb_per_s=60.0, traffic_ratio=1.2))),
         "gemv/pinned_zero_copy/w/steady/beside:kv_out", "60 GB/s beside it and 50 alone"),
    ],
    "gpus_begin_together": [
        ("late", run(on_two_gpus(lambda both: None), together={
            "start_skew_s": {"median_s": 21e-6, "max_s": 30e-6, "samples": 20},
            "copy_h2d_bytes_per_second": None, "sm_read_pinned_bytes_per_second": None,
            "host_read_bytes_per_second": 1e11}), "together", "GPUs begin 21 us apart"),
    ],
    "loading_costs_are_of_their_samples": [
        ("another median", run([], loading_costs=[{**LOADING, "median_s": 1.0}]), "loading cost of mmap",
         "median_s is 1"),
    ],
    "allocators_round_up": [
        ("down", run([], memory_costs=[{**COST, "rounded_bytes": 7}]), "memory cost of malloc",
         "7"),
    ],
}
