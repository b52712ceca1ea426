# SPDX-License-Identifier: Apache-2.0
"""One sentence for a workload that was measured over many weights, or with many choices."""
from . import memory, words
from .sentences import first_place
from .standing import contest, times_slower

FEW = 3  # groups that speak for themselves
MOST_NAMED = 4


def of_groups(groups):
    """None where the groups' own sentences are few enough."""
    if len(groups) <= FEW:
        return None
    contests = [ranked for ranked in (contest(group, "cold") for group in groups) if ranked]
    if not contests:
        return None
    places = {}  # {policy: [(its case, the contest)]}
    for ranked in contests:
        for case in first_place(ranked)[0]:
            places.setdefault(case["policy"], []).append((case, ranked))
    order = sorted(places, key=lambda policy: -len(places[policy]))
    if len(places[order[0]]) == 1:
        return None
    subject = f"{groups[0].workload}, {subjects(groups)}, cold or steady"
    first = order[0]
    text = (f"{subject}: {first} is fastest, or ties with the fastest, in "
            f"{len(places[first])} of {len(contests)}{by(places[first])}; it takes "
            f"{gpu_memory(places[first])}")
    others = [f"{policy} in {len(places[policy])}" for policy in order[1:MOST_NAMED]]
    if len(order) > MOST_NAMED:
        others.append(f"{words.count(len(order) - MOST_NAMED, 'other')} in fewer")
    return text + (f". Likewise {words.enumerate_names(others)}." if others else ".")


def subjects(groups):
    labels = {group.label for group in groups}
    weights = {group.weights for group in groups}
    if len(labels) == 1:
        return f"{len(weights)} weights"
    if len(weights) == 1:
        return f"{len(labels)} choices of {groups[0].weights}"
    return f"{len(groups)} pairs of choice and weights"


def by(places):
    """By how much the first that does not tie is slower, from least to most."""
    found = [times_slower(following, case)
             for case, ranked in places
             if (following := first_place(ranked)[1]) is not None]
    if not found:
        return ""
    least, most = words.times(min(found)), words.times(max(found))
    span = least if least == most else f"{least} to {most}"
    return f" (the next is {span} slower)"


def gpu_memory(places):
    counts = [memory.on_gpu(case) for case, _ in places]
    if None in counts:
        return "an unknown amount of GPU memory"
    least, most = words.size(min(counts)), words.size(max(counts))
    if not max(counts):
        return "no GPU memory"
    return f"{most} of GPU memory" if least == most else f"{least} to {most} of GPU memory"
