# SPDX-License-Identifier: Apache-2.0
"""What every command of the scripts does alike: end with a clear line, write whole files only."""
import os
import pathlib
import sys
import tempfile

from .results import BadInput

BAD_INPUT = 2


def run(main, free_memory=True):
    """Ends the process with what `main()` returns, or 2 and one line for bad input. Freeing what
    large files became takes a second that nobody needs to wait for; free_memory=False leaves that
    to the system, and with it all that was left for the end of the process."""
    try:
        code = main()
        sys.stdout.flush()
    except BadInput as error:
        print(f"{pathlib.Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        code = BAD_INPUT
    except BrokenPipeError:  # the reader, head say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    if not free_memory:
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def write_whole(path, content):
    """Writes text or bytes in one step: a reader finds the old file or the whole new one."""
    path = pathlib.Path(path)
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
        raise BadInput(f"{path}: cannot be written: {error.strerror.lower()}") from None
