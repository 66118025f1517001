"""Tables of attributes and segments, and the views that conditions and SQL attributes read (docs/attributes.md)."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003_segments"
down_revision = "0002_events"


_LIST = """(
    select chr(31) || string_agg(lower(replace(e.value, chr(31), ' ')), chr(31) order by e.value collate "C") || chr(31)
    from ({rows}) as e(value) where e.value <> '')"""


def _list(rows: str) -> str:
    """Folded elements between unit separators, null where there is none: the form that the condition language searches."""
    return _LIST.format(rows=rows)


def _contact(group: str, member: str) -> str:
    return _list(f"select distinct c.value ->> '{member}' from jsonb_array_elements(g.document -> 'contact' -> '{group}') as c")


def _consents(state: str) -> str:
    return _list(f"select c.key from jsonb_each(g.document -> 'consents') as c where c.value ->> 'state' = '{state}'")


_ITEMS = "jsonb_array_elements(case jsonb_typeof(i.canonical -> 'items') when 'array' then i.canonical -> 'items' end)"
_PROPERTIES = """case jsonb_typeof(i.canonical -> 'properties')
        when 'string' then (i.canonical ->> 'properties')::jsonb else i.canonical -> 'properties' end"""

PERSON = f"""create view person as
select
    p.id as profile_id, p.kind, p.household_id, p.confidence, p.created_at,
    g.display_name, g.record_count, g.source_count, g.interaction_count, g.first_seen_at, g.last_seen_at, g.updated_at,
    g.document -> 'values' as "values", g.document -> 'consents' as consents,
    {_contact("emails", "value")} as emails,
    {_contact("phones", "value")} as phones,
    {_contact("addresses", "city")} as cities,
    {_contact("addresses", "region")} as regions,
    {_contact("addresses", "country")} as countries,
    {_contact("addresses", "postal_code")} as postal_codes,
    {_consents("granted")} as granted,
    {_consents("denied")} as denied,
    {_list("select distinct s.name from record r join source s on s.id = r.source_id where r.profile_id = p.id and r.deleted_at is null")} as sources,
    {_list("select c.key from jsonb_each(g.document -> 'stats' -> 'by_channel') as c")} as channels,
    (get_byte(uuid_send(p.id), 14) * 256 + get_byte(uuid_send(p.id), 15)) % 100 as bucket,
    a."values" as attributes
from profile p
left join golden g on g.profile_id = p.id
left join profile_attribute a on a.profile_id = p.id
where p.merged_into is null and p.retired_at is null"""

EVENT = f"""create view event as
select
    i.id as event_id, i.profile_id, s.name as source, i.stream, i.kind, i.name, i.channel, i.canonical ->> 'direction' as direction,
    i.at, (i.canonical ->> 'ended_at')::timestamptz as ended_at, i.amount, i.currency,
    i.amount * coalesce(x.rate, case when not exists (select from exchange_rate) then 1 end) as value,
    i.status, i.canonical ->> 'subject' as subject, i.canonical ->> 'campaign' as campaign,
    (i.canonical ->> 'rating')::double precision as rating, i.canonical ->> 'priority' as priority, i.canonical ->> 'staff' as staff,
    case when i.canonical ? 'items' then {_list(f"select distinct t.value ->> 'category' from {_ITEMS} as t")} end as categories,
    case when i.canonical ? 'items' then {_list(f"select distinct t.value ->> 'sku' from {_ITEMS} as t")} end as skus,
    case when i.canonical ? 'items' then {_list(f"select distinct t.value ->> 'name' from {_ITEMS} as t")} end as products,
    {_PROPERTIES} as properties,
    i.canonical -> 'items' as items
from interaction i
left join source s on s.id = i.source_id
left join exchange_rate x on x.currency = i.currency
where i.deleted_at is null and i.profile_id is not null"""

ITEM = """create view item as
select
    e.event_id, e.profile_id, e.source, e.kind, e.name as event_name, e.channel, e.at, e.currency, e.status,
    t.value ->> 'sku' as sku, t.value ->> 'name' as name, t.value ->> 'category' as category,
    (t.value ->> 'quantity')::numeric as quantity, (t.value ->> 'unit_price')::numeric as unit_price, (t.value ->> 'amount')::numeric as amount
