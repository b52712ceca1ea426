# SPDX-License-Identifier: Apache-2.0
"""What every command of the scripts does alike: end with a clear line, write whole files only."""
import os
import pathlib
import sys
import tempfile

from .json_reader import BadInput, read_json

FINDING = 1
BAD_INPUT = 2


def run(main, free_memory=True):
    """Ends the process with what `main()` returns, or 2 and one line for bad input. Freeing what
    large files became takes a second that nobody needs to wait for; free_memory=False leaves that
    to the system, and with it all that was left for the end of the process."""
    if hasattr(sys.stdout, "reconfigure"):  # names of cases may hold what the terminal cannot show
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = main()
        sys.stdout.flush()
    except BadInput as error:
        code = bad_input(error)
    except BrokenPipeError:  # the reader, head say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception:
        reason = damage_in(sys.argv[1:])
        if reason is None:
            raise
        code = bad_input(reason)
    if not free_memory:
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def bad_input(reason):
    print(f"{pathlib.Path(sys.argv[0]).name}: {one_line(str(reason))}", file=sys.stderr)
    return BAD_INPUT


def one_line(text):
    """As it is, but for line ends, escapes and the like, which would write over other lines."""
    return "".join(character if character.isprintable()
                   else character.encode("unicode_escape").decode("ascii") for character in text)


def damage_in(arguments):
    """What is wrong by the schema with the first results file among `arguments` that is no good;
    None if all are: then the script is to blame. Asked only then, because it takes long."""
    from . import schema
    for path in filter(os.path.isfile, arguments):
        try:
            errors = schema.results_schema()(read_json(path))
        except BadInput:
            continue  # no results file
        if errors:
            where, text = errors[0]
            return (f"{path}: damaged results: {schema.path_text(where)} {text}; "
                    "scripts/validate.py tells all")
    return None


def write_whole(path, content):
    """Writes text or bytes in one step: a reader finds the old file or the whole new one."""
    shown, path = path, pathlib.Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        raise BadInput(f"{shown}: cannot be written: it is no regular file")
    data = content.encode("utf-8") if isinstance(content, str) else content
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.",
                                         delete=False) as file:
            temporary = pathlib.Path(file.name)
            file.write(data)
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise BadInput(f"{shown}: cannot be written: {error.strerror.lower()}") from None
