# SPDX-License-Identifier: Apache-2.0
"""What offload_bench says of models, and a run of it under a limit of time."""
import csv
import dataclasses
import json
import math
import pathlib
import re
import shutil
import subprocess
import tempfile
import typing

from offload_results import results
from offload_results.results import BadInput, read_text

ENDING_S = 60  # for what was measured to be written, once the program is asked to end
BAD_COMMAND = 2


def found(path):
    """Where the program is."""
    program = shutil.which(path)
    if program is None:
        raise BadInput(f"{path}: no such program: build it and give --bench PATH")
    return str(pathlib.Path(program).absolute())


def asked(bench, *arguments):
    return subprocess.run([bench, *arguments], capture_output=True, text=True, check=False)


def last_line(text):
    lines = text.strip().splitlines()
    return lines[-1].removeprefix("offload_bench: ") if lines else ""


def models(bench):
    """The presets: each has a projection o_proj."""
    names = re.findall(r"^(\S+)\.o_proj ", asked(bench, "list").stdout, re.MULTILINE)
    if not names:
        raise BadInput(f"{bench}: lists no models: is it offload_bench?")
    return names


def linear_weight_bytes(bench, model):
    """Advice has it, for whatever machine."""
    done = asked(bench, "advise", "--model", model, "--platform", "rtx-4090", "--host-read", "60GB/s",
                 "--host-memory", "1GiB", "--output", "-")
    try:
        return json.loads(done.stdout)["linear_weight_bytes"]
    except (ValueError, KeyError):
        raise BadInput(f"{model}: {last_line(done.stderr)}") from None


def planned(bench, model, slice_size, workload, tokens):
    return asked(bench, "plan", "--model", model, "--workloads", workload, "--tokens", tokens,
                 "--slice", slice_size, "--policies", "host_compute", "--format", "csv")


def slice_bytes(bench, model, slice_size):
    """Of the layers that are measured; infinite where they are too large for this machine."""
    done = planned(bench, model, slice_size, "decode", "1")
    rows = list(csv.DictReader(done.stdout.splitlines())) if done.returncode == 0 else []
    return int(rows[0]["bytes"]) if rows else math.inf


def refusal_of_prefill(bench, model, slice_size):
    """Why a prefill cannot read a model that decode can; None where it can. The program refuses a whole
    command line for it."""
    if planned(bench, model, slice_size, "decode", "1").returncode == BAD_COMMAND:
        return None
    done = planned(bench, model, slice_size, "prefill", "512")
    return last_line(done.stderr) if done.returncode == BAD_COMMAND else None


@dataclasses.dataclass(frozen=True)
class Outcome:
    """`run` is the results' object offload_bench, None where there is none; `reason` says why it is not
    all that was asked for."""
    run: typing.Optional[dict]
    reason: typing.Optional[str]
    interrupted: bool = False


def measured(bench, arguments, limit_s):
    """What a run comes to in this time; what was finished is kept."""
    with tempfile.TemporaryDirectory() as folder:
        output, errors = pathlib.Path(folder, "results.json"), pathlib.Path(folder, "errors")
        stopped, code = ended([bench, *arguments, "--output", str(output)], errors, limit_s)
        try:
            run = results_at(output)
        except BadInput as damage:
            return Outcome(None, str(damage), stopped == "interrupted")
        incomplete = run["incomplete_reason"] if run else last_line(read_text(errors))
        failed = None if run and run["complete"] else incomplete or f"exit code {code}"
        return Outcome(run, stopped or failed, stopped == "interrupted")


def ended(command, errors, limit_s):
    """(why it was stopped or None, exit code)"""
    with open(errors, "wb") as file:
        # In a session of its own: a signal from the terminal would end it a second time.
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=file, start_new_session=True)
    stopped = None
    try:
        process.wait(limit_s)
    except subprocess.TimeoutExpired:
        stopped = f"took more than {limit_s} s"
    except KeyboardInterrupt:
        stopped = "interrupted"
    return stopped, end(process)


def end(process):
    """As by Ctrl-C, which a program started in the background may ignore; it writes what it has."""
    try:
        process.terminate()
        return process.wait(ENDING_S)
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def results_at(output):
    """The results, or what a run that could not write them left in its journal."""
    if output.exists():
        return results.load(output, empty_allowed=True).run
    journal = pathlib.Path(f"{output}.journal")
    lines = read_text(journal).split("\n")[:-1] if journal.exists() else []
    if not lines:
        return None
    run, *cases = map(json.loads, lines)
    return {**run, "cases": cases, "skipped": [], "complete": False, "incomplete_reason": "killed"}
