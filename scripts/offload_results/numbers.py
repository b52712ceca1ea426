# SPDX-License-Identifier: Apache-2.0
"""Whole numbers on a command line."""
import argparse
import re


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
