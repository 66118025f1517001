"""How fast events come in, against what Flask, gunicorn and one COPY can do on the same machine in the same minute.

    python -m tests.bench.collect [--seconds 6] [--only rate|processing|visible] [--rate 2000]

The bare view, the collector, and the collector that also processes what it takes (`served`, as `cdp serve` does) take turns, for batches
of 100 and for single events; the load generator shares the machine. What the collector does there is all that happens before the answer:
authentication, checks, deduplication, receipts. Where the machine does other work too, the wall clock lies: compare the CPU seconds that
an event takes of the server and the database together.

Then 20,000 events of which one in ten is of a new visitor and one in twenty identifies somebody are processed by themselves, for the CPU
time that each takes; and `cdp events process --follow` runs beside `--rate` of them a second, for the time until one is on its profile.
The last lines hold what was wanted against what was found. All of it takes four minutes, eight where the machine does other work.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
from sqlalchemy import Engine, text

from cdp.db import connect, migrate
from cdp.ingest.events import keys
from cdp.ingest.events.process import process
from cdp.ingest.events.receive import Receiver, Request
from cdp.settings import Settings
from tests.bench.sending import APPS, Figures, batch, free_port, gunicorn, lively, load, request_bytes, single

ROUNDS = 3
PROCESSED = 20_000


@dataclass(frozen=True)
class Kind:
    """A way to send events, and the least share of the bare view's rate that is wanted."""

    name: str
    path: str
    make: Callable[[int], bytes]
    size: int
    share: float


KINDS = (Kind("batches of 100", "/v1/batch", batch, 100, 1 / 2), Kind("single events", "/v1/track", single, 1, 2 / 3))


@dataclass(frozen=True)
class Target:
    """What was wanted, at least or at most, against what was found."""

    name: str
    wanted: float
    found: float
    least: bool = True

    def __str__(self) -> str:
        met = self.found >= self.wanted if self.least else self.found <= self.wanted
        sign = ">=" if self.least else "<="
        return f"{'met' if met else 'MISSED':>15} {self.name}: {self.found:.2f} ({sign} {self.wanted:.2f}), {self.found / self.wanted:.0%}"


def compare(engine: Engine, key: str, environ: dict[str, str], seconds: float) -> list[Target]:
    """The bare view and the collector in turn; of each share the middle one counts."""
    targets: list[Target] = []
    with ExitStack() as stack:
        ports = {label: stack.enter_context(gunicorn(APPS[label], free_port(), environ)) for label in ("bare", "collector")}

        @contextmanager
        def served(label: str) -> Iterator[int]:
            if label in ports:
                yield ports[label]
            else:
                with gunicorn(APPS[label], free_port(), environ) as port:
                    yield port

        for kind in KINDS:
            rounds = []
            for _ in range(ROUNDS):
                figures = {}
                for label in APPS:
                    with served(label) as port:
                        figures[label] = measure(engine, key, label, kind, port, seconds)
                    print(f"{kind.name:>15} {label:>10} {figures[label]}", flush=True)
                rounds.append(figures)
            targets += _shares(kind, rounds)
    return targets


