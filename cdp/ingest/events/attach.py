"""An event's person has a profile at once, the one its ids name or a new one; ids that events show together are one person at once.

Only ids decide here (and, for a record that no id places, an e-mail address that exactly one profile has). Whatever else speaks for two
records being one person is the resolution's business. A steward's "different" is never overruled. The id of a device names whoever is
known by it; it never makes two people one.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
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
        former: key of the record that it was linked to before, where that has turned out to be wrong.
        visitor: the record is of a device, which may turn out to be somebody else's.
        device: of a visitor, those of its ids that are its device's.
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
    former: str = ""
    visitor: bool = False
    device: frozenset[Pair] = frozenset()

    @property
    def names(self) -> set[Pair]:
        """The new ids that are a person's own."""
        return {pair for pair in self.news if pair not in self.device}


@dataclass(frozen=True)
class Placement:
    """Where the people of a batch belong.

    Attributes:
        opened: new profiles, with their kind.
        merged: profile that is gone -> profile it lives on in.
        left: visitors who are somebody else than was thought -> profile they leave.
        shared: visitors on whose device another source of the same ids has seen somebody else.
    """

    opened: Mapping[UUID, str] = field(default_factory=dict)
    merged: Mapping[UUID, UUID] = field(default_factory=dict)
    left: Mapping[Person, UUID] = field(default_factory=dict)
    shared: Set[Person] = frozenset()


def place(connection: Connection, people: Sequence[Person]) -> Placement:
    """Give every person a profile (in place), and say what has to be opened and merged for it."""
    if not people:
        return Placement()
    named = _named(connection, {pair for person in people for pair in person.news})
    groups = sorted(_groups(people), key=lambda group: not any(person.names for person in group))
    by_mail = _by_mail(connection, {mail for person in people for mail in person.emails if person.profile_id is None})
    users = _users(connection, groups, named)
    opened: dict[UUID, str] = {}
    merged: dict[UUID, UUID] = {}
    left: dict[Person, UUID] = {}
    shared: set[Person] = set()
    for group in groups:
        profiles, others = _candidates(group, named, users, merged)
        if not profiles:
            mailed = {final(profile, merged) for person in group for mail in person.emails for profile in by_mail[mail]}
            profiles = mailed if len(mailed) == 1 else set()
        if not profiles:
            profiles = {UUID(str(uuid_utils.uuid7()))}
            opened[next(iter(profiles))] = group[0].kind
        oldest = min(profiles)
        gone = sorted(profiles - {oldest})
        if gone and _may_merge(connection) and not _forbidden(connection, [oldest, *gone]):
            merged |= dict.fromkeys(gone, oldest)
        for person in group:
            former = final(person.profile_id, merged) if person.profile_id else oldest
            person.profile_id = former
            if former in others and person.names and _may_merge(connection) and not _parted(connection, person, oldest):
                left[person], person.profile_id = former, oldest
            if others and person.names and _seen_elsewhere(connection, person, people, others):
                shared.add(person)
            users[person.profile_id] |= person.names
            for pair in person.news:
                named[pair].add(person.profile_id)
    for person in people:
        assert person.profile_id is not None
        person.profile_id = final(person.profile_id, merged)
    return Placement(opened, merged, left, shared)


def _candidates(
    group: Sequence[Person], named: Mapping[Pair, set[UUID]], users: Mapping[UUID, set[Pair]], merged: Mapping[UUID, UUID]
) -> tuple[set[UUID], set[UUID]]:
    """The profiles that a group of people is, and those that only their devices name and that are somebody else's."""
    names = {pair for person in group for pair in person.names}
    firm = {person.profile_id for person in group if person.profile_id and not person.visitor} | {p for pair in names for p in named[pair]}
    loose = {person.profile_id for person in group if person.profile_id and person.visitor}
    loose |= {profile for person in group for pair in person.news if pair in person.device for profile in named[pair]}
    firm, loose = ({final(profile, merged) for profile in each} for each in (firm, loose))
    if not firm and not names:
        return (loose if len(loose) == 1 else set()), set()
    ours = names.union(*(users[profile] for profile in firm))
    others = {profile for profile in loose - firm if users[profile] and not users[profile] & ours}
    return firm | (loose - others), others


