# SPDX-License-Identifier: Apache-2.0
"""Sanity of what follows from the samples of a case: statistics, rates, rows, a model's figures."""
import statistics

from ..runs import link_bytes, memory_rate, near
from ..results import key_of, label_of, lasts, members_of, weights_of

SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
MORE_THAN_ALONE = 1.1  # of traffic beside a case: noise apart, nothing gains by company
LATE = 20e-6  # from the first GPU that begins to the last
PERCENTILES = {"min_s": 0, "p05_s": 5, "p25_s": 25, "median_s": 50, "p75_s": 75, "p95_s": 95,
               "p99_s": 99, "max_s": 100}


def names_tell_the_fields(part):
    seen = set()
    for case in part.cases:
        weights = case["weights"]
        expected = "/".join((label_of(case), case["policy"], weights["name"], case["start"]))
        if case.get("gpus"):
            expected += "/gpus:" + "+".join(map(str, case["gpus"]))
        if case.get("beside"):
            expected += "/beside:" + case["beside"]["traffic"]
        if case["name"] != expected:
            yield case["name"], f"its fields make the name {expected}"
        if case["name"] in seen:
            yield case["name"], "stands there twice"
        seen.add(case["name"])
        size = sum(tensor["bytes"] for tensor in weights["tensors"])
        if size != weights["bytes"]:
            yield case["name"], (f"weights of {weights['bytes']} bytes, but its tensors have "
                                 f"{size} in total")
    for item in part.skipped:
        if item["name"] in seen:
            yield item["name"], "was skipped and yet measured"


def percentile(ordered, percent):
    """Linear interpolation between order statistics."""
    below, rest = divmod((len(ordered) - 1) * percent, 100)
    if rest == 0:
        return ordered[below]
    return ordered[below] + (ordered[below + 1] - ordered[below]) * rest / 100


def summary_of(samples):
    """As docs/methodology.md defines it."""
    ordered = sorted(samples)
    figures = {name: percentile(ordered, percent) for name, percent in PERCENTILES.items()}
    mean = statistics.fmean(ordered)
    spread = statistics.stdev(ordered) if len(ordered) > 1 else 0.0
    return {**figures, "mean_s": mean, "stddev_s": spread,
            "coefficient_of_variation": spread / mean}


def summary_is_of_the_samples(part):
    for case in part.cases:
        summary, samples = case["summary"], case["samples_s"]
        if not samples:
            if summary is not None:
                yield case["name"], "has a summary of no samples"
            continue
        if summary is None:
            if case["failure"] is None:
                yield case["name"], f"has no summary of its {len(samples)} samples"
            continue
        for name, expected in summary_of(samples).items():
            if name == "coefficient_of_variation" and len(samples) == 1 and summary[name] is None:
                continue  # of one sample there is no spread
            if not near(summary[name], expected):
                yield case["name"], (f"summary.{name} is {figure(summary[name])}, of the samples "
                                     f"{expected:g}")


def rates_are_of_the_median(part):
    copy_rate = part.run["calibration"]["copy_h2d_bytes_per_second"]
    for case in part.passed:
        median = case["summary"]["median_s"]
        expected = {"gb_per_s": case["bytes"]["requested"] / median / 1e9,
                    "seconds_per_step": median / case["steps"] if case["steps"] else None}
        if case["steps"] and case["share_of_link"] is None:
            pass  # of a latency there is no share
        elif case["path"] == "link" and link_bytes(case) is None:
            expected["share_of_link"] = None
        elif case["path"] == "link" and copy_rate is not None:
            expected["share_of_link"] = link_bytes(case) / members_of(case) / median / copy_rate
        elif case["share_of_link"] is not None:
            yield case["name"], (f"share_of_link is {case['share_of_link']:g}, but nothing of it "
                                 "crosses the link" if case["path"] != "link" else
                                 f"share_of_link is {case['share_of_link']:g} of an unknown rate")
        yield from share_of_memory(case, memory_rate(part.run))
        for name, value in expected.items():
            if not near(case[name], value) and not (value == 0 and case[name] is None):
                yield case["name"], (f"{name} is {figure(case[name])}, by its formula "
                                     f"{figure(value)}")


