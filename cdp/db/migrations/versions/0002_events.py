"""Tables of the tracking API."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002_events"
down_revision = "0001_core"


def upgrade() -> None:
    _time = sa.DateTime(timezone=True)
    op.create_table(
        "write_key",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("source_id", sa.SmallInteger(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False, comment="first characters, to recognise a key by"),
        sa.Column("hash", sa.LargeBinary(), nullable=False, comment="SHA-256 of the key"),
        sa.Column("created_at", _time, server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", _time),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_write_key_source_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_write_key")),
        sa.UniqueConstraint("hash", name=op.f("uq_write_key_hash")),
        comment="A write key lets events in for one source; it reads nothing.",
    )
    op.create_table(
        "event_receipt",
        sa.Column("message_id", sa.Text(collation="C"), nullable=False, comment="of a webhook: webhook:SOURCE:ID"),
        sa.Column("source_id", sa.SmallInteger(), nullable=False, comment="of table source; no foreign key, which would cost a look-up an event"),
        sa.Column("received_at", _time, server_default=sa.text("now()"), nullable=False),
        sa.Column("repeats", sa.Integer(), server_default=sa.text("0"), nullable=False, comment="how often it came again"),
        sa.Column("repeated_at", _time),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_event_receipt")),
        comment="Each message that was ever accepted, once: an event whose messageId is here is a duplicate, whatever source sends it.",
    )
    op.create_table(
        "event_inbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("source_id", sa.SmallInteger(), nullable=False),
        sa.Column("stream", sa.Text(), comment="of a webhook: the stream whose mapping reads it; null: calls of the tracking API"),
        sa.Column("received_at", _time, server_default=sa.text("now()"), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("events", sa.LargeBinary(), nullable=False, comment="JSON array, UTF-8; each event carries its messageId and receivedAt"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_inbox")),
        comment="Accepted and not yet processed; a row leaves in the transaction that writes what became of it.",
    )
    # Rows live for a second: compressing them would cost more than writing them.
    op.execute("alter table event_inbox alter column events set storage external")
    op.create_table(
        "tracking_plan",
        sa.Column("source_id", sa.SmallInteger(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="schemas/tracking-plan.schema.json"),
        sa.Column("updated_at", _time, server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_tracking_plan_source_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_tracking_plan")),
    )
    op.create_table(
        "event_violation",
        sa.Column("source_id", sa.SmallInteger(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False, comment="name of a tracked event, or the type of another call"),
        sa.Column("field", sa.Text(), nullable=False, comment="JSON pointer, array positions as *"),
        sa.Column("rule", sa.Text(), nullable=False, comment="keyword of the schema, or `unplanned`"),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("first_at", _time, nullable=False),
        sa.Column("last_at", _time, nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("samples", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="the first five: messageId and what happened to it"),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_event_violation_source_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("source_id", "event", "field", "rule", name=op.f("pk_event_violation")),
        comment="What violated a tracking plan, counted.",
    )
    op.create_index("ix_event_violation_last_at", "event_violation", ["last_at"])


def downgrade() -> None:
    for table in ("event_violation", "tracking_plan", "event_inbox", "event_receipt", "write_key"):
        op.drop_table(table)
