# SPDX-License-Identifier: Apache-2.0
"""Work handed to other processes, for what one takes too long for. Ask CAN_FORK first."""
import marshal
import os
import signal
import struct

CAN_FORK = hasattr(os, "fork")
NUMBER = struct.Struct("H")


class Elsewhere:
    """What `work()` returns, from a process of its own that knows all that this one does and ends
    with it. Not None, and of what marshal takes, which is several times as fast as pickle."""

    def __init__(self, work):
        self.pipe, answer = os.pipe()
        self.process = os.fork()
        if self.process:
            os.close(answer)
            return
        try:
            os.close(self.pipe)  # else nothing would end the writing if nobody is left to read
            with open(answer, "wb") as file:
                file.write(marshal.dumps(work()))
        finally:
            os._exit(0)

    def result(self):
        """None if the process came to none; to do the work here then says why."""
        with open(self.pipe, "rb") as file:
            content = file.read()
        try:  # while the process gives its memory back, which takes a while
            return marshal.loads(content)
        except EOFError:  # cut short, or nothing at all
            return None
        finally:
            os.waitpid(self.process, 0)

    def stop(self):
        os.close(self.pipe)
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)


class Shared:
    """`work(part)` of each of `parts`, at most thousands, by so many processes: who is done with
    one takes the next, so all end at the same time though some are slower."""

    def __init__(self, work, parts, processes):
        self.parts = len(parts)
        numbers, all_of_them = os.pipe()
        with open(all_of_them, "wb") as file:
            file.write(b"".join(map(NUMBER.pack, range(len(parts)))))
        self.workers = [Elsewhere(lambda: {part: work(parts[part]) for part in taken(numbers)})
                        for _ in range(min(processes, len(parts)))]
        os.close(numbers)

    def results(self):
        """In the order of the parts; None for what a process came to no end with."""
        done = {}
        for worker in self.workers:
            done.update(worker.result() or {})
        return list(map(done.get, range(self.parts)))


def taken(numbers):
    while number := os.read(numbers, NUMBER.size):
        yield NUMBER.unpack(number)[0]
