# SPDX-License-Identifier: Apache-2.0
"""What is compared of a case."""
from __future__ import annotations

import dataclasses
import functools

from . import interval, variability, results
from .comparability import measurement_of
from .json_reader import BadInput

MAX_SECONDS = 1e9  # of a sample: thirty years


@dataclasses.dataclass(frozen=True)
class Case:
    key: results.CaseKey
    workload: str
    source: int
    passed: bool
    failure: str | None
    kind: str
    measurement: tuple
    samples: tuple

    @property
    def path(self):
        return self.measurement.path

    @functools.cached_property
    def run(self):
        """An interval.Run, or None if the samples are not times."""
        if not self.samples or max(self.samples) > MAX_SECONDS:
            return None
        return interval.run_of(self.samples)

    def refused(self, path):
        """For want of a run."""
        raise BadInput(f"{path}: {self.key}: "
                       f"{'a sample that is not a time' if self.samples else 'no samples'}; "
                       "the file is damaged: scripts/validate.py says where")


def compared(case):
    return Case(results.key_of(case), case["workload"], results.source_of(case),
                results.passed(case), case["failure"], variability.kind_of(case), measurement_of(case),
                tuple(case["samples_s"]))


class ComparedResults(results.Results):
    """Its cases by key are what compared() makes of them."""

    @functools.cached_property
    def compared(self):
        return {key: list(map(compared, cases)) for key, cases in self.by_key().items()}


def load(path):
    found = results.load(path)
    return ComparedResults(found.path, found.document)
