# SPDX-License-Identifier: Apache-2.0
"""What was predicted of a case beside what it took."""
from .noise import told
from .samples import figure


def predictions_are_ranges(part):
    for case in part.cases:
        found = case.get("predicted")
        if found and not found["least_s"] <= found["seconds"] <= found["most_s"]:
            yield case["name"], (f"predicted.seconds is {figure(found['seconds'])}, outside its range "
                                 f"of {figure(found['least_s'])} to {figure(found['most_s'])}")


def what_lies_outside_its_range_is_told(part):
    listed = told(part, "prediction") or set()
    outside = {case["name"]: case for case in part.passed if is_outside(case)}
    for name in sorted(outside.keys() - listed):
        found = outside[name]["predicted"]
        yield name, (f"takes {figure(outside[name]['summary']['median_s'])} s, predicted were "
                     f"{figure(found['least_s'])} to {figure(found['most_s'])}, and the run does not "
                     "say so")
    for name in sorted(listed - outside.keys()):
        yield name, "is said to lie outside what was predicted, and does not"


def is_outside(case):
    found = case.get("predicted")
    return bool(found) and not found["least_s"] <= case["summary"]["median_s"] <= found["most_s"]


CHECKS = (predictions_are_ranges, what_lies_outside_its_range_is_told)