def share_of_memory(case, gives):
    """Of one memory; where GPU and CPU have their own there is none."""
    share = case.get("share_of_memory")
    of = None if gives is None or case["steps"] else case["gb_per_s"] * 1e9 / gives
    if share is not None and of is None:
        yield case["name"], f"share_of_memory is {share:g}, and GPU and CPU share none, or it is a latency"
    elif of is not None and not near(share, of):
        yield case["name"], f"share_of_memory is {figure(share)}, by its formula {figure(of)}"


def figure(value):
    return "null" if value is None else f"{value:g}"


def setup_is_part_of_the_samples(part):
    for case in part.passed:
        setup = case.get("setup")
        if setup is None:
            continue
        if len(setup["samples_s"]) != len(case["samples_s"]):
            yield case["name"], (f"{len(setup['samples_s'])} set-ups of "
                                 f"{len(case['samples_s'])} samples")
            continue
        reads = [whole - one for whole, one in zip(case["samples_s"], setup["samples_s"])]
        for name, values in (("median_s", setup["samples_s"]), ("read_median_s", reads)):
            expected = percentile(sorted(values), 50)
            if not near(setup[name], expected):
                yield case["name"], f"setup.{name} is {setup[name]:g}, of the samples {expected:g}"


def rows_are_the_samples(part):
    """One repetition of Google Benchmark is one sample, in order."""
    rows = {}
    for row in part.rows:
        rows.setdefault(row["run_name"], []).append(row)
    for case in part.cases:
        of_case = rows.pop(case["run_name"], [])
        if case["run_name"] is None:
            if case["complete"] and part.rows:
                yield case["name"], "has no rows in benchmarks"
            continue
        repetitions = [row for row in of_case if row["run_type"] == "iteration"]
        times = [row["real_time"] * SECONDS[row["time_unit"]] for row in repetitions]
        samples = case["samples_s"]
        if not of_case:
            yield case["name"], f"has no row {case['run_name']} in benchmarks"
        elif not repetitions:
            pass  # --benchmark_report_aggregates_only
        elif len(times) != len(samples):
            yield case["name"], f"{len(times)} rows of repetitions, but {len(samples)} samples"
        else:
            for index, (time, sample) in enumerate(zip(times, samples)):
                if not near(time, sample):
                    yield case["name"], f"row {index} took {time:g} s, sample {index} {sample:g} s"
                    break
        yield from aggregates(case, of_case)
    for run_name in rows:
        yield run_name, "rows in benchmarks of no case"


def aggregates(case, rows):
    for row in rows:
        name = row.get("aggregate_name")
        if name in ("mean", "median") and case["summary"]:
            time = row["real_time"] * SECONDS[row["time_unit"]]
            expected = case["summary"][f"{name}_s"]
            if not near(time, expected):
                yield case["name"], f"the {name}'s row has {time:g} s, the summary {expected:g} s"


def model_follows_from_the_median(part):
    copy_rate = part.run["calibration"]["copy_h2d_bytes_per_second"]
    resident = {(label_of(case), weights_of(case)): case for case in part.passed
                if case["path"] == "device_memory" and case["start"] == "steady"}
    for case in part.passed:
        model = case.get("model")
        if model is None:
            continue
        name, median, tokens = case["name"], case["summary"]["median_s"], case.get("tokens", 0)
        count = members_of(case)
        tensors = case["weights"]["tensors"]
        offloaded = sum(tensor["bytes"] for tensor in tensors if not tensor.get("resident"))
        expected = {}
        if model["tokens_per_second_ceiling"] is not None or lasts(case):
            # Each group of GPUs that share the model gives what each of its members would.
            group = case["weights"].get("tensor_parallel", 1)
            if count % group == 0:
                expected["tokens_per_second_ceiling"] = count // group * tokens / model["pass_s"]
        if tokens and link_bytes(case) is not None:
            expected["link_bytes_per_token"] = link_bytes(case) / count * model["scale"] / tokens
        if offloaded:
            expected["scale"] = model["offloaded_bytes"] / offloaded
        twin = resident.get((label_of(case), weights_of(case)))
        if twin and copy_rate and link_bytes(case) and not case.get("cpu_bytes"):
            exposed = median - twin["summary"]["median_s"]
            expected["overlap"] = 1 - exposed / (link_bytes(case) / count / copy_rate)
        for field, value in expected.items():
            if not near(model[field], value, 1e-5):
                yield name, f"model.{field} is {figure(model[field])}, by its formula {value:g}"
        if model["pass_s"] < median * model["scale"] * (1 - 1e-6):
            yield name, (f"model.pass_s is {model['pass_s']:g}, less than the slice's median "
                         f"scaled, {median * model['scale']:g}")
        if model["layers_measured"] > model["layers"]:
            yield name, (f"measured {model['layers_measured']} layers of a model of "
                         f"{model['layers']}")


