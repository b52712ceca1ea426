# SPDX-License-Identifier: Apache-2.0
"""Sanity of evidence: its own arithmetic, and whether it denies what the case says of itself."""
from ..runs import link_bytes, measured, near, same_but_for_start, traffic, twins
from .samples import figure

SMALL = 2**20  # below it, the kB that a GPU and its driver exchange anyway are a part of the bytes
FEW = 0.05  # of the bytes read: what else crosses the link meanwhile
PACKETS = 0.98  # of a transfer that the byte counters must at least have seen
AGAIN = 1.1  # times its bytes that a pass may take over the link
LONG_S, CLOSE = 5e-3, 0.03  # in passes as long the counters' own steps do not show, and both agree
WINDOW = 1.1  # times the GPU memory of a window that its pages may take: a sample is asked for
ENERGY = 2.0  # times: consecutive passes have neither flush nor pause, so their time is another


def with_evidence(part):
    """Cases with evidence in the form of schema 1.2 and later."""
    return [case for case in part.passed if "um_state" not in case["evidence"]]


def evidence_follows_its_formulas(part):
    for case in with_evidence(part):
        evidence = case["evidence"]
        requested = case["bytes"]["requested"]
        gigabytes = requested / 1e9
        um, cpu = measured(evidence["um"]), measured(evidence["cpu"])
        energy, link = measured(evidence["energy"]), measured(evidence["link"])
        payload = link and link["payload_bytes_to_device"]
        expected = {
            "amplification": ratio(um and um["to_device"]["total"], um and um["bytes_read"]),
            "driver_cpu_s_per_gb": ratio(cpu and cpu["driver_s"], gigabytes),
            "process_cpu_s_per_gb": ratio(cpu and cpu["process_s"], gigabytes),
            "joules_per_gb": ratio(energy and energy["joules_per_pass"], gigabytes),
            "link_payload_per_requested": ratio(payload, requested),
        }
        if requested < SMALL and evidence["link_payload_per_requested"] is None:
            del expected["link_payload_per_requested"]  # left out since it says little
        for name, value in expected.items():
            if not near(evidence[name], value):
                yield case["name"], (f"evidence.{name} is {figure(evidence[name])}, by its formula "
                                     f"{figure(value)}")
        if cpu and cpu["driver_s"] is not None:
            threads = sum(cpu["threads"].values())
            if not near(threads, cpu["driver_s"]):
                yield case["name"], (f"the driver's threads ran {threads:g} s in total, "
                                     f"evidence.cpu.driver_s is {cpu['driver_s']:g}")


def ratio(value, base):
    return None if value is None or not base else value / base


def bytes_by_cause_add_up(part):
    for case in with_evidence(part):
        counted = [("evidence.um", measured(case["evidence"]["um"]))]
        series = case.get("series")
        if series:
            passes = measured(series["um"]) and series["um"]["passes"]
            counted += [(f"series.um.passes[{index}]", one)
                        for index, one in enumerate(passes or [])]
        for where, one in counted:
            for direction in ("to_device", "to_host") if one else ():
                causes = {**one[direction]}
                total = causes.pop("total")
                if total != sum(causes.values()):
                    yield case["name"], (f"{where}.{direction} is {total} bytes, its causes "
                                         f"{sum(causes.values())} in total")


def series_has_every_pass(part):
    for case in part.passed:
        series = case.get("series")
        if not series:
            continue
        lists = {"distinct_bytes": series["distinct_bytes"], "driver_s": series["driver_s"],
                 "um.passes": (measured(series["um"]) or {}).get("passes")}
        for name, values in lists.items():
            if values is not None and len(values) != len(series["pass_s"]):
                yield case["name"], (f"series.{name} has {len(values)} passes, series.pass_s "
                                     f"{len(series['pass_s'])}")


def migration_is_what_the_case_says(part):
    """Cold under a policy that migrates moves what it reads, and so does a steady pass that
    prefetches. What else is read over the link when warm or steady, or pinned, stays in host
    memory: nothing moves but what access counters choose."""
    warm_of = twins(part.passed, "warm")
    for case in part.passed:
        counted = traffic(case)
        if not counted:
            continue
        moved, chosen, _, read = counted
        migrates = comes_to_the_gpu(case, warm_of)
        managed = case["footprint"]["managed"] > 0
        if case["path"] == "one_memory":
            continue  # there is nowhere to move to
        windowed = case["start"] == "steady" and managed and prefetched(case)
        if case["path"] == "link" and case["start"] == "cold" and managed and migrates or windowed:
            if moved < read:
                yield case["name"], (f"not {case['start']}, or not all was counted: {moved} bytes "
                                     f"moved to the GPU of {read} read")
        elif case["path"] == "link" and moved > chosen and (
                case["start"] != "cold" or not migrates):
            yield case["name"], (f"read in place over the link, but {moved - chosen} bytes moved "
                                 f"to the GPU of {read} read")


def comes_to_the_gpu(case, warm_of):
    """Whether its policy brings what it reads to the GPU: warm it is there, or pages were moved and
    none mapped."""
    warm, counted = warm_of.get(same_but_for_start(case)), traffic(case)
    if warm:
        return warm["path"] == "device_memory"
    return counted is not None and counted[2] == 0 and counted[0] > 0


