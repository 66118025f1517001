"""Tables of attributes and segments."""

revision = "0003_segments"
down_revision = "0002_events"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
