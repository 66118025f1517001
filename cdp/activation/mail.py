"""A report goes to people by e-mail after each delivery: how many are in each segment, who came and left, and what this delivery changed.

The rows themselves are attached only where the definition asks for it and the field policy shows every field of them to the department
that the mail is for. The attachment is safe to open in a spreadsheet.
"""

from __future__ import annotations

import io
import smtplib
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from html import escape
from typing import Any

from sqlalchemy import Connection, text

from cdp.access import FieldPolicy, Principal
from cdp.access.policy import FIELD_OF
from cdp.access.principal import Role
from cdp.activation.channels import Change, Rows
from cdp.activation.columns import each
from cdp.activation.errors import DestinationConfig, Undelivered
from cdp.activation.files import CsvWriter
from cdp.activation.formats import FIELDS
from cdp.activation.values import formula_safe

LARGEST = 10_000_000
"""Bytes of an attachment; mail servers refuse more than about 25 MB after encoding."""
_SLOT = ("email", "phone")
_ADDRESS = frozenset({"street", "house_number", "unit", "postal_code", "city", "region", "country"})


@dataclass(frozen=True)
class SegmentLine:
    """One segment in the report."""

    title: str
    members: int
    came: int
    left: int
    as_of: datetime | None


@dataclass(frozen=True)
class Summary:
    """What the report says beside the delivery itself."""

    segments: Sequence[SegmentLine]
    since: datetime | None


def summary(connection: Connection, destination_id: int) -> Summary:
    """All segments, with who came and left since the last complete delivery to this destination."""
    since = connection.execute(
        text("select max(started_at) from delivery where destination_id = :id and status = 'done'"), {"id": destination_id}
    ).scalar_one()
    rows = connection.execute(
        text(
            """select s.title, s.members, s.as_of, coalesce(c.came, 0) as came, coalesce(c.gone, 0) as gone
               from segment s left join (
                 select segment_id, count(*) filter (where change = 'entered') as came, count(*) filter (where change = 'left') as gone
                 from segment_change where cast(:since as timestamptz) is null or at > :since group by 1) c on c.segment_id = s.id
               where s.deleted_at is null order by s.title"""
        ),
        {"since": since},
    )
    return Summary([SegmentLine(row.title, row.members, row.came, row.gone, row.as_of) for row in rows], since)


def withheld(policy: FieldPolicy, department: str | None, document: Mapping[str, Any]) -> Sequence[str]:
    """Fields of the rows that the department does not see as they are; rows that carry one are not attached."""
    view = policy.view(Principal(0, "mail report", Role.VIEWER, frozenset({department}) if department else None))
    named = document.get("options", {}).get("fields", FIELDS) if document["format"] == "fields" else FIELDS
    asked = {_policy_field(name) for name in named if name != "profile_id"}
    return sorted(name for name in asked if not view.sees(name))


def _policy_field(name: str) -> str:
    if name not in FIELDS:
        return f"attributes.{name}"
    if name in _ADDRESS:
        return "addresses"
    kind = name.rpartition("_")[0]
    return FIELD_OF[kind] if kind in _SLOT else FIELD_OF.get(name, name)


