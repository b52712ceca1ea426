# SPDX-License-Identifier: Apache-2.0
"""Numbers and rows of the documentation's tables."""


def duration(seconds):
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if seconds * factor >= 1:
            return f"{three_digits(seconds * factor)} {unit}"
    return f"{three_digits(seconds * 1e9)} ns"


def three_digits(value):
    return f"{value:.0f}" if value >= 99.95 else f"{value:#.3g}"


def gibibytes(count):
    value = count / 2**30
    return f"{value:.0f} GiB" if value >= 9.95 else f"{value:.2g} GiB"


def row(cells):
    return f"| {' | '.join(cells)} |"
