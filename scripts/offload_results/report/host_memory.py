# SPDX-License-Identifier: Apache-2.0
"""What host memory costs, in words: as the benchmark's own summary says it
(bench/report/memory_cost_table.cpp)."""
from .. import text

TOLD = 0.05  # of what was asked: less is not worth a word


def sentences(costs):
    """One per model."""
    by_model = {}
    for cost in costs:
        by_model.setdefault(cost["weights"], []).append(cost)
    return [f"{model}: {said}{on_gpu(of_model)}." for model, of_model in by_model.items()
            if (said := extremes(of_model))]


def share(cost, part, account):
    """None where it is not known."""
    found = cost[part] and cost[part][account]
    return None if found is None or not cost["asked_bytes"] else found / cost["asked_bytes"]


def taken(cost):
    return share(cost, "taken", "host_bytes")


def doubt(cost):
    """What the ratio is good to: with all freed again the difference ought to be nothing."""
    return abs(share(cost, "kept", "host_bytes") or 0)


def extremes(costs):
    known = [cost for cost in costs if taken(cost) is not None]
    if not known:
        return ""
    least, most = min(known, key=taken), max(known, key=taken)
    ratio = text.times(taken(most))
    apart = taken(most) - taken(least)
    if most is least:
        return f"{most['allocator']} takes {ratio} what was asked"
    if TOLD < apart <= doubt(most) + doubt(least):
        return "these figures do not tell the allocators apart"
    if apart <= TOLD:
        return ("each allocator takes about as much host memory as the next, "
                f"{ratio} what was asked at most")
    more = abs(most["taken"]["host_bytes"] - least["taken"]["host_bytes"])
    return (f"{most['allocator']} takes most host memory, {ratio} what was asked; "
            f"{least['allocator']} takes least, {text.times(taken(least))}, which is "
            f"{text.size(more)} less")


def on_gpu(costs):
    """Whether any host memory counts as GPU memory; nothing where there is no GPU."""
    known = [cost for cost in costs if share(cost, "taken", "device_bytes") is not None]
    if not known:
        return ""
    most = max(known, key=lambda cost: cost["taken"]["device_bytes"])
    if share(most, "taken", "device_bytes") < TOLD:
        return "; none of it counts as GPU memory"
    return (f"; {most['allocator']} takes {text.size(abs(most['taken']['device_bytes']))} of GPU "
            "memory besides")
