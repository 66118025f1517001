"""A refused row that a person corrected: what it became holds while the source repeats the bad one."""

import sqlalchemy as sa
from alembic import op

revision = "0011_mended_rows"
down_revision = "0010_phone_tail"


def upgrade() -> None:
    op.add_column(
        "quarantine",
        sa.Column(
            "mended",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="a person corrected it; the row it became holds while the source repeats the bad one",
        ),
    )


def downgrade() -> None:
    op.drop_column("quarantine", "mended")
