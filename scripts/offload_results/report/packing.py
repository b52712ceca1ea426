# SPDX-License-Identifier: Apache-2.0
"""Keeps a page small: values that repeat are written once, numbers as long as needed."""
import json


class ValueTable:
    """Distinct JSON values; others refer to them by index."""

    def __init__(self):
        self.values = []
        self._indexes = {}

    def index(self, value):
        key = json.dumps(value, sort_keys=True)
        if key not in self._indexes:
            self._indexes[key] = len(self.values)
            self.values.append(value)
        return self._indexes[key]


def rounded(value, digits=5):
    """`value` to that many significant digits, an integer where it is one; None stays None."""
    if value is None or isinstance(value, bool):
        return value
    short = float(f"{value:.{digits}g}")
    return int(short) if short == int(short) and abs(short) < 2**53 else short


def microseconds(seconds, digits=6):
    return None if seconds is None else rounded(seconds * 1e6, digits)
