"""The mail connector reads a real IMAP server, installed from PyPI in an environment of its own."""

from __future__ import annotations

import imaplib
import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from email.message import EmailMessage
from typing import Any

import pytest

from cdp.records.batch import map_batch
from cdp.records.mapping import Mapping
from connectors.contract import AuthError, ConfigError, Unavailable
from connectors.imap import ImapSource, _compact, _expand
from connectors.imap.fake import Fake
from connectors.imap.message import row_of
from connectors.testing import mapping_of
from tests.foreign import python_with
from tests.waiting import eventually


def mail(number: int, sender: str = "Ann Ähre <ann@example.org>", to: str = "help@shop.example", **more: Any) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, f"Frage {number} – größer?"
    message["Date"], message["Message-ID"] = "Mon, 01 Jun 2026 14:00:00 +0200", f"<{number}@example.org>"
    message.set_content(f"Text {number} mit Ümläuten")
    if more.get("html"):
        message.add_alternative("<style>x</style><p>Text <b>fett</b></p>", subtype="html")
    if more.get("attachment"):
        message.add_attachment(b"x" * 10, maintype="application", subtype="pdf", filename="bill.pdf")
    return message.as_bytes()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    python = python_with("imap", "pymap==0.36.7")
    with socket.create_server(("127.0.0.1", 0)) as free:
        number = free.getsockname()[1]
    options = ["--host", "127.0.0.1", "--port", str(number), "--no-tls", "--no-service", "managesieve", "--no-service", "admin"]
    process = subprocess.Popen(
        [python.with_name("pymap"), *options, "dict", "--demo-data"], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    assert eventually(lambda: _listens(number))
    yield number
    process.kill()
    process.wait()


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


@pytest.fixture
def session(port: int) -> Iterator[imaplib.IMAP4]:
    made = imaplib.IMAP4("127.0.0.1", port)
    made.login("demouser", "demopass")
    yield made
    made.logout()


def config(port: int, **more: Any) -> dict[str, Any]:
    own = ["@shop.example"]
    return {"host": "127.0.0.1", "port": port, "security": "none", "user": "demouser", "password": "demopass", "own": own, **more}


@pytest.mark.clients
def test_messages_come_once_and_go_when_they_are_gone(port: int, session: imaplib.IMAP4) -> None:
    session.create("Work")
    for number in range(5):
        session.append("Work", None, None, mail(number))
    settings = config(port, folders={"work": "Work"}, batch_rows=2)
    assert [stream.name for stream in ImapSource(settings).streams()] == ["work"]
    pages = list(ImapSource(settings).read("work"))
    assert [len(page.rows) for page in pages] == [2, 2, 1]
    keys = [row["uid"] for page in pages for row in page.rows]
    assert len(set(keys)) == 5

    resumed = list(ImapSource(settings).read("work", json.loads(json.dumps(pages[0].bookmark))))
    assert [row["uid"] for page in resumed for row in page.rows] == keys[2:]
    assert list(ImapSource(settings).read("work", pages[-1].bookmark)) == []

    session.append("Work", None, None, mail(9, sender="Help <help@shop.example>", to="Bob <bob@example.org>"))
    session.select("Work")
    session.store("1", "+FLAGS", r"\Deleted")
    session.expunge()
    session.close()
    later = list(ImapSource(settings).read("work", pages[-1].bookmark))
    assert [key for page in later for key in page.deleted] == keys[:1]
    (row,) = [row for page in later for row in page.rows]
    assert (row["direction"], row["counterpart"]["email"]) == ("outbound", "bob@example.org")

    moved = {"validity": 1, "seen": "1:3"}
    again = list(ImapSource(settings).read("work", moved))
    assert sorted(key for page in again for key in page.deleted) == ["1-1", "1-2", "1-3"]
    assert sum(len(page.rows) for page in again) == 5


@pytest.mark.clients
def test_a_huge_attachment_is_not_read(port: int, session: imaplib.IMAP4) -> None:
    session.create("Huge")
    message = EmailMessage()
    message["From"], message["Date"], message["Subject"] = "Ann <ann@example.org>", "Mon, 01 Jun 2026 14:00:00 +0200", "Huge"
    message.set_content("See the film")
    message.add_attachment(b"x" * 3_000_000, maintype="video", subtype="mp4", filename="film.mp4")
    session.append("Huge", None, None, message.as_bytes())
    (page,) = ImapSource(config(port, folders={"huge": "Huge"})).read("huge")
    assert [(row["text"], row["attachments"]) for row in page.rows] == [("See the film", ["film.mp4"])]


@pytest.mark.clients
def test_errors_are_told_apart(port: int) -> None:
    with pytest.raises(AuthError, match="refuses user or password"):
        ImapSource(config(port, password="wrong")).streams()
    with pytest.raises(ConfigError, match="no folder 'Nowhere'"):
        ImapSource(config(port, folders={"x": "Nowhere"})).streams()


def test_a_message_that_the_server_keeps_back_is_asked_for_again() -> None:
    class Slow(dict[int, bytes]):
        def __contains__(self, number: object) -> bool:
            return number != 2

    with Fake().serve() as server:
        for number in (1, 2, 3):
            server.put("inbox", str(number))
        there, server.messages = server.messages, Slow(server.messages)
        (page,) = ImapSource(server.config()).read("inbox")
        assert [row["uid"] for row in page.rows] == ["7-1", "7-3"]
        server.messages = there
        (later,) = ImapSource(server.config()).read("inbox", page.bookmark)
        assert [row["uid"] for row in later.rows] == ["7-2"]
        server.trouble = "BAD"
        with pytest.raises(Unavailable, match=r"broke off \(error\)"):
            list(ImapSource(server.config()).read("inbox"))


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        ImapSource(config(1)).streams()


def test_password_does_not_go_in_the_clear() -> None:
    with pytest.raises(ConfigError, match="in the clear"):
        ImapSource({**config(143), "host": "mail.example.org"})


def test_message_becomes_customer_and_interaction() -> None:
    row = {"uid": "1-1", **row_of(mail(1, html=True, attachment=True), ["@shop.example"])}
    assert row["date"] == "2026-06-01T12:00:00+00:00"
    assert row["attachments"] == ["bill.pdf"]
    mapped = map_batch([row], Mapping.load(mapping_of(ImapSource)).stream("inbox"))
    (interaction,) = mapped.table.to_pylist()
    assert interaction["subject"] == "Frage 1 – größer?"
    assert interaction["text"] == "Text 1 mit Ümläuten"
    assert (interaction["customer_key"], interaction["direction"], interaction["kind"]) == ("ann@example.org", "inbound", "email")
    assert mapped.customers is not None
    assert mapped.customers.table.to_pylist()[0]["emails"] == ["ann@example.org"]


def test_html_is_read_as_words() -> None:
    message = EmailMessage()
    message["From"], message["Date"] = "a@example.org", "Mon, 01 Jun 2026 14:00:00 +0200"
    message.set_content("<style>b {}</style><p>One</p><p>two &amp; three</p>", subtype="html")
    assert row_of(message.as_bytes(), [])["text"] == "One two & three"


def test_many_numbers_are_few_ranges() -> None:
    numbers = {*range(1, 1000), 1005, 1007, 1008}
    assert _compact(numbers) == "1:999,1005,1007:1008"
    assert _expand(_compact(numbers)) == numbers
    assert _expand("") == set()
