"""A tracking plan says what a source's events look like; what violates it is counted always, and allowed, flagged or held as the plan says.

A compiled validator looks at every event; only for one that violates does jsonschema word where and why. Texts never carry a value.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

import jsonschema_rs
import orjson
from jsonschema import Draft202012Validator
from sqlalchemy import Connection, Row, func, select, text
from sqlalchemy.dialects.postgresql import insert

from cdp.db.event_tables import event_violation, tracking_plan
from cdp.db.tables import source
from cdp.ingest.definition import by_name
from cdp.ingest.events.errors import EventError
from cdp.ingest.events.event import Event
from cdp.records.contracts import check

ALLOW, FLAG, HOLD = "allow", "flag", "hold"
_SAMPLES = 5
_NAME = 200
_INDEX = re.compile(r"/\d+(?=/|$)")


@dataclass(frozen=True)
class Violation:
    """One way in which an event differs from its plan.

    Attributes:
        field: JSON pointer into the event; a position in an array is `*`.
        rule: keyword of JSON Schema, or `unplanned`.
    """

    event: str
    field: str
    rule: str
    message: str


@dataclass(frozen=True)
class _Schema:
    """A schema and the part of the event that it is about."""

    part: str
    fast: Any
    slow: Draft202012Validator

    def violations(self, name: str, raw: Mapping[str, Any]) -> list[Violation]:
        value = raw if not self.part else raw.get(self.part) or {}
        if self.fast.is_valid(value):
            return []
        prefix = f"/{self.part}" if self.part else ""
        return [_violation(name, prefix, error) for error in self.slow.iter_errors(value)]


def _violation(name: str, prefix: str, error: Any) -> Violation:
    place = _INDEX.sub("/*", prefix + "".join(f"/{step}" for step in error.absolute_path))
    if error.validator == "required":
        missing = [each for each in error.validator_value if each not in error.instance]
        place, message = f"{place}/{missing[0]}", "is missing"
    elif error.validator == "additionalProperties":
        message = "has members that are not planned"
    elif error.validator == "type":
        message = f"is not of type {error.validator_value}"
    else:
        message = f"does not meet `{error.validator}`"
    return Violation(name, place or "/", str(error.validator), f"{place or '/'} {message}")


@dataclass(frozen=True)
class Plan:
    """A compiled plan; the empty one allows everything."""

    on_violation: str = ALLOW
    unplanned: str = ALLOW
    common: _Schema | None = None
    events: Mapping[str, _Schema] = field(default_factory=dict)
    calls: Mapping[str, _Schema] = field(default_factory=dict)

    def judge(self, event: Event) -> tuple[str, list[Violation]]:
        """What to do with the event (`allow`, `flag`, `hold`) and why."""
        name = event.raw["event"][:_NAME] if event.type == "track" else event.type
        found: list[Violation] = self.common.violations(name, event.raw) if self.common else []
        if event.type == "track":
            if name not in self.events and self.events:
                message = "the event is not in the tracking plan"
                return _stricter(self.unplanned, self.on_violation if found else ALLOW), [
                    *found,
                    Violation(name, "/event", "unplanned", message),
                ]
            schema = self.events.get(name)
        else:
            schema = self.calls.get(event.type)
        found += schema.violations(name, event.raw) if schema else []
        return (self.on_violation if found else ALLOW), found


def _stricter(a: str, b: str) -> str:
    return max(a, b, key=(ALLOW, FLAG, HOLD).index)


def compiled(document: Mapping[str, Any] | None) -> Plan:
    """The plan of a document, compiled once for each distinct text."""
    return _compile(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)) if document else Plan()


@lru_cache(maxsize=256)
def _compile(content: bytes) -> Plan:
    document = orjson.loads(content)
    traits = {name: _schema("traits", document[name]) for name in ("identify", "group") if name in document}
    views = {name: _schema("properties", document[name]) for name in ("page", "screen") if name in document}
    return Plan(
        on_violation=document.get("on_violation", FLAG),
        unplanned=document.get("unplanned_events", ALLOW),
        common=_schema("", document["common"]) if "common" in document else None,
        events={name: _schema("properties", schema) for name, schema in document.get("track", {}).items()},
        calls=traits | views,
    )


def _schema(part: str, schema: dict[str, Any]) -> _Schema:
    return _Schema(part, jsonschema_rs.Draft202012Validator(schema), Draft202012Validator(schema))


def store(connection: Connection, source_name: str, document: Mapping[str, Any]) -> None:
    """Make `document` the plan of a source; it holds from the next batch on.

    Raises:
        DocumentError: it does not meet `schemas/tracking-plan.schema.json`.
        EventError: a JSON Schema in it is not valid.
        UnknownSource: no source has this name.
    """
    check(document, "tracking-plan", "tracking plan")
    try:
        compiled(document)
    except (ValueError, jsonschema_rs.ValidationError) as error:
        raise EventError(f"a schema in the tracking plan is not valid JSON Schema: {str(error).splitlines()[0][:200]}") from None
    statement = insert(tracking_plan).values(source_id=by_name(connection, source_name).id, document=dict(document))
    renewed = {"document": statement.excluded.document, "updated_at": func.now()}
    connection.execute(statement.on_conflict_do_update(index_elements=["source_id"], set_=renewed))


def remove(connection: Connection, source_name: str) -> bool:
    """Take the plan of a source away; whether there was one."""
    source_id = by_name(connection, source_name).id
    return bool(connection.execute(tracking_plan.delete().where(tracking_plan.c.source_id == source_id)).rowcount)


def listed(connection: Connection) -> list[Row[Any]]:
    """Sources with a plan: (id, source, document, updated_at)."""
    query = select(source.c.id, source.c.name.label("source"), tracking_plan.c.document, tracking_plan.c.updated_at)
    return list(connection.execute(query.join(source, source.c.id == tracking_plan.c.source_id).order_by(source.c.name)))


@dataclass(frozen=True)
class Sample:
    """A violation of one event, and what happened to the event."""

    source_id: int
    violation: Violation
    message_id: str
    action: str
    at: datetime


def count(connection: Connection, samples: Sequence[Sample]) -> None:
    """Add violations to the view."""
    groups: dict[tuple[int, str, str, str], list[Sample]] = defaultdict(list)
    for sample in samples:
        groups[sample.source_id, sample.violation.event, sample.violation.field[:_NAME], sample.violation.rule].append(sample)
    for (source_id, event, place, rule), found in sorted(groups.items()):
        shown = [{"message_id": s.message_id, "action": s.action} for s in found[:_SAMPLES]]
        connection.execute(
            text(
                f"""insert into event_violation as v (source_id, event, field, rule, count, first_at, last_at, message, samples)
                    values (:source, :event, :field, :rule, :count, :first, :last, :message, cast(:samples as jsonb))
                    on conflict (source_id, event, field, rule) do update set count = v.count + excluded.count,
                      first_at = least(v.first_at, excluded.first_at), last_at = greatest(v.last_at, excluded.last_at),
                      samples = jsonb_path_query_array(v.samples || excluded.samples, '$[0 to {_SAMPLES - 1}]')"""
            ),
            {
                "source": source_id,
                "event": event,
                "field": place,
                "rule": rule,
                "count": len(found),
                "first": min(s.at for s in found),
                "last": max(s.at for s in found),
                "message": found[0].violation.message,
                "samples": orjson.dumps(shown).decode(),
            },
        )


def violations(connection: Connection, source_name: str | None = None, days: int = 7, limit: int = 200) -> list[Row[Any]]:
    """What violated plans in the last `days`, the most frequent first."""
    query = (
        select(event_violation, source.c.name.label("source"), source.c.department)
        .join(source, source.c.id == event_violation.c.source_id)
        .where(event_violation.c.last_at >= func.now() - text(f"interval '{int(days)} days'"))
        .order_by(event_violation.c.count.desc(), event_violation.c.event, event_violation.c.field)
        .limit(limit)
    )
    return list(connection.execute(query if source_name is None else query.where(source.c.name == source_name)))
