"""Tables of live resolution and review."""

revision = "0005_identity"
down_revision = "0004_activation"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
