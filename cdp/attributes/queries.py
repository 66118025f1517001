"""An SQL attribute reads the documented views and nothing else, and sees only the people that are being computed.

Which relations a query reads is not guessed from its text: PostgreSQL says so, of a temporary view made from it and dropped at once.
"""

from __future__ import annotations

import re

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from cdp.attributes.definition import Definition
from cdp.attributes.errors import DefinitionError

VIEWS = ("event", "item", "person", "consent_state")
"""What a query can read; the columns are in docs/attributes.md."""

COSTLIEST = 5e7
"""A query whose plan over everybody costs more than this, in units of the planner, is refused."""

_NAMES = r"pg_\w+|lo_\w+|dblink\w*|set_config|current_setting|query_to_xml\w*|nextval|setval|random|clock_timestamp"
_FORBIDDEN = re.compile(rf"\b({_NAMES})\s*\(", re.IGNORECASE)
_WANTED = "select profile_id from attribute_scope where wanted"
_SCOPED = ", ".join(f"{view} as (select * from {view} where profile_id in ({_WANTED}))" for view in VIEWS)
_COLUMNS = "select attname from pg_attribute where attrelid = 'attribute_check'::regclass and attnum > 0 order by attnum"
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
        columns = [row[0] for row in connection.exec_driver_sql(_COLUMNS)]
        plan = connection.exec_driver_sql("explain (format json) select * from attribute_check").scalar_one()
    except DBAPIError as error:
        raise DefinitionError(place, f"PostgreSQL refuses it: {str(error.orig).splitlines()[0]}") from None
    finally:
        probe.rollback()
    if relations - set(VIEWS):
        raise DefinitionError(place, f"it reads {', '.join(sorted(relations - set(VIEWS)))}; it can read {', '.join(VIEWS)}")
    if columns != ["profile_id", "value"]:
        raise DefinitionError(place, f"it must give the columns profile_id and value, not {', '.join(columns)}")
    cost = plan[0]["Plan"]["Total Cost"]
    if cost > COSTLIEST:
        raise DefinitionError(place, f"it would take hours: its plan costs {cost:.3g}, {COSTLIEST:.3g} is allowed. Join on profile_id")


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
