"""What gunicorn does besides answering: one process of its own empties the inbox of events, and is begun again where it ends.

It is a process and no thread of a worker, because what it computes would delay every answer of that worker; it gives way to the workers,
because taking events comes before showing them.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import suppress
from typing import Any

_AGAIN_SECONDS = 5.0
COMMAND = (sys.executable, "-c", "from cdp.cli import main; main()", "events", "process", "--follow", "--with-parent")


class Keeper(threading.Thread):
    """Keeps `cdp events process --follow` running beside the server."""

    def __init__(self) -> None:
        super().__init__(name="follower", daemon=True)
        self._ending = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Begin it, wait for its end, begin it again."""
        while not self._ending.is_set():
            self._process = subprocess.Popen(COMMAND, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)  # noqa: S603  # our own words
            self._process.wait()
            self._ending.wait(_AGAIN_SECONDS)

    def end(self) -> None:
        """Let it finish its batch."""
        self._ending.set()
        if self._process is not None:
            with suppress(ProcessLookupError, subprocess.TimeoutExpired):
                self._process.terminate()
                self._process.wait(20)


_keeper = Keeper()


def when_ready(server: Any) -> None:
    """Gunicorn listens."""
    _keeper.start()


def on_exit(server: Any) -> None:
    """Gunicorn ends."""
    _keeper.end()
