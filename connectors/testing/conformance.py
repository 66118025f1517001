"""`conform` runs every check that applies to a connector, on every stream of it, each on a fresh fake."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

from connectors.contract import ConfigError, SourceError
from connectors.testing import worst as worst  # registers its checks
from connectors.testing.checks import CHECKS, Check, Failed
from connectors.testing.clock import ManualClock
from connectors.testing.fake import FakeVendor
from connectors.testing.lab import Opens, lab

Makes = Callable[[ManualClock], FakeVendor]


@dataclass(frozen=True)
class Result:
    """What became of one check on one stream: `problem` is None where it passed; `applies` is false where the fake lacks what it needs."""

    check: str
    stream: str
    problem: str | None
    applies: bool = True


def run(check: Check, opens: Opens, makes: Makes, stream: str) -> Result:
    """One check on one stream."""
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    with lab(opens, makes, stream) as room:
        can = set(room.fake.able(stream))
        try:
            if not room.described().complete:
                can.add("incremental")
            if room.sweeps():
                can.add("sweep")
            if not check.needs <= can:
                return Result(check.name, stream, None, applies=False)
            check.run(room)
        except Failed as failure:
            return Result(check.name, stream, str(failure))
        except SourceError as error:
            return Result(check.name, stream, f"{type(error).__name__}: {error}")
        except Exception as error:
            return Result(check.name, stream, f"{type(error).__name__} escapes, which is no SourceError: {error}")
    return Result(check.name, stream, None)


def conform(opens: Opens, makes: Makes, streams: Iterable[str], only: Iterable[str] = ()) -> Iterator[Result]:
    """Every check on every stream.

    Raises:
        ConfigError: `only` names a check that there is not.
    """
    wanted = list(only) or list(CHECKS)
    unknown = [name for name in wanted if name not in CHECKS]
    if unknown:
        raise ConfigError(f"no check {', '.join(unknown)}; there are {', '.join(CHECKS)}")
    for stream in streams:
        for name in wanted:
            yield run(CHECKS[name], opens, makes, stream)


def connector(name: str) -> Any:
    """The connector class: of an entry point in the group `cdp.connectors`, or of a package `name` that can be imported.

    Raises:
        ConfigError: there is none.
    """
    for point in entry_points(group="cdp.connectors"):
        if point.name == name:
            return point.load()
    try:
        return importlib.import_module(name).Connector
    except (ModuleNotFoundError, AttributeError):
        known = ", ".join(sorted(point.name for point in entry_points(group="cdp.connectors")))
        raise ConfigError(
            f"no connector {name!r}: no entry point (there are {known}), and no package {name} with a class Connector"
        ) from None


def fake_of(kind: Any) -> type[FakeVendor]:
    """The fake of a connector: the class `Fake` of the module `fake` beside it.

    Raises:
        ConfigError: it has none, because the real system runs in its tests.
    """
    try:
        found: type[FakeVendor] = importlib.import_module(f"{kind.__module__}.fake").Fake
    except ModuleNotFoundError:
        raise ConfigError(f"{kind.__module__} has no fake: its tests run the real system, see docs/connectors.md") from None
    return found


def conform_named(name: str, only: Iterable[str] = ()) -> Iterator[Result]:
    """Every check on every stream of a connector that is known by name."""
    kind = connector(name)
    makes = fake_of(kind)
    yield from conform(kind, makes, makes.streams, only)
