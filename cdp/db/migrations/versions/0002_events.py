"""Tables of the tracking API."""

revision = "0002_events"
down_revision = "0001_core"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
