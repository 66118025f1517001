"""A delivery asked for over HTTP is carried beside the request; what was taken is recorded, so one that is cut off goes on later."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field

from sqlalchemy import Engine

from cdp import activation
from cdp.activation import Report
from cdp.errors import PlatformError
from cdp.settings import Settings

PATIENCE = 3.0
"""Seconds that a request waits for its delivery to end."""
_log = logging.getLogger(__name__)


@dataclass
class Sending:
    """A delivery under way, or its end.

    Attributes:
        error: why it stopped; it is also in the delivery's own entry.
    """

    name: str
    report: Report | None = None
    error: PlatformError | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self, engine: Engine, settings: Settings) -> None:
        """Carry it."""
        try:
            self.report = activation.send(engine, settings, self.name)
        except PlatformError as error:
            self.error = error
        except Exception as error:  # nobody is above a thread; the delivery's entry says that it failed
            _log.error("the delivery to %s failed", self.name, exc_info=error)
            self.error = PlatformError(f"the delivery to {self.name} stopped unexpectedly; the log says why")
        finally:
            self.ended.set()


def start(engine: Engine, settings: Settings, name: str, patience: float = PATIENCE) -> Sending:
    """Begin a delivery and wait a little for its end."""
    sending = Sending(name)
    threading.Thread(target=sending.run, args=(engine, settings), name=f"send-{name}").start()
    sending.ended.wait(patience)
    return sending
