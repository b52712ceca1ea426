# SPDX-License-Identifier: Apache-2.0
"""What is compared of a case, taken from a results file while that is read: to keep all that cases
have takes several times the memory, and longer than to compare them."""
import dataclasses
import functools
import math
import operator
import typing

from . import divided, interval, kinds, results
from .comparability import measurement_of
from .json_reader import BadInput

MOST_SECONDS = 1e9  # of a sample: thirty years


class Case(typing.NamedTuple):
    """Made of plain tuples: marshal, which hands it from process to process, takes no other."""

    of_key: tuple
    workload: str
    source: int
    passed: bool
    failure: str | None
    kind: str
    measurement: tuple
    samples: int
    of_run: tuple | None  # None if the samples are no times

    @property
    def path(self):
        return self.measurement[0]

    def refused(self, path):
        """For want of a run."""
        raise BadInput(f"{path}: {as_key(self.of_key)}: "
                       f"{'a sample that is no time' if self.samples else 'no samples'}; "
                       "the file is damaged: scripts/validate.py says where")


def maker_of(kind):
    """What _make() of a NamedTuple does, in a third of its time: there are hundreds of thousands to
    make."""
    return functools.partial(tuple.__new__, kind)


as_case, as_key, as_run = map(maker_of, (Case, results.CaseKey, interval.Run))


def compared(found):
    """Of a case what a Case has; all else as it is, less Google Benchmark's rows."""
    if "samples_s" not in found:
        return None if "run_type" in found else found
    if not results.is_case(found, math.inf):
        return found
    samples = sorted(found["samples_s"])
    are_times = samples and samples[-1] <= MOST_SECONDS
    return (tuple(results.key_of(found)), found["workload"], results.source_of(found),
            results.passed(found), found["failure"], kinds.kind_of(found),
            measurement_of(found), len(samples),
            tuple(interval.run_of(samples)) if are_times else None)


def is_compared(case, sources):
    return isinstance(case, tuple) and as_case(case).source < sources


@dataclasses.dataclass(frozen=True)
class ComparedResults(results.Results):
    """Its cases are what compared() makes of them."""

    def by_key(self):
        return self.joined

    @functools.cached_property
    def joined(self):
        return results.joined(self.path, map(as_case, self.cases), lambda case: as_key(case.of_key),
                              operator.attrgetter("source"))


def load(path):
    found = results.results_in(path, divided.read_json(path, compared, "samples_s"),
                               is_sound=is_compared)
    return ComparedResults(found.path, found.document)
