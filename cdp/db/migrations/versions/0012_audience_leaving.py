"""Who was taken out by a call that a destination works off later: a call that fails afterwards is made again."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012_audience_leaving"
down_revision = "0011_mended_rows"


def upgrade() -> None:
    op.create_table(
        "audience_leaving",
        sa.Column("destination_id", sa.SmallInteger(), nullable=False),
        sa.Column("delivery_id", sa.BigInteger(), nullable=False),
        sa.Column("profile_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False, comment="what the destination was told to forget, fields divided by U+001F"),
        sa.PrimaryKeyConstraint("destination_id", "delivery_id", "profile_id"),
        comment="Removals that a destination took and has not worked off yet; gone once they are settled.",
    )


def downgrade() -> None:
    op.drop_table("audience_leaving")
