# SPDX-License-Identifier: Apache-2.0
"""Figures of a case in tables: three digits, or two and a range where runs of one build differ by more
than 5 %, as the program's own tables have them (docs/methodology.md, "Digits")."""
from .. import intervals
from ..results import passed, tokens_at, tokens_per_second
from ..text import digits, rough, rough_seconds, seconds


def over_runs(cases):
    """A case in several runs as one: the middle run's, its range from the fastest to the slowest run."""
    if len(cases) == 1:
        return cases[0]
    usable = [case for case in cases if passed(case)]
    if len(usable) < len(cases):
        return next(case for case in cases if not passed(case))
    ordered = sorted(usable, key=lambda case: case["summary"]["median_s"])
    middle, first, last = ordered[(len(ordered) - 1) // 2], ordered[0], ordered[-1]
    least, most = first["summary"]["median_s"], last["summary"]["median_s"]
    return {**middle, "between_runs": most / least - 1,
            "summary": {**middle["summary"], "min_s": least, "max_s": most}}


def median(case):
    spelled = rough_seconds if intervals.is_rough(case) else seconds
    return spelled(case["summary"]["median_s"])


def of_pass(case, value, figure, ranged=True):
    """`value`, which follows from the seconds of the median pass by `figure`; with what the fastest and
    the slowest make of it where it is rough."""
    is_rough = intervals.is_rough(case)
    if not is_rough or not ranged:
        return digits(is_rough)(value)
    ends = [figure(case["summary"][name]) for name in ("min_s", "max_s")]
    return rough(value, min(ends), max(ends))


def gigabytes_per_second(case):
    return of_pass(case, case["gb_per_s"],
                   lambda pass_s: case["bytes"]["requested"] / pass_s / 1e9)


def milliseconds(case, ranged=True):
    return of_pass(case, case["summary"]["median_s"] * 1e3, lambda pass_s: pass_s * 1e3, ranged)


def model_figure(case, ranged=True):
    """Tokens/s; of a first pass, in which no engine can stay, its time."""
    model, rate = case["model"], tokens_per_second(case)
    if rate is None:
        spelled = rough_seconds if intervals.is_rough(case) else seconds
        return f"first pass {spelled(model['pass_s'])}"
    return of_pass(case, rate, lambda pass_s: tokens_at(case, pass_s), ranged)
