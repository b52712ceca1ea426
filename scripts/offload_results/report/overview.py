# SPDX-License-Identifier: Apache-2.0
"""One sentence for a workload that was measured over many weights, or with many choices."""
from . import memory, words
from .sentences import first_place
from .standing import contest, times_slower

FEW = 3  # groups that speak for themselves
MOST_WINNERS = 4
MOST_NAMES = 5


def of_groups(groups):
    """None where the groups' own sentences are few enough."""
    contests = {group: contest(group, "cold") for group in groups}
    open_ones = [group for group in groups if contests[group]]
    if len(groups) <= FEW or not open_ones:
        return None
    parts = [won(policy, of_policy, contests, open_ones, name_of(groups))
             for policy, of_policy in winners(open_ones, contests)]
    if len(parts) > MOST_WINNERS:
        parts[MOST_WINNERS - 1:] = [f"others in {len(parts) - MOST_WINNERS + 1} more"]
    return f"{groups[0].workload}, {subjects(groups)}, cold or steady: {'; '.join(parts)}."


def winners(groups, contests):
    """(policy, the groups that it wins), most first; a group counts for one policy, though others
    may tie there."""
    tied = {group: {case["policy"]: case for case in first_place(contests[group])[0]}
            for group in groups}
    found, left = [], list(groups)
    while left:
        counts = {}
        for group in left:
            for policy in tied[group]:
                counts[policy] = counts.get(policy, 0) + 1
        policy = max(counts, key=counts.get)
        found.append((policy, [group for group in left if policy in tied[group]]))
        left = [group for group in left if policy not in tied[group]]
    return found


def won(policy, groups, contests, all_groups, name):
    places = [(next(case for case in contests[group] if case["policy"] == policy), contests[group])
              for group in groups]
    ties = sum(len(first_place(ranked)[0]) > 1 for _, ranked in places)
    how = ("ties with others for the fastest" if ties == len(places)
           else "is fastest, or ties with the fastest," if ties else "is fastest")
    if len(groups) == len(all_groups):
        where = f"in all {len(groups)}"
    elif len(groups) <= MOST_NAMES:
        where = f"with {words.enumerate_names(map(name, groups))}"
    else:
        where = f"in {len(groups)} of {len(all_groups)}"
    return f"{policy} {how} {where}{behind(places)}, with {gpu_memory(places, groups[0].moving)}"


def name_of(groups):
    """What tells the groups apart."""
    labels = len({group.label for group in groups})
    names = len({group.weights for group in groups})
    return lambda group: (group.weights if labels == 1 else group.label if names == 1
                          else f"{group.label} of {group.weights}")


def subjects(groups):
    labels = {group.label for group in groups}
    weights = {group.weights for group in groups}
    if len(labels) == 1:
        return f"{len(weights)} weights"
    if len(weights) == 1:
        return f"{len(labels)} choices of {groups[0].weights}"
    return f"{len(groups)} pairs of choice and weights"


def behind(places):
    """By how much the first that does not tie is slower, from least to most."""
    found = [times_slower(following, case) for case, ranked in places
             if (following := first_place(ranked)[1]) is not None]
    if not found:
        return ""
    least, most = words.times(min(found)), words.times(max(found))
    return f", the next is {least if least == most else f'{least} to {most}'} slower"


def gpu_memory(places, moving):
    counts = [memory.on_gpu(case, moving) for case, _ in places]
    if None in counts:
        return "an unknown amount of GPU memory"
    least, most = words.size(min(counts)), words.size(max(counts))
    if not max(counts):
        return "no GPU memory"
    return f"{most if least == most else f'{least} to {most}'} of GPU memory"
