# SPDX-License-Identifier: Apache-2.0
"""Merge results files, of several GPUs, ranks or days, into one; no sample is lost or averaged."""
import json
import sys

from . import command, job, schema
from .results import LISTS, NEWEST_MINOR, as_written, BadInput, read_json, source_of, version_of
from .runs import parts
from .text import count

SINCE_2 = ("answers", "findings", "loading_costs")
RANKS = ("SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK")


def merge(paths, incomplete_allowed=False, with_rows=True):
    """The document of all runs in `paths`, in that order; merged files are taken apart again.
    Without Google Benchmark's rows, which repeat the samples, it is a quarter of the size."""
    return merged(*readable_of(paths, incomplete_allowed), with_rows)


def merged(files, damaged, with_rows):
    missing = job.faults(files, damaged)
    major = one_major_version(files)
    sources, rows = [], []
    lists = {name: [] for name in LISTS if major > 1 or name not in SINCE_2}
    seen = {}
    for results in files:
        first = len(sources)
        for part in parts(results):
            identity = identity_of(part)
            if identity in seen:
                raise BadInput(f"{results.path}: the same run as in {seen[identity]}: give each "
                               "once")
            seen[identity] = results.path
        sources += sources_of(results)
        for name in lists:
            lists[name] += moved(results.run.get(name) or [], first)
        rows += families_apart(moved(results.document["benchmarks"], first), rows)
    if not with_rows:
        rows = []
        lists["cases"] = [{**case, "run_name": None} for case in lists["cases"]]
    return {
        "context": files[0].document["context"],
        "benchmarks": rows,
        "offload_bench": {**without_rank(files[0].run), **state_of(sources, major, missing), "sources": sources,
                          **lists},
    }


def readable_of(paths, incomplete_allowed=False):
    """(files, {path: why it cannot be read}). Of a job's folder what can be read is kept and the rest is named,
    and results of ranks that ended early are taken; a file that was named itself must be whole."""
    files, damaged = [], {}
    for path in job.files_in(paths):
        try:
            files.append(readable(path, incomplete_allowed or path not in paths))
        except BadInput as reason:
            if path in paths:
                raise
            damaged[path] = str(reason)
    if not files:
        raise BadInput(next(iter(damaged.values())))
    return files, damaged


def without_rank(run):
    """It is a source's, of all of which the merged run is made."""
    return {name: value for name, value in run.items() if name != "rank"}


def readable(path, incomplete_allowed):
    """Results that can be merged: valid, and finished unless unfinished ones are wanted."""
    document = read_json(path)
    results = as_written(path, document)
    errors = schema.errors_in(document)
    if errors:
        raise BadInput(f"{path}: not valid: {errors[0]}; offload-results validate lists all")
    results.by_key()  # refuses a case that stands there twice
    if not results.run["complete"] and not incomplete_allowed:
        raise BadInput(f"{path}: an incomplete run ({results.run['incomplete_reason']}): "
                       "--incomplete takes it all the same")
    return results


def one_major_version(files):
    """Cases of schema 1 do not say what those of schema 2 do, so no file can hold both."""
    majors = {version_of(results.run)[0]: results.path for results in files}
    if len(majors) > 1:
        (old, first), (new, second) = sorted(majors.items())
        raise BadInput(f"{first} is of schema version {old}, {second} of {new}: merge files of one "
                       "major version")
    return next(iter(majors))


def sources_of(results):
    ours = results.run
    if "sources" in ours:
        return ours["sources"]
    context, gpu = results.document["context"], ours["platform"]["gpu"]
    return [{
        "file": results.path.name,
        "started_at": ours["started_at"],
        "host_name": context.get("host_name") or None,
        "gpu": gpu and {name: gpu[name] for name in ("index", "name", "uuid")},
        "rank": rank_of(ours["platform"]["host"]),
        "git_commit": ours["build"]["git_commit"],
        "context": context,
        "run": {name: value for name, value in ours.items() if name not in LISTS},
    }]


def rank_of(host):
    """Which process of its job this is; None outside of one, or where it was redacted."""
    ranks = (host.get("settings") or {}).get("ranks", {})
    numbers = [ranks[name] for name in RANKS if name in ranks]
    return int(numbers[0]) if numbers and numbers[0].isdecimal() else None


def identity_of(part):
    """What no two runs have in common: when they began and all that they measured. Not what names
    the machine: a redacted file and its original are the same run."""
    measured = [(case["name"], case["samples_s"]) for case in part.cases]
    costs = [cost["seconds"] for cost in part.memory_costs]
    costs += [cost["samples_s"] for cost in part.loading_costs]
    return json.dumps([part.run["started_at"], part.run["wall_time"], measured, costs])


def moved(items, first):
    """The same with their source's index in the merged file."""
    return [{**item, "source": first + source_of(item)} for item in items]


def families_apart(rows, before):
    """Google Benchmark numbers families from 0 in each file; here the next file's follow."""
    taken = 1 + max((row.get("family_index", -1) for row in before), default=-1)
    return [{**row, "family_index": row["family_index"] + taken} if "family_index" in row else row
            for row in rows]


def state_of(sources, major, missing):
    """What the merged run says of itself: all of them are complete, and redacted, or it is not."""
    runs = [source["run"] for source in sources]
    reasons = [f"{source['file']}: {source['run']['incomplete_reason']}" for source in sources
               if not source["run"]["complete"]]
    reasons += [line for line in missing if job.leaves_out(line)]
    wall = {name: sum(run["wall_time"][name] for run in runs) for name in runs[0]["wall_time"]}
    return {
        "schema_version": f"{major}.{NEWEST_MINOR[major]}.0",
        "complete": not reasons,
        "incomplete_reason": "; ".join(reasons) or None,
        "redacted": all(run.get("redacted", False) for run in runs),
        "wall_time": wall,
    }


EPILOG = """The merged file is a results file: every case says which of offload_bench.sources it is
from, and sources stand in the order given. Merged files can be merged again. exit codes: 0 written,
2 bad input."""


def main():
    parser = command.Parser(description=__doc__, epilog=EPILOG)
    parser.add_argument("files", nargs="+", metavar="FILE",
                        help="what --output or offload-results merge wrote; or the folder of a job's ranks")
    parser.add_argument("--output", required=True, metavar="OUT", help="the merged file")
    parser.add_argument("--incomplete", action="store_true",
                        help="take runs that were interrupted, too")
    parser.add_argument("--no-rows", action="store_true",
                        help="leave out Google Benchmark's rows: a quarter of the size, as for a "
                        "baseline, but its own tools find nothing in it")
    arguments = parser.parse_intermixed_args()

    command.refuse_overwriting(arguments.output, job.files_in(arguments.files))
    files, damaged = readable_of(arguments.files, arguments.incomplete)
    document = merged(files, damaged, not arguments.no_rows)
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    command.write_whole(arguments.output, text + "\n")
    ours = document["offload_bench"]
    for line in job.faults(files, damaged):
        print(f"{arguments.output}: {line}", file=sys.stderr)
    print(f"{arguments.output}: {count(len(ours['cases']), 'case')} of "
          f"{count(len(ours['sources']), 'run')}")
    return 0
