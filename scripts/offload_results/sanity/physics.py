# SPDX-License-Identifier: Apache-2.0
"""Sanity against physics: nothing above what the link and GPU memory carry, cold never cheaper."""
from ..runs import link_bytes, memory_rate, near, same_but_for_start, twins
from ..results import label_of, members_of, version_of, weights_of

# Rates are held against nominal peaks, which real machines do not reach; the margin only covers the
# clock. Where the peak is unknown, the calibrated rate stands in for it. As the bench itself does.
PEAK_MARGIN = 1.01
CALIBRATION_MARGIN = 1.1
# Products have read host memory 1.3 times as fast as the calibration, which other tenants disturb.
HOST_MARGIN = 3
# Set-up of a transfer costs some 10 us, more or less of it from cold: below that nothing must be.
CALLS_S = 10e-6
CLEARLY = 0.95  # of a median, and the samples apart

BESIDE_MARGIN = 1.03  # a median beside copies may be above the best alone, by noise
OLD_BUFFER, IN_MEMORY = 256 * 2**20, 4  # bytes read until 2.1; caches that a buffer must be as large as

PCIE = {1: (2.5e9, 8 / 10), 2: (5e9, 8 / 10), 3: (8e9, 128 / 130), 4: (16e9, 128 / 130),
        5: (32e9, 128 / 130)}  # transfers per second and lane, and what line coding leaves


def rate_text(rate):
    return f"{rate / 1e9:.4g} GB/s"


def bound(peak, calibrated, what):
    """(bytes per second that nothing exceeds, what it is), or None where nothing is known."""
    if peak:
        return peak * PEAK_MARGIN, f"the {what}'s peak of {rate_text(peak)}"
    if calibrated:
        return calibrated * CALIBRATION_MARGIN, f"the {what}'s calibrated {rate_text(calibrated)}"
    return None


def platform_is_possible(part):
    platform = part.run["platform"]
    gpu, link = platform["gpu"], platform["link"]
    if gpu and gpu["free_bytes"] > gpu["memory_bytes"]:
        yield "platform", (f"{gpu['free_bytes']} bytes free of a GPU memory of "
                           f"{gpu['memory_bytes']}")
    if link and link["kind"] == "pcie" and link["generation"] in PCIE and link["width"]:
        transfers, payload = PCIE[link["generation"]]
        peak = transfers * payload * link["width"] / 8
        if link["peak_bytes_per_second"] and not near(link["peak_bytes_per_second"], peak, 1e-3):
            yield "platform", (f"the link's peak is {rate_text(link['peak_bytes_per_second'])}, of "
                               f"PCIe {link['generation']} x{link['width']} {rate_text(peak)}")
    if gpu is None:
        for case in part.passed:
            if case["path"] != "host_memory":
                yield case["name"], f"ran over {case['path']} on a machine without a GPU"


def calibration_is_below_the_peaks(part):
    calibration = part.run["calibration"]
    peaks = {"device_read_bytes_per_second": ("GPU memory", part.memory_peak)}
    for field in ("copy_h2d_bytes_per_second", "copy_d2h_bytes_per_second",
                  "sm_read_pinned_bytes_per_second", "sm_write_pinned_bytes_per_second",
                  "copy_h2d_beside_d2h_bytes_per_second", "copy_d2h_beside_h2d_bytes_per_second",
                  "copy_h2d_beside_host_bytes_per_second", "host_read_of_gpu_memory_bytes_per_second"):
        peaks[field] = ("link", part.link_peak)
    for field, (what, peak) in peaks.items():
        rate = calibration.get(field)
        if rate and peak and rate > peak * PEAK_MARGIN:
            yield "calibration", (f"{field} is {rate_text(rate)}, above the {what}'s peak of "
                                  f"{rate_text(peak)}")


def the_cpu_reads_memory(part):
    """And not its cache: beside copies it is no faster than alone, and what it reads is no part of
    what the cache holds."""
    calibration = part.run["calibration"]
    alone, beside = (calibration.get(f"host_read{which}_bytes_per_second") for which in (
        "", "_beside_copy"))
    if alone and beside and beside > alone * BESIDE_MARGIN:
        yield "calibration", (f"the CPU reads {rate_text(beside)} beside copies and {rate_text(alone)} "
                              "alone: from its cache, or disturbed")
    cache = part.run["platform"]["host"].get("last_level_cache_bytes") or 0
    if alone and version_of(part.run) < (2, 1) and cache * IN_MEMORY > OLD_BUFFER:
        yield "calibration", (f"the CPU's {rate_text(alone)} are of a buffer of {OLD_BUFFER} bytes, as "
                              f"before 2.1, and its cache has {cache}")