from event e cross join lateral jsonb_array_elements(case jsonb_typeof(e.items) when 'array' then e.items end) as t"""

CONSENT_STATE = """create view consent_state as
select g.profile_id, c.key as purpose, c.value ->> 'state' as state, (c.value ->> 'at')::timestamptz as at
from profile p join golden g on g.profile_id = p.id cross join lateral jsonb_each(g.document -> 'consents') as c
where p.merged_into is null and p.retired_at is null"""


def upgrade() -> None:
    op.create_table('attribute_definition',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('document', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='schemas/attribute.schema.json'),
    sa.Column('active', sa.Boolean(), server_default=sa.text('true'), nullable=False, comment='false: replaced or withdrawn'),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('name', 'version', name=op.f('pk_attribute_definition')),
    comment='Every version of every attribute.'
    )
    op.create_index('uq_attribute_definition_active', 'attribute_definition', ['name'], unique=True, postgresql_where=sa.text('active'))
    op.create_table('exchange_rate',
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('rate', sa.Numeric(precision=20, scale=8), nullable=False, comment='one unit in the base currency, whose own rate is 1'),
    sa.Column('set_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('currency', name=op.f('pk_exchange_rate'))
    )
    op.create_table('monitor',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('condition', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='schemas/segment.schema.json'),
    sa.Column('fires', sa.Text(), nullable=False, comment='once | daily | weekly | monthly | yearly | each'),
    sa.Column('action', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='what to do: owned by who carries it out'),
    sa.Column('enabled', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_monitor'))
    )
    op.create_table('profile_attribute',
    sa.Column('profile_id', sa.UUID(), nullable=False),
    sa.Column('household_id', sa.UUID(), nullable=True, comment='the household that the values were computed with'),
    sa.Column('values', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='attribute -> value; no value, no member'),
    sa.Column('inputs', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='attribute -> how many events or items it was computed from'),
    sa.Column('as_of', sa.DateTime(timezone=True), nullable=False, comment='the moment that windows end at'),
    sa.Column('computed_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('profile_id', name=op.f('pk_profile_attribute')),
    comment='Derived: the values of all attributes of a profile.'
    )
    op.create_index('ix_profile_attribute_household_id', 'profile_attribute', ['household_id'], unique=False)
    op.create_table('segment',
    sa.Column('id', sa.SmallInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('description', sa.Text(), server_default=sa.text("''"), nullable=False),
    sa.Column('condition', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='schemas/segment.schema.json'),
    sa.Column('version', sa.Integer(), server_default=sa.text('1'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_by', sa.Text(), nullable=False),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('refreshed_version', sa.Integer(), nullable=True, comment='the version that its members meet'),
    sa.Column('as_of', sa.DateTime(timezone=True), nullable=True),
    sa.Column('refreshed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('members', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('seconds', sa.Double(), nullable=True, comment='what the last full refresh took'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_segment')),
    sa.UniqueConstraint('name', name=op.f('uq_segment_name'))
    )
    op.create_table('monitor_firing',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('monitor', sa.Text(), nullable=False),
    sa.Column('profile_id', sa.UUID(), nullable=False),
    sa.Column('period', sa.Date(), nullable=True, comment='first day of the period it fires once in; null: it fires each time'),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('why', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='each condition with the value seen'),
    sa.Column('handled_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['monitor'], ['monitor.name'], name=op.f('fk_monitor_firing_monitor'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_monitor_firing'))
    )
    op.create_index('ix_monitor_firing_monitor_at', 'monitor_firing', ['monitor', 'at'], unique=False)
    op.create_index('uq_monitor_firing_period', 'monitor_firing', ['monitor', 'profile_id', 'period'], unique=True, postgresql_where=sa.text('period is not null'))
    op.create_table('monitor_state',
    sa.Column('monitor', sa.Text(), nullable=False),
    sa.Column('profile_id', sa.UUID(), nullable=False),
    sa.ForeignKeyConstraint(['monitor'], ['monitor.name'], name=op.f('fk_monitor_state_monitor'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('monitor', 'profile_id', name=op.f('pk_monitor_state')),
    comment="Who met a monitor's condition when it was last looked at."
    )
    op.create_table('segment_change',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('segment_id', sa.SmallInteger(), nullable=False),
    sa.Column('profile_id', sa.UUID(), nullable=False),
    sa.Column('change', sa.Text(), nullable=False, comment='entered | left'),
    sa.Column('cause', sa.Text(), nullable=False, comment='condition | definition | merged | split | gone'),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['segment_id'], ['segment.id'], name=op.f('fk_segment_change_segment_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_segment_change')),
    comment='What happened to memberships, in order; destinations and monitors read on from where they were.'
    )
    op.create_index('ix_segment_change_profile_id', 'segment_change', ['profile_id'], unique=False)
    op.create_index('ix_segment_change_segment_id_id', 'segment_change', ['segment_id', 'id'], unique=False)
    op.create_table('segment_history',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('segment_id', sa.SmallInteger(), nullable=False),
    sa.Column('profile_id', sa.UUID(), nullable=False),
    sa.Column('entered_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('left_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('cause', sa.Text(), nullable=False, comment='condition | definition | merged | gone'),
    sa.ForeignKeyConstraint(['segment_id'], ['segment.id'], name=op.f('fk_segment_history_segment_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_segment_history')),
    comment='Stays that have ended; a present one is in segment_member.'
    )
    op.create_index('ix_segment_history_profile_id', 'segment_history', ['profile_id'], unique=False)
    op.create_index('ix_segment_history_segment_id_left_at', 'segment_history', ['segment_id', 'left_at'], unique=False)
    op.create_table('segment_member',
    sa.Column('segment_id', sa.SmallInteger(), nullable=False),
    sa.Column('profile_id', sa.UUID(), nullable=False),
    sa.Column('entered_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['segment_id'], ['segment.id'], name=op.f('fk_segment_member_segment_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('segment_id', 'profile_id', name=op.f('pk_segment_member')),
    comment='Derived: who is in a segment now.'
    )
    op.create_index('ix_segment_member_profile_id', 'segment_member', ['profile_id'], unique=False)
    op.create_table('segment_version',
    sa.Column('segment_id', sa.SmallInteger(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('condition', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('by', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['segment_id'], ['segment.id'], name=op.f('fk_segment_version_segment_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('segment_id', 'version', name=op.f('pk_segment_version'))
    )
    op.create_index('ix_interaction_at', 'interaction', ['at'], unique=False)
    for view in (PERSON, EVENT, ITEM, CONSENT_STATE):
        op.execute(view)


def downgrade() -> None:
    for view in ("consent_state", "item", "event", "person"):
        op.execute(f"drop view {view}")
    op.drop_index('ix_interaction_at', table_name='interaction')
    op.drop_table('segment_version')
    op.drop_index('ix_segment_member_profile_id', table_name='segment_member')
    op.drop_table('segment_member')
    op.drop_index('ix_segment_history_segment_id_left_at', table_name='segment_history')
    op.drop_index('ix_segment_history_profile_id', table_name='segment_history')
    op.drop_table('segment_history')
    op.drop_index('ix_segment_change_segment_id_id', table_name='segment_change')
    op.drop_index('ix_segment_change_profile_id', table_name='segment_change')
    op.drop_table('segment_change')
    op.drop_table('monitor_state')
    op.drop_index('uq_monitor_firing_period', table_name='monitor_firing', postgresql_where=sa.text('period is not null'))
    op.drop_index('ix_monitor_firing_monitor_at', table_name='monitor_firing')
    op.drop_table('monitor_firing')
    op.drop_table('segment')
    op.drop_index('ix_profile_attribute_household_id', table_name='profile_attribute')
    op.drop_table('profile_attribute')
    op.drop_table('monitor')
    op.drop_table('exchange_rate')
    op.drop_index('uq_attribute_definition_active', table_name='attribute_definition', postgresql_where=sa.text('active'))
    op.drop_table('attribute_definition')
