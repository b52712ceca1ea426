# SPDX-License-Identifier: Apache-2.0
"""How far cases lie from what was predicted of them, by policy, as a table in Markdown."""
import statistics

from offload_results.json_reader import BadInput
from offload_results.markdown_text import row
from offload_results.results import passed
from offload_results.sanity.predictions import is_outside
from offload_results.text import percent_number


def error_of(case):
    """By which factor the longer of predicted and measured exceeds the other, less 1."""
    ratio = case["summary"]["median_s"] / case["predicted"]["seconds"]
    return max(ratio, 1 / ratio) - 1


def render(files):
    cases = [case for results in files for case in results["cases"]
             if passed(case) and case.get("predicted")]
    if not cases:
        raise BadInput("no case has a prediction: they have since schema 2.3")
    by_policy = {}
    for case in cases:
        by_policy.setdefault(case["policy"], []).append(case)
    lines = ["| policy | cases | median error, % | worst, % | outside the range |",
             "|---|---:|---:|---:|---:|"]
    for policy, some in [*by_policy.items(), ("all", cases)]:
        errors = list(map(error_of, some))
        lines.append(row([
            f"`{policy}`" if policy != "all" else policy, str(len(some)),
            percent_number(statistics.median(errors)), percent_number(max(errors)),
            str(sum(map(is_outside, some)))]))
    return "\n".join(lines)
