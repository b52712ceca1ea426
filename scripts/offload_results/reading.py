# SPDX-License-Identifier: Apache-2.0
"""Results files one after the other for scripts/compare.py; large ones two at a time."""
import itertools

from .compared_case import ComparedResults, load
from .elsewhere import CAN_FORK, Elsewhere
from .json_reader import is_large


def each(paths):
    """Yields the results in each of `paths`. While one is read and worked with, another process
    reads the next, if that is large."""
    ahead = None
    try:
        for path, following in itertools.zip_longest(paths, paths[1:]):
            mine, ahead = ahead, read_ahead(following) if pays(following) else None
            yield results_of(path, mine)
    finally:
        if ahead:
            ahead.stop()


def pays(path):
    return path is not None and CAN_FORK and is_large(path)


def read_ahead(path):
    return Elsewhere(lambda: load(path).document)


def results_of(path, ahead):
    document = ahead and ahead.result()
    return load(path) if document is None else ComparedResults(path, document)
