"""Tables of attributes and segments. Definitions and the history of membership are truth; values and present members are derived."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from cdp.db.tables import _now, _when, interaction, metadata

Index("ix_interaction_at", interaction.c.at)

attribute_definition = Table(
    "attribute_definition",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("document", JSONB, nullable=False, comment="schemas/attribute.schema.json"),
    Column("active", Boolean, nullable=False, server_default=text("true"), comment="false: replaced or withdrawn"),
    _now("created_at"),
    Column("created_by", Text, nullable=False),
    Index("uq_attribute_definition_active", "name", unique=True, postgresql_where=text("active")),
    comment="Every version of every attribute.",
)

exchange_rate = Table(
    "exchange_rate",
    metadata,
    Column("currency", Text, primary_key=True),
    Column("rate", Numeric(20, 8), nullable=False, comment="one unit in the base currency, whose own rate is 1"),
    _now("set_at"),
)

profile_attribute = Table(
    "profile_attribute",
    metadata,
    Column("profile_id", UUID(as_uuid=True), primary_key=True),
    Column("household_id", UUID(as_uuid=True), comment="the household that the values were computed with"),
    Column("values", JSONB, nullable=False, comment="attribute -> value; no value, no member"),
    Column("inputs", JSONB, nullable=False, comment="attribute -> how many events or items it was computed from"),
    Column("as_of", DateTime(timezone=True), nullable=False, comment="the moment that windows end at"),
    _now("computed_at"),
    Index("ix_profile_attribute_household_id", "household_id"),
    Index("ix_profile_attribute_computed_at", "computed_at"),
    comment="Derived: the values of all attributes of a profile.",
)

segment = Table(
    "segment",
    metadata,
    Column("id", SmallInteger, Identity(always=True), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=text("''")),
    Column("condition", JSONB, nullable=False, comment="schemas/segment.schema.json"),
    Column("version", Integer, nullable=False, server_default=text("1")),
    _now("created_at"),
    _now("updated_at"),
    Column("updated_by", Text, nullable=False),
    _when("deleted_at"),
    Column("refreshed_version", Integer, comment="the version that its members meet"),
    _when("as_of"),
    _when("refreshed_at"),
    Column("members", Integer, nullable=False, server_default=text("0")),
    Column("seconds", Double, comment="what the last full refresh took"),
    Column("soon", Boolean, nullable=False, server_default=text("true"), comment="decided for a profile when something happens to it"),
)

segment_version = Table(
    "segment_version",
    metadata,
    Column("segment_id", SmallInteger, ForeignKey("segment.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("condition", JSONB, nullable=False),
    _now("at"),
    Column("by", Text, nullable=False),
)

segment_member = Table(
    "segment_member",
    metadata,
    Column("segment_id", SmallInteger, ForeignKey("segment.id", ondelete="CASCADE"), primary_key=True),
    Column("profile_id", UUID(as_uuid=True), primary_key=True),
    _now("entered_at"),
    Index("ix_segment_member_profile_id", "profile_id"),
    comment="Derived: who is in a segment now.",
)

segment_history = Table(
    "segment_history",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("segment_id", SmallInteger, ForeignKey("segment.id", ondelete="CASCADE"), nullable=False),
    Column("profile_id", UUID(as_uuid=True), nullable=False),
    _now("entered_at"),
    _now("left_at"),
    Column("cause", Text, nullable=False, comment="condition | definition | merged | gone"),
    Index("ix_segment_history_segment_id_left_at", "segment_id", "left_at"),
    Index("ix_segment_history_profile_id", "profile_id"),
    comment="Stays that have ended; a present one is in segment_member.",
)

segment_change = Table(
    "segment_change",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("segment_id", SmallInteger, ForeignKey("segment.id", ondelete="CASCADE"), nullable=False),
    Column("profile_id", UUID(as_uuid=True), nullable=False),
    Column("change", Text, nullable=False, comment="entered | left"),
    Column("cause", Text, nullable=False, comment="condition | definition | merged | split | gone"),
    _now("at"),
    Index("ix_segment_change_segment_id_id", "segment_id", "id"),
    Index("ix_segment_change_profile_id", "profile_id"),
    comment="What happened to memberships, in order; destinations and monitors read on from where they were.",
)

monitor = Table(
    "monitor",
    metadata,
    Column("name", Text, primary_key=True),
    Column("condition", JSONB, nullable=False, comment="schemas/segment.schema.json"),
    Column("fires", Text, nullable=False, comment="once | daily | weekly | monthly | yearly | each"),
    Column("action", JSONB, nullable=False, server_default=text("'{}'"), comment="what to do: owned by who carries it out"),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    _now("created_at"),
    Column("created_by", Text, nullable=False),
    Column("title", Text, nullable=False, server_default=text("''")),
)

monitor_state = Table(
    "monitor_state",
    metadata,
    Column("monitor", Text, ForeignKey("monitor.name", ondelete="CASCADE"), primary_key=True),
    Column("profile_id", UUID(as_uuid=True), primary_key=True),
    comment="Who met a monitor's condition when it was last looked at.",
)

monitor_firing = Table(
    "monitor_firing",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("monitor", Text, ForeignKey("monitor.name", ondelete="CASCADE"), nullable=False),
    Column("profile_id", UUID(as_uuid=True), nullable=False),
    Column("period", Date, comment="first day of the period it fires once in; null: it fires each time"),
    _now("at"),
    Column("why", JSONB, nullable=False, comment="each condition with the value seen"),
    _when("handled_at"),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    Column("due_at", DateTime(timezone=True), comment="not tried again before"),
    Column("outcome", Text, comment="what came of the action"),
    Index("uq_monitor_firing_period", "monitor", "profile_id", "period", unique=True, postgresql_where=text("period is not null")),
    Index("ix_monitor_firing_monitor_at", "monitor", "at"),
    Index("ix_monitor_firing_open", "id", postgresql_where=text("handled_at is null")),
)

profile_mark = Table(
    "profile_mark",
    metadata,
    Column("profile_id", UUID(as_uuid=True), primary_key=True),
    Column("name", Text, primary_key=True, comment="an attribute of kind mark"),
    Column("value", JSONB, nullable=False),
    Column("monitor", Text, nullable=False, comment="the monitor that set it"),
    Column("set_at", DateTime(timezone=True), nullable=False),
    comment="What monitors set on profiles; a mark of a profile that was merged counts for the one that lives on.",
)

task = Table(
    "task",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("firing_id", BigInteger, nullable=False, unique=True),
    Column("monitor", Text, nullable=False),
    Column("profile_id", UUID(as_uuid=True), nullable=False),
    Column("title", Text, nullable=False),
    _now("created_at"),
    _when("done_at"),
    Column("done_by", Text),
    Index("ix_task_open", "id", postgresql_where=text("done_at is null")),
    comment="What staff are asked to do for a customer, one for each firing of a monitor.",
)
