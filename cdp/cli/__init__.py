"""The command line: each command parses, calls one function of a room, and prints its report."""

from __future__ import annotations

import importlib
import sys

import click

from cdp import __version__
from cdp.cli.console import fail
from cdp.errors import PlatformError

COMMANDS = {
    "init": "cdp.cli.database:init",
    "status": "cdp.cli.database:status",
    "backup": "cdp.cli.database:backup",
    "restore": "cdp.cli.database:restore",
    "sources": "cdp.cli.sources:sources",
    "sync": "cdp.cli.sources:sync",
    "quarantine": "cdp.cli.sources:quarantine",
    "receipts": "cdp.cli.sources:receipts",
    "resolve": "cdp.cli.profiles:resolve",
    "profiles": "cdp.cli.profiles:profiles",
    "decisions": "cdp.cli.decisions:decisions",
    "evaluate": "cdp.cli.identity:evaluate",
    "identity": "cdp.cli.identity:identity",
    "connectors": "cdp.cli.connectors:connectors",
    "events": "cdp.cli.events:events",
    "attributes": "cdp.cli.attributes:attributes",
    "segments": "cdp.cli.segments:segments",
    "monitors": "cdp.cli.monitors:monitors",
    "destinations": "cdp.cli.destinations:destinations",
    "users": "cdp.cli.access:users",
    "keys": "cdp.cli.access:keys",
    "audit": "cdp.cli.access:audit",
    "serve": "cdp.cli.serve:serve",
    "run": "cdp.cli.schedule:run",
    "report": "cdp.cli.schedule:report",
    "housekeeping": "cdp.cli.schedule:housekeeping",
    "dags": "cdp.cli.schedule:dags",
    "demo": "cdp.cli.demo:demo",
}
"""Command -> where it is; a command's module is imported when the command is called."""


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cdp")
def program() -> None:
    """Customer data platform: who is who, everything that happened, and what to do about it."""


def main() -> None:
    """Entry point: a PlatformError is printed as its text and exits with 1."""
    try:
        program()
    except PlatformError as error:
        fail(str(error))
        sys.exit(1)
