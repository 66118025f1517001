"""The kit passes the right connector, and each of its checks catches the connector that breaks its rule."""

from __future__ import annotations

import pytest

from connectors.testing import CHECKS
from connectors.testing.conformance import conform, run
from connectors.testing.mutants import MUTANTS
from connectors.testing.reference import ReferenceFake, ReferenceSource


@pytest.mark.parametrize("stream", ReferenceFake.streams)
def test_right_connector_passes_every_check(stream: str) -> None:
    results = list(conform(ReferenceSource, ReferenceFake, [stream]))
    assert [(result.check, result.problem) for result in results if result.problem] == []
    assert all(result.applies for result in results)


def test_every_check_has_its_broken_connector() -> None:
    assert set(MUTANTS) == set(CHECKS)


@pytest.mark.parametrize("name", CHECKS)
def test_check_catches_its_broken_connector(name: str) -> None:
    result = run(CHECKS[name], MUTANTS[name], ReferenceFake, "people")
    assert result.applies
    assert result.problem is not None
    assert not result.problem.startswith(("TypeError", "AttributeError", "KeyError"))
