# SPDX-License-Identifier: Apache-2.0
"""The answer in words: the sentences that the benchmark's closing summary ends with
(bench/report/sentence.cpp, model_sentence.cpp), and what the winner costs in GPU memory."""
from . import memory, words
from .standing import contest, median, resident_bound, ties, times_slower

MOST_NAMES = 4
WORTH_SAYING = 1.05


def of_group(group):
    """One sentence, or two where cold and warm have other winners."""
    subject = f"{group.label} of {group.weights}"
    bound = resident_bound(group)
    cold, warm = contest(group, "cold"), contest(group, "warm")
    if not cold and not warm:
        return [f"{subject}: {nobody(bound)}."]
    both = bool(cold and warm)
    if both and winners(cold) == winners(warm):
        return [f"{subject}, cold and warm: {winners(cold)}{if_resident(bound, cold[0])}."
                f"{cost(cold, group)}"]
    found = []
    if cold:
        found.append(f"{subject}{', cold' if both else ''}: {winners(cold)}"
                     f"{if_resident(bound, cold[0])}.{cost(cold, group)}")
    if warm:
        bound_text = "" if both else if_resident(bound, warm[0])
        found.append(f"{subject}, warm: {winners(warm)}{bound_text}.{cost(warm, group)}")
    return found


def nobody(bound):
    if bound is None:
        return "no policy passed"
    if bound.get("model"):
        return f"no policy that offloads passed{model_bound(bound)}"
    return (f"nothing was read from host memory; weights on the GPU are read at {speed(bound)} "
            f"({bound['policy']})")


def winners(ranked):
    best = ranked[0]
    if best.get("model"):
        return model_winners(ranked)
    tied, following = first_place(ranked)
    if len(ranked) == 1:
        return f"{best['policy']} reads at {speed(best)}, with no rival"
    names = words.enumerate_names([case["policy"] for case in tied], MOST_NAMES)
    return (f"{names} {'tie' if len(tied) > 1 else 'wins'} at {speed(best)}"
            f"{behind(following, best, speed)}")


def model_winners(ranked):
    best = ranked[0]
    tied, following = first_place(ranked)
    if len(ranked) == 1:
        return f"{best['policy']} reaches {model_figures(best)}, with no rival"
    if len(tied) == 1:
        text = f"{best['policy']} wins at {model_figures(best)}"
    else:
        costs = [f"{case['policy']} ({memory.text(case)})" for case in tied]
        text = f"{words.enumerate_names(costs, MOST_NAMES)} tie at {tokens(best)}"
    return text + behind(following, best, model_figures)


def first_place(ranked):
    """The best with what ties with it, and the fastest that does not, or None."""
    tied = [case for case in ranked if ties(ranked[0], case)]
    return tied, next((case for case in ranked if not ties(ranked[0], case)), None)


def behind(following, best, figures):
    if following is None:
        return ""
    slower = words.times(times_slower(following, best))
    return f", {following['policy']} is {slower} slower at {figures(following)}"


def speed(case):
    """"55.0 GB/s (99 % of the link)", or "1.19 us a step" for a workload that measures latency."""
    if case["steps"]:
        return f"{words.seconds(median(case) / case['steps'])} a step"
    text = words.rate(case["bytes"]["requested"] / median(case))
    if case["share_of_link"] is None:
        return text
    share = f"{words.percent(case['share_of_link'])} of the link"
    if not (case.get("cpu_bytes") and case.get("link_bytes")):
        return f"{text} ({share})"
    by_cpu = words.percent(case["cpu_bytes"] / case["bytes"]["requested"])
    return f"{text} ({share} for the part that crosses it, {by_cpu} read by the CPU)"


def tokens(case):
    return f"{words.three_digits(case['model']['tokens_per_second_ceiling'])} tokens/s"


def model_figures(case):
    return f"{tokens(case)} with {memory.text(case)}"


def model_bound(bound):
    if bound is None or not bound.get("model"):
        return ""
    return f"; with all weights resident {tokens(bound)} in {memory.text(bound)}"


def if_resident(bound, best):
    if best.get("model"):
        return model_bound(bound) + selected_by(best)
    if bound is None:
        return ""
    gain = times_slower(best, bound)
    if gain < WORTH_SAYING:
        return "; weights that stay on the GPU would be read no faster"
    return f"; weights that stay on the GPU would be read {words.times(gain)} faster"


def selected_by(best):
    if not best["engine_flags"]:
        return f"; no engine flag selects {best['policy']}"
    return f"; engine flags of {best['policy']}: {best['engine_flags']}"


def cost(ranked, group):
    """Models have it in their sentence."""
    if ranked[0].get("model"):
        return ""
    return f" {memory.of_winners(first_place(ranked)[0], group.moving)}"
