"""A source that is read ahead gives the same pages and the same error, and is closed where nobody wants more."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from cdp.ingest.ahead import read_ahead
from cdp.records.source import Page, Unavailable


class Book:
    """A source of numbered pages that fails at one of them, and knows whether it was closed and who read it."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.fails_at, self.given, self.closed, self.readers = fails_at, 0, False, set[str]()

    def pages(self) -> Iterator[Page]:
        try:
            for number in range(5):
                if number == self.fails_at:
                    raise Unavailable("gone")
                self.given += 1
                self.readers.add(threading.current_thread().name)
                yield Page(({"id": number},))
        finally:
            self.closed = True


def test_pages_come_in_order_from_one_thread_and_the_source_is_closed() -> None:
    book = Book()
    with read_ahead(book.pages()) as pages:
        assert [page.rows[0]["id"] for page in pages] == [0, 1, 2, 3, 4]
    assert (book.closed, book.readers) == (True, {"cdp-reader"})


def test_an_error_comes_behind_the_pages_before_it() -> None:
    book, seen = Book(fails_at=3), []

    def take() -> None:
        with read_ahead(book.pages()) as pages:
            seen.extend(page.rows[0]["id"] for page in pages)

    with pytest.raises(Unavailable, match="gone"):
        take()
    assert (seen, book.closed) == ([0, 1, 2], True)


def test_a_source_is_left_where_its_pages_are() -> None:
    book = Book()
    with read_ahead(book.pages()) as pages:
        next(pages)
    assert book.closed
    assert book.given <= 3
