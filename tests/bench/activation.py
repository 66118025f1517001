"""A whole delivery of an audience, from golden profiles to a finished file with its journal and ledger: seconds, CPU and memory.

    python -m tests.bench.activation --people 1000000 --format google_ads

The first delivery carries everybody; the second finds nothing to do; a third carries one percent that changed.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
from sqlalchemy import Connection, Engine, text

from cdp.activation import register, send
from cdp.db import connect, migrate
from cdp.settings import Settings

_PEOPLE = """
insert into golden (profile_id, document, record_count, source_count, display_name)
select p.id, jsonb_build_object(
    'values', jsonb_build_object(
        'given_name', jsonb_build_object('value', 'Name' || (n % 5000), 'source', 'crm'),
        'family_name', jsonb_build_object('value', 'Family' || (n % 60000), 'source', 'crm'),
        'birth_date', jsonb_build_object('value', (date '1940-01-01' + (n % 24000)::int)::text, 'source', 'crm'),
        'gender', jsonb_build_object('value', case when n % 2 = 0 then 'female' else 'male' end, 'source', 'crm')),
    'contact', jsonb_build_object(
        'emails', case when n % 20 = 0 then '[]'::jsonb
            else jsonb_build_array(jsonb_build_object(
                'value', 'person' || n || '@mail' || (n % 40) || '.example', 'sources', '["crm"]'::jsonb)) end,
        'phones', case when n % 3 = 0 then '[]'::jsonb
            else jsonb_build_array(jsonb_build_object(
                'value', '+1212' || lpad((n % 10000000)::text, 7, '0'), 'sources', '["crm"]'::jsonb)) end,
        'addresses', jsonb_build_array(jsonb_build_object('street', 'Street ' || (n % 9000), 'house_number', (n % 200)::text,
            'postal_code', lpad((n % 99999)::text, 5, '0'), 'city', 'City ' || (n % 3000), 'region', 'NY', 'country', 'US'))),
    'identifiers', '[]'::jsonb,
    'consents', jsonb_build_object('ads', jsonb_build_object('state', case when n % 10 = 0 then 'denied' else 'granted' end,
        'at', '2026-01-02T03:04:05+00:00', 'source', 'crm')),
    'stats', jsonb_build_object('interactions', 0)), 1, 1, 'x'
from (select n, (lpad(to_hex(n), 12, '0') || repeat('0', 20))::uuid as id from generate_series(:first, :last) n) p"""


SECONDS = 60
"""A million rows hashed and written must take less, on two cores that do nothing else."""


def populate(engine: Engine, people: int) -> None:
    """Profiles of `people / 0.9`, nine in ten of whom agreed to be advertised to."""
    count = round(people / 0.9)
    with engine.begin() as connection:
        for first in range(1, count + 1, 100_000):
            connection.execute(text(_PEOPLE), {"first": first, "last": min(first + 99_999, count)})
        connection.execute(text("insert into profile (id) select profile_id from golden"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum analyze"))


@dataclass
class Measured:
    seconds: float = 0.0
    python: float = 0.0
    database: float = 0.0
    peak: int = 0


@contextmanager
def measured(connection: Connection) -> Iterator[Measured]:
    """Wall time, CPU of this process with its children and of the database, and the largest memory of this process while it runs."""
    found, stop = Measured(), threading.Event()
    me = psutil.Process()
    server = psutil.Process(connection.execute(text("select pg_backend_pid()")).scalar_one()).parent()
    assert server is not None
    spent: dict[int, float] = {}

    def watch() -> None:
        while not stop.wait(0.05):
            family = [me, *(child for child in me.children(recursive=True) if "postgres" not in child.name())]
            found.peak = max(found.peak, sum(process.memory_info().rss for process in family if process.is_running()))
            for backend in server.children():
                try:
                    spent[backend.pid] = sum(backend.cpu_times()[:2])
                except psutil.NoSuchProcess:
                    continue

    for backend in server.children():
        spent[backend.pid] = sum(backend.cpu_times()[:2])
    before = sum(spent.values())
    thread = threading.Thread(target=watch)
    thread.start()
    started, cpu = time.monotonic(), _cpu()
    yield found
    found.seconds, found.python = time.monotonic() - started, _cpu() - cpu
    stop.set()
    thread.join()
    found.database = sum(spent.values()) - before


def _cpu() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--format", default="google_ads")
    parser.add_argument("--home", type=Path, help="Use and keep this folder; people that are there stay.")
    given = parser.parse_args()
    home = given.home or Path(tempfile.mkdtemp(prefix="cdp-bench-"))
    settings = replace(Settings(), home=home)
    engine = connect(settings)
    try:
        run(engine, settings, given.people, given.format)
    finally:
        engine.dispose()
        if given.home is None:
            shutil.rmtree(home, ignore_errors=True)


def run(engine: Engine, settings: Settings, people: int, form: str) -> None:
    migrate(engine)
    with engine.begin() as connection:
        there = connection.execute(text("select count(*) from golden")).scalar_one()
        for table in ("export_ledger", "audience_member", "delivery", "destination"):
            connection.execute(text(f"truncate {table} cascade"))
    if not there:
        populate(engine, people)
    document = {"name": "ads", "purpose": "ads", "format": form, "to": {"files": {"path": str(settings.home / "out")}}}
    with engine.begin() as connection:
        register(connection, document, "bench")
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, format {form}")
    changes = (
        "update golden set document = jsonb_set(document, '{contact,emails}', '[{\"value\": \"new@mail.example\"}]'), updated_at = now() "
    )
    for name, sql in (
        ("first", ""),
        ("nothing to do", ""),
        ("1 % changed", changes + "where profile_id in (select profile_id from audience_member limit :n)"),
    ):
        if sql:
            with engine.begin() as connection:
                connection.execute(text(sql), {"n": people // 100})
        with engine.connect() as connection, measured(connection) as spent:
            report = send(engine, settings, "ads")
        print(
            f"{name:>14}: {spent.seconds:6.1f} s, CPU {spent.python:6.1f} s here and {spent.database:6.1f} s in the database, "
            f"peak {spent.peak / 1e6:,.0f} MB; {report.added:,} added, {report.updated:,} updated, {report.removed:,} removed"
        )
        if name == "first":
            of_a_million = spent.seconds * 1_000_000 / people
            met = "met" if of_a_million < SECONDS else "MISSED"
            print(f"{'':>14}  a million hashed and written: {of_a_million:.1f} s, target < {SECONDS} s: {met}")
    for path in sorted((settings.home / "out").iterdir()):
        print(f"{path.name}: {path.stat().st_size / 1e6:,.1f} MB")


if __name__ == "__main__":
    main()
