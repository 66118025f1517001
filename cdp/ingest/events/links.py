"""What one event shows of two records is kept as a decision, which every resolution honours; a steward's word on a pair stands above it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, text

from cdp.db import array_literal
from cdp.ingest.events.attach import Person

Key = tuple[int, str, str]
_MISTAKEN = "another user was on the device before"


def decide(connection: Connection, people: Sequence[Person]) -> None:
    """Record for the resolution that linked records are one person; a pair about which anything was ever decided is left alone."""
    pairs = _pairs(connection, people, [(person, other) for person in people if person.news for other in person.links])
    if pairs:
        connection.execute(text(_DECIDE), pairs)


def take_back(connection: Connection, people: Sequence[Person]) -> None:
    """Revoke what was recorded of visitors who are somebody else than was thought; a steward's word stays."""
    pairs = _pairs(connection, people, [(person, person.former) for person in people if person.former])
    if pairs:
        connection.execute(text(_REVOKE), pairs)


_PAIRS = """unnest(cast(:sources as smallint[]), cast(:a as bigint[]), cast(:b as bigint[])) as l(source_id, a, b)
    join source s on s.id = l.source_id"""
_DECIDE = f"""insert into decision (judgement, record_a, record_b, principal, note)
    select distinct 'same', l.a, l.b, 'source:' || s.name, 'one event named both' from {_PAIRS}
    where not exists (select from decision d where d.record_a = l.a and d.record_b = l.b and d.note is distinct from :mistaken)"""
_REVOKE = f"""update decision d set revoked_at = now(), note = :mistaken from {_PAIRS}
    where d.record_a = l.a and d.record_b = l.b and d.judgement = 'same' and d.principal = 'source:' || s.name and d.revoked_at is null"""


def _pairs(connection: Connection, people: Sequence[Person], links: Sequence[tuple[Person, str]]) -> dict[str, Any] | None:
    """The records of each link, the smaller id first, as parameters of a statement; None where there is no link between two records.

    The ids are found beforehand: joined in the statement itself, a database that has no statistics yet compares every record with each.
    """
    ids: dict[Key, int | None] = {(p.source_id, p.stream, p.key): p.record_id for p in people}
    named = [((p.source_id, p.stream, p.key), (p.source_id, p.stream, other)) for p, other in links]
    ids |= _stored(connection, sorted({other for _, other in named} - ids.keys()))
    found = [(one[0], ids[one], ids.get(other)) for one, other in named]
    pairs = [(source, min(a, b), max(a, b)) for source, a, b in found if a is not None and b is not None and a != b]
    if not pairs:
        return None
    return dict(zip(("sources", "a", "b"), map(list, zip(*pairs, strict=True)), strict=True)) | {"mistaken": _MISTAKEN}


def _stored(connection: Connection, keys: Sequence[Key]) -> dict[Key, int | None]:
    if not keys:
        return {}
    rows = connection.execute(
        text(
            """select r.source_id, r.stream, r.source_key, r.id
               from unnest(cast(:sources as smallint[]), cast(:streams as text[]), cast(:keys as text[])) as w(source_id, stream, key)
               join record r on r.source_id = w.source_id and r.stream = w.stream and r.source_key = w.key"""
        ),
        {"sources": [k[0] for k in keys], "streams": array_literal(k[1] for k in keys), "keys": array_literal(k[2] for k in keys)},
    )
    return {(source, stream, key): record for source, stream, key, record in rows}
