"""Attributes, segments and previews over one million profiles with ten million interactions; `make bench-segments` prints the figures.

    python -m tests.bench.segments [--profiles N] [--home FOLDER] [--keep]

The people are invented by PostgreSQL. With `--home` the data are kept and used again.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, text

from cdp import attributes
from cdp.db import database_url, migrate
from cdp.segments.columnar import Copy
from cdp.segments.deciding import build, refresh_in_copy
from cdp.segments.preview import preview
from cdp.segments.store import checked, save
from cdp.settings import Settings

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)

_FILL = """
insert into source (name, department, connector) values ('crm', 'sales', 'x'), ('shop', 'web', 'x'), ('desk', 'support', 'x');
insert into profile (id, household_id, created_at) select md5('p' || i)::uuid, case when i % 3 = 0 then md5('h' || i / 6)::uuid end,
    timestamptz '2026-11-01' - (i % 1500) * interval '1 day' from generate_series(1, :people) i;
insert into golden (profile_id, display_name, document, record_count, source_count, interaction_count, first_seen_at, last_seen_at)
select md5('p' || i)::uuid, 'Person ' || i, jsonb_build_object(
    'values', jsonb_build_object('given_name', jsonb_build_object('value', 'G' || i % 900), 'family_name', jsonb_build_object('value',
        'F' || i % 9000),
        'birth_date', jsonb_build_object('value', (date '1940-01-01' + (i % 25000))::text), 'language', jsonb_build_object('value', 'de')),
    'contact', jsonb_build_object('emails', jsonb_build_array(jsonb_build_object('value',
        'p' || i || '@example.' || (array['org','com','net'])[1 + i % 3])),
        'phones', '[]'::jsonb, 'addresses', jsonb_build_array(jsonb_build_object('city',
            (array['Berlin','Hamburg','Wien','Bern','Paris','Lyon','Roma'])[1 + i % 7], 'country',
                (array['DE','DE','AT','CH','FR','FR','IT'])[1 + i % 7]))),
    'consents', jsonb_build_object('email', jsonb_build_object('state', (array['granted','granted','denied'])[1 + i % 3])),
    'stats', jsonb_build_object('interactions', 10, 'by_channel', jsonb_build_object((array['email','web','phone','app'])[1 + i % 4], 3,
        'web', 2))),
    2, 2, 10, timestamptz '2026-11-01' - (i % 1500) * interval '1 day', timestamptz '2026-11-01' - (i % 400) * interval '1 day'
from generate_series(1, :people) i;
insert into record (source_id, stream, source_key, raw, canonical, content_hash, profile_id)
select 1 + (i + s) % 3, 'c', i::text, '{}', '{}', '', md5('p' || i)::uuid from generate_series(1, :people) i, generate_series(0, 1) s
where s = 0 or i % 2 = 0;
drop index ix_interaction_customer; drop index ix_interaction_changed_at;
drop index ix_interaction_profile_id_at; drop index ix_interaction_at;
alter table interaction drop constraint uq_interaction_source_id_stream_source_key
"""
_EVENTS = """
insert into interaction (source_id, stream, source_key, kind, name, channel, status, at, amount, currency, canonical, raw, content_hash,
    profile_id)
select 1 + g % 3, 'e', g::text, kind, case kind when 'page_view' then (array['home','pricing','product','help'])[1 + g % 4] end,
    (array['web','email','phone','app','web'])[1 + g % 5], case kind when 'order' then (array['paid','paid','paid','cancelled'])[1 + g % 4]
    when 'ticket' then (array['closed','closed','closed','open'])[1 + g % 4] end, at, case when kind in ('order',
        'return') then 5 + g % 300 end, 'EUR',
    case kind when 'order' then jsonb_build_object('items', jsonb_build_array(jsonb_build_object('sku', 'S' || g % 500, 'category',
        (array['shoes','hats','books','garden','toys'])[1 + g % 5]))) when 'page_view' then jsonb_build_object('properties',
        jsonb_build_object('path', '/p/' || g % 1000, 'seconds', g % 300)) else '{"direction": "inbound"}' end, '{}', '',
            md5('p' || who)::uuid
