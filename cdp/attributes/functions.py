"""A Python attribute is a function from the entry point group `cdp.attributes`; it sees people and events, never the database.

The function takes `people` (profile_id, values), `events` (profile_id, kind, name, channel, at, value, currency, status, properties; by
person, then by time) as Arrow tables and `as_of`, and gives one value for each row of `people`, null for none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from importlib.metadata import entry_points
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, text

from cdp.attributes.definition import Definition
from cdp.attributes.errors import DefinitionError
from cdp.attributes.language.tree import Type

GROUP = "cdp.attributes"
Function = Callable[[pa.Table, pa.Table, datetime], Sequence[Any]]

_PEOPLE = text("""select p.profile_id::text, p."values"::text as "values" from person p
    join attribute_scope s on s.profile_id = p.profile_id and s.wanted order by 1""")
_EVENTS = text("""select e.profile_id::text, e.kind, e.name, e.channel, e.at, e.value::double precision as value, e.currency, e.status,
    e.properties::text as properties from event e join attribute_scope s on s.profile_id = e.profile_id and s.wanted
    where e.at <= :now order by 1, e.at, e.event_id""")
_PEOPLE_SCHEMA = pa.schema([("profile_id", pa.string()), ("values", pa.string())])
_EVENTS_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("profile_id", "kind", "name", "channel")),
        ("at", pa.timestamp("us", "UTC")),
        ("value", pa.float64()),
        *((name, pa.string()) for name in ("currency", "status", "properties")),
    ]
)
_KINDS: dict[Type, tuple[type, ...]] = {
    Type.NUMBER: (int, float),
    Type.TEXT: (str,),
    Type.DATE: (str,),
    Type.TIME: (datetime, str),
    Type.BOOLEAN: (bool,),
    Type.LIST: (list, tuple),
}


def function(definition: Definition) -> Function:
    """The function that a definition names."""
    name = definition.options["function"]
    offered = {point.name: point for point in entry_points(group=GROUP)}
    if name not in offered:
        known = ", ".join(sorted(offered)) or "none"
        reason = f"no entry point of {GROUP} is called {name!r} (installed: {known})"
        raise DefinitionError(f"attribute {definition.name}, /function", reason)
    found: Function = offered[name].load()
    return found


def run_function(connection: Connection, definition: Definition, now: datetime) -> None:
    """Add the values of the wanted people of `attribute_scope` to the temporary table `attribute_raw`."""
    place = f"attribute {definition.name}, /function"
    call = function(definition)
    people = _table(connection, _PEOPLE, {}, _PEOPLE_SCHEMA)
    events = _table(connection, _EVENTS, {"now": now}, _EVENTS_SCHEMA)
    try:
        values = list(call(people, events, now))
    except Exception as error:
        raise DefinitionError(place, f"the function fails ({type(error).__name__})") from error
    if len(values) != people.num_rows:
        raise DefinitionError(place, f"the function gave {len(values)} values for {people.num_rows} people")
    rows = []
    for profile_id, value in zip(people.column("profile_id").to_pylist(), values, strict=True):
        if value is None:
            continue
        if not isinstance(value, _KINDS[definition.type]) or (definition.type is not Type.BOOLEAN and isinstance(value, bool)):
            raise DefinitionError(place, f"the function gave a {type(value).__name__} where a {definition.type} is declared")
        rows.append({"id": profile_id, "name": definition.name, "value": json.dumps(value, default=_json)})
    if rows:
        connection.execute(text("insert into attribute_raw values (cast(:id as uuid), :name, cast(:value as jsonb))"), rows)


def _json(value: object) -> str:
    assert isinstance(value, datetime)
    return value.isoformat()


def _table(connection: Connection, statement: Any, parameters: dict[str, Any], schema: pa.Schema) -> pa.Table:
    rows = connection.execute(statement, parameters).all()
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    return pa.table([pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)], schema)