def _shares(kind: Kind, rounds: list[dict[str, Figures]]) -> list[Target]:
    found = []
    for label in APPS:
        if label == "bare":
            continue
        rate = sorted(each[label].rate / each["bare"].rate for each in rounds)[len(rounds) // 2]
        work = sorted(each["bare"].each / each[label].each for each in rounds)[len(rounds) // 2]
        print(f"{kind.name:>15} {label:>10} {rate:9.0%} of the bare view, {work:.0%} by CPU seconds", flush=True)
        found += [Target(f"{kind.name}, {label}, of the bare view's rate", kind.share, rate)]
        found += [Target(f"{kind.name}, {label}, of the bare view's rate by CPU seconds", kind.share, work)]
    return found


def measure(engine: Engine, key: str, label: str, kind: Kind, port: int, seconds: float) -> Figures:
    """One load on one server over empty tables; one that processes has begun to."""
    with engine.begin() as connection:
        connection.execute(text("drop table if exists bare; create table bare (message_id text, event jsonb)"))
        connection.execute(text("truncate event_inbox, event_receipt"))

    def requests(number: int) -> bytes:
        return request_bytes(kind.path, key, kind.make(number))

    load(port, requests, kind.size, 1)
    if label == "served":
        _wait_until_empty(engine)
    before = cpu_seconds(engine)
    found = load(port, requests, kind.size, seconds)
    return replace(found, cpu=cpu_seconds(engine) - before)


def cpu_seconds(engine: Engine) -> float:
    """What the processes that this one began, and those of the database, have used."""
    found = {each.pid: each for root in (psutil.Process(), _database(engine)) for each in root.children(recursive=True)}
    return sum(sum(each.cpu_times()[:2]) for each in found.values() if each.is_running())


def _database(engine: Engine) -> psutil.Process:
    with engine.connect() as connection:
        parent = psutil.Process(connection.execute(text("select pg_backend_pid()")).scalar_one()).parent()
    assert parent is not None
    return parent


def processing(engine: Engine, settings: Settings, key: str) -> None:
    """CPU time that an event takes from the inbox to its profile, of Python and of the database, in batches as they come at full load."""
    receiver = Receiver(engine)

    def fill(first: int, count: int) -> None:
        for start in range(first, first + count, 400):
            events = b",".join(lively(number) for number in range(start, start + 400))
            receiver.receive(Request("batch", b'{"batch":[' + events + b"]}", key))

    with engine.begin() as connection:
        connection.execute(text("truncate event_inbox, event_receipt"))
    fill(10**8, 8_000)
    process(engine, settings)
    fill(10**8 + 8_000, PROCESSED)
    database = _database(engine)
    before, theirs = time.process_time(), _children(database)
    done = process(engine, settings)
    mine, theirs = time.process_time() - before, _children(database) - theirs
    receiver.inbox.close()
    each = [f"{seconds / done.events * 1e6:.0f} us" for seconds in (mine, theirs)]
    print(f"{'processing':>15} {done.events:>10,} events   {each[0]} CPU of Python and {each[1]} of the database an event", flush=True)


def _children(process: psutil.Process) -> float:
    return sum(sum(child.cpu_times()[:2]) for child in process.children(recursive=True))


def until_visible(engine: Engine, key: str, environ: dict[str, str], seconds: float, rate: int) -> Target:
    """How long an accepted event takes to its profile, at `rate` events a second in batches of 20."""
    with engine.begin() as connection:
        connection.execute(text("truncate event_inbox, event_receipt"))
    follower = subprocess.Popen(
        [sys.executable, "-c", "from cdp.cli import main; main()", "events", "process", "--follow"], env={**os.environ, **environ}
    )
    try:
        with gunicorn(APPS["collector"], free_port(), environ) as port:

            def requests(number: int) -> bytes:
                events = b",".join(lively(number * 20 + i) for i in range(20))
                return request_bytes("/v1/batch", key, b'{"batch":[' + events + b"]}")

            load(port, requests, 20, 5, rate=rate / 20)  # until every process has read what it needs
            _wait_until_empty(engine)
            watch = _Watch(engine)
            watch.start()
            found = load(port, requests, 20, seconds, rate=rate / 20)
            print(f"{f'{rate:,} a second':>15} {'collector':>10} {found}", flush=True)
            _wait_until_empty(engine)
            time.sleep(0.3)
            watch.stop.set()
            watch.join()
    finally:
        follower.send_signal(signal.SIGTERM)
        follower.wait(30)
    lags = sorted(watch.lags)
    p50, p95, p99 = (lags[int(len(lags) * part)] for part in (0.5, 0.95, 0.99))
    print(f"{'until visible':>15} {len(lags):>10,} events   p50 {p50:.2f} s   p95 {p95:.2f} s   p99 {p99:.2f} s", flush=True)
    return Target(f"95 % of {rate:,} events a second are on their profile within seconds", 2, p95, least=False)


class _Watch(threading.Thread):
    """Looks every tenth of a second which events have come to be on profiles, and how long ago they were accepted."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine, self.stop = engine, threading.Event()
        self.lags: list[float] = []

    def run(self) -> None:
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            last = connection.execute(text("select coalesce(max(id), 0) from interaction")).scalar_one()
            while not self.stop.wait(0.1):
                rows = connection.execute(_ARRIVED, {"last": last}).all()
                last = max((row.id for row in rows), default=last)
                self.lags += [float(row.lag) for row in rows]


_ARRIVED = text(
    """select i.id, extract(epoch from clock_timestamp() - r.received_at) as lag from interaction i
       join event_receipt r on r.message_id = i.source_key where i.id > :last and i.profile_id is not null"""
)


def _wait_until_empty(engine: Engine) -> None:
    while _count(engine, "event_inbox"):
        time.sleep(0.2)


def _count(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text(f"select count(*) from {table}")).scalar_one())


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--only", choices=["rate", "processing", "visible"])
    parser.add_argument("--rate", type=int, default=2000, help="events a second while the time until they are visible is measured")
    options = parser.parse_args()
    targets: list[Target] = []
    with tempfile.TemporaryDirectory(prefix="cdp-bench-") as folder:
        settings = Settings(home=Path(folder))
        engine = connect(settings)
        migrate(engine)
        with engine.begin() as connection:
            key = keys.create(connection, "bench")
        environ = {"CDP_DATABASE_URL": engine.url.render_as_string(hide_password=False), "CDP_HOME": folder}
        if options.only in (None, "rate"):
            targets += compare(engine, key, environ, options.seconds)
        if options.only in (None, "processing"):
            processing(engine, settings, key)
        if options.only in (None, "visible"):
            targets.append(until_visible(engine, key, environ, max(options.seconds, 15), options.rate))
        engine.dispose()
    for target in targets:
        print(target, flush=True)


if __name__ == "__main__":
    main()
