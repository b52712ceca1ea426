# SPDX-License-Identifier: Apache-2.0
"""What several GPUs of one host give together, over how many they are, against the sum of each alone."""
from ..results import label_of, passed
from ..text import percent
from . import styles
from .data import Axis, Curve, CurveFigure, NoData, Panel, Point
from .runs import never_leaves_the_gpu, not_shown, point
from .sweep import MERGED

NEEDS = "case that has passed on several GPUs together: --gpus all"

WAYS = {"copy": "copies", "zero-copy": "reads by SMs", "managed": "managed memory", "system": "system memory",
        "cpu": "the CPU's part", "hybrid": "CPU and link"}  # of families, in a title
PLURAL = ("copies", "reads by SMs", "CPU and link")


def figures(runs, wanted=None):
    found = []
    for run in runs:
        by_key = {}
        for case in run.cases:
            if case.get("gpus") and not case.get("beside") and wanted in (None, label_of(case)):
                by_key.setdefault((label_of(case), case["weights"]["name"]), []).append(case)
        found += [figure for key, cases in by_key.items() for figure in of_key(run, *key, cases)]
    if not found:
        raise NoData(f"no {NEEDS}")
    return found


def of_key(run, label, weights, cases):
    shown = [case for case in cases if passed(case) and not never_leaves_the_gpu(case)]
    last = max((count(case) for case in shown), default=1)
    if last < 2:
        return
    groups = {}  # {policy, start, graph: its cases}
    for case in shown:
        groups.setdefault((case["policy"], case["start"], case.get("captured", False)), []).append(case)
    place = {policy: style.place for policy, style in styles.of_cases(cases).items()}
    order = sorted(groups, key=lambda key: (place[key[0]], key[1:]))
    yield CurveFigure(
        f"gpus-{label}-{weights}", title([case for case in shown if count(case) == last], last),
        f"{label} of {weights}. Bytes of all GPUs over the time of the slowest; at 1, the mean of each alone. "
        f"Dotted: the sum of the same GPUs alone. In brackets: what is kept of it. {MERGED}",
        (Panel("Together, over the number of GPUs", Axis("GPUs", "count"), Axis("GB/s", "rate"),
               tuple(curve(key, groups[key]) for key in order), height=3.6,
               ideals=tuple(ideal(key, groups[key]) for key in order)),),
        not_shown([run], cases), (run,))


def count(case):
    return len(case["gpus"])


def by_count(cases):
    """[(number of GPUs, the cases on so many)]"""
    found = {}
    for case in cases:
        found.setdefault(count(case), []).append(case)
    return sorted(found.items())


def mean(cases):
    return sum(case["gb_per_s"] for case in cases) / len(cases)


def kept(case):
    return (case.get("together") or {}).get("ratio")


def curve(key, cases):
    policy, start, graph = key
    return Curve(policy, start, tuple(at(number, some) for number, some in by_count(cases)), graph)


def at(number, cases):
    if number == 1:
        return Point(1, mean(cases))
    case = cases[0]
    ratio = kept(case)
    return point(number, case, case["gb_per_s"], lambda seconds: case["bytes"]["requested"] / seconds / 1e9,
                 "" if ratio is None else f" ({percent(ratio)})")


def ideal(key, cases):
    """The sum of the same GPUs alone, as far as all of them are known alone."""
    policy, start, graph = key
    sums = [(number, mean(some) if number == 1 else (some[0].get("together") or {}).get("alone_gb_per_s"))
            for number, some in by_count(cases)]
    return Curve(policy, start, tuple(Point(number, value) for number, value in sums if value), graph)


def way(case):
    """How weights come to who reads them, in the words of a title."""
    if case.get("cpu_bytes"):
        return "CPU and link" if case.get("link_bytes") else "the CPU's part"
    return WAYS.get(case["family"], case["family"] or "the rest")


def title(together, last):
    """What is kept of the sum alone with all GPUs."""
    found = finding([(case, kept(case)) for case in together])
    return f"{last} GPUs: {found}" if found else f"{last} GPUs together: what they keep of the sum alone is not known"


def finding(ratios):
    """"copies keep 99 %, the CPU's part 52 %": what cases keep, by the way that weights come, of (case, its ratio
    or None); None where nothing is known."""
    by_way = {}
    for case, ratio in ratios:
        if ratio is not None:
            by_way.setdefault(way(case), []).append(ratio)
    return spelled(sorted(by_way.items(), key=lambda item: -max(item[1]))) if by_way else None


def spelled(ratios):
    """The verb stands once."""
    (first, most), *others = ratios
    verb = "keep" if first in PLURAL else "keeps"
    return ", ".join([f"{first} {verb} {span(most)}", *(f"{name} {span(values)}" for name, values in others)])


def span(values):
    least, most = percent(min(values)), percent(max(values))
    return most if least == most else f"{least.removesuffix(' %')} to {most}"
