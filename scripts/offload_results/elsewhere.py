# SPDX-License-Identifier: Apache-2.0
"""Work handed to another process, for what one takes too long for. Ask CAN_FORK first."""
import marshal
import os
import signal

CAN_FORK = hasattr(os, "fork")


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
