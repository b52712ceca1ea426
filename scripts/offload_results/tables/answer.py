# SPDX-License-Identifier: Apache-2.0
"""What README.md answers in a few figures: one token's product, and one token of a whole model, in two files
of one machine."""
from .. import intervals
from ..results import BadInput
from ..text import digits, row
from .cells import median, milliseconds, model_figure

UVA, MAPPED, COPY = "pinned_zero_copy", "managed_accessed_by", "pinned_copy"
FAULTS, CPU, BOTH = "managed_demand", "host_compute", "hybrid_split"


def sentences(product, results):
    """`product` is {policy: its best case} of one token's product in `results`."""
    missing = [name for name in (UVA, MAPPED, COPY, FAULTS, CPU, BOTH) if name not in product]
    if missing:
        raise BadInput(f"no case has passed under {', '.join(missing)}")
    seconds = {policy: case["summary"]["median_s"] for policy, case in product.items()}
    at_link_speed = all((product[policy]["share_of_link"] or 0) > 0.9 for policy in (UVA, MAPPED, COPY))
    if not (at_link_speed and seconds[FAULTS] > 2 * seconds[UVA] and seconds[BOTH] < seconds[CPU] < seconds[COPY]):
        raise BadInput("another machine, another answer: README.md's sentences do not hold of this run")
    gpu, link = results["platform"]["gpu"], results["platform"]["link"]
    weight = product[UVA]["weights"]["bytes"] / 2**20
    times = {policy: median(case) for policy, case in product.items()}
    is_rough = any(map(intervals.is_rough, (product[FAULTS], product[UVA])))
    slower = digits(is_rough)(seconds[FAULTS] / seconds[UVA])
    return (
        f"On an {gpu['name']} over PCIe {link['generation']}.0, UVA zero-copy, mapped unified memory and copies run "
        f"at link speed: multiplying one token by {weight:.0f} MiB of weights takes {times[UVA]}, "
        f"{times[MAPPED]} and {times[COPY]}.\n"
        f"Unified memory by page faults takes {times[FAULTS]}, {slower} times as long as UVA.\n"
        f"The CPU, computing in place, beats the link: {times[CPU]}, or {times[BOTH]} together."
    )


def table(product, model, policies):
    """A row per policy: the product's time, and tokens/s of the whole model; no ranges, for brevity."""
    missing = [policy for policy in policies if policy not in product or policy not in model]
    if missing:
        raise BadInput(f"no case has passed under {', '.join(missing)}")
    name = model[policies[0]]["model"]["name"]
    lines = [row(["policy", "product, ms", f"{name}, tokens/s"]), "|---|---:|---:|"]
    for policy in policies:
        lines.append(row([
            f"`{policy}`", milliseconds(product[policy], ranged=False),
            model_figure(model[policy], ranged=False),
        ]))
    return "\n".join(lines)


def engines(results, _):
    """Which flags of which engine select a policy that offloads, as the cases of the run say."""
    flags = {
        case["policy"]: case["engine_flags"] for case in results["cases"]
        if case["engine_flags"] and not (case["path"] == "device_memory" and case["start"] == "steady")
    }
    if not flags:
        raise BadInput("no case names an engine's flags")
    lines = ["| policy | engine flags |", "|---|---|"]
    for policy, text in flags.items():
        lines.append(row([f"`{policy}`", "; ".join(f"`{part.strip()}`" for part in text.split(";"))]))
    return "\n".join(lines)
