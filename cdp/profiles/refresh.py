"""What is shown of profiles is derived from their records: refreshing it for what changed gives the same as refreshing it for all."""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
from anyascii import anyascii
from sqlalchemy import Connection, Engine, text

from cdp.db import copy_table, lock
from cdp.ingest.fingerprint import dump
from cdp.ingest.runs import finish_run, start_run
from cdp.profiles.golden import ConsentStatement, StoredRecord, display_name, golden_document
from cdp.profiles.survivorship import Policy
from cdp.settings import Settings

_BATCH = 2_000
_MANY = 10_000
"""Rows that move at once before the query planner is told."""
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class RefreshReport:
    """Profiles looked at, profiles whose document changed, profiles that are no more, seconds."""

    profiles: int
    changed: int
    removed: int
    seconds: float


def refresh(
    engine: Engine,
    settings: Settings,
    profile_ids: Sequence[UUID] | None = None,
    *,
    full: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> RefreshReport:
    """Refresh the named profiles; or those with anything new since the last refresh; or, with `full`, all."""
    started = time.monotonic()
    policy = Policy.load(settings.survivorship)
    with engine.connect() as connection:
        run_id = start_run(connection, "profiles")
        lock(connection, "profiles")
        link_interactions(connection)
        ids = list(profile_ids) if profile_ids is not None else _all(connection) if full else _stale(connection)
        changed = 0
        for start in range(0, len(ids), _BATCH):
            changed += _refresh_batch(connection, ids[start : start + _BATCH], policy)
            if progress:
                progress(min(start + _BATCH, len(ids)), len(ids))
        removed = _remove_dead(connection)
        if changed > _MANY // 10:
            connection.execute(text("analyze profile, golden (profile_id)"))  # until then the planner expects a handful
        report = RefreshReport(len(ids), changed, removed, time.monotonic() - started)
        finish_run(connection, run_id, "done", {"profiles": len(ids), "changed": changed, "removed": removed})
        connection.commit()
    return report


def refresh_named(engine: Engine, settings: Settings, profile_ids: Sequence[UUID]) -> bool:
    """Refresh these profiles and look at no other; False, and nothing done, while a refresh of many is under way.

    It is no run in the journal: the next `refresh` looks at everything that changed since the last one.
    """
    policy = Policy.load(settings.survivorship)
    with engine.begin() as connection:
        if not connection.execute(text("select pg_try_advisory_xact_lock(hashtextextended('profiles', 0))")).scalar_one():
            return False
        for start in range(0, len(profile_ids), _BATCH):
            _refresh_batch(connection, profile_ids[start : start + _BATCH], policy)
    return True


def link_interactions(connection: Connection) -> int:
    """Give every interaction the profile of its customer record; the number that moved."""
    result = connection.execute(
        text(
            """update interaction i set profile_id = r.profile_id from record r
               where r.source_id = i.source_id and r.source_key = i.customer_key
                 and (i.customer_stream is null or r.stream = i.customer_stream)
                 and r.profile_id is not null and i.profile_id is distinct from r.profile_id"""
        )
    )
    moved = int(result.rowcount)
    if moved > _MANY:
        connection.execute(text("analyze interaction (profile_id), record (profile_id)"))
    return moved


def _all(connection: Connection) -> list[UUID]:
    return list(connection.execute(text("select id from profile where retired_at is null order by id")).scalars())


def _stale(connection: Connection) -> list[UUID]:
    """Living profiles that have no document, or whose records, interactions or membership changed since the last refresh began."""
    since = connection.execute(
        text("select coalesce(max(started_at), 'epoch') from run where stage = 'profiles' and status = 'done'")
    ).scalar_one()
    return list(
        connection.execute(
            text(
                """select p.id from profile p join (
                     select profile_id from record where changed_at >= :since
                     union select profile_id from interaction where changed_at >= :since
                     union select profile_id from profile_journal where at >= :since
                     union select from_profile_id from profile_journal where at >= :since
                     union (select id from profile where retired_at is null except select profile_id from golden)
                   ) changed on changed.profile_id = p.id where p.retired_at is null order by p.id"""
            ),
            {"since": since},
        ).scalars()
    )


def _remove_dead(connection: Connection) -> int:
    dead = "profile_id in (select id from profile where retired_at is not null)"
    removed = connection.execute(text(f"delete from golden where {dead}")).rowcount
    if removed:
        connection.execute(text(f"delete from identifier where {dead}"))
        connection.execute(text(f"delete from search_term where {dead}"))
    return int(removed)


def _refresh_batch(connection: Connection, ids: Sequence[UUID], policy: Policy) -> int:
    params = {"ids": list(ids)}
    known = _known_identifiers(connection, params)  # before the records: an identifier that an event adds meanwhile is left alone
    records = _records(connection, params)
    consents = _consents(connection, params)
    stats = _stats(connection, params)
    held = {
        row.profile_id: row.document
        for row in connection.execute(text("select profile_id, document from golden where profile_id = any(:ids)"), params)
    }
    fresh: dict[UUID, dict[str, Any]] = {}
    for profile in ids:
        if profile not in records:
            continue
        document = golden_document(records[profile], consents.get(profile, ()), policy)
        document["stats"] = stats.get(profile) or {"interactions": 0}
        if held.get(profile) != document:
            fresh[profile] = document
    _write(connection, fresh, records)
    _write_identifiers(connection, fresh, known)
    return len(fresh)


def _known_identifiers(connection: Connection, params: dict[str, Any]) -> set[tuple[UUID, str, str]]:
    rows = connection.execute(text("select profile_id, kind, value from identifier where profile_id = any(:ids)"), params)
    return {(row.profile_id, row.kind, row.value) for row in rows}


def _records(connection: Connection, params: dict[str, Any]) -> dict[UUID, list[StoredRecord]]:
    rows = connection.execute(
        text(
            """select r.profile_id, r.id, s.name as source, r.stream, r.source_key, s.priority, r.canonical, r.landed_at,
                      r.deleted_at is not null as deleted
               from record r join source s on s.id = r.source_id where r.profile_id = any(:ids)"""
        ),
        params,
    )
    held: dict[UUID, list[StoredRecord]] = defaultdict(list)
    for profile, *values in rows:
        held[profile].append(StoredRecord(*values))
    return held


def _consents(connection: Connection, params: dict[str, Any]) -> dict[UUID, list[ConsentStatement]]:
    rows = connection.execute(
        text(
            """select r.profile_id, c.purpose, c.state, c.at, s.name, c.basis from record r
               join consent c on c.source_id = r.source_id and c.stream = r.stream and c.source_key = r.source_key
               join source s on s.id = c.source_id where r.profile_id = any(:ids)"""
        ),
        params,
    )
    held: dict[UUID, list[ConsentStatement]] = defaultdict(list)
    for profile, *values in rows:
        held[profile].append(ConsentStatement(*values))
    return held


def _stats(connection: Connection, params: dict[str, Any]) -> dict[UUID, dict[str, Any]]:
    """Key figures over a profile's interactions; revenue is orders and payments at the till less what was returned.

    The database groups and nothing more: a planner without fresh statistics joins such groups row by row.
    """
    rows = connection.execute(
        text(
            """select profile_id, kind, coalesce(channel, 'other') as channel, currency, count(*) as n,
                      min(at) as first_at, max(at) as last_at,
                      sum(case kind when 'order' then amount when 'return' then -abs(amount) end) as revenue
               from interaction where profile_id = any(:ids) and deleted_at is null group by 1, 2, 3, 4"""
        ),
        params,
    )
    groups: dict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        groups[row.profile_id].append(row)
    return {profile: _stat(held) for profile, held in groups.items()}


def _stat(groups: Sequence[Any]) -> dict[str, Any]:
    kinds, channels, revenue = Counter[str](), Counter[str](), defaultdict[str, Decimal](Decimal)
    for group in groups:
        kinds[group.kind] += group.n
        channels[group.channel] += group.n
        if group.currency is not None and group.revenue is not None:
            revenue[group.currency] += group.revenue
    return {
        "interactions": kinds.total(),
        "by_kind": dict(kinds),
        "by_channel": dict(channels),
        "first_at": min(group.first_at for group in groups).isoformat(),
        "last_at": max(group.last_at for group in groups).isoformat(),
        "revenue": {currency: str(amount) for currency, amount in revenue.items()},
    }


def _write(connection: Connection, fresh: dict[UUID, dict[str, Any]], records: dict[UUID, list[StoredRecord]]) -> None:
    if not fresh:
        return
    params = {"ids": list(fresh)}
    for table in ("golden", "search_term"):
        connection.execute(text(f"delete from {table} where profile_id = any(:ids)"), params)
    copy_table(connection, _golden_rows(fresh, records), "golden")
    copy_table(connection, _terms((p, term) for p, d in fresh.items() for term in search_terms(d)), "search_term")


def _write_identifiers(connection: Connection, fresh: dict[UUID, dict[str, Any]], known: set[tuple[UUID, str, str]]) -> None:
    """Write the difference: events write identifiers too, at the same time."""
    wanted = {(profile, *pair) for profile, document in fresh.items() for pair in _identifiers(document)}
    gone = [row for row in known - wanted if row[0] in fresh]
    if gone:
        ids, kinds, values = (list(column) for column in zip(*gone, strict=True))
        connection.execute(
            text(
                """delete from identifier i using unnest(cast(:ids as uuid[]), cast(:kinds as text[]), cast(:values as text[]))
                   as w(id, kind, value) where i.profile_id = w.id and i.kind = w.kind and i.value = w.value"""
            ),
            {"ids": ids, "kinds": kinds, "values": values},
        )
    if added := wanted - known:
        connection.execute(text("create temp table if not exists new_identifier (profile_id uuid, kind text, value text)"))
        copy_table(connection, _pairs(added, "kind"), "new_identifier")
        connection.execute(
            text(
                "insert into identifier (profile_id, kind, value) select profile_id, kind, value from new_identifier on conflict do nothing"
            )
        )
        connection.execute(text("truncate new_identifier"))


def _golden_rows(fresh: dict[UUID, dict[str, Any]], records: dict[UUID, list[StoredRecord]]) -> pa.Table:
    rows = [
        (
            str(profile),
            display_name(document),
            dump(document),
            len(records[profile]),
            len({r.source for r in records[profile]}),
            document["stats"]["interactions"],
            min([r.at for r in records[profile]] + [document["stats"].get("first_at") or "9"]),
            max([r.at for r in records[profile]] + [document["stats"].get("last_at") or ""]),
        )
        for profile, document in fresh.items()
    ]
    names = (
        "profile_id",
        "display_name",
        "document",
        "record_count",
        "source_count",
        "interaction_count",
        "first_seen_at",
        "last_seen_at",
    )
    return pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def _identifiers(document: dict[str, Any]) -> set[tuple[str, str]]:
    contact = document["contact"]
    found = {("email", point["value"]) for point in contact["emails"]} | {("phone", point["value"]) for point in contact["phones"]}
    return found | {(i["type"], i["value"]) for i in document["identifiers"]}


def fold(value: str) -> list[str]:
    """Words of a text in the form they are searched by: lower case, in Latin letters without marks."""
    return _WORD.findall(anyascii(value).lower())


def search_terms(document: dict[str, Any]) -> set[str]:
    """What a profile is found by as one types: words of every name it has had, cities, contact points, identifiers."""
    terms: set[str] = set()
    for name in ("full_name", "given_name", "middle_name", "family_name", "nickname", "organisation_name"):
        if chosen := document["values"].get(name):
            for value in (chosen["value"], *(other["value"] for other in chosen["others"])):
                terms.update(fold(str(value)))
    for address in document["contact"]["addresses"]:
        terms.update(fold(address.get("city") or ""))
    for kind, value in _identifiers(document):
        terms.add(value.lower())
        terms.update(fold(value) if kind == "email" else ())
    return {term[:200] for term in terms if term}


def _pairs(rows: Iterable[tuple[UUID, str, str]], kind: str) -> pa.Table:
    held = list(rows)
    return pa.table(
        {"profile_id": [str(r[0]) for r in held], kind: [r[1] for r in held], "value": [r[2] for r in held]},
        schema=pa.schema([("profile_id", pa.string()), (kind, pa.string()), ("value", pa.string())]),
    )


def _terms(rows: Iterator[tuple[UUID, str]]) -> pa.Table:
    held = list(rows)
    return pa.table(
        {"profile_id": [str(r[0]) for r in held], "term": [r[1] for r in held]},
        schema=pa.schema([("profile_id", pa.string()), ("term", pa.string())]),
    )
