"""What gunicorn does besides answering: one process of its own empties the inbox of events, and is begun again where it ends.

It is a process and no thread of a worker, because what it computes would delay every answer of that worker; it gives way to the workers,
because taking events comes before showing them.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress
from typing import Any

from cdp.db import database_url
from cdp.errors import PlatformError
from cdp.settings import load

_AGAIN_SECONDS = 5.0
_PROGRAM = "import os; os.closerange(3, 4096); from cdp.cli import main; main()"
"""Gunicorn's listening socket may be inherited; this process listens to nobody."""
COMMAND = (sys.executable, "-c", _PROGRAM, "events", "process", "--follow", "--with-parent")


class Keeper(threading.Thread):
    """Keeps `cdp events process --follow` running beside the server.

    It is spawned (`posix_spawn`) and not forked: gunicorn forks workers meanwhile, and one that inherits the pipe by which
    `subprocess` learns of a failed start would keep it waiting for ever.
    """

    def __init__(self) -> None:
        super().__init__(name="follower", daemon=True)
        self._ending = threading.Event()
        self._pid: int | None = None

    def run(self) -> None:
        """Begin it, wait for its end, begin it again."""
        nothing = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1)]
        while not self._ending.is_set():
            self._pid = os.posix_spawn(sys.executable, COMMAND, os.environ, file_actions=nothing)
            with suppress(ChildProcessError):  # gunicorn has taken note of its end
                os.waitpid(self._pid, 0)
            self._pid = None
            self._ending.wait(_AGAIN_SECONDS)

    def end(self) -> None:
        """Let it finish its batch."""
        self._ending.set()
        if self._pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGTERM)
            self.join(20)


_keeper = Keeper()


def when_ready(server: Any) -> None:
    """Gunicorn listens."""
    _keeper.start()


def on_exit(server: Any) -> None:
    """Gunicorn ends, and with it the process that was `cdp serve` and began to use the embedded database: nobody else lets go of it."""
    _keeper.end()
    with suppress(PlatformError):
        database_url(load())
