"""Tables of activation. Definitions, deliveries and the ledger are truth: they answer with whom a person's data was shared.

`audience_member` is what a destination holds now, as far as it was told: the sum of the deliveries that ended or were committed in part.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Identity, Index, Integer, LargeBinary, SmallInteger, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from cdp.db.tables import _now, _when, metadata

destination = Table(
    "destination",
    metadata,
    Column("id", SmallInteger, Identity(always=True), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("document", JSONB, nullable=False, comment="schemas/destination.schema.json; no secret: secrets are `env:NAME`"),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    _now("created_at"),
    _now("changed_at"),
    Column("changed_by", Text, nullable=False),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("destination_id", SmallInteger, ForeignKey("destination.id", ondelete="CASCADE"), nullable=False),
    _now("started_at"),
    _when("finished_at"),
    Column("status", Text, nullable=False, server_default=text("'running'"), comment="running | done | partial | failed"),
    Column("document", JSONB, nullable=False, comment="the definition that it followed"),
    Column("columns", ARRAY(Text), nullable=False, comment="what a row carries; export_ledger.fields counts them in this order"),
    Column("report", JSONB, nullable=False, server_default=text("'{}'"), comment="counts, reasons, files; no person's data"),
    Column("error", Text),
    Index("ix_delivery_destination_id_id", "destination_id", "id"),
)

audience_member = Table(
    "audience_member",
    metadata,
    Column(
        "destination_id", SmallInteger, primary_key=True, comment="of table destination; no foreign key, which would cost a look-up a row"
    ),
    Column("profile_id", UUID(as_uuid=True), primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False, comment="8 bytes over the row as it was sent"),
    Column("identity", Text, nullable=False, comment="what the destination knows the person by, fields divided by U+001F"),
    _now("looked_at"),
    Index("ix_audience_member_identity", "destination_id", text("hashtext(identity)")),
)

audience_leaving = Table(
    "audience_leaving",
    metadata,
    Column("destination_id", SmallInteger, primary_key=True, autoincrement=False),
    Column("delivery_id", BigInteger, primary_key=True),
    Column("profile_id", UUID(as_uuid=True), primary_key=True),
    Column("identity", Text, nullable=False, comment="what the destination was told to forget, fields divided by U+001F"),
    comment="Removals that a destination took and has not worked off yet; gone once they are settled.",
)

export_ledger = Table(
    "export_ledger",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("delivery_id", BigInteger, nullable=False, comment="of table delivery; no foreign key, which would cost a look-up a row"),
    Column("profile_id", UUID(as_uuid=True), nullable=False),
    Column("change", Text, nullable=False, comment="added | updated | removed"),
    Column("fields", Integer, nullable=False, comment="bit n: column n of the delivery had a value"),
    _when("consent_at"),
    Column("consent_source", Text, comment="null with consent_at: sent on the legal basis that the definition names"),
    Column(
        "answer", Text, nullable=False, server_default=text("'accepted'"), comment="accepted | refused: why, in the destination's words"
    ),
    Index("ix_export_ledger_profile_id", "profile_id"),
    Index("ix_export_ledger_delivery_id", "delivery_id"),
    comment="Who was sent where; append-only. Its time is that of the delivery.",
)
