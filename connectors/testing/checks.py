"""The conformance checks of reading: each states one rule of the contract, and says in a sentence how a connector breaks it.

Each check is a function of a `Lab`; its docstring is the rule. `needs` names what the system must be able to do (`System.can`),
`incremental` for streams that are not read whole each time, or `sweep` for those that list their keys; where it cannot, the check does
not apply, and the system says why.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from threading import Event
from time import monotonic

import pyarrow as pa
from jsonschema import Draft202012Validator

from connectors.contract import AuthError, ConfigError, ContractError, Page, SourceError
from connectors.testing.fake import Fault
from connectors.testing.lab import Lab


class Failed(AssertionError):
    """A check that a connector does not pass; the text says what it does instead."""


@dataclass(frozen=True)
class Check:
    """A rule, and what it needs of the system."""

    name: str
    rule: str
    needs: frozenset[str]
    run: Callable[[Lab], None]


CHECKS: dict[str, Check] = {}


def check(*needs: str) -> Callable[[Callable[[Lab], None]], Callable[[Lab], None]]:
    """Register a function as a check."""

    def register(function: Callable[[Lab], None]) -> Callable[[Lab], None]:
        CHECKS[function.__name__] = Check(function.__name__, (function.__doc__ or "").strip(), frozenset(needs), function)
        return function

    return register


def must(holds: object, text: str) -> None:
    """Fail with `text` unless something holds."""
    if not holds:
        raise Failed(text)


def agrees(lab: Lab) -> None:
    """Fail unless what landed is what the source has."""
    must(lab.agrees(), f"what landed is not what the source has: {lab.difference()}")


def raises(lab: Lab, kinds: tuple[type[SourceError], ...]) -> SourceError:
    """The error of a sync; fail unless it is one of `kinds`."""
    try:
        lab.sync()
    except kinds as error:
        return error
    except SourceError as error:
        raise Failed(f"{type(error).__name__} where {' or '.join(kind.__name__ for kind in kinds)} is right") from error
    raise Failed(f"no error where {' or '.join(kind.__name__ for kind in kinds)} is right")


# --- configuration and credentials ------------------------------------------------------------------------------------------


@check()
def configuration(lab: Lab) -> None:
    """The configuration is checked by its schema: the right one passes, and one without a required member does not."""
    schema = lab.config_schema
    Draft202012Validator.check_schema(schema)
    config = lab.fake.config()
    must(Draft202012Validator(schema).is_valid(config), "the right configuration does not meet config_schema")
    for name in schema.get("required", []):
        must(not Draft202012Validator(schema).is_valid({k: v for k, v in config.items() if k != name}), f"{name} is not required")
    if Draft202012Validator(schema).is_valid({**config, "no_such_setting": 1}):
        try:
            lab.source(no_such_setting=1)
        except ConfigError:
            return
        raise Failed("an unknown setting is let through")


@check("credentials")
def credentials(lab: Lab) -> None:
    """Credentials that the source refuses are an AuthError, at the first step."""
    lab.fake.revoked = True
    try:
        lab.source().streams()
    except AuthError:
        return
    except SourceError as error:
        raise Failed(f"{type(error).__name__} where AuthError is right") from error
    raise Failed("streams() is given although the source refuses the credentials")


# --- whole reads -------------------------------------------------------------------------------------------------------------


@check()
def full_read(lab: Lab) -> None:
    """A first read gives every row, as the source wrote it."""
    lab.fill(7)
    lab.sync()
    agrees(lab)


@check()
def keys(lab: Lab) -> None:
    """A read of a quiet source gives each key once."""
    lab.fill(5)
    lab.fake.page_size = 2
    landed = lab.sync()
    must(not landed.repeated, f"keys given twice: {landed.repeated}")
    agrees(lab)


@check("keyless")
def rows_without_key(lab: Lab) -> None:
    """A row without its key is refused, and the others are kept."""
    lab.fill(5)
    lab.fake.put(lab.stream, "")
    lab.fake.page_size = 2
    landed = lab.sync()
    must(not set(landed.rows) & {"", "None"}, "a row without key was given as a row")
    must(landed.refused, "a row without key was left out without a word")
    agrees(lab)


@check("broken_row")
def broken_rows(lab: Lab) -> None:
    """What lies among the rows and is none is refused with its place, and the rows around it are kept."""
    lab.fill(3)
    lab.fake.put_broken(lab.stream)
    lab.fill(3, first=4)
    lab.fake.page_size = 2
    landed = lab.sync()
    agrees(lab)
    must(landed.refused, "what is no row was left out without a word")
    must(all(refused.place and refused.message for refused in landed.refused), "a refusal does not say where and why")


@check()
def page_sizes(lab: Lab) -> None:
    """Pages of one row, of an exact multiple, and no row at all are read to the end."""
    lab.sync()
    agrees(lab)
    lab.fill(6)
    for size in (1, 2, 3, 6, 100):
        lab.fake.page_size, lab.landed.bookmark = size, None
        lab.landed.rows.clear()
        lab.sync()
        agrees(lab)


@check("empty_page")
def empty_middle_page(lab: Lab) -> None:
    """A page without rows that names a next one is not the end."""
    lab.fill(6)
    lab.fake.page_size, lab.fake.empty_page = 2, True
    lab.sync()
    agrees(lab)


@check("repeat")
def repeated_cursor(lab: Lab) -> None:
    """A source that gives the same page token for ever is a ContractError, soon."""
    lab.fill(6)
    lab.fake.page_size, lab.fake.repeat = 2, True
    lab.vendor.faults.append(Fault(500, times=10**6, after=30))
    raises(lab, (ContractError,))
    must(len(lab.fake.requests) <= 30, f"{len(lab.fake.requests)} requests were sent before it stopped")


@check()
def lazy(lab: Lab) -> None:
    """Pages are read one by one, as they are asked for, so that memory does not grow with the source."""
    if "requests" not in lab.able():
        _lazy_in_memory(lab)
        return
    lab.fill(12)
    lab.fake.page_size = 1
    source = lab.source()
    source.streams()
    before = len(lab.fake.requests)
    page = next(source.read(lab.stream))
    children = len(page.rows) if lab.fake.page_size else 0
    must(len(lab.fake.requests) - before <= 2 + children, f"{len(lab.fake.requests) - before} requests before the first page was given")


def _lazy_in_memory(lab: Lab) -> None:
    """Where nobody counts requests, what is held when the first page is given tells whether the others were read."""
    count, size = _wide_rows(lab)
    next(lab.source().read(lab.stream))  # imports, and what is kept once for all
    enough = count * size * 3 // 8
    with _measured(lab) as held, _ended(lab.source().read(lab.stream)) as reading:
        next(reading)
        must(held(enough) < enough, f"{held(0):,} bytes are held when the first page is given, of {count} pages of {size:,}")


@check()
def flat_memory(lab: Lab) -> None:
    """What a read holds does not grow with the pages it gave: of the wide pages behind the first ones, less than half is left."""
    count, size = _wide_rows(lab)
    reading = lab.source().read(lab.stream)
    for _ in islice(reading, count // 5):
        pass
    with _measured(lab) as held, _ended(reading):
        given = sum(1 for _ in islice(reading, count * 3 // 4))
        enough = given * size // 2
        must(held(enough) < enough, f"{held(0):,} bytes are held of {given} pages of {size:,}")


@contextmanager
def _ended(reading: Iterator[Page]) -> Iterator[Iterator[Page]]:
    """A read that is ended before measuring is: a thread of it that takes memory just when `tracemalloc` stops brings the process down
    (CPython issue 128679)."""
    try:
        yield reading
    finally:
        if isinstance(reading, Generator):
            reading.close()


_SETTLED = 2.0
"""Seconds."""


def _wide_rows(lab: Lab) -> tuple[int, int]:
    """Write rows of which each is a page; how many, and the size of one."""
    count, size = lab.fake.wide(lab.stream)
    for number in range(1, count + 1):
        lab.fake.put(lab.stream, str(number), name="x" * size)
    lab.fake.page_size = 1
    return count, size


@contextmanager
def _measured(lab: Lab) -> Iterator[Callable[[int], int]]:
    """How many bytes are held that were not when it began, once they are fewer than asked, or after a while."""
    threads = "requests" in lab.able()  # of the fake, which end a little later
    gc.freeze()  # what was there before is not looked through each time
    tracemalloc.start()  # and is not counted
    before = pa.total_allocated_bytes()

    def held(enough: int) -> int:
        until = monotonic() + (_SETTLED if enough and threads else 0)
        while True:
            gc.collect()
            now = tracemalloc.get_traced_memory()[0] + pa.total_allocated_bytes() - before
            if now < enough or monotonic() >= until:
                return int(now)
            Event().wait(0.05)

    try:
        yield held
    finally:
        tracemalloc.stop()
        gc.unfreeze()


@check()
def odd_values(lab: Lab) -> None:
    """Unicode, emoji, huge integers and fields nobody knows arrive as they are."""
    lab.fill(1)
    lab.fake.put(lab.stream, "2", name="Zoë \u202e🎉 Ξένη\u0000", unknown_field={"deep": [1, None, True]}, huge=2**63 + 1)
    lab.sync()
    agrees(lab)


# --- reads that go on ---------------------------------------------------------------------------------------------------------


@check()
def idle(lab: Lab) -> None:
    """A second read of an unchanged source changes nothing."""
    lab.fill(5)
    lab.sync()
    before = lab.landed.changes
    lab.fake.clock.advance(3600)
    lab.sync()
    must(lab.landed.changes == before, f"{lab.landed.changes - before} changes landed from a source that did not change")
    agrees(lab)


@check()
def updates_and_inserts(lab: Lab) -> None:
    """Rows that changed, and new ones, arrive with the next read."""
    lab.fill(5)
    lab.sync()
    lab.fake.clock.advance(3600)
    lab.fake.put(lab.stream, "2", name="Changed")
    lab.fake.put(lab.stream, "9")
    lab.sync()
    agrees(lab)
    lab.fake.clock.advance(3600)
    lab.fake.put(lab.stream, "3", name="Changed later")
    lab.sync()
    agrees(lab)


@check("incremental")
def asks_for_changes(lab: Lab) -> None:
    """A later read asks for what changed, and not for everything again."""
    lab.fill(40, days_ago=400)
    lab.fill(1, first=50)
    lab.fake.page_size = 1
    lab.sync()
    lab.fake.clock.advance(3600)
    lab.fake.put(lab.stream, "1", name="Changed")
    before = lab.asked()
    lab.sync()
    agrees(lab)
    must(lab.asked() - before < 30, "the next read went through all rows again")


@check("incremental")
def ties(lab: Lab) -> None:
    """A row that changed at the very time of the bookmark, after it was taken, is not missed."""
    lab.fill(3)
    lab.sync()
    lab.fake.put(lab.stream, "8", lab.fake.clock.now())
    lab.fake.clock.advance(3600)
    lab.sync()
    agrees(lab)


@check("incremental")
def late_commits(lab: Lab) -> None:
    """A row that commits late, with a time before the bookmark, is not missed."""
    lab.fill(3)
    lab.sync()
    lab.fake.put(lab.stream, "8", lab.fake.clock.now() - timedelta(seconds=lab.fake.lag))
    lab.fake.clock.advance(3600)
    lab.sync()
    agrees(lab)


@check("delete")
def deletions(lab: Lab) -> None:
    """A row that was deleted in the source goes, and the others stay."""
    lab.fill(4)
    lab.sync()
    lab.fake.clock.advance(60)
    lab.fake.delete(lab.stream, "2")
    lab.sync()
    agrees(lab)


@check("sweep")
def sweep(lab: Lab) -> None:
    """The list of keys, where there is one, holds every key there is and no other; where it breaks off, it is an error."""
    lab.fill(7)
    lab.fake.page_size = 2
    lab.fake.clock.advance(60)
    lab.fake.delete(lab.stream, "2")
    listed = lab.keys()
    there = set(lab.fake.truth(lab.stream))
    must(set(listed) == there, f"keys missing {sorted(there - set(listed))}, too many {sorted(set(listed) - there)}")
    lab.fake.break_off(lab.stream)
    try:
        lab.keys()
    except SourceError:
        return
    raise Failed("a list of keys that broke off ended without an error, as if the rest were deleted")


@check("merge")
def merges(lab: Lab) -> None:
    """Two rows that were merged in the source are one, and which one lives is told."""
    lab.fill(4)
    lab.sync()
    lab.fake.clock.advance(60)
    lab.fake.merge(lab.stream, "2", "4")
    lab.sync()
    agrees(lab)
    must(lab.landed.merged.get("2") == "4", "the merge of row 2 into row 4 is not told")


@check("zones", "incremental")
def time_zones(lab: Lab) -> None:
    """Times in several offsets are compared as instants: a row is not missed because another one's text looks later."""
    lab.fake.zones = True
    for number in range(1, 7):
        lab.fake.put(lab.stream, str(number), lab.fake.clock.now() - timedelta(minutes=number))
    lab.sync()
    lab.fake.clock.advance(3600)
    lab.fake.put(lab.stream, "7")
    lab.fake.clock.advance(60)
    lab.sync()
    agrees(lab)


@check()
def kill_and_resume(lab: Lab) -> None:
    """A run that is killed after any page goes on, and nothing is missing."""
    lab.fill(9)
    lab.fake.page_size = 2
    for pages in range(1, 6):
        lab.landed.rows.clear()
        lab.landed.bookmark = None
        lab.sync(stop_after=pages)
        lab.sync()
        agrees(lab)


@check("incremental")
def kill_in_a_later_run(lab: Lab) -> None:
    """A run that is killed while it reads changes goes on, and no change is missing."""
    lab.fill(3)
    lab.sync()
    lab.fake.clock.advance(7200)
    lab.fill(7, first=10)
    lab.fake.page_size = 2
    lab.sync(stop_after=1)
    lab.sync()
    agrees(lab)
