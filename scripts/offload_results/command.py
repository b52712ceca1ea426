# SPDX-License-Identifier: Apache-2.0
"""What every command of the scripts has in common: it ends with a clear line, and writes whole files
only."""
import argparse
import contextlib
import errno
import io
import os
import pathlib
import signal
import sys
import tempfile
import traceback

from .results import BadInput, read_json

FINDING = 1
BAD_INPUT = 2


class Parser(argparse.ArgumentParser):
    """Of a command line: what is wrong with one is one line, as all else is."""

    def error(self, message):
        raise BadInput(f"{message}; --help says what there is")


def run(main):
    """Ends the process with what `main()` returns, or 2 and one line for bad input. What it prints is
    held until then: a reader that has seen enough, as head has, changes no verdict."""
    stand_in_for_closed()
    # Names of cases may hold what the terminal cannot show.
    text = io.TextIOWrapper(io.BytesIO(), sys.stdout.encoding, "backslashreplace", newline="\n")
    try:
        with contextlib.redirect_stdout(text):
            code = verdict(main)
        text.flush()
        code = printed(text.buffer.getvalue(), code)
    except KeyboardInterrupt:  # as without Python: the shell sees which signal it was
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    sys.exit(code)


def verdict(main):
    """The exit code, by what `main` returns or raises."""
    try:
        return ended(main)
    except BadInput as error:
        return bad_input(error)
    except MemoryError:
        return bad_input("not enough memory for what it reads: give fewer files at a time")
    except Exception:
        reason = damage_in(sys.argv[1:])
        if reason is None:  # a fault of the script, to report; 1 would be a finding
            traceback.print_exc()
            return BAD_INPUT
        return bad_input(reason)


def printed(text, code):
    """`code` again, unless `text` is wanted and cannot be written."""
    try:
        sys.stdout.buffer.write(text)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough
        discard_stdout()
    except OSError as error:
        discard_stdout()
        return bad_input(f"cannot write to standard output: {error.strerror}")
    return code


def stand_in_for_closed():
    """print() would pass over a stdout that is closed, and the script call itself successful: what
    stands in for it cannot be written to. A closed stderr loses what is said there."""
    if sys.stdout is None:
        sys.stdout = open(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8")
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")


def ended(main):
    """What it returns, or exits with as argparse does once it has printed the help."""
    try:
        return main()
    except SystemExit as end:
        return end.code


def discard_stdout():
    """What is still buffered goes nowhere: nobody can take it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def bad_input(reason):
    print(f"{pathlib.Path(sys.argv[0]).name}: {one_line(str(reason))}", file=sys.stderr)
    return BAD_INPUT


def one_line(text):
    """As it is, but for line ends, escapes and the like, which would write over other lines."""
    return "".join(character if character.isprintable()
                   else character.encode("unicode_escape").decode("ascii") for character in text)


def damage_in(arguments):
    """What is wrong by the schema with the first damaged results file among `arguments`, or in a folder
    among them; None if all are valid, or cannot be checked: then the script is to blame. Asked only
    then, because it takes long."""
    from . import schema
    for path in files_in(arguments):
        try:
            errors = schema.errors_in(read_json(path))
        except BadInput:
            continue  # not a results file, or no package to check it with
        if errors:
            return f"{path}: damaged results: {errors[0]}; offload-results validate lists all"
    return None


def files_in(arguments):
    for argument in arguments:
        if os.path.isfile(argument):
            yield argument
        elif os.path.isdir(argument):
            yield from sorted(pathlib.Path(argument).rglob("*.json"))


def refuse_overwriting(output, inputs, what="the input"):
    """However both are spelled, and through links."""
    if output and os.path.realpath(output) in map(os.path.realpath, inputs):
        raise BadInput(f"{output}: is {what}, which writing would replace: choose another name")


def write_whole(path, content):
    """Writes text or bytes in one step: a reader finds the old file or the whole new one."""
    shown, path = path, pathlib.Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        raise BadInput(f"{shown}: cannot be written: it is not a regular file")
    data = content.encode("utf-8") if isinstance(content, str) else content
    temporary = None
    try:
        mode = mode_of(path)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.",
                                         delete=False) as file:
            temporary = pathlib.Path(file.name)
            file.write(data)
        temporary.chmod(mode)
        temporary.replace(path)
    except OSError as error:
        raise BadInput(f"{shown}: cannot be written: {error.strerror.lower()}") from None
    finally:  # after an interrupt, too; in place, it has this name no more
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def mode_of(path):
    """Of the file that is to be replaced, so that a private one stays so; else the usual one."""
    if path.exists():
        if not os.access(path, os.W_OK):  # to replace it needs its folder's permission only
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
