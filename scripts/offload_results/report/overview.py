# SPDX-License-Identifier: Apache-2.0
"""One sentence for a workload that was measured over many weights, or with many parameters: a count of
the answers that the results hold."""
from .. import text
from . import memory

FEW = 3  # answers that speak for themselves
MAX_WINNERS = 4
MAX_NAMES = 5


def of_answers(answers, run):
    """None where the answers' own sentences are few enough."""
    held = [answer for answer in answers if answer["cold"]]
    if len(answers) <= FEW or not held:
        return None
    cases = {case["name"]: case for case in run.cases}
    moving = memory.moving(run.cases)
    parts = [won(policy, of_policy, held, name_of(answers), gpu_memory(policy, of_policy, cases, moving))
             for policy, of_policy in winners(held)]
    if len(parts) > MAX_WINNERS:
        parts[MAX_WINNERS - 1:] = [f"others in {len(parts) - MAX_WINNERS + 1} more"]
    parts += switched_on(held, name_of(answers))
    return f"{answers[0]['workload']}, {subjects(answers)}, cold or steady: {'; '.join(parts)}."


def switched_on(answers, name):
    """The best that an engine's flags select today, where that is not what wins anyway."""
    found = {}
    for answer in answers:
        second = answer["cold"]["switchable"]
        if second and second["case"] != answer["cold"]["best"]["case"]:
            found.setdefault(second["policy"], []).append(answer)
    if not found:
        return []
    most_first = sorted(found, key=lambda policy: -len(found[policy]))
    named = [f"{policy} {where(found[policy], answers, name)}" for policy in most_first]
    return [f"the best that an engine switches on today is {text.enumerate_names(named)}"]


def first_place(answer):
    """{policy: its case} of those that share it."""
    contest = answer["cold"]
    return {found["policy"]: found["case"] for found in [contest["best"], *contest["tied"]]}


def winners(answers):
    """(policy, the answers in which it wins), most first; an answer counts for one policy, though
    others may tie there."""
    found, left = [], list(answers)
    while left:
        counts = {}
        for answer in left:
            for policy in first_place(answer):
                counts[policy] = counts.get(policy, 0) + 1
        policy = max(counts, key=counts.get)
        found.append((policy, [answer for answer in left if policy in first_place(answer)]))
        left = [answer for answer in left if policy not in first_place(answer)]
    return found


def won(policy, answers, all_answers, name, takes):
    ties = sum(bool(answer["cold"]["tied"]) for answer in answers)
    how = ("ties with others for the fastest" if ties == len(answers)
           else "is fastest, or ties with the fastest," if ties else "is fastest")
    return f"{policy} {how} {where(answers, all_answers, name)}{next_slower(answers)}, with {takes}"


def where(answers, all_answers, name):
    if len(answers) == len(all_answers):
        return f"in all {len(answers)}"
    if len(answers) <= MAX_NAMES:
        return f"with {text.enumerate_names(map(name, answers))}"
    return f"in {len(answers)} of {len(all_answers)}"


def name_of(answers):
    """What distinguishes the answers."""
    labels = len({answer["label"] for answer in answers})
    names = len({answer["weights"] for answer in answers})
    return lambda answer: (answer["weights"] if labels == 1 else answer["label"] if names == 1
                           else f"{answer['label']} of {answer['weights']}")


def subjects(answers):
    labels = {answer["label"] for answer in answers}
    weights = {answer["weights"] for answer in answers}
    if len(labels) == 1:
        return f"{len(weights)} weights"
    if len(weights) == 1:
        return f"{len(labels)} parameters of {answers[0]['weights']}"
    return f"{len(answers)} pairs of parameter and weights"


def next_slower(answers):
    """By how much the first that does not tie is slower than the best, from least to most."""
    found = [answer["cold"]["runner_up"]["times_slower"] for answer in answers
             if answer["cold"]["runner_up"]]
    if not found:
        return ""
    least, most = text.times(min(found)), text.times(max(found))
    return f", the next is {least if least == most else f'{least} to {most}'} slower"


def gpu_memory(policy, answers, cases, moving):
    counts = [memory.on_gpu(cases[first_place(answer)[policy]], moving) for answer in answers]
    if None in counts:
        return "an unknown amount of GPU memory"
    least, most = text.size(min(counts)), text.size(max(counts))
    if not max(counts):
        return "no GPU memory"
    return f"{most if least == most else f'{least} to {most}'} of GPU memory"
