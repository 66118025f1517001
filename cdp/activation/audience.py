"""Who should be at a destination and who is there are read from one snapshot, in portions: memory does not grow with the audience.

Wanted is whoever is in the segment, has a profile with a record that some source still keeps, and agreed to the purpose. Who is there and
not wanted leaves; who is wanted and not there, or changed since it was last looked at, is a candidate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
from sqlalchemy import Connection, text

from cdp.activation.definition import Destination, segment_id
from cdp.activation.formats import FIELDS

PORTION = 50_000
_OVERLAP = "interval '15 minutes'"
"""A profile may be committed later than the time it carries."""

_VALUES = ("given_name", "family_name", "organisation_name", "birth_date", "gender", "language")
_ADDRESS = ("street", "house_number", "unit", "postal_code", "city", "region", "country")
CONSENT = ("consent_at", "consent_source")
PRESENT = ("fingerprint", "identity")
"""Of a candidate that is there: its fingerprint (hex) and its identity."""
LEFT_OVER = ("profile_id", "left_over", "shared")
"""Of who is not there any more as they were: their identity without each contact point that somebody who stays has, and whether that leaves
nothing."""


@dataclass(frozen=True)
class Counts:
    """People in the segment, of these without profile (or deleted at every source) or without consent, and how many are at the destination
    already."""

    members: int
    without_profile: int
    without_consent: int
    present: int


class Audience:
    """What one delivery looks at; made in a transaction (REPEATABLE READ) that stays open while it is read."""

    def __init__(self, connection: Connection, destination: Destination) -> None:
        self.connection = connection
        self.destination = destination
        self.at: datetime = connection.execute(text("select now()")).scalar_one()
        self.counts = self._count()

    def _count(self) -> Counts:
        named = self.destination.segment
        members = "select id as profile_id from profile where retired_at is null"
        if named:
            members = f"select profile_id from segment_member where segment_id = {segment_id(self.connection, named)}"
        purpose = self.destination.purpose
        agreed = "true" if purpose is None else "coalesce(g.document -> 'consents' -> :purpose ->> 'state' = 'granted', false)"
        self.connection.execute(
            text(
                f"""create temp table wanted on commit drop as
                    select m.profile_id, k.known, k.known and {agreed} as agreed
                    from ({members}) m left join golden g on g.profile_id = m.profile_id
                    left join ({_GONE}) x on x.profile_id = m.profile_id
                    cross join lateral (select g.profile_id is not null and x.profile_id is null as known) k"""
            ),
            {} if purpose is None else {"purpose": purpose},
        )
        row = self.connection.execute(
            text(
                """select count(*) as members, count(*) filter (where not known) as unknown,
                          count(*) filter (where known and not agreed) as refusing from wanted"""
            )
        ).one()
        self.connection.execute(text("delete from wanted where not agreed"))
        self.connection.execute(text("create unique index on wanted (profile_id)"))
        self.connection.execute(text("analyze wanted"))
        query = text("select count(*) from audience_member where destination_id = :id")
        present = self.connection.execute(query, {"id": self.destination.id}).scalar_one()
        return Counts(row.members, row.unknown, row.refusing, present)

    def leaving(self) -> Iterator[pa.Table]:
        """LEFT_OVER of those who are there and not wanted any more."""
        yield from self._left_over("select a.* from audience_member a left join wanted w using (profile_id) where w.profile_id is null")

    def moving(self, ids: Sequence[str]) -> Iterator[pa.Table]:
        """LEFT_OVER of some who are wanted, and there under an identity that is theirs no more."""
        self._listed(ids)
        yield from self._left_over("select a.* from audience_member a join listed using (profile_id)")

    def candidates(self, ids: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """FIELDS, attributes, CONSENT and PRESENT of those (of some) who are wanted and new there, or may have changed; by profile id."""
        slots = [
            f"contact -> '{kind}s' -> {number} ->> 'value' as {kind}_{number + 1}" for kind in ("email", "phone") for number in range(3)
        ]
        consent = "consents -> %(purpose)s" if self.destination.purpose else "null::jsonb"
        attributes = self.destination.attributes
        named = {f"attribute_{number}": name for number, name in enumerate(attributes)}
        columns = [
            "g.profile_id",
            *(f"d.\"values\" -> '{name}' ->> 'value' as {name}" for name in _VALUES),
            *slots,
            *(f"contact -> 'addresses' -> 0 ->> '{name}' as {name}" for name in _ADDRESS),
            *(f'v."values" ->> %({key})s' for key in named),
            f"{consent} ->> 'at'",
            f"{consent} ->> 'source'",
            "encode(a.fingerprint, 'hex')",
            "a.identity",
        ]
        valued = "left join profile_attribute v on v.profile_id = g.profile_id" if attributes else ""
        computed = f" or v.computed_at > a.looked_at - {_OVERLAP}" if attributes else ""
        changed = f"(g.updated_at > a.looked_at - {_OVERLAP} or %(changed)s > a.looked_at{computed})"
        params = {"id": self.destination.id, "changed": self.destination.changed_at, "purpose": self.destination.purpose, **named}
        if ids is not None:
            self._listed(ids)
        query = f"""
            select {", ".join(columns)}
            from wanted w join golden g on g.profile_id = w.profile_id
            {valued}
            {"" if ids is None else "join listed t on t.profile_id = w.profile_id"}
            left join audience_member a on a.destination_id = %(id)s and a.profile_id = w.profile_id
            cross join lateral jsonb_to_record(g.document) as d("values" jsonb, contact jsonb, consents jsonb)
            where a.profile_id is null or {changed}
            order by g.profile_id"""
        yield from copied(self.connection, query, (*FIELDS, *attributes, *CONSENT, *PRESENT), params)

    def _listed(self, ids: Sequence[str]) -> None:
        """Make the table `listed` of some profiles."""
        self.connection.execute(text("drop table if exists pg_temp.listed"))
        made = "create temp table listed on commit drop as select distinct unnest(cast(:ids as uuid[])) as profile_id"
        self.connection.execute(text(made), {"ids": list(ids)})
        self.connection.execute(text("analyze listed"))

    def _left_over(self, people: str) -> Iterator[pa.Table]:
        """LEFT_OVER of `people`, a query of rows of audience_member who are not there any more as they were.

        Steps are tables with statistics: with none the planner compares everybody with everybody.
        """
        params = {"id": self.destination.id, "contacts": self.destination.contacts, "divider": "\x1f"}
        made = {"going": _GOING.format(people=people), "part": _PART, "staying": _STAYING, "left_over": _LEFT_OVER}
        for name, query in made.items():
            self.connection.execute(text(f"drop table if exists pg_temp.{name}"))
            self.connection.execute(text(f"create temp table {name} on commit drop as {query}"), params)
            self.connection.execute(text(f"analyze {name}"))
        yield from copied(self.connection, "select profile_id, identity, shared from left_over order by profile_id", LEFT_OVER, {})


_GONE = """
    select distinct d.profile_id from record d where d.deleted_at is not null and d.profile_id is not null
      and not exists (select from record r where r.profile_id = d.profile_id and r.deleted_at is null)"""


_SHARED = """exists (
    select from audience_member o join wanted w2 on w2.profile_id = o.profile_id
    where o.destination_id = a.destination_id and hashtext(o.identity) = hashtext(a.identity)
      and o.identity = a.identity and not exists (select from going g where g.profile_id = o.profile_id))"""


_GOING = "select destination_id, profile_id, identity from ({people}) p where destination_id = :id"
_PART = """
    select g.profile_id, p.value
    from going g cross join lateral string_to_table(g.identity, :divider) with ordinality p (value, number)
    where p.number <= :contacts and p.value <> ''"""
_STAYING = """
    select distinct p.value from audience_member a join wanted w using (profile_id)
    cross join lateral string_to_table(a.identity, :divider) with ordinality p (value, number)
    where a.destination_id = :id and exists (select from part) and p.number <= :contacts and p.value in (select value from part)
      and not exists (select from going g where g.profile_id = a.profile_id)"""
_LEFT_OVER = f"""
    select a.profile_id, coalesce(h.identity, a.identity) as identity,
           case when h.profile_id is not null then h.nothing when c.profile_id is not null then false else {_SHARED} end as shared
    from going a left join (select distinct profile_id from part) c using (profile_id)
    left join (
        select g.profile_id, bool_and(s.value is not null) filter (where p.number <= :contacts and p.value <> '') as nothing,
               string_agg(case when s.value is null then p.value else '' end, :divider order by p.number) as identity
        from going g join (select distinct profile_id from part join staying using (value)) t using (profile_id)
        cross join lateral string_to_table(g.identity, :divider) with ordinality p (value, number)
        left join staying s on s.value = p.value and p.number <= :contacts
        group by 1) h using (profile_id)"""


def copied(connection: Connection, query: str, names: tuple[str, ...], params: Mapping[str, Any]) -> Iterator[pa.Table]:
    """Rows of a query as text columns, by COPY, `PORTION` at a time."""
    raw = connection.connection.driver_connection
    assert raw is not None
    reading = pacsv.ReadOptions(column_names=list(names), block_size=1 << 27)
    parsing = pacsv.ParseOptions(newlines_in_values=True)
    types = dict.fromkeys(names, pa.string())
    converting = pacsv.ConvertOptions(column_types=types, strings_can_be_null=True, null_values=[""], quoted_strings_can_be_null=False)
    with raw.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv)", params) as copy:
        held: list[bytes] = []
        for row in copy:
            held.append(bytes(row))
            if len(held) == PORTION:
                yield pacsv.read_csv(pa.BufferReader(b"".join(held)), reading, parsing, converting)
                held = []
        if held:
            yield pacsv.read_csv(pa.BufferReader(b"".join(held)), reading, parsing, converting)
