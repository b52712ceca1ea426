# SPDX-License-Identifier: Apache-2.0
"""What is known of a case, in words: its figures, how good they are, and what every collector saw. It comes
in parts of (group, ((term, text), ...), samples); a part that cases have in common is in the page once."""
from .. import text
from ..figures.evidence import found as collector_of
from ..results import passed
from ..intervals import is_rough

MOST_SAMPLES = 16  # drawn; of more, as many order statistics
CAUSES = (("fault", "by page faults"), ("around_fault", "around faults, the driver's guess"),
          ("prefetch", "by prefetch calls"), ("eviction", "by eviction"),
          ("access_counters", "by access counters"), ("other", "for other causes"))


def number(value):
    return f"{value:,}" if isinstance(value, int) else text.three_digits(value)


def unit(name):
    return lambda value: f"{text.three_digits(value)} {name}"


def after(words):
    return lambda value: f"{words} {value}"


def by_cause(moved):
    if not isinstance(moved, dict):  # before schema 1.2
        return text.traffic(moved)
    causes = [f"{text.traffic(moved[name])} {words}" for name, words in CAUSES if moved.get(name)]
    return text.traffic(moved["total"]) + (f" ({', '.join(causes)})" if causes else "")


def by_node(pages):
    return ", ".join(f"{count:,} on NUMA node {node}" for node, count in pages.items())


def by_thread(threads):
    return ", ".join(f"{name} {text.seconds(seconds)}" for name, seconds in threads.items())


def listed(texts):
    return ", ".join(texts) or "nothing"


# collector: (its title, ((field, how it is written, the words after it), ...))
COLLECTORS = {
    "um": ("unified memory, by the driver's counters", (
        ("gpu_fault_groups", number, "groups of GPU page faults"),
        ("remote_maps", number, "regions mapped to be read over the link"),
        ("cpu_faults", number, "CPU page faults on the weights"),
        ("thrashing", number, "times thrashing"), ("throttling", number, "times throttling"),
        ("bytes_read", text.traffic, "read by the counted pass"),
        ("to_device", by_cause, "moved to the GPU"), ("bytes_to_device", by_cause, "moved to the GPU"),
        ("to_host", by_cause, "moved to the host"), ("bytes_to_host", by_cause, "moved to the host"))),
    "cpu": ("CPU time of a pass", (
        ("process_s", text.seconds, "of this process (waiting included)"),
        ("driver_s", text.seconds, "of driver threads"), ("threads", by_thread, "among these"))),
    "link": ("on the link in a pass", (
        ("wire_bytes_to_device", text.traffic, "to the GPU and"),
        ("wire_bytes_to_host", text.traffic, "to the host, in whole packets"),
        ("payload_bytes_to_device", text.traffic, "of payload to the GPU"))),
    "energy": ("energy of the whole GPU", (
        ("joules_per_pass", unit("J"), "a pass"), ("watts", unit("W"), "of power"),
        ("over_s", text.seconds, "of measuring"))),
    "page_faults": ("page faults of this process in a pass", (
        ("minor", number, "minor"), ("major", number, "major"))),
    "residency": ("the weights' pages after a pass", (
        ("pages_asked", number, "pages asked"), ("not_on_cpu", number, "not mapped by the CPU: moved to the GPU"),
        ("not_on_cpu_before", number, "of them before the samples"),
        ("on_node", by_node, ""), ("last_prefetch", after("last prefetched to"), ""))),
    "gpu": ("the GPU before and after the samples", (
        ("sm_mhz_before", number, "and"), ("sm_mhz_after", number, "MHz of the SMs"),
        ("memory_mhz_before", number, "and"), ("memory_mhz_after", number, "MHz of memory"),
        ("throttled_before", listed, "held the clocks down before"),
        ("throttled_after", listed, "held the clocks down after"),
        ("pcie_generation", after("under load PCIe generation"), ""), ("pcie_width", number, "PCIe lanes"),
        ("c2c_links", number, "C2C links active"))),
    "host": ("the host meanwhile", (
        ("over_s", text.seconds, "on"), ("cpus", number, "CPUs"),
        ("steal_s", text.seconds, "stolen by other machines"),
        ("others_s", text.seconds, "of other processes"),
        ("load_average", text.three_digits, "load average"),
        ("cpu_mhz", number, "MHz"))),
}
RATIOS = (
    ("amplification", text.three_digits, "bytes moved to the GPU per byte read"),
    ("link_payload_per_requested", text.three_digits, "bytes of payload over the link per byte asked for"),
    ("driver_cpu_s_per_gb", text.seconds, "of driver CPU time per GB"),
    ("process_cpu_s_per_gb", text.seconds, "of process CPU time per GB"),
    ("joules_per_gb", unit("J"), "per GB"),
)
ABOUT = {"busy_machine": "busy machine", "slow_link": "slow link", "rate_above_link": "rate above the link",
         "throttled": "clocks held down"}
