"""The records that events make are written with the interactions they belong to: one commit, one state, whatever order events come in."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from cdp.db import array_literal
from cdp.ingest.events import attach, links
from cdp.ingest.events.attach import Person
from cdp.ingest.events.event import Event
from cdp.ingest.events.sources import Sender
from cdp.ingest.events.visitors import PEOPLE, State, absorb, owner, plain, sightings, without_device
from cdp.ingest.events.wire import loads
from cdp.ingest.fingerprint import dump
from cdp.records import canonical_json, map_batch

Key = tuple[int, str, str]
"""Source, stream and key of a record."""


@dataclass(frozen=True)
class Stored:
    """A record as the database has it."""

    record_id: int
    profile_id: UUID | None
    state: State
    identifiers: str | None

    @property
    def ids(self) -> frozenset[tuple[str, str]]:
        """The identifiers that it carries."""
        return _pairs(_loads(self.identifiers))


@dataclass(frozen=True)
class Written:
    """Profiles by record, and profiles whose records changed."""

    profile_of: Mapping[Key, UUID]
    changed: frozenset[UUID]


def write_people(connection: Connection, run_id: int, events: Sequence[tuple[Sender, Event]]) -> Written:
    """Bring the records that the events speak of up to date, each with a profile."""
    senders = {sender.id: sender for sender, _ in events}
    seen = [((sender.id, sighting.stream, sighting.key), sighting) for sender, event in events for sighting in sightings(event)]
    stored = _load(connection, {key for key, _ in seen})
    states: dict[Key, State | None] = {key: stored[key].state if key in stored else None for key, _ in seen}
    for key, sighting in seen:
        states[key] = absorb(states[key], sighting)
    fresh = {key: state for key, state in states.items() if state is not None and (key not in stored or state != stored[key].state)}
    documents = _canonical(senders, fresh)
    moving = fresh.keys() | {(key[0], key[1], f"user:{user}") for key, state in fresh.items() if (user := owner(state))}
    settled = {key: known.profile_id for key, known in stored.items() if key not in moving and known.profile_id}
    people = [_person(key, stored.get(key), documents.get(key), fresh.get(key)) for key in states if key not in settled]
    placement = attach.place(connection, people)
    for person in placement.shared:
        fresh[_key(person)] = without_device(fresh[_key(person)])
        person.news, person.device = sorted(person.names), frozenset()
    documents |= _canonical(senders, {_key(person): fresh[_key(person)] for person in placement.shared})
    attach.open_profiles(connection, placement)
    attach.merge_profiles(connection, placement, run_id)
    joined = {person for person in people if person.record_id is None}
    _insert(connection, run_id, [p for p in people if p.record_id is None], fresh, documents)
    _update(connection, run_id, [p for p in people if p not in joined and _key(p) in fresh], fresh, documents)
    attach.write(connection, people, placement, joined, run_id)
    links.take_back(connection, people)
    links.decide(connection, people)
    profile_of = {key: attach.final(profile, placement.merged) for key, profile in settled.items()}
    profile_of |= {_key(person): person.profile_id for person in people if person.profile_id}
    changed = {profile_of[key] for key in fresh} | {*placement.merged.values(), *placement.left.values()}
    return Written(profile_of, frozenset(changed))


def _key(person: Person) -> Key:
    return person.source_id, person.stream, person.key


def _load(connection: Connection, keys: set[Key]) -> dict[Key, Stored]:
    wanted = sorted(keys)
    rows = connection.execute(
        text(
            """select r.source_id, r.stream, r.source_key, r.id, coalesce(p.merged_into, r.profile_id) as profile_id, r.raw::text as raw,
                      (r.canonical -> 'identifiers')::text as ids
               from unnest(cast(:sources as smallint[]), cast(:streams as text[]), cast(:keys as text[])) as w(source_id, stream, key)
               join record r on r.source_id = w.source_id and r.stream = w.stream and r.source_key = w.key
               left join profile p on p.id = r.profile_id order by r.id for update of r"""
        ),
        {"sources": [k[0] for k in wanted], "streams": array_literal(k[1] for k in wanted), "keys": array_literal(k[2] for k in wanted)},
    )
    return {
        (source_id, stream, key): Stored(record_id, profile_id, _loads(raw), ids)
        for source_id, stream, key, record_id, profile_id, raw, ids in rows
    }


def _loads(content: str | None) -> Any:
    """JSON of the database; `orjson` would make a huge integer a float, and so another state."""
    if content is None:
        return None
    return loads(content.encode())


def _pairs(identifiers: Any) -> frozenset[tuple[str, str]]:
    return frozenset((item["type"], item["value"]) for item in identifiers or ())


def _canonical(senders: Mapping[int, Sender], states: Mapping[Key, State]) -> dict[Key, dict[str, Any]]:
    """Canonical documents by the mapping of each source; of somebody of whom only ids are known without a table."""
    groups: dict[tuple[int, str], list[Key]] = defaultdict(list)
    documents: dict[Key, dict[str, Any]] = {}
    for key, state in states.items():
        types = senders[key[0]].id_types
        known = plain(state, types) if types and key[1] == PEOPLE else None
        if known:
            documents[key] = known
        else:
            groups[key[0], key[1]].append(key)
    for (source_id, stream), keys in groups.items():
        sender = senders[source_id]
        batch = map_batch([states[key] for key in keys], sender.mapping.stream(stream), sender.defaults)
        for row, content in zip(batch.row.tolist(), canonical_json(batch.table).to_pylist(), strict=True):
            documents[keys[row]] = _said(json.loads(content), states[keys[row]])
    return documents


def _said(document: dict[str, Any], state: State) -> dict[str, Any]:
    """The document without what no event said: an address that is nothing but the default country, an empty object of traits."""
    given = state["traits"].get("address")
    if not isinstance(given, dict) or not any(given.values()):
        document.pop("addresses", None)
    if not state["traits"]:
        document.pop("attributes", None)
    return document


def _person(key: Key, stored: Stored | None, document: Mapping[str, Any] | None, state: State | None) -> Person:
    document = document or {}
    ids = _pairs(document.get("identifiers"))
    first = owner(state) if state else None
    before = owner(stored.state) if stored else None
    mistaken = before is not None and first is not None and before != first
    own = key[2].removeprefix("anon:") if key[2].startswith("anon:") and state and (mistaken or not state.get("alias")) else None
    return Person(
        *key,
        kind=str(document.get("kind", "person")),
        record_id=stored.record_id if stored else None,
        profile_id=stored.profile_id if stored else None,
        news=sorted(ids - stored.ids if stored and ids and not mistaken else ids),
        emails=document.get("emails") or (),
        links=_links(key, state, first),
        former=f"user:{before}" if mistaken else "",
        visitor=own is not None,
        device=frozenset(pair for pair in ids if pair[1] == own != first),
    )


def _links(key: Key, state: State | None, first: str | None) -> Sequence[str]:
    """Records of users that an event has named together with this one: who was on the device, and whose former id it is."""
    if key[1] != PEOPLE or state is None or not first:
        return ()
    return [f"user:{first}", *([f"user:{key[2].removeprefix('anon:')}"] if state.get("alias") else [])]


def _rows(people: Sequence[Person], states: Mapping[Key, State], documents: Mapping[Key, Mapping[str, Any]]) -> dict[str, Any]:
    raws = [dump(states[_key(p)]) for p in people]
    canonical = [documents.get(_key(p)) or {"source_key": p.key, "kind": p.kind} for p in people]
    return {
        "sources": [p.source_id for p in people],
        "streams": array_literal(p.stream for p in people),
        "keys": array_literal(p.key for p in people),
        "raws": array_literal(raws),
        "canonicals": array_literal(dump(document) for document in canonical),
        "hashes": array_literal("\\x" + hashlib.md5(raw.encode(), usedforsecurity=False).hexdigest() for raw in raws),
        "profiles": array_literal(p.profile_id for p in people),
    }


_COLUMNS = """unnest(cast(:sources as smallint[]), cast(:streams as text[]), cast(:keys as text[]), cast(:raws as jsonb[]),
    cast(:canonicals as jsonb[]), cast(:hashes as bytea[]), cast(:profiles as uuid[]))
    as w(source_id, stream, source_key, raw, canonical, content_hash, profile_id)"""
_SAME = "r.source_id = w.source_id and r.stream = w.stream and r.source_key = w.source_key"


def _insert(
    connection: Connection, run_id: int, people: Sequence[Person], states: Mapping[Key, State], documents: Mapping[Key, Any]
) -> None:
    if not people:
        return
    rows = connection.execute(
        text(
            f"""insert into record (source_id, stream, source_key, raw, canonical, content_hash, profile_id, run_id)
                select w.*, :run from {_COLUMNS} returning id, source_id, stream, source_key"""
        ),
        _rows(people, states, documents) | {"run": run_id},
    )
    ids = {(row.source_id, row.stream, row.source_key): row.id for row in rows}
    for person in people:
        person.record_id = ids[_key(person)]


def _update(
    connection: Connection, run_id: int, people: Sequence[Person], states: Mapping[Key, State], documents: Mapping[Key, Any]
) -> None:
    """Replace the states; the former ones are kept in `record_version`."""
    if not people:
        return
    params = _rows(people, states, documents) | {"run": run_id}
    connection.execute(
        text(
            f"""insert into record_version (record_id, raw, content_hash, valid_from, valid_to, run_id)
                select r.id, r.raw, r.content_hash, r.changed_at, now(), r.run_id from record r join {_COLUMNS} on {_SAME}"""
        ),
        params,
    )
    connection.execute(
        text(
            f"""update record r set raw = w.raw, canonical = w.canonical, content_hash = w.content_hash, changed_at = now(),
                deleted_at = null, run_id = :run, profile_id = w.profile_id from {_COLUMNS} where {_SAME}"""
        ),
        params,
    )