@dataclass
class MailChannel:
    """One mail for each delivery, also for one that changed nothing.

    Attributes:
        password: of the account at the mail server; None: no account.
        withheld: fields that keep the rows from being attached; None: the definition does not ask for them.
        plain: hosts that may be spoken to without TLS.
    """

    settings: Mapping[str, Any]
    title: str
    password: str | None
    summary: Summary
    withheld: Sequence[str] | None
    plain: Sequence[str] = ()
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    whole: bool = True
    batch: int = 1_000_000
    counts: dict[Change, int] = field(default_factory=dict)
    _csv: io.BytesIO | None = None
    _writer: CsvWriter | None = None
    _too_large: bool = False

    def deliver(self, rows: Rows) -> Mapping[int, str]:
        """Count the rows, and keep them for the attachment where they may be attached."""
        self.counts[rows.change] = self.counts.get(rows.change, 0) + len(rows.profiles)
        if self.withheld is None or self.withheld or rows.change is Change.REMOVED or self._too_large:
            return {}
        if self._writer is None:
            self._csv = io.BytesIO()
            self._writer = CsvWriter(self._csv, for_people=True)
        self._writer.write(tuple((header, each(column, formula_safe)) for header, column in rows.columns))
        assert self._csv is not None
        if self._csv.tell() > LARGEST:
            self._too_large, self._csv, self._writer = True, None, None
        return {}

    def finish(self) -> Sequence[str]:
        """Send the mail.

        Raises:
            DestinationConfig: the server refuses the account, the sender or every recipient.
            Undelivered: it does not answer, or takes no mail now.
        """
        message, host = self._message(), str(self.settings["host"])
        try:
            with self._connected(host) as server:
                if self.password is not None:
                    server.login(self.settings["user"], self.password)
                refused = server.send_message(message)
        except (smtplib.SMTPAuthenticationError, smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused) as error:
            raise DestinationConfig(f"the mail server {host} refuses the account or the addresses ({type(error).__name__})") from None
        except (smtplib.SMTPException, OSError) as error:
            raise Undelivered(f"the mail server {host} took no mail ({type(error).__name__}); the next delivery sends it") from None
        taken = len(self.settings["recipients"]) - len(refused)
        return [f"mail to {taken} of {len(self.settings['recipients'])} recipients"]

    def _connected(self, host: str) -> smtplib.SMTP:
        security = self.settings.get("security", "starttls")
        if security == "none" and host not in self.plain:
            raise DestinationConfig(
                f"mail without TLS is sent only to hosts that the operator names: CDP_WEBHOOK_PRIVATE_HOSTS, not {host}"
            )
        port = int(self.settings.get("port", {"tls": 465, "starttls": 587, "none": 25}[security]))
        if security == "tls":
            return smtplib.SMTP_SSL(host, port, timeout=30, context=self.tls)
        server = smtplib.SMTP(host, port, timeout=30)
        if security == "starttls":
            server.starttls(context=self.tls)
        return server

    def _message(self) -> EmailMessage:
        message = EmailMessage()
        message["Subject"] = f"{self.title}: {self._changes()}"
        message["From"] = self.settings["from"]
        message["To"] = ", ".join(self.settings["recipients"])
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=str(self.settings["from"]).rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(self._text())
        message.add_alternative(self._html(), subtype="html")
        if self._csv is not None:
            message.add_attachment(self._csv.getvalue(), maintype="text", subtype="csv", filename="audience.csv")
        return message

    def _changes(self) -> str:
        counts = {change: self.counts.get(change, 0) for change in Change}
        return f"{counts[Change.ADDED]:,} new, {counts[Change.UPDATED]:,} changed, {counts[Change.REMOVED]:,} gone"

    def _since(self) -> str:
        since = self.summary.since
        return f"since {since:%d %B %Y, %H:%M} UTC" if since else "since the beginning"

    def _attachment(self) -> str:
        if self.withheld is None:
            return ""
        if self.withheld:
            return f"The rows are not attached: the field policy does not show {', '.join(self.withheld)} to this department."
        if self._too_large:
            return f"The rows are not attached: they are more than {LARGEST // 1_000_000} MB. Use a destination of the kind files."
        return "New and changed rows are attached." if self._csv else "There is no new or changed row to attach."

    def _text(self) -> str:
        width = max((len(line.title) for line in self.summary.segments), default=10)
        lines = [f"{one.title:<{width}}  {one.members:>9,}  {one.came:>+8,}  {-one.left:>+8,}" for one in self.summary.segments]
        head = f"{'Segment':<{width}}  {'customers':>9}  {'came':>8}  {'left':>8}"
        return "\n".join([f"{self.title}: {self._changes()}, {self._since()}.", "", head, *lines, "", self._attachment(), ""])

    def _html(self) -> str:
        cell = 'style="padding:4px 12px;text-align:right;border-top:1px solid #ddd"'
        rows = "".join(
            f'<tr><td style="padding:4px 12px;border-top:1px solid #ddd">{escape(one.title)}</td>'
            f"<td {cell}>{one.members:,}</td><td {cell}>{one.came:,}</td><td {cell}>{one.left:,}</td></tr>"
            for one in self.summary.segments
        )
        return (
            f'<div style="font-family:system-ui,sans-serif;font-size:14px"><p><strong>{escape(self.title)}</strong>: {self._changes()}, '
            f'{self._since()}.</p><table style="border-collapse:collapse">'
            "<tr><th>Segment</th><th>Customers</th><th>Came</th><th>Left</th></tr>"
            f"{rows}</table><p>{escape(self._attachment())}</p></div>"
        )

    def abandon(self) -> None:
        """No mail was sent."""
        self._csv = self._writer = None
