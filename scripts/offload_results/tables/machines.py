# SPDX-License-Identifier: Apache-2.0
"""Committed results as tables in Markdown: the machines that they are of, and how long runs took."""
import pathlib
import shlex

from ..figures import caption
from ..results import BadInput, load, read_json
from ..runs import memory_mode
from ..text import count, row, seconds

MODES = {"separate": "no HMM", "hmm": "HMM", "numa": "NUMA mode", "cdmm": "CDMM", "ats": "not known",
         "one_memory": "one memory"}
SILENT = ("--redact", "--progress", "never")  # of a command line: they bear on no time


def runs_in(folder):
    """Those of the program itself: other tools' measurements lie there, too."""
    files = [path for path in sorted(folder.glob("*.json")) if "offload_bench" in read_json(path)]
    return [run for path in files for run in load(path, empty_allowed=True).runs]


def machines(folder):
    """A line for each folder that is named after a machine."""
    lines = [row(["folder", "GPU", "memory mode", "host", "runs", "of"]), "|---|---|---|---|---:|---|"]
    for machine in sorted(path for path in folder.iterdir() if path.is_dir()):
        if machine.name in ("baselines", "platforms", "schema"):
            continue
        runs = runs_in(machine)
        if not runs:
            raise BadInput(f"{machine}: no results in it")
        lines.append(row([f"[`{machine.name}`]({machine.name}/)", *described(machine, runs), str(len(runs)),
                          dates(runs)]))
    return "\n".join(lines)


def described(folder, runs):
    """Drivers may differ; a machine in another mode answers another question."""
    if len({(named(run), mode_of(run)) for run in runs}) > 1:
        raise BadInput(f"{folder}: runs of several GPUs, or of one in two memory modes: give each a folder")
    return ["; ".join(dict.fromkeys(map(column, runs))) for column in (gpu_of, mode_of, host_of)]


def named(run):
    gpu = run["platform"]["gpu"]
    return gpu and gpu["name"]


def gpu_of(run):
    return caption.gpu(run) if run["platform"]["gpu"] else "-"


def mode_of(run):
    gpu = run["platform"]["gpu"]
    return MODES[memory_mode(gpu)] if gpu else "-"


def host_of(run):
    host = run["platform"]["host"]
    name = host["cpu"] if caption.known(host["cpu"]) else host["architecture"]
    return f"{name}, {count(host['logical_cpus'], 'CPU')}"


def dates(runs):
    days = sorted({run["started_at"][:7] for run in runs})
    return days[0] if len(days) == 1 else f"{days[0]}..{days[-1]}"


def times(paths):
    """What was typed, less what bears on no time."""
    lines = [row(["run", "cases", "it took"]), "|---|---:|---:|"]
    for path in paths:
        [run] = load(path, empty_allowed=True).runs
        lines.append(row([f"`{typed(run['argv'])}`", str(len(run["cases"])), seconds(run["wall_time"]["total_s"])]))
    return "\n".join(lines)


def typed(argv):
    words = [word for word in argv[1:] if word not in SILENT]
    if "--output" in words:
        at = words.index("--output")
        words[at:at + 2] = []
    return shlex.join(words)


def render_machines(paths, _):
    if len(paths) != 1:
        raise BadInput("machines is made from one folder, of folders of results")
    return machines(pathlib.Path(paths[0]))


def render_times(paths, _):
    return times(paths)
