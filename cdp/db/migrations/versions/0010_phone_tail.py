"""Phone numbers are found by their last digits: people say them without the country's prefix."""

from alembic import op

revision = "0010_phone_tail"
down_revision = "0009_soon"


def upgrade() -> None:
    op.execute("create index ix_identifier_phone_tail on identifier (reverse(value) text_pattern_ops) where kind = 'phone'")


def downgrade() -> None:
    op.execute("drop index ix_identifier_phone_tail")
