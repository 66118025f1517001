"""The demo walks the way of every company (register, sync, resolve, refresh), then compares what came out with the truth.

Safe to repeat: the company is the same, so a second run finds nothing new.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, select

from cdp.access.principal import Role
from cdp.access.users import add_user, list_users, set_password
from cdp.db import tables
from cdp.demo.marketing import set_up
from cdp.demo.stories import RecordKey, Telling, telling_merges
from cdp.demo.world import DemoWorld, generate
from cdp.errors import PlatformError
from cdp.identity.evaluation import Evaluation, evaluate
from cdp.ingest.definition import SourceDefinition, register
from cdp.ingest.sync import SyncReport, sync
from cdp.profiles import refresh
from cdp.profiles.resolve import resolve_profiles
from cdp.settings import Settings

USER = "demo"


class NotADemo(PlatformError):
    """The database holds a company of its own: run the demo elsewhere."""


@dataclass(frozen=True)
class DepartmentFound:
    """What resolution found out about one department's customer list.

    Attributes:
        people: different people among its records.
        shared: those whom at least one other department knows, too.
    """

    department: str
    source: str
    records: int
    people: int
    shared: int

    @property
    def duplicates(self) -> int:
        """Records of somebody whom the department has already."""
        return self.records - self.people


@dataclass(frozen=True)
class Stored:
    """One customer record as the platform holds it."""

    key: RecordKey
    profile: str
    canonical: Mapping[str, Any]


@dataclass(frozen=True)
class DemoReport:
    """What the demo made and found.

    Attributes:
        people: profiles that hold the company's records.
        score: against the truth.
        tellings: the five telling merges.
        records: every record of those, by its key.
        segments: members by title.
        seconds: by stage.
    """

    world: DemoWorld
    synced: SyncReport
    people: int
    score: Evaluation
    departments: tuple[DepartmentFound, ...]
    tellings: tuple[Telling, ...]
    records: Mapping[RecordKey, Stored]
    segments: Mapping[str, int]
    user: str
    password: str
    seconds: Mapping[str, float]


def run(
    engine: Engine, settings: Settings, folder: Path, *, people: int = 5000, step: Callable[[str], None] = lambda _: None
) -> DemoReport:
    """Everything from an empty database to profiles and their score.

    Args:
        folder: where the company's files go.
        step: told what happens next.

    Raises:
        NotADemo: the database has sources that are not the demo's.
        PlatformError: a source could not be read to its end.
    """
    clock = _Clock(step)
    with clock("Inventing a company of five departments"):
        world = generate(folder, people=people)
    with engine.begin() as connection:
        _alone(connection, world)
        for document in world.sources:
            register(connection, SourceDefinition.of(document, f"the demo's source {document['name']}"))
    with clock("Reading five sources"):
        synced = sync(engine, settings, [str(document["name"]) for document in world.sources])
    failed = [f"{stream.source}.{stream.stream}: {stream.error}" for stream in synced.streams if stream.error]
    if failed:
        raise PlatformError("the demo's sources could not be read: " + "; ".join(failed))
    with clock("Finding out who is who"):
        resolve_profiles(engine, settings)
    with clock("Choosing each profile's values"):
        refresh(engine, settings)
    with clock("Deciding who belongs to which segment"):
        members = set_up(engine, folder, settings.lake)
    with clock("Comparing with the truth"), engine.begin() as connection:
        stored = _stored(connection, world)
        password = _sign_in(connection)
    return _report(world, synced, stored, members, password, clock.seconds)


class _Clock:
    def __init__(self, step: Callable[[str], None]) -> None:
        self.step = step
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        self.step(stage)
        started = time.monotonic()
        yield
        self.seconds[stage] = time.monotonic() - started


def _alone(connection: Connection, world: DemoWorld) -> None:
    ours = {document["name"] for document in world.sources}
    others = sorted(set(connection.execute(select(tables.source.c.name)).scalars()) - ours)
    if others:
        raise NotADemo(
            f"this database already has sources ({', '.join(others[:5])}), and the demo's people would mix with theirs; "
            "run it in a folder of its own: cdp demo --home demo"
        )


def _stored(connection: Connection, world: DemoWorld) -> list[Stored]:
    record, source = tables.record, tables.source
    query = (
        select(source.c.name, record.c.stream, record.c.source_key, record.c.profile_id, record.c.canonical)
        .join(source, source.c.id == record.c.source_id)
        .where(source.c.name.in_([document["name"] for document in world.sources]), record.c.deleted_at.is_(None))
        .order_by(record.c.id)
    )
    return [Stored((row.name, row.stream, row.source_key), str(row.profile_id), row.canonical) for row in connection.execute(query)]


def _sign_in(connection: Connection) -> str:
    """Give the user `demo` a new password; makes the user where there is none."""
    password = secrets.token_urlsafe(12)
    if USER in {user.name for user in list_users(connection)}:
        set_password(connection, USER, password)
    else:
        add_user(connection, USER, Role.ADMIN, password=password)
    return password


def _report(
    world: DemoWorld,
    synced: SyncReport,
    stored: Sequence[Stored],
    members: Mapping[str, int],
    password: str,
    seconds: Mapping[str, float],
) -> DemoReport:
    truth = {(row["source"], row["stream"], row["source_key"]): row["person_id"] for row in world.truth.to_pylist()}
    known = [record for record in stored if record.key in truth]
    _, cluster = np.unique([record.profile for record in known], return_inverse=True)
    profile_of = {record.key: record.profile for record in known}
    tellings = telling_merges(world.stories, world.truth, profile_of)
    told = {key for telling in tellings for keys in telling.records for key in keys}
    return DemoReport(
        world=world,
        synced=synced,
        people=len(set(profile_of.values())),
        score=evaluate(cluster.astype(np.int64), np.array([truth[record.key] for record in known])),
        departments=_departments(world, known),
        tellings=tellings,
        records={record.key: record for record in known if record.key in told},
        segments=members,
        user=USER,
        password=password,
        seconds=dict(seconds),
    )


def _departments(world: DemoWorld, known: Sequence[Stored]) -> tuple[DepartmentFound, ...]:
    sources: dict[str, set[str]] = {}
    for record in known:
        sources.setdefault(record.key[0], set()).add(record.profile)
    owners = Counter(profile for profiles in sources.values() for profile in profiles)
    return tuple(
        DepartmentFound(
            department=str(document["department"]),
            source=str(document["name"]),
            records=sum(record.key[0] == document["name"] for record in known),
            people=len(sources.get(document["name"], ())),
            shared=sum(owners[profile] > 1 for profile in sources.get(document["name"], ())),
        )
        for document in world.sources
    )
