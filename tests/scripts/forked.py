# SPDX-License-Identifier: Apache-2.0
"""Runs a script as a command, in a child of this process that has its packages already: a fresh
interpreter takes longer to import them than the script to run. documented_commands_test.py starts
every script afresh, and command_test.py those that must do without a package."""
import os
import pathlib
import runpy
import signal
import subprocess
import sys
import tempfile
import traceback

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LONGEST_S = 60  # of a script; then it is ended by a signal


def script(name, *arguments, cwd=None):
    """As subprocess.run() with captured text."""
    path = str(ROOT / "scripts" / name)
    arguments = list(map(str, arguments))
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            become(path, arguments, (out, err), cwd)
        _, status = os.waitpid(child, 0)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode("utf-8"))
    return subprocess.CompletedProcess([path, *arguments], os.waitstatus_to_exitcode(status), *texts)


def name_of(command):
    """What its lines on stderr begin with."""
    return " ".join(command[:2]) if command[0] == "offload-results" else command[0]


def become(path, arguments, outputs, cwd):
    """Never returns."""
    code = 1
    try:
        signal.alarm(LONGEST_S)
        for number, file in enumerate(outputs, 1):
            os.dup2(file.fileno(), number)
        sys.stdout, sys.stderr = (open(number, "w", encoding="utf-8", closefd=False)
                                  for number in (1, 2))
        sys.argv = [path, *arguments]
        if cwd is not None:
            os.chdir(cwd)
        runpy.run_path(path, run_name="__main__")
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # as the interpreter would
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)
