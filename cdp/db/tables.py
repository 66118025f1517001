"""The tables. Truth is kept for good; what is marked derived can be dropped and rebuilt from the truth at any time.

The tables that rows land in have no foreign keys to source and run: checking them costs a third of a bulk load, and a source that has
rows is never deleted.

A profile's records are the rows of `record` that carry its id; a profile's interactions are those of its records.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _now(name: str) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=False, server_default=func.now())


def _when(name: str) -> Column[object]:
    return Column(name, DateTime(timezone=True))


# --- truth: where records come from -------------------------------------------------------------------------------------

source = Table(
    "source",
    metadata,
    Column("id", SmallInteger, Identity(always=True), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("department", Text, nullable=False),
    Column("connector", Text, nullable=False, comment="entry point name in the group cdp.connectors, or 'events'"),
    Column("config", JSONB, nullable=False, server_default=text("'{}'"), comment="no secret: secrets are `env:NAME`"),
    Column("mapping", JSONB, nullable=False, server_default=text("'{}'"), comment="schemas/mapping.schema.json"),
    Column("duplicate_free", Boolean, nullable=False, server_default=text("false")),
    Column("priority", Integer, nullable=False, server_default=text("100"), comment="1 is the most trusted"),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    _now("created_at"),
)

stream = Table(
    "stream",
    metadata,
    Column("source_id", SmallInteger, ForeignKey("source.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("kind", Text, nullable=False, comment="customer | interaction"),
    Column("bookmark", JSONB, comment="opaque: owned by the connector, committed with the page it belongs to"),
    Column("fields", JSONB, nullable=False, server_default=text("'{}'"), comment="field -> type seen, for drift"),
    Column("mapping_hash", LargeBinary, comment="a changed mapping maps every raw record again"),
    _when("last_success_at"),
    Column("last_error", Text),
)

run = Table(
    "run",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("stage", Text, nullable=False, comment="sync | resolve | profiles | attributes | segments | activation | …"),
    Column("source_id", SmallInteger, ForeignKey("source.id", ondelete="SET NULL")),
    _now("started_at"),
    _when("finished_at"),
    Column("status", Text, nullable=False, server_default=text("'running'"), comment="running | done | failed | partial"),
    Column("report", JSONB, nullable=False, server_default=text("'{}'")),
    Column("error", Text),
    Index("ix_run_stage_started_at", "stage", text("started_at DESC")),
)

record = Table(
    "record",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("source_id", SmallInteger, nullable=False),
    Column("stream", Text, nullable=False),
    Column("source_key", Text, nullable=False),
    Column("raw", JSONB, nullable=False),
    Column("canonical", JSONB, nullable=False, comment="schemas/customer.schema.json; derived from raw by the mapping"),
    Column("content_hash", LargeBinary, nullable=False, comment="16 bytes over the raw row"),
    _now("landed_at"),
    _now("changed_at"),
    _when("deleted_at"),
    Column("run_id", BigInteger, comment="the run that last wrote it"),
    Column("profile_id", UUID(as_uuid=True), comment="derived: the profile it belongs to now"),
    UniqueConstraint("source_id", "stream", "source_key"),
    Index("ix_record_profile_id", "profile_id", postgresql_where=text("profile_id is not null")),
    Index("ix_record_changed_at", "changed_at"),
)

record_version = Table(
    "record_version",
    metadata,
    Column("record_id", BigInteger, nullable=False),
    Column("raw", JSONB, nullable=False),
    Column("content_hash", LargeBinary, nullable=False),
    Column("valid_from", DateTime(timezone=True), nullable=False),
    Column("valid_to", DateTime(timezone=True), nullable=False),
    Column("run_id", BigInteger),
    Index("ix_record_version_record_id", "record_id"),
    comment="Former raw rows of records; the present one is in record.",
)

interaction = Table(
    "interaction",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("source_id", SmallInteger, nullable=False),
    Column("stream", Text, nullable=False),
    Column("source_key", Text, nullable=False),
    Column("customer_stream", Text, comment="null: any customer stream of the source"),
    Column("customer_key", Text),
    Column("kind", Text, nullable=False),
    Column("name", Text),
    Column("channel", Text),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("amount", Numeric(20, 4)),
    Column("currency", Text),
    Column("status", Text),
    Column("canonical", JSONB, nullable=False, comment="schemas/interaction.schema.json"),
    Column("raw", JSONB, nullable=False),
    Column("content_hash", LargeBinary, nullable=False),
    _now("landed_at"),
    _now("changed_at"),
    _when("deleted_at"),
    Column("run_id", BigInteger),
    Column("profile_id", UUID(as_uuid=True), comment="derived: the profile of its customer record"),
    UniqueConstraint("source_id", "stream", "source_key"),
    Index("ix_interaction_customer", "source_id", "customer_key"),
    Index("ix_interaction_profile_id_at", "profile_id", text("at DESC"), text("id DESC"), postgresql_where=text("profile_id is not null")),
    Index("ix_interaction_changed_at", "changed_at"),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("source_id", SmallInteger, ForeignKey("source.id", ondelete="CASCADE")),
    Column("stream", Text, nullable=False),
    Column("source_key", Text),
    Column("place", Text, nullable=False, comment="file and row, or page and position"),
    Column("field", Text),
    Column("reason", Text, nullable=False, comment="a short code"),
    Column("message", Text, nullable=False, comment="what, where, why, and what to do"),
    Column("raw", JSONB, comment="the row as read; as {'_bytes': base64} where it is no text"),
    Column("content_hash", LargeBinary, nullable=False),
    Column("run_id", BigInteger, ForeignKey("run.id", ondelete="SET NULL")),
    Column("status", Text, nullable=False, server_default=text("'open'"), comment="open | replayed | discarded"),
    _now("created_at"),
    _when("resolved_at"),
    Column(
        "mended",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="a person corrected it; the row it became holds while the source repeats the bad one",
    ),
    UniqueConstraint("source_id", "stream", "content_hash"),
    Index("ix_quarantine_status", "status"),
    Index("ix_quarantine_source_id_stream_source_key", "source_id", "stream", "source_key"),
)

# --- truth: who is who -----------------------------------------------------------------------------------------------------

identity_model = Table(
    "identity_model",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    _now("created_at"),
    Column("artifact", JSONB, nullable=False, comment="weights, frequencies, placeholders, thresholds"),
    Column("active", Boolean, nullable=False, server_default=text("false")),
    Index("uq_identity_model_active", "active", unique=True, postgresql_where=text("active")),
)

link = Table(
    "link",
    metadata,
    Column("record_a", BigInteger, ForeignKey("record.id", ondelete="CASCADE"), primary_key=True),
    Column("record_b", BigInteger, ForeignKey("record.id", ondelete="CASCADE"), primary_key=True),
    Column("evidence", Float, nullable=False, comment="natural logarithm of the odds that both are one person"),
    Column("probability", Float, nullable=False),
    Column("pattern", JSONB, nullable=False, comment="field -> agreement level"),
    Column("model_id", Integer, ForeignKey("identity_model.id")),
    _now("created_at"),
    CheckConstraint("record_a < record_b", name="ordered"),
    Index("ix_link_record_b", "record_b"),
    comment="Pairs that hold profiles together, and doubtful pairs for the steward (probability between the cuts).",
)

decision = Table(
    "decision",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("judgement", Text, nullable=False, comment="same | different"),
    Column("record_a", BigInteger, ForeignKey("record.id", ondelete="CASCADE"), nullable=False),
    Column("record_b", BigInteger, ForeignKey("record.id", ondelete="CASCADE"), nullable=False),
    Column("principal", Text, nullable=False),
    Column("note", Text),
    _now("at"),
    _when("revoked_at"),
    CheckConstraint("record_a < record_b", name="ordered"),
    CheckConstraint("judgement in ('same', 'different')", name="judgement"),
    Index("ix_decision_record_a", "record_a"),
    Index("ix_decision_record_b", "record_b"),
)

profile = Table(
    "profile",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True, comment="UUIDv7"),
    Column("kind", Text, nullable=False, server_default=text("'person'")),
    _now("created_at"),
    Column("merged_into", UUID(as_uuid=True), comment="the living profile, however many merges ago; never a chain"),
    _when("retired_at"),
    Column("confidence", Float, comment="derived: probability that all its records are one person"),
    Column("household_id", UUID(as_uuid=True), comment="derived"),
    Index("ix_profile_merged_into", "merged_into"),
    Index("ix_profile_household_id", "household_id"),
)

profile_journal = Table(
    "profile_journal",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _now("at"),
    Column("change", Text, nullable=False, comment="created | joined | merged | split | revived"),
    Column("profile_id", UUID(as_uuid=True), nullable=False, comment="where the records are afterwards"),
    Column("from_profile_id", UUID(as_uuid=True), comment="where they were before"),
    Column("record_ids", ARRAY(BigInteger), nullable=False),
    Column("cause", JSONB, nullable=False, comment="run, model, decision, principal"),
    Index("ix_profile_journal_profile_id", "profile_id"),
    Index("ix_profile_journal_from_profile_id", "from_profile_id"),
)

consent = Table(
    "consent",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("source_id", SmallInteger, ForeignKey("source.id"), nullable=False),
    Column("stream", Text, nullable=False),
    Column("source_key", Text, nullable=False, comment="the customer record that carries it"),
    Column("purpose", Text, nullable=False),
    Column("state", Text, nullable=False, comment="granted | denied"),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("basis", Text),
    _now("landed_at"),
    UniqueConstraint("source_id", "stream", "source_key", "purpose", "state", "at"),
    comment="Append-only.",
)

# --- derived: what is shown ---------------------------------------------------------------------------------------------------

golden = Table(
    "golden",
    metadata,
    Column("profile_id", UUID(as_uuid=True), primary_key=True),
    Column("display_name", Text),
    Column("document", JSONB, nullable=False, comment="schemas/profile.schema.json: values, why, losers, contact points"),
    Column("record_count", Integer, nullable=False),
    Column("source_count", Integer, nullable=False),
    Column("interaction_count", Integer, nullable=False, server_default=text("0")),
    _when("first_seen_at"),
    _when("last_seen_at"),
    _now("updated_at"),
    Index("ix_golden_updated_at", "updated_at"),
    comment="Derived by the survivorship policy.",
)

identifier = Table(
    "identifier",
    metadata,
    Column("kind", Text, primary_key=True, comment="email | phone | type of an identifier"),
    Column("value", Text, primary_key=True),
    Column("profile_id", UUID(as_uuid=True), primary_key=True),
    Index("ix_identifier_profile_id", "profile_id"),
    comment="Derived: exact look-up of profiles by contact point or identifier.",
)
Index(
    "ix_identifier_phone_tail",
    func.reverse(identifier.c.value).label("tail"),
    postgresql_ops={"tail": "text_pattern_ops"},
    postgresql_where=text("kind = 'phone'"),
)

search_term = Table(
    "search_term",
    metadata,
    Column("term", Text, primary_key=True, comment="folded word of a name, or a contact point"),
    Column("profile_id", UUID(as_uuid=True), primary_key=True),
    Index("ix_search_term_prefix", "term", postgresql_ops={"term": "text_pattern_ops"}),
    Index("ix_search_term_profile_id", "profile_id"),
    comment="Derived: search as one types, by prefix.",
)

# --- access ---------------------------------------------------------------------------------------------------------------------

principal = Table(
    "principal",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False, comment="viewer | marketer | steward | engineer | admin"),
    Column("departments", ARRAY(Text), comment="null: no one department"),
    Column("password_hash", Text, comment="null: cannot sign in to the page"),
    _now("created_at"),
    _when("disabled_at"),
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("principal_id", Integer, ForeignKey("principal.id", ondelete="CASCADE"), nullable=False),
    Column("label", Text, nullable=False),
    Column("prefix", Text, nullable=False, comment="first characters, to recognise a key by"),
    Column("hash", LargeBinary, nullable=False, unique=True, comment="SHA-256 of a key of 256 random bits"),
    _now("created_at"),
    _when("expires_at"),
    _when("revoked_at"),
    _when("last_used_at"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _now("at"),
    Column("principal", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("object", Text),
    Column("detail", JSONB, nullable=False, server_default=text("'{}'")),
    Column("hash", LargeBinary, nullable=False, comment="over this row and the hash before: a gap shows"),
    Index("ix_audit_principal_id", "principal", "id"),
)

web_session = Table(
    "web_session",
    metadata,
    Column("hash", LargeBinary, primary_key=True, comment="SHA-256 of the token that the browser keeps"),
    Column("principal_id", Integer, ForeignKey("principal.id", ondelete="CASCADE"), nullable=False),
    _now("created_at"),
    _now("seen_at"),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("ix_web_session_principal_id", "principal_id"),
)

sign_in_failure = Table(
    "sign_in_failure",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("subject", LargeBinary, nullable=False, comment="SHA-256 of the name or the address"),
    _now("at"),
    Index("ix_sign_in_failure_subject_at", "subject", "at"),
    comment="What limits guessing; rows leave after a quarter of an hour.",
)

from cdp.db import activation_tables as activation_tables  # noqa: E402  # registers its tables with metadata
from cdp.db import event_tables as event_tables  # noqa: E402  # registers its tables with metadata
from cdp.db import segment_tables as segment_tables  # noqa: E402  # registers its tables with metadata