def the_cpu_is_no_faster_than_its_memory(part):
    """Of weights that a pass reads whole, caches hold what fits; the rest comes out of memory."""
    alone = part.run["calibration"].get("host_read_bytes_per_second")
    cache = part.run["platform"]["host"].get("last_level_cache_bytes")
    for case in part.passed:
        read = case.get("cpu_bytes") or (
            case["bytes"]["requested"] if case["path"] == "host_memory" else 0)
        whole = case["bytes"]["requested"] >= case["weights"]["bytes"]
        if not alone or not cache or not whole or read <= cache:
            continue
        fastest = (read - cache) / min(case["samples_s"])
        if fastest > alone * HOST_MARGIN:
            yield case["name"], (f"{rate_text(fastest)} read by the CPU in one sample, beyond what its "
                                 f"caches hold, where it was calibrated to read {rate_text(alone)}")


def link_is_below_its_peak(part):
    """What crosses the link, and only that: a share may be computed by the CPU, or be resident."""
    copy_rate = part.run["calibration"]["copy_h2d_bytes_per_second"]
    most = bound(part.link_peak, copy_rate, "link")
    for case in part.passed:
        crossing = link_bytes(case)
        if not crossing:
            continue
        fastest = crossing / members_of(case) / min(case["samples_s"])
        if most and fastest > most[0]:
            yield case["name"], f"{rate_text(fastest)} over the link in one sample, above {most[1]}"
        elif case["share_of_link"] and case["share_of_link"] > CALIBRATION_MARGIN:
            yield case["name"], (f"{case['share_of_link']:.1%} of what the copy engine reached in "
                                 f"the same run ({rate_text(copy_rate)})")


def memory_is_below_its_peak(part):
    """What a GPU kernel reads comes out of GPU memory at best."""
    calibrated = memory_rate(part.run) or part.run["calibration"]["device_read_bytes_per_second"]
    most = bound(part.memory_peak, calibrated, "GPU memory")
    for case in part.passed:
        read = case["bytes"]["requested"] - case.get("cpu_bytes", 0)
        if most is None or case["path"] == "host_memory" or read <= 0:
            continue
        fastest = read / min(case["samples_s"])
        if fastest > most[0]:
            yield case["name"], (f"{rate_text(fastest)} read by the GPU in one sample, above "
                                 f"{most[1]}")


def clearly_faster(one, other):
    """By the medians, and hardly a sample of the one is as slow as one of the other."""
    one, other = one["summary"], other["summary"]
    return one["median_s"] < other["median_s"] * CLEARLY and one["p75_s"] < other["p25_s"]


def times(one, other):
    return f"{one['summary']['median_s'] * 1e6:.4g} us, {other['summary']['median_s'] * 1e6:.4g} us"


def cold_is_not_faster_than_warm(part):
    """From cold a pass does all that a warm one does, and moves or maps the weights first."""
    peak = part.link_peak or part.run["calibration"]["copy_h2d_bytes_per_second"]
    warm_of = twins(part.passed, "warm")
    for cold in part.passed:
        warm = warm_of.get(same_but_for_start(cold))
        if cold["start"] != "cold" or warm is None or not peak:
            continue
        if (link_bytes(cold) or 0) / peak > CALLS_S and clearly_faster(cold, warm):
            yield cold["name"], f"faster than warm: cold and warm take {times(cold, warm)}"


def reading_over_the_link_is_not_faster_than_resident(part):
    peak = bound(part.memory_peak, None, "GPU memory")
    link_peak = bound(part.link_peak, None, "link")
    if not peak or not link_peak or link_peak[0] >= peak[0]:
        return  # one memory, or not known
    # A copy or a prefetch leaves small weights in L2, which resident ones have been flushed from.
    cached = (part.run["platform"]["gpu"] or {}).get("l2_bytes", 0)
    resident = {(label_of(case), weights_of(case)): case for case in part.passed
                if case["path"] == "device_memory" and case["start"] == "steady"
                and case["weights"]["bytes"] > cached}
    for case in part.passed:
        bound_case = resident.get((label_of(case), weights_of(case)))
        if case["path"] != "link" or case.get("cpu_bytes", 0) or bound_case is None:
            continue
        if case.get("captured", False) == bound_case.get("captured", False) and clearly_faster(
                case, bound_case):
            yield case["name"], ("faster than weights that never leave GPU memory: they take "
                                 f"{times(case, bound_case)}")


CHECKS = (platform_is_possible, calibration_is_below_the_peaks, the_cpu_reads_memory,
          the_cpu_is_no_faster_than_its_memory, link_is_below_its_peak,
          memory_is_below_its_peak, cold_is_not_faster_than_warm,
          reading_over_the_link_is_not_faster_than_resident)
