"""Tables of activation."""

revision = "0004_activation"
down_revision = "0003_segments"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
