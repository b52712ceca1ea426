# SPDX-License-Identifier: Apache-2.0
"""The ranks of a job, each with a results file of its own in one folder."""
import pathlib

from .results import BadInput
from .text import enumerate_names


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


def faults(files):
    """Why the ranks in `files` are not all of their job, in a line each: it can be told without them. Raises
    BadInput where they are not of one job."""
    ranks = [(file, rank_of(file.run)) for file in files if rank_of(file.run)]
    if not ranks:
        return []
    if len(ranks) < len(files):
        others = next(file for file in files if not rank_of(file.run))
        raise BadInput(f"{others.path}: no rank of a job, and {ranks[0][0].path} is: merge the ranks of one job alone")
    of_job(ranks)
    by_index = {rank["index"]: file for file, rank in ranks}
    size = ranks[0][1]["size"]
    lines = [f"rank {index} of {size} is missing{left_behind(ranks[0][0].path, index)}"
             for index in range(size) if index not in by_index]
    for index, file in sorted(by_index.items()):
        if not file.run["complete"]:
            lines.append(f"rank {index} of {size} ended early: {file.run['incomplete_reason']}")
        failed = [case["name"] for case in file.cases if case["failure"]]
        if failed:
            lines.append(f"rank {index} of {size} failed in {enumerate_names(failed, 3)}")
    return lines


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
