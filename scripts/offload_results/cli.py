# SPDX-License-Identifier: Apache-2.0
"""The command line: offload-results COMMAND ..., each command a module of this package."""
import importlib
import sys

from . import __version__, command
from .results import BadInput

COMMANDS = {  # {command: (its module, what it is for)}
    "compare": ("compare", "what became slower than in a baseline; exit codes to gate on"),
    "merge": ("merge", "several runs, GPUs or ranks in one file"),
    "plot": ("plot", "figures as SVG or PNG"),
    "report": ("report", "all of it as one HTML page"),
    "submit": ("submit", "what to send of a machine, redacted, and the text of its issue"),
    "table": ("table", "tables in Markdown, for documents"),
    "validate": ("validate", "can these figures be true?"),
}
USAGE = """\
usage: offload-results COMMAND ...

What reads the results files that offload_bench --output wrote.

{commands}

offload-results COMMAND --help says more. docs/scripts.md explains them all.
"""


def main():
    command.run(dispatch)


def dispatch():
    """Of the command that is named first; its module sees the rest as its own command line."""
    name, *rest = sys.argv[1:] or ["--help"]
    if name in ("-h", "--help"):
        print(usage(), end="")
        return 0
    if name == "--version":
        print(f"offload-results {__version__}")
        return 0
    if name not in COMMANDS:
        raise BadInput(f"{name}: no such command; the commands are {', '.join(COMMANDS)}")
    sys.argv[:] = [f"offload-results {name}", *rest]
    return importlib.import_module(f".{COMMANDS[name][0]}", __package__).main()


def usage():
    lines = [f"  {name:<10}{purpose}" for name, (_, purpose) in COMMANDS.items()]
    return USAGE.format(commands="\n".join(lines))
