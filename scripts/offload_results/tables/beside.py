# SPDX-License-Identifier: Apache-2.0
"""Tables of what cases and other traffic on the GPU do to each other."""
from ..results import BadInput, label_of, shown_weights
from ..text import percent, row
from .cells import gigabytes_per_second

TITLES = ("alone", "beside it", "kept", "traffic alone", "beside it", "kept")


def beside_table(results, chosen):
    """beside:WORKLOAD: GB/s of each case alone and beside traffic, and of the traffic likewise."""
    if len(chosen) != 1:
        raise BadInput("beside takes one workload: beside:WORKLOAD")
    cases = shown(case for case in results["cases"] if chosen[0] in (label_of(case), case["workload"]))
    if not cases:
        raise BadInput(f"no case of {chosen[0]} has passed beside other traffic")
    several = len({weights_of(case) for case in cases}) > 1
    lines = [row((["weights"] if several else []) + ["policy", "start", "beside", *TITLES]),
        "|---" * (4 if several else 3) + "|" + "---:|" * 6]
    for case in cases:
        name = [weights_of(case)] if several else []
        lines.append(row(name + [
            f"`{case['policy']}`", case["start"], traffic(case["beside"]), *cells_of(case)]))
    return "\n".join(lines)


def shown(cases):
    """Of these, what has passed beside traffic, in the order of a table."""
    return sorted((case for case in cases if case.get("beside") and case["failure"] is None and case["summary"]),
                  key=order)


def cells_of(case):
    """Under TITLES."""
    beside = case["beside"]
    return [rate(beside["alone_gb_per_s"]), gigabytes_per_second(case), share(beside["ratio"]),
            rate(beside["traffic_alone_gb_per_s"]), rate(beside["traffic_gb_per_s"]), share(beside["traffic_ratio"])]


def weights_of(case):
    """Without the traffic, which has a column of its own."""
    return shown_weights(case["weights"]["name"], case.get("gpus"))


def order(case):
    return weights_of(case), case["beside"]["traffic"], case["summary"]["median_s"]


def traffic(beside):
    paced = f" at {percent(beside['pace'])}" if beside["pace"] < 1 else ""
    return f"`{beside['traffic']}`{paced}"


def rate(gb_per_s):
    return "-" if gb_per_s is None else f"{gb_per_s:.3g}"


def share(ratio):
    return "-" if ratio is None else percent(ratio)


tables = {"beside": beside_table}
