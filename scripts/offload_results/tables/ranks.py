# SPDX-License-Identifier: Apache-2.0
"""A table of what the ranks of a job gave, each and all of them."""
from ..intervals import is_rough
from ..job import rank_of
from ..results import BadInput, label_of, passed, source_of
from ..text import digits, row

MOST_COLUMNS = 8  # a rank each; of more, the least, the middle and the most


def ranks_table(results, wanted):
    """ranks:WORKLOAD: GB/s by rank, the sum of all, bytes over the time of the slowest, and which that was."""
    ranks = [rank_of(run) for run in results.runs]
    if None in ranks:
        raise BadInput(f"{results.path}: not of the ranks of a job: merge the folder that --output named")
    groups = {}
    for case in results.cases:
        if passed(case) and wanted in (label_of(case), case["workload"]):
            key = (label_of(case), case["weights"]["name"], case["policy"], case["start"])
            groups.setdefault(key, {})[ranks[source_of(case)]["index"]] = case
    if not groups:
        raise BadInput(f"{results.path}: no case of {wanted} has passed in any rank")
    numbers = sorted(rank["index"] for rank in ranks)
    few = len(numbers) <= MOST_COLUMNS
    titles = [f"rank {number}" for number in numbers] if few else ["least", "middle", "most"]
    weights = {key[:2] for key in groups}
    of = ["of"] if len(weights) > 1 else []
    lines = [row(["policy", "start", *of, *titles, "all", "slowest"]),
             "|---|---|" + "---|" * len(of) + "---:|" * (len(titles) + 1) + "---|"]
    for (label, name, policy, start), cases in sorted(groups.items(), key=lambda item: (item[0][:2], -total(item[1]))):
        spelled = digits(any(map(is_rough, cases.values())))
        rates = sorted(cases[number]["gb_per_s"] for number in cases)
        cells = ([spelled(cases[number]["gb_per_s"]) if number in cases else "-" for number in numbers] if few
                 else [spelled(rates[0]), spelled(rates[len(rates) // 2]), spelled(rates[-1])])
        slowest = max(cases, key=lambda number: cases[number]["summary"]["median_s"])
        whole = len(cases) == ranks[0]["size"]
        lines.append(row([f"`{policy}`", start, *([f"{label} of {name}"] if of else []), *cells,
                          spelled(total(cases)) if whole else f"{len(cases)} of {ranks[0]['size']} ranks",
                          f"rank {slowest}"]))
    return "\n".join(lines)


def total(cases):
    """GB/s of all ranks: what they asked for over the time of the slowest."""
    asked = sum(case["bytes"]["requested"] for case in cases.values())
    return asked / max(case["summary"]["median_s"] for case in cases.values()) / 1e9
