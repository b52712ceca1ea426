#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# /// script
# requires-python = ">=3.9"
# dependencies = ["jsonschema>=4.0", "scipy>=1.4"]
# ///
"""Say for each case whether it became faster or slower than in a baseline, from the samples of both
results files, and end with an exit code to gate on."""
from offload_results import command, comparability, compared_case, comparison, comparison_json
from offload_results import comparison_markdown, comparison_table, variability, tolerances
from offload_results.comparison_options import arguments, wanted

FORMATS = {"table": comparison_table.render, "markdown": comparison_markdown.render,
           "json": comparison_json.render}
TOLERANCE_FORMATS = {"table": tolerances.render_table, "json": tolerances.render_json}


def main():
    options = arguments(__doc__)
    terms = comparison.Terms(options.threshold, options.confidence, options.allow_missing,
                             variability.ASSUMED | dict(options.run_to_run))
    command.refuse_overwriting(options.output, [options.baseline, *options.candidates])
    baseline = compared_case.load(options.baseline)
    if options.tolerances:
        found = tolerances.tolerances(baseline, terms, wanted(options.filters))
        text = TOLERANCE_FORMATS[options.format](baseline, found, terms)
        write(text, options.output, [f"Tolerances of {len(found)} cases."])
        return comparison.FINE
    compared = []
    for candidate in map(compared_case.load, options.candidates):
        found = comparison.compare(baseline, candidate, terms, wanted(options.filters))
        if not options.force:
            comparability.refuse(baseline, candidate, found.differences)
        compared.append(found)
    text = FORMATS[options.format](compared, options.rows)
    write(text, options.output, map(comparison_table.sentence, compared))
    codes = {found.exit_code for found in compared}
    return next(code for code in (comparison.REGRESSION, comparison.UNDECIDED, comparison.FINE)
                if code in codes)


def write(text, output, summary):
    if output:
        command.write_whole(output, text)
        print(*summary, sep="\n")
    else:
        print(text, end="")


if __name__ == "__main__":
    command.run(main)
