# SPDX-License-Identifier: Apache-2.0
"""Names of tensors as patterns: [pattern, shape, dtype], where each {0-2,5} stands for one of these numbers.
A pattern means every combination of its numbers."""
import collections
import itertools
import re

NUMBER = re.compile(r"(?<=\.)\d+(?=\.)")


def patterns(tensors):
    """Of {name: (shape, dtype)}."""
    groups = collections.defaultdict(list)
    for name, (shape, dtype) in tensors.items():
        numbers = tuple(int(number) for number in NUMBER.findall(name))
        groups[NUMBER.sub("{}", name), tuple(shape), dtype].append(numbers)
    return [[filled(skeleton, sets), list(shape), dtype] for (skeleton, shape, dtype), found in groups.items()
            for sets in products(found)]


def products(tuples):
    """Sets of numbers, one for each place, whose combinations are together exactly `tuples`."""
    if not tuples[0]:
        return [()]
    by_first = collections.defaultdict(list)
    for first, *rest in tuples:
        by_first[first].append(tuple(rest))
    by_rest = collections.defaultdict(list)
    for first, rests in by_first.items():
        by_rest[tuple(sorted(rests))].append(first)
    return [(sorted(firsts), *rest) for rests, firsts in by_rest.items() for rest in products(list(rests))]


def filled(skeleton, sets):
    parts = skeleton.split("{}")
    return "".join(part + number for part, number in zip(parts, [*(f"{{{ranges(one)}}}" for one in sets), ""]))


def ranges(numbers):
    """0-2,5 for [0, 1, 2, 5]."""
    runs = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(f"{first}-{last}" if first < last else f"{first}" for first, last in runs)


def numbers(ranges):
    """[0, 1, 2, 5] for 0-2,5."""
    for word in ranges.split(","):
        first, _, last = word.partition("-")
        yield from range(int(first), int(last or first) + 1)


def meant(pattern):
    """All names that a pattern stands for."""
    parts = re.split(r"\{(.*?)\}", pattern)
    choices = [list(numbers(part)) if index % 2 else [part] for index, part in enumerate(parts)]
    return {"".join(map(str, chosen)) for chosen in itertools.product(*choices)}
