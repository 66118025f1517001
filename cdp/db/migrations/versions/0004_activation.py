"""Destinations, their deliveries, who is there, and the export ledger."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004_activation"
down_revision = "0003_segments"


def upgrade() -> None:
    op.create_table('destination',
    sa.Column('id', sa.SmallInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('document', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='schemas/destination.schema.json; no secret: secrets are `env:NAME`'),
    sa.Column('enabled', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('changed_by', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_destination')),
    sa.UniqueConstraint('name', name=op.f('uq_destination_name'))
    )
    op.create_table('delivery',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('destination_id', sa.SmallInteger(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('status', sa.Text(), server_default=sa.text("'running'"), nullable=False, comment='running | done | partial | failed'),
    sa.Column('document', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='the definition that it followed'),
    sa.Column('columns', postgresql.ARRAY(sa.Text()), nullable=False, comment='what a row carries; export_ledger.fields counts them in this order'),
    sa.Column('report', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment="counts, reasons, files; no person's data"),
    sa.Column('error', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['destination_id'], ['destination.id'], name=op.f('fk_delivery_destination_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_delivery'))
    )
    op.create_index('ix_delivery_destination_id_id', 'delivery', ['destination_id', 'id'], unique=False)
    op.create_table('audience_member',
    sa.Column('destination_id', sa.SmallInteger(), nullable=False, comment='of table destination; no foreign key, which would cost a look-up a row'),
    sa.Column('profile_id', sa.UUID(), nullable=False),
    sa.Column('fingerprint', sa.LargeBinary(), nullable=False, comment='8 bytes over the row as it was sent'),
    sa.Column('identity', sa.Text(), nullable=False, comment='what the destination knows the person by, fields divided by U+001F'),
    sa.Column('looked_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('destination_id', 'profile_id', name=op.f('pk_audience_member'))
    )
    op.create_index('ix_audience_member_identity', 'audience_member', ['destination_id', sa.literal_column('hashtext(identity)')], unique=False)
    op.create_table('export_ledger',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('delivery_id', sa.BigInteger(), nullable=False, comment='of table delivery; no foreign key, which would cost a look-up a row'),
    sa.Column('profile_id', sa.UUID(), nullable=False),
    sa.Column('change', sa.Text(), nullable=False, comment='added | updated | removed'),
    sa.Column('fields', sa.Integer(), nullable=False, comment='bit n: column n of the delivery had a value'),
    sa.Column('consent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('consent_source', sa.Text(), nullable=True, comment='null with consent_at: sent on the legal basis that the definition names'),
    sa.Column('answer', sa.Text(), server_default=sa.text("'accepted'"), nullable=False, comment="accepted | refused: why, in the destination's words"),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_export_ledger')),
    comment='Who was sent where; append-only. Its time is that of the delivery.'
    )
    op.create_index('ix_export_ledger_delivery_id', 'export_ledger', ['delivery_id'], unique=False)
    op.create_index('ix_export_ledger_profile_id', 'export_ledger', ['profile_id'], unique=False)
    


def downgrade() -> None:
    for name in ("export_ledger", "audience_member", "delivery", "destination"):
        op.drop_table(name)
