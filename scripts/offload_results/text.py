# SPDX-License-Identifier: Apache-2.0
"""Numbers and lists in words, as the program writes them (bench/core/text.hpp has the rules, and
tests/data/numbers.json the examples that both are held to). What is None or not finite is "n/a"."""
import argparse
import functools
import math
import re

TIMES = ((1e-9, "ns"), (1e-6, "us"), (1e-3, "ms"), (1.0, "s"))
RATES = ((1.0, "B/s"), (1e3, "kB/s"), (1e6, "MB/s"), (1e9, "GB/s"), (1e12, "TB/s"))
TRAFFIC = ((1e3, "kB"), (1e6, "MB"), (1e9, "GB"))
SIZES = ("B", "KiB", "MiB", "GiB", "TiB")


def if_known(spelled):
    @functools.wraps(spelled)
    def guarded(value, *others):
        known = value is not None and math.isfinite(value)
        return spelled(value, *others) if known else "n/a"
    return guarded


@if_known
def three_digits(value):
    """4460, 51.4, 6.70, 0.374, 0.0374: never an exponent."""
    if value == 0:
        return "0"
    exponent = int(f"{value:.2e}".partition("e")[2])  # of 99.96 it is 2, as of 100
    return f"{value:.{max(0, 2 - exponent)}f}"


@if_known
def two_digits(value):
    """4500, 51, 6.7, 0.37."""
    if value == 0:
        return "0"
    rounded = f"{value:.1e}"
    return f"{float(rounded):.{max(0, 1 - int(rounded.partition('e')[2]))}f}"


def digits(is_rough):
    """How to write a figure that variability.is_rough says that of."""
    return two_digits if is_rough else three_digits


def rough(value, least, most):
    """27 (19..28): of what runs of one build repeat to no better than 5 %."""
    low, high = two_digits(least), two_digits(most)
    return two_digits(value) if low == high else f"{two_digits(value)} ({low}..{high})"


def scaled(value, scales, digits=three_digits):
    """In the unit that keeps it below 1000 after rounding."""
    factor, unit = next((scale for scale in scales if abs(value) / scale[0] < 999.5), scales[-1])
    return f"{digits(value / factor)} {unit}"


@if_known
def seconds(value):
    """812 ns, 8.46 ms."""
    return scaled(value, TIMES)


@if_known
def rough_seconds(value):
    """27 ms."""
    return scaled(value, TIMES, two_digits)


@if_known
def rate(bytes_per_second):
    """51.4 GB/s."""
    return scaled(bytes_per_second, RATES)


@if_known
def traffic(count):
    """Bytes that moved, in decimal units as rates are: 118 MB."""
    return f"{count:.0f} B" if count < 999.5 else scaled(count, TRAFFIC)


@if_known
def size(count):
    """Of memory: 112 MiB, 1.5 GiB."""
    value, unit = float(count), 0
    while unit + 1 < len(SIZES) and value >= 1023.5:  # more would print as 1024
        value /= 1024
        unit += 1
    whole = unit == 0 or value >= 9.95 or f"{value:.1f}".endswith(".0")
    return f"{value:.{0 if whole else 1}f} {SIZES[unit]}"


@if_known
def percent(ratio):
    return f"{100 * ratio:.0f} %"


@if_known
def percent_number(ratio):
    """For a column that has the sign in its title: 88.9."""
    return f"{100 * ratio:.1f}"


@if_known
def ratio_text(ratio, limit=None):
    """To a limit: 0.985. Where three decimals would make it look like `limit`, which it is not,
    four: 1.0997."""
    alike = limit not in (None, ratio) and f"{ratio:.3f}" == f"{limit:.3f}"
    return f"{ratio:.{4 if alike else 3}f}"


@if_known
def times(ratio):
    return f"{ratio:.{0 if ratio >= 9.995 else 2}f}x"


def count(number, noun):
    return f"{number} {noun}{'' if number == 1 else 's'}"


def enumerate_names(names, most=0):
    """"a, b and c"; of more than `most` names some, and how many others."""
    names = list(names)
    if most and len(names) > most:
        names = [*names[:most - 1], f"{len(names) - most + 1} others"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


# Letters, digits and what cannot begin anything; parentheses do so after brackets only, and those
# are not harmless characters. An underscore or a full stop within a word is, unless "www." begins a
# link.
HARMLESS = re.compile(r"[\w ,;/+%()'-]", re.ASCII)
WITHIN_WORD = re.compile(r"(?<=[A-Za-z0-9])[_.](?=[A-Za-z0-9])")
AT_END = re.compile(r"(?<=[A-Za-z0-9%)])[.:](?= |$)")

# GitHub looks for @people, #issues and addresses in what is left when references are resolved.
WORD_JOINER = "&#8288;"


def escaped(text):
    """Every character that Markdown or HTML might take for its own is a character reference; what
    cannot be printed, line breaks included, is a replacement character."""
    links = "www." in text.lower()
    return "".join(reference(text, index, links) for index in range(len(text)))


def reference(text, index, links):
    character = text[index]
    if character in "_.:":
        harmless = not links and (WITHIN_WORD.match(text, index) or AT_END.match(text, index))
    else:
        harmless = HARMLESS.match(character) or (character.isalnum() and character.isprintable())
    if harmless:
        return character
    if not character.isprintable():
        return "\N{REPLACEMENT CHARACTER}"
    return f"&#{ord(character)};" + (WORD_JOINER if character in "@#" else "")


def row(cells):
    """Of a table; the cells are Markdown."""
    return f"| {' | '.join(cells)} |"


def code(text):
    return f"<code>{escaped(text)}</code>"


def whole_number(text, least, most):
    if not re.fullmatch("[1-9][0-9]{0,8}", text) or not least <= int(text) <= most:
        raise ValueError(f"must be a whole number from {least} to {most}, not '{text}'")
    return int(text)


def from_to(least, most):
    """A type for argparse."""
    def number(text):
        try:
            return whole_number(text, least, most)
        except ValueError as rule:
            raise argparse.ArgumentTypeError(str(rule)) from None
    return number


def list_from_to(least, most):
    """Of numbers between commas, each of them once."""
    of_one = from_to(least, most)

    def numbers(text):
        found = [of_one(part) for part in text.split(",")]
        if len(set(found)) < len(found):
            raise argparse.ArgumentTypeError(f"has a number twice: '{text}'")
        return found
    return numbers
