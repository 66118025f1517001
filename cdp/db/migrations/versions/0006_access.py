"""Departments of users, sessions of the page, failed sign-ins; the audit trail only grows."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006_access"
down_revision = "0005_identity"

_REFUSE = """
create function audit_only_grows() returns trigger language plpgsql as $$
begin
    raise exception 'the audit trail only grows: % is refused', tg_op;
end $$
"""


def upgrade() -> None:
    op.add_column("principal", sa.Column("departments", postgresql.ARRAY(sa.Text()), comment="null: no one department"))
    op.execute("update principal set departments = array[department] where department is not null")
    op.drop_column("principal", "department")
    op.create_table(
        "web_session",
        sa.Column("hash", sa.LargeBinary(), nullable=False, comment="SHA-256 of the token that the browser keeps"),
        sa.Column("principal_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["principal_id"], ["principal.id"], name=op.f("fk_web_session_principal_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_web_session")),
    )
    op.create_index("ix_web_session_principal_id", "web_session", ["principal_id"])
    op.create_table(
        "sign_in_failure",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False, comment="SHA-256 of the name or the address"),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_failure")),
        comment="What limits guessing; rows leave after a quarter of an hour.",
    )
    op.create_index("ix_sign_in_failure_subject_at", "sign_in_failure", ["subject", "at"])
    op.create_index("ix_audit_principal_id", "audit", ["principal", "id"])
    op.execute(_REFUSE)
    op.execute("create trigger audit_only_grows before update or delete on audit for each row execute function audit_only_grows()")
    op.execute("create trigger audit_not_emptied before truncate on audit for each statement execute function audit_only_grows()")


def downgrade() -> None:
    op.execute("drop trigger audit_not_emptied on audit")
    op.execute("drop trigger audit_only_grows on audit")
    op.execute("drop function audit_only_grows()")
    op.drop_index("ix_audit_principal_id", "audit")
    op.drop_table("sign_in_failure")
    op.drop_table("web_session")
    op.add_column("principal", sa.Column("department", sa.Text(), comment="null: all departments"))
    op.execute("update principal set department = departments[1]")
    op.drop_column("principal", "departments")