def bytes_of_cold_passes_are_known(part):
    """Of models: a read of some MiB under the same policy does not stand for their layers."""
    warm_of = twins(part.passed, "warm")
    cold = [case for case in with_evidence(part)
            if case.get("model") and case["start"] == "cold" and case["path"] == "link"
            and case["footprint"]["managed"] and comes_to_the_gpu(case, warm_of)]
    counts = {case["name"]: (measured(case["evidence"]["um"]) or {}).get("bytes_read", 0)
              for case in cold}
    unknown = [case for case in cold if not measured(case["evidence"]["link"])
               and counts[case["name"]] < case["bytes"]["requested"]]
    if unknown and any(counts.values()):  # counters there are
        worst = min(unknown, key=lambda case: counts[case["name"]] / case["bytes"]["requested"])
        yield "run", (f"what {len(unknown)} of {len(cold)} cold passes moved is not known: of "
                      f"{worst['name']} {counts[worst['name']]} of {worst['bytes']['requested']} bytes "
                      "were counted, and none on the link")


def a_series_counts_what_is_new(part):
    """A policy that migrates moves in each pass at least what none before has read."""
    for case in part.passed:
        series = case.get("series")
        passes = (measured(series["um"]) or {}).get("passes") if series else None
        if not passes or any(one["remote_maps"] for one in passes):
            continue
        moved = [one["to_device"]["total"] for one in passes]
        if sum(moved) > sum(one["to_device"]["access_counters"] for one in passes) and (
                sum(moved) < sum(series["distinct_bytes"])):
            yield case["name"], (f"its passes in a row moved {sum(moved)} bytes by the counters, and "
                                 f"read {sum(series['distinct_bytes'])} for the first time: records "
                                 "were lost")


def prefetched(case):
    um = "um_state" not in case["evidence"] and measured(case["evidence"]["um"])
    return um["to_device"]["prefetch"] if um else 0


def link_counters_agree(part):
    for case in with_evidence(part):
        link = measured(case["evidence"]["link"])
        if not link:
            continue
        wire, payload = link["wire_bytes_to_device"], link["payload_bytes_to_device"]
        crossing, requested = link_bytes(case) or 0, case["bytes"]["requested"]
        if payload is not None and payload > wire:
            yield case["name"], f"a payload of {payload:.0f} bytes in packets of {wire:.0f}"
        if crossing >= SMALL:
            seen = wire if payload is None else payload
            most = max(crossing, case["bytes"]["touched"]) * AGAIN
            if seen < crossing * PACKETS:
                yield case["name"], (f"{crossing} bytes cross the link, its counters saw "
                                     f"{seen:.0f}")
            elif payload is not None and not case["steps"] and payload > most:
                yield case["name"], (f"{crossing} bytes cross the link, its counters saw "
                                     f"{payload:.0f}")
            elif payload is not None and not case["steps"] and (
                    case["samples_s"] and case["summary"]["median_s"] > LONG_S) and (
                    abs(payload / crossing - 1) > CLOSE):
                yield case["name"], (f"{crossing} bytes cross the link, its counters saw "
                                     f"{payload / crossing:.3f} times as many")
        if case["path"] == "device_memory" and requested >= SMALL and wire > requested * FEW and (
                not case.get("unsettled")):
            yield case["name"], (f"its path is device_memory, but the link carried {wire:.0f} "
                                 f"bytes to the GPU of {requested} read ({wire / requested:.0%})")


def residency_agrees(part):
    for case in with_evidence(part):
        found = measured(case["evidence"]["residency"])
        if not found:
            continue
        asked, away = found["pages_asked"], found["not_on_cpu"]
        nodes = sum(found["on_node"].values())
        if asked != away + nodes:
            yield case["name"], (f"{asked} pages asked for, {away} not on the CPU and {nodes} on "
                                 "its nodes")
        in_place = case["path"] not in ("device_memory", "one_memory") and case["start"] != "cold"
        footprint = case["footprint"]
        window = footprint["device"] / footprint["managed"] if footprint["managed"] else 0
        # Access counters may bring pageable memory to the GPU at any time.
        if in_place and away > asked * window * WINDOW and not footprint["pageable"]:
            yield case["name"], (f"its path is {case['path']}, but {away} of {asked} pages were "
                                 "on the GPU after a pass")


def energy_is_power_times_time(part):
    settings = (part.run["platform"]["gpu"] or {}).get("settings") or {}
    limit = settings.get("enforced_power_limit_watts")
    for case in with_evidence(part):
        energy = measured(case["evidence"]["energy"])
        if not energy or not energy["watts"]:
            continue
        seconds, median = energy["joules_per_pass"] / energy["watts"], case["summary"]["median_s"]
        if not median / ENERGY <= seconds <= median * ENERGY:
            yield case["name"], (f"{energy['joules_per_pass']:g} J a pass at "
                                 f"{energy['watts']:g} W are {seconds:g} s, its median is "
                                 f"{median:g} s")
        if limit and energy["watts"] > limit * 1.1:
            yield case["name"], f"drew {energy['watts']:g} W, above the limit of {limit:g} W"


CHECKS = (evidence_follows_its_formulas, bytes_by_cause_add_up, series_has_every_pass,
          migration_is_what_the_case_says, bytes_of_cold_passes_are_known,
          a_series_counts_what_is_new, link_counters_agree, residency_agrees,
          energy_is_power_times_time)