SLOWED = {"link": "the link", "host_memory": "the host's memory", "cpu": "the CPU", "gpu": "the GPU",
          "link_and_cpu": "link and CPU together", "latency": "latency", "page_faults": "page faults",
          "one_memory": "the memory of GPU and CPU"}


STARTS = {"cold": "cold: nothing on the GPU before the pass", "warm": "warm: as the last pass left it",
          "steady": "steady: as it stays, pass after pass"}


def part(parts, group, pairs, samples=""):
    """Its index among `parts`, which a part is added to but once."""
    return parts.setdefault((group, tuple(pairs), samples), len(parts))


def of_case(case, run, parts, figure):
    """The indexes of its parts; `figure` writes its main figure."""
    doubts = [(about, words) for _, about, words in marks(case, run)]
    of_model = case.get("model")
    found = (
        ("", figures(case, figure), spark(case["samples_s"])), ("doubts", doubts),
        ("the whole model", of_pass_through(of_model) if of_model else ()),
        ("", about_model(of_model) if of_model else ()),
        ("how", how(case)), ("", (("start", STARTS.get(case["start"], case["start"])),)),
        ("", (("takes", footprint_words(case["footprint"])),)), ("what is read", what(case)))
    return [part(parts, group, listed_, *more) for group, pairs, *more in found
            if (listed_ := tuple(pairs))] + evidence(case["evidence"], parts)


def marks(case, run):
    """(sign, what it is about, words): what makes its figure less than it seems."""
    found = []
    if passed(case) and is_rough(case):
        found.append(("\u00b1", "rough", roughness(case)))
    if case.get("drift"):
        drift = case["drift"]
        because = f", {drift['because']}" if drift["because"] else ""
        found.append(("\u219d", "drift", f"from {text.seconds(drift['first_s'])} to "
                                         f"{text.seconds(drift['last_s'])} over the samples{because}"))
    if case.get("unsettled"):
        found.append(("\u219d", "unsettled", unsettled(case["unsettled"])))
    for finding in run.run.get("findings") or ():
        if case["name"] in finding["cases"] and finding["check"] not in ("drift", "unsettled"):
            found.append(("!", *of_finding(finding, case)))
    return found


def unsettled(said):
    moved, before, after = said["moved_per_read"], said["on_gpu_before"], said["on_gpu_after"]
    signs = [f"a pass moves {text.percent(moved)} of what it reads"] if moved else []
    if before != after:
        signs.append(f"{text.percent(before)} to {text.percent(after)} of its pages on the GPU over the samples")
    return f"still migrates, so its figures are of no state that lasts: {', '.join(signs)}"


def roughness(case):
    said = case.get("variability")
    by = f"by about {text.percent(said['run_to_run'])}" if said else "by more than 5 %"
    return f"runs of one build differ {by}"


def of_finding(finding, case):
    if finding["check"] == "prediction" and case.get("predicted"):
        return "prediction", (f"took {text.seconds(case['summary']['median_s'])}, outside of what was predicted: "
                              f"{predicted_range(case)}")
    return ABOUT.get(finding["check"], finding["check"]), finding["text"]


def predicted_range(case):
    predicted = case["predicted"]
    return f"{text.seconds(predicted['least_s'])} to {text.seconds(predicted['most_s'])}"


def tip(case, figure):
    return f"{figure(case)}; median {text.seconds(case['summary']['median_s'])}; {verdict(case)}"


def verdict(case):
    """Its place, as the results say."""
    if case.get("unsettled"):
        return "its pages still moved: no state that lasts"
    if case["path"] == "device_memory":
        return "the weights are on the GPU: not offloaded"
    if case.get("excluded") == "first_pass":
        return "a first pass, in which no engine can stay"
    places = {}
    for start, place in (case["standing"] or {}).items():
        places.setdefault(place_words(place), []).append(start)
    return ", ".join(f"{words} from {' and '.join(starts)}" for words, starts in places.items()) or "not ranked"


def place_words(place):
    if place["rank"] == 1:
        return "best"
    if place["ties_with_best"]:
        return "ties with the best"
    return f"{text.times(place['times_slower'])} slower than the best"


def figures(case, figure):
    """(term, text) pairs; the page's tips are the first two."""
    if case["failure"] is not None:
        yield "failed", case["failure"]
    elif not passed(case):
        yield "incomplete", "not finished" if case["summary"] else "no sample was taken"
    else:
        yield "result", figure(case)
        yield "place", verdict(case)
    if case["summary"] and case["failure"] is None:
        yield "time of a pass", times(case["summary"])
    yield "samples", samples_words(case)
    if case.get("predicted"):
        yield "predicted", f"{text.seconds(case['predicted']['seconds'])} ({predicted_range(case)})"
    if passed(case):
        yield "rate", ", ".join(rates(case))
    if case.get("setup"):
        yield "of these", (f"{text.seconds(max(case['setup']['median_s'], 0))} of set-up before reading, "
                           f"{text.seconds(case['setup']['read_median_s'])} of reading")


