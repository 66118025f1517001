"""Segments say whether they are decided at once; monitors have actions that are carried out: marks, tasks, calls."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009_soon"
down_revision = "0008_profile_update"


def upgrade() -> None:
    op.add_column(
        "segment",
        sa.Column(
            "soon", sa.Boolean(), server_default=sa.text("true"), nullable=False, comment="decided for a profile when something happens to it"
        ),
    )
    op.create_index("ix_profile_attribute_computed_at", "profile_attribute", ["computed_at"])
    op.add_column("monitor", sa.Column("title", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("monitor_firing", sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("monitor_firing", sa.Column("due_at", sa.DateTime(timezone=True), comment="not tried again before"))
    op.add_column("monitor_firing", sa.Column("outcome", sa.Text(), comment="what came of the action"))
    op.create_index("ix_monitor_firing_open", "monitor_firing", ["id"], postgresql_where=sa.text("handled_at is null"))
    op.create_table(
        "profile_mark",
        sa.Column("profile_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="an attribute of kind mark"),
        sa.Column("value", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("monitor", sa.Text(), nullable=False, comment="the monitor that set it"),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("profile_id", "name", name=op.f("pk_profile_mark")),
        comment="What monitors set on profiles; a mark of a profile that was merged counts for the one that lives on.",
    )
    op.create_table(
        "task",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("firing_id", sa.BigInteger(), nullable=False),
        sa.Column("monitor", sa.Text(), nullable=False),
        sa.Column("profile_id", sa.UUID(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
        sa.UniqueConstraint("firing_id", name=op.f("uq_task_firing_id")),
        comment="What staff are asked to do for a customer, one for each firing of a monitor.",
    )
    op.create_index("ix_task_open", "task", ["id"], postgresql_where=sa.text("done_at is null"))


def downgrade() -> None:
    op.drop_table("task")
    op.drop_table("profile_mark")
    op.drop_index("ix_monitor_firing_open", table_name="monitor_firing")
    for name in ("outcome", "due_at", "attempts"):
        op.drop_column("monitor_firing", name)
    op.drop_column("monitor", "title")
    op.drop_index("ix_profile_attribute_computed_at", table_name="profile_attribute")
    op.drop_column("segment", "soon")