def members_make_the_case(part):
    """Of a case that several ran: the slowest of each sample, and the bytes of all."""
    for case in part.passed:
        members = case.get("members") or []
        if not members:
            continue
        times = [member["samples_s"] for member in members]
        slowest = [max(of_sample) for of_sample in zip(*times)]
        if any(not near(one, other) for one, other in zip(case["samples_s"], slowest)) or (
                len(slowest) < len(case["samples_s"])):
            yield case["name"], "its samples are not those of the slowest of its members"
        total = sum(member["bytes"] for member in members)
        if total != case["bytes"]["requested"]:
            yield case["name"], f"asks for {case['bytes']['requested']} bytes, its members for {total}"


def together_is_of_the_cases_alone(part):
    alone = {(same_but_for_gpus(case), case["gpus"][0]): case["gb_per_s"] for case in part.passed
             if len(case.get("gpus") or ()) == 1 and not case.get("beside")}
    for case in part.passed:
        together = case.get("together")
        if not together or together["ratio"] is None:
            continue
        rates = [alone.get((same_but_for_gpus(case), gpu)) for gpu in case["gpus"]]
        if None in rates:
            yield case["name"], "is compared with cases alone that are not there"
        elif not (near(together["alone_gb_per_s"], sum(rates))
                  and near(together["ratio"], case["gb_per_s"] / sum(rates))):
            yield case["name"], (f"keeps {together['ratio']:g} of {together['alone_gb_per_s']:g} GB/s alone, "
                                 f"by the cases {case['gb_per_s'] / sum(rates):g} of {sum(rates):g}")


def beside_is_of_the_case_alone(part):
    alone = {key_of(case): case["gb_per_s"] for case in part.passed if not case.get("beside")}
    for case in part.passed:
        beside = case.get("beside")
        if not beside:
            continue
        rate = alone.get(key_of(case)._replace(beside=""))
        expected = {"alone_gb_per_s": rate, "ratio": case["gb_per_s"] / rate if rate else None}
        if beside["traffic_alone_gb_per_s"]:
            expected["traffic_ratio"] = beside["traffic_gb_per_s"] / beside["traffic_alone_gb_per_s"]
            if expected["traffic_ratio"] > MORE_THAN_ALONE:
                yield case["name"], (f"its traffic has {beside['traffic_gb_per_s']:g} GB/s beside it and "
                                     f"{beside['traffic_alone_gb_per_s']:g} alone")
        for field, value in expected.items():
            found = beside[field]
            if (found is None) != (value is None) or value is not None and not near(found, value):
                yield case["name"], f"beside.{field} is {found}, by the cases {value}"


def same_but_for_gpus(case):
    return (label_of(case), case["policy"], case["weights"]["name"], case["start"], case.get("captured", False))


def gpus_begin_together(part):
    together = part.run.get("together")
    if together and together["start_skew_s"]["median_s"] > LATE:
        yield "together", (f"GPUs begin {together['start_skew_s']['median_s'] * 1e6:.0f} us apart: short passes "
                           "do not overlap as they should")


CHECKS = (names_tell_the_fields, members_make_the_case, together_is_of_the_cases_alone, gpus_begin_together,
          beside_is_of_the_case_alone, summary_is_of_the_samples, rates_are_of_the_median,
          setup_is_part_of_the_samples, rows_are_the_samples, model_follows_from_the_median)
