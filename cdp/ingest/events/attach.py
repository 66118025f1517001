"""An event's person has a profile at once, the one its ids name or a new one; ids that events show together are one person at once.

Only ids decide here (and, for a record that no id places, an e-mail address that exactly one profile has). Whatever else speaks for two
records being one person is the resolution's business. A steward's "different" is never overruled.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import uuid_utils
from sqlalchemy import Connection, text

from cdp.db import array_literal

Pair = tuple[str, str]
"""Type and value of an identifier."""


@dataclass(eq=False)
class Person:
    """A record that a batch of events speaks of.

    Attributes:
        news: ids that the record did not carry before.
        emails: of a record that is new.
        links: keys of records of the same source that are decided to be the same person.
    """

    source_id: int
    stream: str
    key: str
    kind: str = "person"
    record_id: int | None = None
    profile_id: UUID | None = None
    news: Sequence[Pair] = ()
    emails: Sequence[str] = ()
    links: Sequence[str] = ()


@dataclass(frozen=True)
class Placement:
    """Where the people of a batch belong.

    Attributes:
        opened: new profiles, with their kind.
        merged: profile that is gone -> profile it lives on in.
    """

    opened: Mapping[UUID, str] = field(default_factory=dict)
    merged: Mapping[UUID, UUID] = field(default_factory=dict)


def place(connection: Connection, people: Sequence[Person]) -> Placement:
    """Give every person a profile (in place), and say what has to be opened and merged for it."""
    if not people:
        return Placement()
    named = _named(connection, {pair for person in people for pair in person.news})
    groups = _groups(people)
    by_mail = _by_mail(connection, {mail for person in people for mail in person.emails if person.profile_id is None})
    opened: dict[UUID, str] = {}
    merged: dict[UUID, UUID] = {}
    for group in groups:
        profiles = {person.profile_id for person in group if person.profile_id} | {p for m in group for pair in m.news for p in named[pair]}
        profiles = {final(profile, merged) for profile in profiles}
        if not profiles:
            mailed = {profile for person in group for mail in person.emails for profile in by_mail[mail]}
            profiles = mailed if len(mailed) == 1 else set()
        if not profiles:
            profiles = {UUID(str(uuid_utils.uuid7()))}
            opened[next(iter(profiles))] = group[0].kind
        oldest = min(profiles)
        others = sorted(profiles - {oldest})
        if others and _may_merge(connection) and not _forbidden(connection, [oldest, *others]):
            merged |= {gone: oldest for gone in others}
        for person in group:
            person.profile_id = final(person.profile_id, merged) if person.profile_id else oldest
    for person in people:
        assert person.profile_id is not None
        person.profile_id = final(person.profile_id, merged)
    return Placement(opened, merged)


def final(profile: UUID, merged: Mapping[UUID, UUID]) -> UUID:
    """Where a profile lives on after the merges."""
    while profile in merged:
        profile = merged[profile]
    return profile


def _groups(people: Sequence[Person]) -> list[list[Person]]:
    """People whom new ids, or a link, make one; in the order of the batch."""
    leader: dict[object, object] = {}

    def find(node: object) -> object:
        while leader.setdefault(node, node) != node:
            leader[node] = leader[leader[node]]
            node = leader[node]
        return node

    for person in people:
        me = (person.source_id, person.stream, person.key)
        for other in (*person.news, *((person.source_id, person.stream, key) for key in person.links if person.news)):
            leader[find(other)] = find(me)
    groups: dict[object, list[Person]] = defaultdict(list)
    for person in people:
        groups[find((person.source_id, person.stream, person.key))].append(person)
    return list(groups.values())


def _named(connection: Connection, pairs: Iterable[Pair]) -> dict[Pair, set[UUID]]:
    found: dict[Pair, set[UUID]] = defaultdict(set)
    wanted = sorted(pairs)
    if wanted:
        rows = connection.execute(
            text(
                """select i.kind, i.value, i.profile_id from unnest(cast(:kinds as text[]), cast(:values as text[])) as w(kind, value)
                   join identifier i on i.kind = w.kind and i.value = w.value join profile p on p.id = i.profile_id
                   where p.retired_at is null"""
            ),
            {"kinds": array_literal(kind for kind, _ in wanted), "values": array_literal(value for _, value in wanted)},
        )
        for kind, value, profile in rows:
            found[kind, value].add(profile)
    return found


def _by_mail(connection: Connection, mails: set[str]) -> dict[str, set[UUID]]:
    named = _named(connection, {("email", mail) for mail in mails})
    return defaultdict(set, {mail: profiles for (_, mail), profiles in named.items()})


def _may_merge(connection: Connection) -> bool:
    """Not while a resolution decides: what is joined now would be news to it. It joins the same people itself, by their ids."""
    return bool(connection.execute(text("select pg_try_advisory_xact_lock(hashtextextended('resolve', 0))")).scalar_one())


def _forbidden(connection: Connection, profiles: Sequence[UUID]) -> bool:
    """Whether a steward has decided that records of two of the profiles are different people."""
    return bool(
        connection.execute(
            text(
                """select exists (select from decision d join record a on a.id = d.record_a join record b on b.id = d.record_b
                   where d.judgement = 'different' and d.revoked_at is null
                     and a.profile_id = any(:ids) and b.profile_id = any(:ids) and a.profile_id <> b.profile_id)"""
            ),
            {"ids": list(profiles)},
        ).scalar_one()
    )


def open_profiles(connection: Connection, placement: Placement) -> None:
    """Write the new profiles, before the records that belong to them."""
    if placement.opened:
        connection.execute(
            text("insert into profile (id, kind) select * from unnest(cast(:ids as uuid[]), cast(:kinds as text[]))"),
            {"ids": array_literal(placement.opened), "kinds": array_literal(placement.opened.values())},
        )


def merge_profiles(connection: Connection, placement: Placement, run_id: int) -> None:
    """All of one profile moves to another; the former id points to the one it lives on in. While the records are still where they were."""
    if not placement.merged:
        return
    pairs = sorted((gone, final(kept, placement.merged)) for gone, kept in placement.merged.items())
    merges = {"gone": [gone for gone, _ in pairs], "kept": [kept for _, kept in pairs]}
    moved: dict[UUID, list[int]] = {gone: [] for gone, _ in pairs}
    rows = connection.execute(
        text(f"update record r set profile_id = m.kept from {_MERGES} where r.profile_id = m.gone returning m.gone, r.id"), merges
    )
    for gone, record_id in rows:
        moved[gone].append(record_id)
    for statement in _MERGE:
        connection.execute(text(statement), merges)
    _journal(connection, [Change("merged", kept, sorted(moved[gone]), gone) for gone, kept in pairs], run_id)


_MERGES = "unnest(cast(:gone as uuid[]), cast(:kept as uuid[])) as m(gone, kept)"
_MERGE = (
    f"update interaction i set profile_id = m.kept, changed_at = now() from {_MERGES} where i.profile_id = m.gone",
    f"update profile p set merged_into = m.kept from {_MERGES} where p.merged_into = m.gone",
    f"update profile p set merged_into = m.kept, retired_at = now() from {_MERGES} where p.id = m.gone",
    "delete from golden where profile_id = any(:gone)",
    f"""insert into identifier (kind, value, profile_id) select i.kind, i.value, m.kept from {_MERGES}
        join identifier i on i.profile_id = m.gone order by 1, 2, 3 on conflict do nothing""",
    "delete from identifier where profile_id = any(:gone)",
    "delete from search_term where profile_id = any(:gone)",
)


@dataclass(frozen=True)
class Change:
    """An entry of the journal of profiles: the records that are in `profile` now, and the profile they come from."""

    change: str
    profile: UUID
    records: Sequence[int]
    origin: UUID | None = None


def write(connection: Connection, people: Sequence[Person], placement: Placement, joined: set[Person], run_id: int) -> None:
    """Write the journal and identifiers, once every person has a record.

    Args:
        joined: people whose record is new.
    """
    by_profile: dict[UUID, list[int]] = defaultdict(list)
    for person in joined:
        assert person.profile_id is not None
        assert person.record_id is not None
        by_profile[person.profile_id].append(person.record_id)
    changes = [
        Change("created" if profile in placement.opened else "merged", profile, sorted(records)) for profile, records in by_profile.items()
    ]
    _journal(connection, changes, run_id)
    _identifiers(connection, people)


def _journal(connection: Connection, changes: Sequence[Change], run_id: int) -> None:
    if not changes:
        return
    rows = [
        {"change": c.change, "profile_id": str(c.profile), "from_profile_id": str(c.origin) if c.origin else None, "record_ids": c.records}
        for c in changes
    ]
    connection.execute(
        text(
            """insert into profile_journal (change, profile_id, from_profile_id, record_ids, cause)
               select change, profile_id, from_profile_id, record_ids, cast(:cause as jsonb) from jsonb_to_recordset(cast(:rows as jsonb))
                 as r(change text, profile_id uuid, from_profile_id uuid, record_ids bigint[])"""
        ),
        {"rows": json.dumps(rows), "cause": json.dumps({"stage": "events", "run": run_id})},
    )


def _identifiers(connection: Connection, people: Sequence[Person]) -> None:
    rows = sorted(
        {(kind, value, p.profile_id) for p in people for kind, value in (*p.news, *(("email", mail) for mail in p.emails))}, key=str
    )
    if rows:
        connection.execute(
            text(
                """insert into identifier (kind, value, profile_id)
                   select * from unnest(cast(:kinds as text[]), cast(:values as text[]), cast(:ids as uuid[])) on conflict do nothing"""
            ),
            dict(zip(("kinds", "values", "ids"), map(array_literal, zip(*rows, strict=True)), strict=True)),
        )


def decide(connection: Connection, people: Sequence[Person]) -> None:
    """Record for the resolution that linked records are one person; a pair about which anything was ever decided is left alone."""
    links = [(p.source_id, p.stream, p.key, other) for p in people for other in p.links if p.news]
    if not links:
        return
    columns = dict(zip(("sources", "streams", "keys", "others"), map(list, zip(*links, strict=True)), strict=True))
    connection.execute(
        text(
            """insert into decision (judgement, record_a, record_b, principal, note)
               select distinct 'same', least(a.id, b.id), greatest(a.id, b.id), 'source:' || s.name, 'one event named both'
               from unnest(cast(:sources as smallint[]), cast(:streams as text[]), cast(:keys as text[]), cast(:others as text[]))
                 as l(source_id, stream, key, other)
               join source s on s.id = l.source_id
               join record a on a.source_id = l.source_id and a.stream = l.stream and a.source_key = l.key
               join record b on b.source_id = l.source_id and b.stream = l.stream and b.source_key = l.other
               where a.id <> b.id and not exists (select from decision d
                 where d.record_a = least(a.id, b.id) and d.record_b = greatest(a.id, b.id))"""
        ),
        columns,
    )
