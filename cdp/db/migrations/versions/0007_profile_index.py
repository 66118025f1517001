"""Rows that belong to no profile yet are in no index of profiles: a first load does not pay for it."""

from alembic import op

revision = "0007_profile_index"
down_revision = "0006_access"


def upgrade() -> None:
    op.execute("drop index if exists ix_record_profile_id, ix_interaction_profile_id_at")
    op.execute("create index ix_record_profile_id on record (profile_id) where profile_id is not null")
    op.execute(
        "create index ix_interaction_profile_id_at on interaction (profile_id, at desc, id desc) where profile_id is not null"
    )


def downgrade() -> None:
    op.execute("drop index if exists ix_record_profile_id, ix_interaction_profile_id_at")
    op.execute("create index ix_record_profile_id on record (profile_id)")
    op.execute("create index ix_interaction_profile_id_at on interaction (profile_id, at desc, id desc)")
