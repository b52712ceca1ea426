# SPDX-License-Identifier: Apache-2.0
"""The program of offload-bench, installed by pip: its commands start it."""
import os
import pathlib
import sys

PROGRAM = pathlib.Path(__file__).parent / "bin" / "offload_bench"


def main():
    """Become the program: signals and exit codes are its own."""
    os.execv(PROGRAM, [str(PROGRAM), *sys.argv[1:]])
