# SPDX-License-Identifier: Apache-2.0
"""The ranks of a job, each with a results file of its own in one folder."""
import pathlib
import re

from .results import BadInput
from .text import enumerate_names

UNREAD = "cannot be read"


def files_in(paths):
    """`paths` with the results of its ranks in the place of a folder, in the order of the ranks."""
    files = []
    for path in paths:
        if not pathlib.Path(path).is_dir():
            files.append(path)
            continue
        found = sorted(pathlib.Path(path).glob("rank-*.json"))
        if not found:
            raise BadInput(f"{path}: is a directory without rank-NNNN.json: give a file, or the folder that --output named")
        files += map(str, found)
    return files


def rank_of(run):
    """{index, size, ...}; None of a run that was no rank of a job."""
    return run.get("rank")


def faults(files, damaged=()):
    """Why the ranks in `files` are not all of their job, in a line each: it can be told without them. `damaged`
    has {path: reason} of ranks whose file cannot be read. Raises BadInput where they are not of one job."""
    ranks = [(file, rank_of(file.run)) for file in files if rank_of(file.run)]
    unread = {pathlib.Path(path).name: reason.replace(f"{path}: ", "") for path, reason in dict(damaged).items()}
    if not ranks:
        return [f"{name} {UNREAD}: {reason}" for name, reason in unread.items()]
    if len(ranks) < len(files):
        refuse_others(next(file for file in files if not rank_of(file.run)), *ranks[0])
    of_job(ranks)
    by_index = {rank["index"]: file for file, rank in ranks}
    size = ranks[0][1]["size"]
    lines = [f"rank {index} of {size} {why_not(ranks[0][0].path, index, unread)}"
             for index in range(size) if index not in by_index]
    for index, file in sorted(by_index.items()):
        if not file.run["complete"]:
            lines.append(f"rank {index} of {size} ended early: {file.run['incomplete_reason']}")
        failed = [case["name"] for case in file.cases if case["failure"]]
        if failed:
            lines.append(f"rank {index} of {size} failed in {enumerate_names(failed, 3)}")
    return lines


def leaves_out(line):
    """Whether a line of faults() is of a rank that nothing of is in the merged file."""
    return re.match(rf"rank( \d+ of \d+|-\d+\.json) (is missing|{UNREAD})", line) is not None


def why_not(path, index, unread):
    reason = unread.get(f"rank-{index:04}.json")
    return f"{UNREAD}: {reason}" if reason else f"is missing{left_behind(path, index)}"


def refuse_others(other, file, rank):
    """Of a file that is no rank, beside one that is."""
    merged = [source["run"] for source in other.run.get("sources", ()) if rank_of(source["run"])]
    if not merged:
        raise BadInput(f"{other.path}: no rank of a job, and {file.path} is: merge the ranks of one job alone")
    within = any(run["started_at"] == file.run["started_at"] and rank_of(run)["index"] == rank["index"]
                 for run in merged)
    raise BadInput(f"{other.path}: the merged ranks of a job, {'among them' if within else 'and'} {file.path}"
                   + (": give the merged file alone" if within else
                      f" is rank {rank['index']} of one: merge the folder that --output named again"))


def of_job(ranks):
    """Raises BadInput where they are not the ranks of one job, a GPU each."""
    first, one = ranks[0]
    seen, gpus = {}, {}
    for file, rank in ranks:
        if rank["size"] != one["size"] or file.run["argv"] != first.run["argv"]:
            raise BadInput(f"{file.path}: of another job than {first.path}: it was started with other arguments, or "
                           "beside another number of ranks")
        if rank["index"] in seen:
            raise BadInput(f"{file.path}: rank {rank['index']}, as {seen[rank['index']]} is: of two jobs?")
        seen[rank["index"]] = file.path
        gpu = file.run["platform"]["gpu"]
        key = gpu and gpu.get("uuid")
        if key and key != "redacted" and key in gpus:
            raise BadInput(f"{file.path}: measured the GPU that {gpus[key]} did: start as many ranks on a host as it "
                           "has GPUs")
        gpus[key] = file.path


def left_behind(path, index):
    """What a rank that was killed has left beside the others' results."""
    for name in (f"rank-{index:04}.json.journal", f"rank-{index:04}.json.journal.old"):
        if (pathlib.Path(path).parent / name).exists():
            return f": {name} has what it had finished"
    return ""
