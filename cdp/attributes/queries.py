"""An SQL attribute reads the documented views and nothing else, and sees only the people that are being computed.

Which relations a query reads is not guessed from its text: PostgreSQL says so, of a temporary view made from it and dropped at once.
"""

from __future__ import annotations

import re

from psycopg.errors import QueryCanceled
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from cdp.attributes.definition import Definition
from cdp.attributes.errors import DefinitionError
from cdp.attributes.language.tree import Type

VIEWS = ("event", "item", "person", "consent_state")
"""What a query can read; the columns are in docs/attributes.md."""

COSTLIEST = 5e7
"""A query whose plan over everybody costs more than this, in units of the planner, is refused."""

_NAMES = r"pg_\w+|lo_\w+|dblink\w*|set_config|current_setting|query_to_xml\w*|nextval|setval|random|clock_timestamp"
_FORBIDDEN = re.compile(rf"\b({_NAMES})\s*\(", re.IGNORECASE)
_WANTED = "select profile_id from attribute_scope where wanted"
_SCOPED = ", ".join(f"{view} as (select * from {view} where profile_id in ({_WANTED}))" for view in VIEWS)
_COLUMNS = """select a.attname as name, t.typcategory as category from pg_attribute a join pg_type t on t.oid = a.atttypid
    where a.attrelid = 'attribute_check'::regclass and a.attnum > 0 order by a.attnum"""
_CATEGORIES = {Type.NUMBER: "N", Type.TEXT: "SU", Type.BOOLEAN: "B", Type.TIME: "D", Type.DATE: "DS", Type.LIST: "AU"}
"""Type of a value -> categories of PostgreSQL's types that give it; U has jsonb."""
_TRIED = 100
_TRIAL_SECONDS = 10
"""A query that takes longer than this for so many people would take hours for a million."""
_RELATIONS = text(
    """select distinct c.relname, c.relkind from pg_rewrite r
    join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass
    join pg_class c on c.oid = d.refobjid
    where r.ev_class = 'attribute_check'::regclass and c.oid <> 'attribute_check'::regclass"""
)


def check_query(connection: Connection, definition: Definition) -> None:
    """Refuse a query that PostgreSQL cannot read, that reads more than the views, or that would take hours.

    Raises:
        DefinitionError: with the reason.
    """
    place = f"attribute {definition.name}, /query"
    query = _text(definition)
    if ";" in query:
        raise DefinitionError(place, "a query is one SELECT and has no semicolon")
    forbidden = _FORBIDDEN.search(query)
    if forbidden:
        raise DefinitionError(place, f"{forbidden[1]} cannot be called here")
    probe = connection.begin_nested()
    try:
        connection.exec_driver_sql(f"create temporary view attribute_check as\n{query}".replace("%", "%%"), ())
        relations = {row.relname for row in connection.execute(_RELATIONS)}
        columns = {row.name: row.category for row in connection.exec_driver_sql(_COLUMNS)}
        plan = connection.exec_driver_sql("explain (format json) select * from attribute_check").scalar_one()
    except DBAPIError as error:
        raise DefinitionError(place, f"PostgreSQL refuses it: {str(error.orig).splitlines()[0]}") from None
    finally:
        probe.rollback()
    if relations - set(VIEWS):
        raise DefinitionError(place, f"it reads {', '.join(sorted(relations - set(VIEWS)))}; it can read {', '.join(VIEWS)}")
    if list(columns) != ["profile_id", "value"]:
        raise DefinitionError(place, f"it must give the columns profile_id and value, not {', '.join(columns)}")
    cost = plan[0]["Plan"]["Total Cost"]
    if cost > COSTLIEST:
        raise DefinitionError(place, f"it would take hours: its plan costs {cost:.3g}, {COSTLIEST:.3g} is allowed. Join on profile_id")
    if columns["value"] not in _CATEGORIES[definition.type]:
        raise DefinitionError(place, f"its value is no {definition.type}, which the definition declares: cast it, or declare another type")
    _try(connection, query, place)


def _try(connection: Connection, query: str, place: str) -> None:
    """Refuse a query that fails on some people, takes long for them, or gives several rows for one."""
    probe = connection.begin_nested()
    try:
        connection.exec_driver_sql(f"set local statement_timeout = {_TRIAL_SECONDS * 1000:.0f}")
        connection.exec_driver_sql(_SAMPLED)
        connection.exec_driver_sql("analyze attribute_scope")
        counted = f"select count(to_jsonb(value)), count(*) - count(distinct profile_id) from answer where {_OF_SAMPLE}"
        row = connection.exec_driver_sql(f"with {_SCOPED}, answer as (\n{query}\n) {counted}".replace("%", "%%"), ()).one()
    except DBAPIError as error:
        if isinstance(error.orig, QueryCanceled):
            raise DefinitionError(place, f"it would take hours: {_TRIED} customers take more than {_TRIAL_SECONDS} seconds") from None
        raise DefinitionError(place, f"it fails on the data ({type(error.orig).__name__})") from None
    finally:
        probe.rollback()
    if row[1]:
        raise DefinitionError(place, "it gives several rows for one person: group by profile_id")


_OF_SAMPLE = "profile_id in (select profile_id from attribute_scope)"
_SAMPLED = f"""create temporary table attribute_scope on commit drop as select id as profile_id, true as wanted
    from profile where merged_into is null and retired_at is null order by id limit {_TRIED}"""


def _text(definition: Definition) -> str:
    query: str = definition.options["query"]
    return query.strip()


def run_query(connection: Connection, definition: Definition) -> None:
    """Add the values of the wanted people of `attribute_scope` to the temporary table `attribute_raw`.

    Raises:
        DefinitionError: the query fails on the data, or gives several rows for one person.
    """
    statement = (
        f"with {_SCOPED}, answer as (\n{_text(definition)}\n) insert into attribute_raw (profile_id, name, value) "
        f"select a.profile_id, '{definition.name}', to_jsonb(a.value) from answer a "
        "join attribute_scope s on s.profile_id = a.profile_id and s.wanted where a.value is not null"
    )
    try:
        connection.exec_driver_sql(statement.replace("%", "%%"), ())
    except DBAPIError as error:
        reason = (
            "it gives several rows for one person: group by profile_id"
            if "attribute_raw_pkey" in str(error.orig)
            else type(error.orig).__name__
        )
        raise DefinitionError(f"attribute {definition.name}, /query", f"it fails on the data ({reason})") from None
