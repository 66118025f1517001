"""What one event shows of two records is kept as a decision, which every resolution honours; a steward's word on a pair stands above it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, text

from cdp.ingest.events.attach import Person


def decide(connection: Connection, people: Sequence[Person]) -> None:
    """Record for the resolution that linked records are one person; a pair about which anything was ever decided is left alone."""
    links = [(p.source_id, p.stream, p.key, other) for p in people for other in p.links if p.news]
    if not links:
        return
    connection.execute(
        text(
            f"""insert into decision (judgement, record_a, record_b, principal, note)
               select distinct 'same', least(a.id, b.id), greatest(a.id, b.id), 'source:' || s.name, 'one event named both'
               from {_LINKED} where a.id <> b.id and not exists (select from decision d
                 where d.record_a = least(a.id, b.id) and d.record_b = greatest(a.id, b.id) and d.note is distinct from :mistaken)"""
        ),
        _columns(links) | {"mistaken": _MISTAKEN},
    )


def take_back(connection: Connection, people: Sequence[Person]) -> None:
    """Revoke what was recorded of visitors who are somebody else than was thought; a steward's word stays."""
    links = [(p.source_id, p.stream, p.key, p.former) for p in people if p.former]
    if links:
        connection.execute(
            text(
                f"""update decision d set revoked_at = now(), note = :mistaken from {_LINKED}
                    where d.record_a = least(a.id, b.id) and d.record_b = greatest(a.id, b.id) and d.judgement = 'same'
                      and d.principal = 'source:' || s.name and d.revoked_at is null"""
            ),
            _columns(links) | {"mistaken": _MISTAKEN},
        )


_MISTAKEN = "another user was on the device before"
_LINKED = """unnest(cast(:sources as smallint[]), cast(:streams as text[]), cast(:keys as text[]), cast(:others as text[]))
      as l(source_id, stream, key, other)
    join source s on s.id = l.source_id
    join record a on a.source_id = l.source_id and a.stream = l.stream and a.source_key = l.key
    join record b on b.source_id = l.source_id and b.stream = l.stream and b.source_key = l.other"""


def _columns(links: Sequence[tuple[int, str, str, str]]) -> dict[str, list[object]]:
    return dict(zip(("sources", "streams", "keys", "others"), map(list, zip(*links, strict=True)), strict=True))
