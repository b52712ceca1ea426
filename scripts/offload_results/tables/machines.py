# SPDX-License-Identifier: Apache-2.0
"""Committed results as tables in Markdown: the machines that they are of, and how long runs took."""
import pathlib
import shlex

from ..figures import caption
from ..results import BadInput, load, read_json
from ..runs import memory_mode
from ..text import count, escaped, row, seconds, three_digits

MODES = {"separate": "no HMM", "hmm": "HMM", "numa": "NUMA mode", "cdmm": "CDMM", "ats": "not known",
         "one_memory": "one memory"}
SILENT = ("--redact", "--progress", "never")  # of a command line: they bear on no time


def runs_in(folder):
    """Those of the program itself: other tools' measurements lie there, too."""
    files = [path for path in sorted(folder.glob("*.json")) if is_of_the_program(read_json(path))]
    return [run for path in files for run in load(path, empty_allowed=True).runs]


def is_of_the_program(document):
    return isinstance(document, dict) and "offload_bench" in document


TITLE = (row(["folder", "GPU", "memory mode", "link, copies of peak", "host", "runs", "of", "last commit"]),
         "|---|---|---|---|---|---:|---|---|")


def machines(folder):
    """A line for each folder that is named after a machine."""
    if not folder.is_dir():
        raise BadInput(f"{folder}: not a folder of folders of results")
    lines = list(TITLE)
    for machine in sorted(path for path in folder.iterdir() if path.is_dir()):
        if machine.name in ("baselines", "platforms", "schema"):
            continue
        runs = runs_in(machine)
        if not runs:
            raise BadInput(f"{machine}: no results in it")
        lines.append(line(machine, runs))
    return "\n".join(lines)


def line(folder, runs):
    """Of the table: what the runs in `folder`, or that are to go there, were made on."""
    one_machine(folder, runs)
    cells = [distinct(gpu_of, runs), distinct(mode_of, runs), copies_of_peak(runs), distinct(host_of, runs),
             str(len(runs)), dates(runs), last_commit(runs)]
    return row([f"[`{folder.name}`]({folder.name}/)", *map(escaped, cells)])


def one_machine(folder, runs):
    """Drivers may differ; a machine in another mode answers another question."""
    if len({(named(run), mode_of(run)) for run in runs}) > 1:
        raise BadInput(f"{folder}: runs of several GPUs, or of one in two memory modes: give each a folder")


def distinct(column, runs):
    return "; ".join(dict.fromkeys(map(column, runs)))


def copies_of_peak(runs):
    """What the copy engine brought to the GPU in each run's calibration, of what the link carries at most."""
    rates = [rate for rate in (run["calibration"]["copy_h2d_bytes_per_second"] for run in runs) if rate]
    peaks = {run["platform"]["link"]["peak_bytes_per_second"] for run in runs if run["platform"]["link"]}
    if not rates:
        return "-"
    least, most = three_digits(min(rates) / 1e9), three_digits(max(rates) / 1e9)
    measured = most if least == most else f"{least} to {most}"
    of_peak = "; ".join(three_digits(peak / 1e9) for peak in sorted(peaks - {None}))
    return f"{measured} of {of_peak} GB/s" if of_peak else f"{measured} GB/s"


def last_commit(runs):
    """Of the build that made the latest run."""
    build = max(runs, key=lambda run: run["started_at"])["build"]
    return build["git_commit"][:12] if build["git_commit"] else "-"


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
    return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"


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
