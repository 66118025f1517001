"""Why somebody is in or out: the tree of the condition, each part with whether it holds and the value that was seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Connection, FromClause, String, Uuid, bindparam, case, cast, func, literal, null, select

from cdp.attributes import types
from cdp.attributes.errors import DefinitionError
from cdp.attributes.language.sql import SEPARATOR, Sql, holds
from cdp.attributes.language.tree import And, Compare, Not, Or, Type
from cdp.segments import text
from cdp.segments.compile import MEMBER, Compiler, Live
from cdp.segments.store import segments
from cdp.segments.tree import Condition, Consent, Events, Household, InSegment, Random, Sequence


@dataclass(frozen=True)
class Why:
    """One part of a condition for one person. `seen` is the value it was decided by; null where there is none, or for a part with parts."""

    text: str
    holds: bool
    seen: str | None = None
    parts: tuple[Why, ...] = ()

    def document(self) -> dict[str, Any]:
        """As JSON."""
        found: dict[str, Any] = {"text": self.text, "holds": self.holds, "seen": self.seen}
        return found | ({"parts": [part.document() for part in self.parts]} if self.parts else {})


def explain(connection: Connection, condition: Condition, profile_id: UUID, as_of: datetime | None = None) -> Why:
    """Decide a condition for one living profile and say why.

    Raises:
        DefinitionError: no living profile has that id.
    """
    found = explain_each(connection, condition, [profile_id], as_of)
    if not found:
        raise DefinitionError("", f"no living profile has the id {profile_id}: it may have been merged; look it up first")
    return found[profile_id]


def explain_each(connection: Connection, condition: Condition, ids: list[UUID], as_of: datetime | None = None) -> dict[UUID, Why]:
    """Decide a condition for each of these profiles that lives, and say why."""
    store = Live(types(connection))
    now = (as_of or datetime.now(UTC)).astimezone(UTC)
    compiler = Compiler(store, now, {name: s.id for name, s in segments(connection).items()})
    person = store.person()
    columns: list[Any] = []

    def collect(node: object) -> None:
        if isinstance(node, And | Or):
            for part in node.parts:
                collect(part)
        elif isinstance(node, Not):
            collect(node.part)
        else:
            columns.extend((holds(compiler.leaf(node, person)), cast(_seen(node, compiler, person), String)))

    collect(condition)
    labelled = [c.label(f"c{i}") for i, c in enumerate(columns)]
    wanted = person.c.profile_id == func.any(bindparam(None, ids, ARRAY(Uuid())))
    rows = connection.execute(select(person.c.profile_id, *labelled).select_from(person).where(wanted))

    def tell(node: object, values: Iterator[Any]) -> Why:
        if isinstance(node, And | Or):
            parts = tuple(tell(part, values) for part in node.parts)
            return Why(text.write(node), (all if isinstance(node, And) else any)(part.holds for part in parts), None, parts)
        if isinstance(node, Not):
            inner = tell(node.part, values)
            return Why(text.write(node), not inner.holds, None, (inner,))
        met, seen = next(values), next(values)
        return Why(text.write(node), bool(met), seen if seen is None else _shown(seen))  # type: ignore[arg-type]  # a leaf of a checked tree

    return {row[0]: tell(condition, iter(row[1:])) for row in rows}


def _shown(seen: str) -> str:
    """A list as its elements; a whole number without decimals."""
    if SEPARATOR in seen:
        return ", ".join(seen.strip(SEPARATOR).split(SEPARATOR))
    return seen.removesuffix(".0")


def _seen(node: object, compiler: Compiler, person: FromClause) -> Sql:
    if isinstance(node, Compare):
        found = compiler.store.fields(person, compiler.now).field(node.field, node.place)
        return found.column if found.type is not Type.TIME else func.to_char(found.column, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    if isinstance(node, Events):
        event = compiler.store.event()
        conditions = [
            *compiler.matching(node.match, event),
            *compiler.within(node.window, event),
            event.c.profile_id == person.c.profile_id,
        ]
        return select(compiler.measure(node, event)).where(*conditions).scalar_subquery()
    if isinstance(node, Sequence):
        event = compiler.store.event()
        conditions = [
            *compiler.matching(node.first, event),
            *compiler.within(node.window, event),
            event.c.profile_id == person.c.profile_id,
        ]
        return select(func.concat(func.count(), " × the first step")).where(*conditions).scalar_subquery()
    if isinstance(node, Consent):
        states = [(compiler.leaf(Consent(node.purpose, state), person), state) for state in ("granted", "denied")]
        return case(*((met, literal(state)) for met, state in states), else_="unknown")
    if isinstance(node, Household):
        member = compiler.store.person()
        together = func.coalesce(member.c.household_id, member.c.profile_id) == func.coalesce(person.c.household_id, person.c.profile_id)
        meeting = func.count().filter(holds(compiler.holds(node.condition, member)))
        counted = func.concat(meeting, " of ", func.count(), " in the household")
        return select(counted).select_from(member).where(together).scalar_subquery()
    if isinstance(node, Random):
        return person.c.bucket
    if isinstance(node, InSegment):
        return (
            select(literal("member"))
            .where(MEMBER.c.profile_id == person.c.profile_id, MEMBER.c.segment_id == compiler.segments[node.name])
            .scalar_subquery()
        )
    return null()
