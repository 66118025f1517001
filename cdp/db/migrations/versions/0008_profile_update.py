"""Calls that say who somebody is leave the interactions: a person's timeline shows what the person did."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008_profile_update"
down_revision = "0007_profile_index"

_MOVED = "i.stream in ('identify', 'group', 'alias') and i.source_id in (select id from source where connector = 'events')"


def upgrade() -> None:
    op.create_table(
        "profile_update",
        sa.Column("message_id", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "source_id", sa.SmallInteger(), nullable=False, comment="of table source; no foreign key, which would cost a look-up an event"
        ),
        sa.Column("type", sa.Text(), nullable=False, comment="identify | group | alias"),
        sa.Column("customer_key", sa.Text(), nullable=False, comment="of the record of stream `identify` that it is about"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("raw", postgresql.JSONB(), nullable=False),
        sa.Column("issues", postgresql.JSONB(), comment="what of it could not be used, or violates the tracking plan"),
        sa.Column("landed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("run_id", sa.BigInteger()),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_profile_update")),
        comment="Calls that say who somebody is, as they were accepted. What they say is in the records; they are nothing that somebody did.",
    )
    op.create_index("ix_profile_update_source_id_customer_key", "profile_update", ["source_id", "customer_key"])
    op.execute(
        f"""insert into profile_update (message_id, source_id, type, customer_key, at, raw, issues, landed_at, run_id)
            select i.source_key, i.source_id, i.stream, i.customer_key, i.at, i.raw, i.canonical -> 'issues', i.landed_at, i.run_id
            from interaction i where {_MOVED} on conflict do nothing"""
    )
    op.execute(f"delete from interaction i where {_MOVED}")


def downgrade() -> None:
    op.execute(
        """insert into interaction (source_id, stream, source_key, customer_stream, customer_key, kind, name, channel, at, canonical, raw,
                                    content_hash, landed_at, run_id)
           select source_id, type, message_id, 'identify', customer_key, 'event', type, 'other', at,
                  jsonb_strip_nulls(jsonb_build_object('source_key', message_id, 'customer_stream', 'identify', 'customer_key', customer_key,
                    'kind', 'event', 'name', type, 'channel', 'other', 'at', at, 'issues', issues)),
                  raw, decode(md5(raw::text), 'hex'), landed_at, run_id
           from profile_update on conflict do nothing"""
    )
    op.drop_table("profile_update")