def times(summary):
    half, most = ((text.seconds(summary[low]), text.seconds(summary[high]))
                  for low, high in (("p25_s", "p75_s"), ("p05_s", "p95_s")))
    return (f"median {text.seconds(summary['median_s'])}, half within {half[0]} to {half[1]}, 90 % within {most[0]} "
            f"to {most[1]}")


def samples_words(case):
    count = len(case["samples_s"])
    of_passes = f" of {case['passes_per_sample']} passes each" if case["passes_per_sample"] > 1 else ""
    spread = (case["summary"] or {}).get("coefficient_of_variation")
    return f"{count}{of_passes}" + (f", spread {100 * spread:.2g} %" if spread is not None else "")


def rates(case):
    yield f"{text.digits(is_rough(case))(case['gb_per_s'])} GB/s asked for"
    if case["share_of_link"] is not None:
        yield f"{text.percent(case['share_of_link'])} of the copy engine"
    if case.get("share_of_memory") is not None:
        yield f"{text.percent(case['share_of_memory'])} of what the one memory gives"
    for key, words in (("link_bytes", "cross the link"), ("cpu_bytes", "are read by the CPU")):
        if case.get(key):
            yield f"{text.traffic(case[key])} {words}"


def spark(samples):
    """Points of a polyline of 100 x 20, the samples in their order from least to largest value."""
    if len(samples) < 3:
        return ""
    if len(samples) > MOST_SAMPLES:
        last, ordered = len(samples) - 1, sorted(samples)
        samples = [ordered[round(index * last / (MOST_SAMPLES - 1))] for index in range(MOST_SAMPLES)]
    least, most = min(samples), max(samples)
    span = (most - least) or 1
    return " ".join(f"{index * 100 / (len(samples) - 1):.0f},{20 - 20 * (sample - least) / span:.0f}"
                    for index, sample in enumerate(samples))


def of_pass_through(model):
    yield "a pass", text.seconds(model["pass_s"])
    if model.get("overlap") is not None:
        yield "hidden by computing", f"{text.percent(model['overlap'])} of the transfer time"


def about_model(model):
    bound = model.get("bound")
    if bound and bound["tokens_per_second"]:
        yield "bound", (f"{text.three_digits(bound['tokens_per_second'])} tokens/s by "
                        f"{SLOWED.get(bound['by'], bound['by'])}")
    yield "over the link", f"{text.traffic(model['link_bytes_per_token'])} a token"
    yield "measured", f"{model['layers_measured']} of {model['layers']} layers, scaled by {model['scale']:g}"
    yield "weights", ", ".join(f"{text.size(model[name])} {words}" for name, words in (
        ("offloaded_bytes", "offloaded"), ("resident_bytes", "resident"), ("other_bytes", "others")))
    yield "left out", model["left_out"]
    yield "needs", footprint_words(model["memory_bytes"])


def how(case):
    yield "memory", case["memory"]
    yield "mechanism", case["mechanism"]
    yield "switched on by", case["engine_flags"] or "no engine's flags"


def footprint_words(footprint):
    kinds = {"device": "on the GPU", "pinned": "pinned", "managed": "managed", "pageable": "pageable",
             "peer": "on another GPU"}
    return ", ".join(f"{text.size(footprint[kind])} {words}" for kind, words in kinds.items()
                     if footprint.get(kind)) or "no memory beside"


def what(case):
    weights = case["weights"]
    tensors = weights.get("tensors") or []
    shape = (f", {tensors[0]['rows']} x {tensors[0]['cols']} {tensors[0]['dtype']}" if len(tensors) == 1
             else f", {len(tensors)} tensors" if tensors else "")
    yield weights["name"], f"{text.size(weights['bytes'])}{shape}"
    asked, touched = case["bytes"]["requested"], case["bytes"]["touched"]
    yield "asked for, touched", f"{text.traffic(asked)}, {text.traffic(touched)}"
    if case.get("tokens"):
        yield "tokens", f"{case['tokens']:,}"
    if case["steps"]:
        yield "steps", f"{case['steps']:,}"


def evidence(seen, parts):
    """A part for each collector, measured or not, and why not."""
    found = []
    for collector, (title, fields) in COLLECTORS.items():
        state, reason, figures_ = collector_of(seen, collector)
        words = written(figures_, fields) if state == "measured" else f"{NAMES.get(state, state)}: {reason}"
        found.append(part(parts, "" if found else "what was seen", ((title, words or "nothing"),)))
    ratios = written(seen, RATIOS)
    return found + ([part(parts, "", (("counted", ratios),))] if ratios else [])


NAMES = {"unavailable": "not known"}


def written(figures_, fields):
    return joined(f"{spelled(figures_[name])} {words}".rstrip() for name, spelled, words in fields
                  if figures_.get(name) not in (None, {}))


def joined(phrases):
    """With commas, but for what goes on."""
    return ", ".join(phrases).replace(" and, ", " and ").replace(" on, ", " on ")
