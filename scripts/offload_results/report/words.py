# SPDX-License-Identifier: Apache-2.0
"""Numbers in sentences, spelt as the benchmark's own closing summary spells them
(bench/report/numbers.cpp, include/offload/units.hpp)."""

TIMES = ((1e-9, "ns"), (1e-6, "us"), (1e-3, "ms"), (1.0, "s"))
RATES = ((1.0, "B/s"), (1e3, "kB/s"), (1e6, "MB/s"), (1e9, "GB/s"), (1e12, "TB/s"))
SIZES = ("B", "KiB", "MiB", "GiB", "TiB")


def three_digits(value):
    return f"{value:.{0 if abs(value) >= 99.95 else 1 if abs(value) >= 9.995 else 2}f}"


def scaled(value, scales):
    """In the unit that keeps it below 1000 after rounding."""
    factor, unit = next((scale for scale in scales if abs(value) / scale[0] < 999.5), scales[-1])
    return f"{three_digits(value / factor)} {unit}"


def seconds(value):
    return scaled(value, TIMES)


def rate(bytes_per_second):
    return scaled(bytes_per_second, RATES)


def size(count):
    value, unit = float(count), 0
    while unit + 1 < len(SIZES) and value >= 1023.5:  # more would print as 1024
        value /= 1024
        unit += 1
    whole = unit == 0 or value >= 9.95 or round(value, 1) == int(round(value, 1))
    return f"{value:.{0 if whole else 1}f} {SIZES[unit]}"


def percent(ratio):
    return f"{100 * ratio:.0f} %"


def times(ratio):
    return f"{ratio:.{0 if ratio >= 9.995 else 2}f}x"


def enumerate_names(names, most=0):
    """"a, b and c"; of more than `most` names some, and how many others."""
    names = list(names)
    if most and len(names) > most:
        names = [*names[:most - 1], f"{len(names) - most + 1} others"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def count(number, noun):
    return f"{number} {noun}{'' if number == 1 else 's'}"
