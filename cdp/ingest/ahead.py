"""A source is read by a thread of its own, a page ahead of who takes the pages; it is left where they stop taking them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import Empty, Full, Queue

from cdp.records.source import Page

_PATIENCE = 0.2
"""Seconds after which a reader looks whether its pages are still wanted."""
_LONGEST = 5.0
"""Seconds that a source may take to close."""


@contextmanager
def read_ahead(pages: Iterator[Page]) -> Iterator[Iterator[Page]]:
    """`pages`, each read while the one before it is worked on; an error comes in the place of the page that it prevents."""
    reader = _Reader(pages)
    reader.start()
    try:
        yield reader.given()
    finally:
        reader.leave()


class _Reader(threading.Thread):
    """Reads until the end, an error, or `leave`."""

    def __init__(self, pages: Iterator[Page]) -> None:
        super().__init__(name="cdp-reader", daemon=True)
        self._pages = pages
        self._ready: Queue[Page | BaseException | None] = Queue(maxsize=1)
        self._left = threading.Event()

    def run(self) -> None:
        try:
            for page in self._pages:
                if not self._hand_over(page):
                    break
            self._hand_over(None)
        except BaseException as error:  # it is raised where the pages are taken
            self._hand_over(error)
        finally:
            close = getattr(self._pages, "close", None)
            if close is not None:
                close()

    def _hand_over(self, given: Page | BaseException | None) -> bool:
        while not self._left.is_set():
            try:
                self._ready.put(given, timeout=_PATIENCE)
            except Full:
                continue
            return True
        return False

    def given(self) -> Iterator[Page]:
        """The pages read so far and from now on."""
        while (given := self._ready.get()) is not None:
            if isinstance(given, BaseException):
                raise given
            yield given

    def leave(self) -> None:
        """Want no more pages; returns when the source is closed, or does not answer."""
        self._left.set()
        with suppress(Empty):
            self._ready.get_nowait()
        self.join(_LONGEST)
