"""A report arrives at a real mail server over TLS, and rows go with it only where the field policy shows them."""

from __future__ import annotations

import csv
import io
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from sqlalchemy import Engine, text

from cdp.access.policy import parse
from cdp.activation import DestinationConfig, Undelivered, register, send
from cdp.activation import status as status_of
from cdp.activation.mail import withheld
from cdp.settings import Settings
from tests.activation.conftest import Definition, World


@dataclass
class Post:
    """A mail server on this machine that keeps what it takes."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    answer: str = "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  # the name that aiosmtpd calls
        if self.answer.startswith("250"):
            self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return self.answer


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Post]:
    authority = trustme.CA()
    kept = Post()
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(server_side)

    def known(server: Any, session: Any, envelope: Any, mechanism: str, data: LoginPassword) -> AuthResult:
        return AuthResult(success=data == LoginPassword(b"cdp", b"s3cret"), handled=False)

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        kept.port = probe.getsockname()[1]
    controller = Controller(
        kept, hostname="127.0.0.1", port=kept.port, tls_context=server_side, require_starttls=True, authenticator=known, auth_required=True
    )
    controller.start()
    trusted = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(trusted))
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    monkeypatch.setenv("MAIL_PASSWORD", "s3cret")
    yield kept
    controller.stop()


@pytest.fixture
def to(post: Post) -> dict[str, Any]:
    account = {"host": "localhost", "port": post.port, "user": "cdp", "password": "env:MAIL_PASSWORD"}
    return {**account, "from": "cdp@company.example", "recipients": ["marketing@company.example"]}


def add(engine: Engine, document: dict[str, Any]) -> None:
    with engine.begin() as connection:
        register(connection, document, "test")


def plain(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def test_each_delivery_reports_what_changed(
    engine: Engine, settings: Settings, world: World, definition: Definition, post: Post, to: dict[str, Any]
) -> None:
    world.person(1, email="a@example.org")
    with engine.begin() as connection:
        connection.execute(text("update segment set members = 41"))
        connection.execute(
            text(
                "insert into segment_change (segment_id, profile_id, change, cause) "
                "select id, gen_random_uuid(), 'entered', 'condition' from segment, generate_series(1, 7)"
            )
        )
    add(engine, definition({"email": to}, title="Weekly <report>"))
    report = send(engine, settings, "ads")
    assert report.places == ["mail to 1 of 1 recipients"]
    (mail,) = post.mails
    assert (mail["Subject"], mail["To"]) == ("Weekly <report>: 1 new, 0 changed, 0 gone", "marketing@company.example")
    assert "Buyers" in plain(mail)
    assert "+7" in plain(mail)
    html = mail.get_body(("html",))
    assert html is not None
    assert "Weekly &lt;report&gt;" in html.get_content()
    assert "a@example.org" not in mail.as_string()
    assert list(mail.iter_attachments()) == []

    world.leave(1)
    send(engine, settings, "ads")
    assert post.mails[1]["Subject"].endswith("0 new, 0 changed, 1 gone")
    assert "+7" not in plain(post.mails[1])


def test_rows_are_attached_where_the_policy_shows_them(
    engine: Engine, settings: Settings, world: World, definition: Definition, post: Post, to: dict[str, Any]
) -> None:
    world.person(1, email="a@example.org", given_name="=1+1")
    chosen = {"fields": ["email_1", "given_name"]}
    add(engine, definition({"email": {**to, "attach": True, "department": "marketing"}}, format="fields", options=chosen))
    send(engine, settings, "ads")
    (attachment,) = post.mails[0].iter_attachments()
    rows = list(csv.reader(io.StringIO(attachment.get_content())))
    assert rows[1][1:] == ["a@example.org", "'=1+1"]


@pytest.mark.parametrize(("fields", "named"), [(["birth_date"], "birth"), (["email_1", "birth_date"], "birth")])
def test_rows_stay_here_where_the_policy_hides_a_field(
    engine: Engine, settings: Settings, world: World, definition: Definition, post: Post, to: dict[str, Any], fields: list[str], named: str
) -> None:
    world.person(1, email="a@example.org", birth_date="1984-03-09")
    add(engine, definition({"email": {**to, "attach": True, "department": "marketing"}}, format="fields", options={"fields": fields}))
    send(engine, settings, "ads")
    assert list(post.mails[0].iter_attachments()) == []
    assert f"not show {named}" in plain(post.mails[0])
    assert "1984" not in post.mails[0].as_string()


def test_a_department_that_may_see_nothing_gets_no_rows(
    engine: Engine, settings: Settings, world: World, definition: Definition, post: Post, to: dict[str, Any], tmp_path: Path
) -> None:
    strict = tmp_path / "policy.yaml"
    strict.write_text('version: 1\ndefaults: {"*": visible}\ndepartments: {marketing: {emails: masked}}\n')
    world.person(1, email="a@example.org")
    add(engine, definition({"email": {**to, "attach": True, "department": "Marketing"}}, format="fields", options={"fields": ["email_1"]}))
    send(engine, replace(settings, access_policy=str(strict)), "ads")
    assert list(post.mails[0].iter_attachments()) == []


def test_a_server_that_takes_no_mail_now_is_told_it_again(
    engine: Engine, settings: Settings, world: World, definition: Definition, post: Post, to: dict[str, Any]
) -> None:
    world.person(1, email="a@example.org")
    add(engine, definition({"email": to}))
    post.answer = "451 try again later"
    with pytest.raises(Undelivered):
        send(engine, settings, "ads")
    with engine.connect() as connection:
        assert status_of(connection)[0]["present"] == 0
    post.answer = "250 OK"
    assert send(engine, settings, "ads").added == 1
    assert len(post.mails) == 1


def test_a_wrong_password_is_a_matter_of_the_definition(
    engine: Engine,
    settings: Settings,
    world: World,
    definition: Definition,
    post: Post,
    to: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "wrong-password")
    add(engine, definition({"email": to}))
    with pytest.raises(DestinationConfig) as raised:
        send(engine, settings, "ads")
    assert "wrong-password" not in str(raised.value)
    assert post.mails == []


def test_mail_without_tls_goes_only_where_the_operator_allows(
    engine: Engine, settings: Settings, world: World, definition: Definition, post: Post, to: dict[str, Any]
) -> None:
    add(engine, definition({"email": {**to, "security": "none"}}))
    with pytest.raises(DestinationConfig, match="without TLS"):
        send(engine, settings, "ads")


def test_a_server_with_a_certificate_of_nobody_is_not_trusted(
    engine: Engine,
    settings: Settings,
    world: World,
    definition: Definition,
    post: Post,
    to: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    add(engine, definition({"email": to}))
    with pytest.raises(Undelivered, match="SSLCertVerificationError"):
        send(engine, settings, "ads")


def test_an_attribute_is_withheld_as_the_policy_says() -> None:
    rules = parse({"version": 1, "defaults": {"*": "visible", "attributes.spent": "hidden"}}, "test")
    document = {"format": "fields", "options": {"fields": ["given_name", "spent", "visits"]}}
    assert withheld(rules, None, document) == ["attributes.spent"]
