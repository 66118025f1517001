"""Tables of the tracking API. What is accepted is committed here before it is answered; the inbox empties into the truth.

An accepted event is in exactly one place: waiting in `event_inbox`, held in `quarantine`, or done: in `interaction` where somebody did
something, in `profile_update` where it says who somebody is.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from cdp.db.tables import metadata

write_key = Table(
    "write_key",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("source_id", SmallInteger, ForeignKey("source.id", ondelete="CASCADE"), nullable=False),
    Column("label", Text, nullable=False),
    Column("prefix", Text, nullable=False, comment="first characters, to recognise a key by"),
    Column("hash", LargeBinary, nullable=False, unique=True, comment="SHA-256 of the key"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("revoked_at", DateTime(timezone=True)),
    comment="A write key lets events in for one source; it reads nothing.",
)

event_receipt = Table(
    "event_receipt",
    metadata,
    Column("message_id", Text(collation="C"), primary_key=True, comment="of a webhook: webhook:SOURCE:ID"),
    Column("source_id", SmallInteger, nullable=False, comment="of table source; no foreign key, which would cost a look-up an event"),
    Column("received_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("repeats", Integer, nullable=False, server_default=text("0"), comment="how often it came again"),
    Column("repeated_at", DateTime(timezone=True)),
    comment="Each message that was ever accepted, once: an event whose messageId is here is a duplicate, whatever source sends it.",
)

event_inbox = Table(
    "event_inbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("source_id", SmallInteger, nullable=False),
    Column("stream", Text, comment="of a webhook: the stream whose mapping reads it; null: calls of the tracking API"),
    Column("received_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("count", Integer, nullable=False),
    Column("events", LargeBinary, nullable=False, comment="JSON array, UTF-8; each event carries its messageId and receivedAt"),
    comment="Accepted and not yet processed; a row leaves in the transaction that writes what became of it.",
)

profile_update = Table(
    "profile_update",
    metadata,
    Column("message_id", Text(collation="C"), primary_key=True),
    Column("source_id", SmallInteger, nullable=False, comment="of table source; no foreign key, which would cost a look-up an event"),
    Column("type", Text, nullable=False, comment="identify | group | alias"),
    Column("customer_key", Text, nullable=False, comment="of the record of stream `identify` that it is about"),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("raw", JSONB, nullable=False),
    Column("issues", JSONB, comment="what of it could not be used, or violates the tracking plan"),
    Column("landed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("run_id", BigInteger),
    Index("ix_profile_update_source_id_customer_key", "source_id", "customer_key"),
    comment="Calls that say who somebody is, as they were accepted. What they say is in the records; they are nothing that somebody did.",
)

tracking_plan = Table(
    "tracking_plan",
    metadata,
    Column("source_id", SmallInteger, ForeignKey("source.id", ondelete="CASCADE"), primary_key=True),
    Column("document", JSONB, nullable=False, comment="schemas/tracking-plan.schema.json"),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

event_violation = Table(
    "event_violation",
    metadata,
    Column("source_id", SmallInteger, ForeignKey("source.id", ondelete="CASCADE"), primary_key=True),
    Column("event", Text, primary_key=True, comment="name of a tracked event, or the type of another call"),
    Column("field", Text, primary_key=True, comment="JSON pointer, array positions as *"),
    Column("rule", Text, primary_key=True, comment="keyword of the schema, or `unplanned`"),
    Column("count", BigInteger, nullable=False),
    Column("first_at", DateTime(timezone=True), nullable=False),
    Column("last_at", DateTime(timezone=True), nullable=False),
    Column("message", Text, nullable=False),
    Column("samples", JSONB, nullable=False, comment="the first five: messageId and what happened to it"),
    Index("ix_event_violation_last_at", "last_at"),
    comment="What violated a tracking plan, counted.",
)
