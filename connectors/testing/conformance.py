"""`conform` runs every check that applies to a connector, on every stream of it, each on a fresh system."""

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
from connectors.testing.lab import Opens, lab
from connectors.testing.system import System

Makes = Callable[[ManualClock], System]


@dataclass(frozen=True)
class Result:
    """What became of one check on one stream: `problem` is None where it passed; `lacks` says why it does not apply, where it does not."""

    check: str
    stream: str
    problem: str | None
    lacks: str = ""

    @property
    def applies(self) -> bool:
        return not self.lacks


def run(check: Check, opens: Opens, makes: Makes, stream: str) -> Result:
    """One check on one stream."""
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    with lab(opens, makes, stream) as room:
        try:
            missing = sorted(check.needs - room.able())
            if missing:
                return Result(check.name, stream, None, room.fake.why(stream, missing[0]))
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


def fake_of(kind: Any) -> type[System]:
    """The system that a connector ships to be tested on: the class `Fake` of `fake` in its package, or of `NAME_fake` beside its module.

    Raises:
        ConfigError: it ships none, because its test runs the real system.
    """
    for module in (f"{kind.__module__}.fake", f"{kind.__module__}_fake"):
        try:
            found: type[System] = importlib.import_module(module).Fake
        except ModuleNotFoundError as error:
            if error.name not in (module, kind.__module__):  # a module that the fake lacks
                raise
        else:
            return found
    name = kind.__module__.rpartition(".")[2]
    raise ConfigError(
        f"{name} ships no fake, because its test runs the real system: "
        f"in a checkout of the platform, python -m pytest tests/connectors/test_{name}.py (see docs/connectors.md)"
    )


def conform_named(name: str, only: Iterable[str] = ()) -> Iterator[Result]:
    """Every check on every stream of a connector that is known by name."""
    kind = connector(name)
    makes = fake_of(kind)
    yield from conform(kind, makes, makes.streams, only)