def _users(connection: Connection, groups: Sequence[Sequence[Person]], named: Mapping[Pair, set[UUID]]) -> dict[UUID, set[Pair]]:
    """The ids of people, of the kinds that visitors bring, that profiles found by a device are known by."""
    kinds: set[str] = set()
    profiles: set[UUID] = set()
    for group in groups:
        brought = {kind for person in group if person.visitor for kind, _ in person.names}
        if brought:
            kinds |= brought
            profiles |= {person.profile_id for person in group if person.profile_id}
            profiles |= {profile for person in group for pair in person.news for profile in named[pair]}
    found: dict[UUID, set[Pair]] = defaultdict(set)
    if profiles:
        query = text("select profile_id, kind, value from identifier where profile_id = any(:ids) and kind = any(:kinds)")
        for profile, kind, value in connection.execute(query, {"ids": list(profiles), "kinds": list(kinds)}):
            found[profile].add((kind, value))
    return found


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
        for other in (*(person.names or person.news), *((person.source_id, person.stream, key) for key in person.links if person.news)):
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


def _parted(connection: Connection, person: Person, profile: UUID) -> bool:
    """Whether a steward has decided that a record of the profile is a different person."""
    return bool(
        connection.execute(
            text(
                """select exists (select from decision d join record r on r.id in (d.record_a, d.record_b)
                   where :record in (d.record_a, d.record_b) and d.judgement = 'different' and d.revoked_at is null
                     and r.profile_id = :profile)"""
            ),
            {"record": person.record_id, "profile": profile},
        ).scalar_one()
    )


def _seen_elsewhere(connection: Connection, person: Person, people: Sequence[Person], others: Set[UUID]) -> bool:
    """Whether a record of another person carries an id of the visitor's device."""
    if any(other is not person and other.profile_id in others and other.device & person.device for other in people):
        return True
    return any(
        connection.execute(
            text(
                """select exists (select from record r where r.profile_id = any(:others) and r.id is distinct from cast(:me as bigint)
                   and r.canonical -> 'identifiers'
                     @> jsonb_build_array(jsonb_build_object('type', cast(:kind as text), 'value', cast(:value as text))))"""
            ),
            {"others": list(others), "me": person.record_id, "kind": kind, "value": value},
        ).scalar_one()
        for kind, value in sorted(person.device)
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
    _journal(connection, [*changes, *_move(connection, placement)], run_id)
    _identifiers(connection, people, placement)


def _move(connection: Connection, placement: Placement) -> list[Change]:
    """What visitors did goes with their records, which are where they belong already."""
    changes = []
    for person, left in placement.left.items():
        former = final(left, placement.merged)
        assert person.profile_id is not None
        assert person.record_id is not None
        if former == person.profile_id:
            continue
        params = {"former": former, "profile": person.profile_id, "source": person.source_id, "stream": person.stream, "key": person.key}
        connection.execute(text(_MOVE), params)
        for kind, value in sorted(person.device):
            connection.execute(text(_FORGET), {"former": former, "kind": kind, "value": value})
        changes.append(Change("split", person.profile_id, [person.record_id], former))
    return changes


_MOVE = """update interaction set profile_id = :profile, changed_at = now()
    where source_id = :source and customer_key = :key and coalesce(customer_stream, :stream) = :stream and profile_id = :former"""
_FORGET = """delete from identifier where profile_id = :former and kind = :kind and value = :value and not exists (
    select from record r where r.profile_id = :former and r.canonical -> 'identifiers'
      @> jsonb_build_array(jsonb_build_object('type', cast(:kind as text), 'value', cast(:value as text))))"""


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


def _identifiers(connection: Connection, people: Sequence[Person], placement: Placement) -> None:
    pairs = [(pair, p.profile_id) for p in people for pair in (*p.news, *(("email", mail) for mail in p.emails))]
    pairs += [(pair, p.profile_id) for p in placement.left for pair in p.device]
    rows = sorted({(*pair, profile) for pair, profile in pairs}, key=str)
    if rows:
        connection.execute(
            text(
                """insert into identifier (kind, value, profile_id)
                   select * from unnest(cast(:kinds as text[]), cast(:values as text[]), cast(:ids as uuid[])) on conflict do nothing"""
            ),
            dict(zip(("kinds", "values", "ids"), map(array_literal, zip(*rows, strict=True)), strict=True)),
        )
