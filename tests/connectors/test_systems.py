"""The connectors that read no vendor pass the kit on the real thing: a folder, a database file, a mail server, a manifest's HTTP API."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from cdp.cli import program
from connectors.testing import CHECKS, conform, connector, fake_of
from connectors.testing.conformance import run
from connectors.testing.system_mutants import SYSTEM_MUTANTS

HTTP = {"throttling", "long_throttling", "failure_once", "error_inside_success", "revoked_token", "expired_token", "repeated_cursor"}
"""What only a system that is asked by requests can do."""
WHOLE = {"asks_for_changes", "ties", "late_commits", "kill_in_a_later_run", "time_zones"}
"""What does not apply where a stream is read whole each time."""
LOCAL = {*HTTP, "credentials", "merges", "rows_without_key", "time_zones"}

DO_NOT_APPLY = {
    ("rest", "people"): set[str](),
    ("rest", "visits"): {*WHOLE, "sweep"},
    ("files", "people"): {*LOCAL, *WHOLE, "empty_middle_page", "failure_for_ever", "sweep"},
    ("files", "orders"): {*LOCAL, *WHOLE, "empty_middle_page", "failure_for_ever", "sweep"},
    ("files", "visits"): {*LOCAL, "deletions", "failure_for_ever", "sweep"},
    ("sql", "people"): {*LOCAL, "broken_rows", "deletions", "empty_middle_page"},
    ("sql", "visits"): {*LOCAL, *WHOLE, "broken_rows", "empty_middle_page", "sweep"},
    ("imap", "inbox"): {*HTTP, "empty_middle_page", "merges", "rows_without_key", "sweep"},
}


@pytest.mark.parametrize(("name", "stream"), DO_NOT_APPLY)
def test_conforms(name: str, stream: str) -> None:
    results = list(conform(connector(name), fake_of(connector(name)), [stream]))
    assert [(result.check, result.problem) for result in results if result.problem] == []
    assert {result.check for result in results if result.lacks} == DO_NOT_APPLY[name, stream]
    assert len(results) == len(CHECKS)


@pytest.mark.parametrize(
    ("stream", "checks"),
    [
        ("people", ["credentials", "broken_rows", "kill_in_a_later_run", "failure_for_ever", "silence"]),
        ("visits", ["deletions", "odd_values", "malformed_for_ever"]),
    ],
)
def test_a_tap_conforms(stream: str, checks: list[str]) -> None:
    """A few checks; `cdp connectors test singer` runs all, in more time than a test has: each asks some processes."""
    results = list(conform(connector("singer"), fake_of(connector("singer")), [stream], checks))
    assert [(result.check, result.problem, result.lacks) for result in results if result.problem or result.lacks] == []


def test_no_stream_is_left_out() -> None:
    for name in {name for name, _ in DO_NOT_APPLY}:
        assert [stream for each, stream in DO_NOT_APPLY if each == name] == list(fake_of(connector(name)).streams)


@pytest.mark.parametrize(("name", "opens", "makes", "stream"), SYSTEM_MUTANTS)
def test_check_catches_the_broken_connector(name: str, opens: Any, makes: Any, stream: str) -> None:
    result = run(CHECKS[name], opens, makes, stream)
    assert result.applies
    assert result.problem is not None
    assert not result.problem.startswith(("TypeError", "AttributeError", "KeyError"))


def test_the_command_tells_what_does_not_apply_and_why() -> None:
    done = CliRunner().invoke(program, ["connectors", "test", "files", "--check", "full_read", "--check", "throttling"])
    assert done.exit_code == 0, done.output
    assert "does not apply: a file is read from a disk: nothing throttles it" in done.output
    assert "files: 3 checks pass, 0 fail, 3 do not apply" in done.output


def test_the_command_says_how_a_real_server_is_tested() -> None:
    done = CliRunner().invoke(program, ["connectors", "test", "tryton"])
    assert done.exit_code == 1
    assert "python -m pytest tests/connectors/test_tryton.py" in str(done.exception)
