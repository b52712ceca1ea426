# SPDX-License-Identifier: Apache-2.0
"""Check results files: valid by their schema, and possible by arithmetic and physics."""
import dataclasses
import json

from . import command, reference, sanity, schema
from .command import BAD_INPUT, FINDING, one_line
from .results import NEWEST_MINOR, BadInput, check_version, passed, read_json, results_in, run_in, version_of
from .text import count

SHOWN_ERRORS = 10


@dataclasses.dataclass
class Verdict:
    path: str
    unreadable: str = ""  # why, when it is not a results file at all
    errors: list = dataclasses.field(default_factory=list)  # of schema.Error
    findings: list = dataclasses.field(default_factory=list)
    comparisons: list = dataclasses.field(default_factory=list)
    told: list = dataclasses.field(default_factory=list)  # what the run says of itself
    counts: str = ""

    @property
    def exit_code(self):
        if self.unreadable or self.errors:
            return BAD_INPUT
        return FINDING if self.findings else 0

    @property
    def outside(self):
        return [one for one in self.comparisons if one.outside]


def examine(path, with_reference):
    try:
        return examined(path, with_reference)
    except BadInput as error:
        return Verdict(path, unreadable=str(error))


def examined(path, with_reference):
    return examined_document(path, read_json(path), with_reference)


def examined_document(path, document, with_reference):
    """The verdict on what was read from `path`; raises BadInput where that is no results file."""
    run = run_in(path, document)
    check_version(path, run)
    major, minor = version_of(run)
    if minor > NEWEST_MINOR[major]:
        raise BadInput(f"{path}: written by schema version {run['schema_version']}; this script "
                       f"knows versions up to {major}.{NEWEST_MINOR[major]}: use the one of the "
                       "offload-bench that wrote it")
    errors = schema.errors_in(document)
    if errors:
        return Verdict(path, errors=errors)
    results = results_in(path, document, empty_allowed=True)
    return Verdict(path, findings=list(sanity.findings(results)), counts=counts(results),
                   told=[one["text"] for one in results.run.get("findings") or ()],
                   comparisons=list(reference.comparisons(results)) if with_reference else [])


def counts(results):
    """76 cases, 1 failed, 20 skipped"""
    cases = results.cases
    failed = sum(case["failure"] is not None for case in cases)
    unfinished = sum(not passed(case) for case in cases) - failed
    parts = [count(len(cases), "case")]
    parts += [f"{failed} failed"] if failed else []
    parts += [f"{unfinished} unfinished"] if unfinished else []
    parts += [f"{len(results.run['skipped'])} skipped"]
    if "sources" in results.run:
        parts.append(count(len(results.run["sources"]), "source"))
    if not results.run["complete"]:
        parts.append(f"an incomplete run ({results.run['incomplete_reason']})")
    return ", ".join(parts)


def report(verdict, with_reference):
    """The lines for people."""
    path = verdict.path
    if verdict.errors:
        lines = [f"{path}: {error}" for error in verdict.errors[:SHOWN_ERRORS]]
        more = len(verdict.errors) - SHOWN_ERRORS
        if more > 0:
            lines.append(f"{path}: and {count(more, 'error')} more: --json lists all")
        lines.append(f"{path}: not valid: {count(len(verdict.errors), 'error')} by the schema")
        return list(map(one_line, lines))
    lines = [f"{path}: {finding}" for finding in verdict.findings]
    lines += [f"{path}: the run says: {text}" for text in verdict.told]
    lines += [f"{path}: {comparison}" for comparison in verdict.outside]
    found = count(len(verdict.findings), "finding") if verdict.findings else "no finding"
    summary = f"{path}: valid; {verdict.counts}; {found}"
    if with_reference:
        compared = len(verdict.comparisons)
        summary += (f"; {len(verdict.outside)} of {count(compared, 'figure')} outside the "
                    "published range" if compared else "; no figure is published for it")
    return list(map(one_line, [*lines, summary]))


def as_json(verdict):
    return {
        "file": str(verdict.path),
        "exit_code": verdict.exit_code,
        "unreadable": verdict.unreadable or None,
        "schema_errors": [{"path": error.path, "error": error.text} for error in verdict.errors],
        "findings": [dataclasses.asdict(finding) for finding in verdict.findings],
        "told": verdict.told,
        "published": [
            {"where": one.where, "what": one.what, "value": one.value, "unit": one.unit,
             "outside": one.outside, "margin": one.margin, "likely_causes": one.causes,
             "ranges": [{key: entry.get(key) for key in ("low", "high", "source", "grade", "hint")}
                        for entry in one.entries]}
            for one in verdict.comparisons
        ],
    }


EPILOG = """exit codes: 0 nothing found, 1 a finding: figures that cannot all be true, 2 no
results, or not valid by the schema in results/schema/. A figure outside the published range is not a
fault: other machines differ, and the code stays 0."""


def main():
    parser = command.Parser(description=__doc__, epilog=EPILOG)
    parser.add_argument("files", nargs="+", metavar="FILE", help="what --output or offload-results merge wrote")
    parser.add_argument("--reference", action="store_true",
                        help="also compare with figures published for machines of this kind")
    parser.add_argument("--json", metavar="FILE", help="write all of it to FILE, too")
    arguments = parser.parse_intermixed_args()

    command.refuse_overwriting(arguments.json, arguments.files)
    verdicts = [examine(path, arguments.reference) for path in arguments.files]
    for verdict in verdicts:
        if verdict.unreadable:
            command.bad_input(verdict.unreadable)
            continue
        for line in report(verdict, arguments.reference):
            print(line)
    if arguments.json:
        document = {"files": [as_json(verdict) for verdict in verdicts]}
        command.write_whole(arguments.json, json.dumps(document, indent=1) + "\n")
    return max(verdict.exit_code for verdict in verdicts)
