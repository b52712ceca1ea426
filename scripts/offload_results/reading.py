# SPDX-License-Identifier: Apache-2.0
"""Results files one after the other for scripts/compare.py; large ones two at a time."""
import itertools
import marshal
import os
import signal

from .compared_case import ComparedResults, load
from .json_reader import LARGE


def each(paths):
    """Yields the results in each of `paths`. While one is read and worked with, another process
    reads the next, if that is large."""
    ahead = None
    try:
        for path, following in itertools.zip_longest(paths, paths[1:]):
            mine, ahead = ahead, Ahead(following) if pays(following) else None
            yield mine.results() if mine else load(path)
    finally:
        if ahead:
            ahead.stop()


def pays(path):
    return (path is not None and hasattr(os, "fork") and os.path.isfile(path)
            and os.path.getsize(path) >= LARGE)


class Ahead:
    """The results in a file that another process reads, which ends with this one."""

    def __init__(self, path):
        self.path = path
        self.pipe, answer = os.pipe()
        self.process = os.fork()
        if self.process:
            os.close(answer)
            return
        try:
            os.close(self.pipe)  # else nothing would end the writing if nobody is left to read
            with open(answer, "wb") as file:
                file.write(marshal.dumps(load(path).document))
        finally:
            os._exit(0)

    def results(self):
        with open(self.pipe, "rb") as file:
            content = file.read()
        try:  # while the process gives its memory back, which takes a while
            return ComparedResults(self.path, marshal.loads(content))
        except EOFError:  # cut short, or nothing at all
            return load(self.path)  # fails as it did there, and says why
        finally:
            os.waitpid(self.process, 0)

    def stop(self):
        os.close(self.pipe)
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