from (select g, 1 + floor(:people * pow(random(), 1.4))::int as who, timestamptz '2026-11-01' - random() * 1095 * interval '1 day' as at,
    (array['page_view','page_view','page_view','page_view','email','email','order','visit','ticket','call'])
        [1 + floor(random() * 10)::int] as kind
    from generate_series(cast(:first as int), cast(:last as int)) g) x
"""
_INDEXES = """
create index ix_interaction_profile_id_at on interaction (profile_id, at desc, id desc); create index ix_interaction_at on interaction (at)
"""

TARGETS = {"preview p95 ms": 300, "in all, changed, s": 60}
"""Figure -> what it must stay below, with a million profiles on two cores that do nothing else."""

PREVIEWS = [
    "city = Berlin",
    "country in (DE, AT) and age between 25 and 40",
    "monetary > 300 and consent(email)",
    "orders.count in last 90 days >= 2 and open_tickets > 0 and consent(email)",
    "orders.count in last 365 days >= 3",
    "never orders in last 1 year and orders.count >= 1",
    "orders[items.category = shoes and amount > 100].sum(amount) in last 180 days > 200",
    "page_views[name = pricing].count in last 30 days >= 1 and never orders in last 30 days",
    "page_views[properties.seconds > 200].count in last 30 days >= 1",
    "sequence(page_views[name = pricing] then orders within 7 days) in last 90 days",
    "sequence(orders then tickets within 14 days without emails) in last 180 days",
    "household any (did tickets[status = open]) and not consent(email) = denied",
    "favourite_category = shoes or recency < 30",
    'email ends with "@example.org" and last_seen_at within last 60 days',
    "interactions.count in last 30 days >= 3",
    "birth_date anniversary within next 7 days and lifetime_value > 100",
    "segment(s01) and not segment(s02) and random(0, 50)",
]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--profiles", type=int, default=1_000_000)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    home = options.home or Path(tempfile.mkdtemp(prefix="cdp-bench-"))
    engine = _database(home)
    figures: dict[str, Any] = {"profiles": options.profiles}
    with engine.connect() as connection:
        empty = connection.execute(text("select not exists (select from profile)")).scalar_one()
    if empty:
        figures["generated"] = _timed(lambda: _fill(engine, options.profiles))
        print(figures, flush=True)
    with engine.connect() as connection:
        computed = connection.execute(text("select exists (select from run where stage = 'attributes' and status = 'done')")).scalar_one()
    if not computed:
        figures["attributes, everybody"] = _timed(lambda: attributes.refresh(engine, as_of=NOW))
        print(figures, flush=True)
    _define(engine)
    folder = home / "lake" / "segments"
    figures["copy, anew"] = _timed(lambda: build(engine, folder, NOW))
    print(figures, flush=True)
    figures["50 segments, everybody"] = _timed(lambda: refresh_in_copy(engine, folder, as_of=NOW))
    figures["copy bytes"] = sum(path.stat().st_size for path in folder.glob("*.duckdb"))
    print(figures, flush=True)
    figures |= _previews(engine, folder, options.rounds)
    print(figures, flush=True)
    figures |= _change(engine, folder, options.profiles)
    print(json.dumps(figures, indent=1))
    for name, target in TARGETS.items():
        print(f"{name}: {figures[name]:g}, target < {target}: {'met' if figures[name] < target else 'MISSED'}")


def _database(home: Path) -> Engine:
    engine = create_engine(database_url(Settings(home=home)))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for name, value in (
            ("shared_buffers", "2GB"),
            ("max_wal_size", "8GB"),
            ("synchronous_commit", "off"),
            ("maintenance_work_mem", "512MB"),
        ):
            connection.execute(text(f"alter system set {name} = '{value}'"))
        connection.execute(text("select pg_reload_conf()"))
    migrate(engine)
    return engine


def _fill(engine: Engine, people: int) -> None:
    """Invent the company, on two connections where the work can be parted."""
    for statement in _FILL.strip().split(";"):
        _run(engine, statement, people=people)
    half = people * 5
    parts = [{"first": 1, "last": half}, {"first": half + 1, "last": 2 * half}]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda part: _run(engine, _EVENTS, people=people, **part), parts))
        list(pool.map(partial(_run, engine), _INDEXES.strip().split(";")))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum analyze"))


def _run(engine: Engine, statement: str, **values: int) -> None:
    bound = text(statement.replace("::", "\\:\\:"))
    with engine.begin() as connection:
        connection.execute(bound, {name: value for name, value in values.items() if f":{name}" in statement})


def _define(engine: Engine) -> None:
    conditions = [
        *PREVIEWS[:-1],
        *(f"orders.count in last {days} days >= 1 and city = {city}" for days in (30, 90, 180, 365) for city in ("Berlin", "Wien", "Bern")),
        *(f"monetary > {limit} and consent(email)" for limit in range(100, 1300, 100)),
        *(f"interactions.count in last {days} days >= 2" for days in range(10, 100, 10)),
    ]
    with engine.begin() as connection:
        for i, condition in enumerate(conditions[:49]):
            save(connection, f"s{i:02}", condition, "bench")
        save(connection, "s49", "segment(s03) or segment(s04)", "bench")


def _timed(act: Callable[[], object]) -> float:
    started = time.monotonic()
    act()
    return round(time.monotonic() - started, 2)


def _previews(engine: Engine, folder: Path, rounds: int) -> dict[str, Any]:
    copy = Copy(folder, threads=2)
    with engine.connect() as connection:
        conditions = {line: checked(connection, line) for line in PREVIEWS}
    times: list[float] = []
    each = {}
    for line, condition in conditions.items():
        taken = []
        for _ in range(rounds):
            found = preview(engine, condition, copy)
            taken.append(found.milliseconds)
        times += taken
        each[line] = [round(statistics.median(taken)), found.count]
    live = {}
    for line in PREVIEWS[:5]:
        with suppress(attributes.DefinitionError):  # it takes longer than a preview may
            live[line] = round(preview(engine, conditions[line], as_of=NOW).milliseconds)
    ordered = sorted(times)
    return {
        "preview p50 ms": round(ordered[len(ordered) // 2]),
        "preview p95 ms": round(ordered[int(len(ordered) * 0.95)]),
        "preview each": each,
        "preview live ms": live,
    }


def _change(engine: Engine, folder: Path, people: int) -> dict[str, Any]:
    """One percent of the people get an order and a day passes; attributes and 50 segments follow."""
    with engine.begin() as connection:
        changed = list(
            connection.execute(
                text("""insert into interaction (source_id, stream, source_key, kind, status, at, amount, canonical, raw, content_hash,
                    profile_id)
                select 1, 'e', 'n' || i, 'order', 'paid', timestamptz '2026-11-01 12:30+00', 50, '{}', '{}', '', md5('p' || i)::uuid
                from generate_series(1, :people, 100) i returning profile_id"""),
                {"people": people},
            ).scalars()
        )
    later = datetime(2026, 11, 1, 13, tzinfo=UTC)
    first = attributes.refresh(engine, changed, as_of=later)
    second = refresh_in_copy(engine, folder, as_of=later, changed=changed)
    return {
        "changed": len(changed),
        "attributes, changed": [round(first.seconds, 2), first.profiles],
        "50 segments and the copy, changed": round(second.seconds, 2),
        "in all, changed, s": round(first.seconds + second.seconds, 2),
        "entered and left": [sum(s.entered for s in second.segments), sum(s.left for s in second.segments)],
    }


if __name__ == "__main__":
    main()
