"""Commands for those who write connectors; the conformance kit and the connectors are found by entry point, and never imported by name."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from cdp.cli.console import database, fail, out
from cdp.errors import PlatformError
from cdp.ingest.sweep import sweep as sweep_sources


class KitMissing(PlatformError):
    """The connectors package is not installed."""


def _kit() -> Any:
    """The conformance kit.

    Raises:
        KitMissing: no distribution offers it.
    """
    for point in entry_points(group="cdp.connector_kit", name="kit"):
        return point.load()
    raise KitMissing("no connector kit is installed (entry point `kit` of the group cdp.connector_kit): install the platform again")


@click.group()
def connectors() -> None:
    """Connectors: which there are, whether one conforms, a new one."""


@connectors.command("list")
def list_() -> None:
    """Show every connector that is installed, and what it is configured with."""
    table = Table("connector", "settings (* required)", "what it reads", box=None)
    for point in sorted(entry_points(group="cdp.connectors"), key=lambda each: each.name):
        kind = point.load()
        required = set(kind.config_schema.get("required", ()))
        names = [f"{name}*" if name in required else name for name in kind.config_schema.get("properties", {})]
        table.add_row(point.name, ", ".join(names), (kind.__doc__ or "").strip().splitlines()[0])
    out.print(table)


@connectors.command()
@click.argument("name")
def show(name: str) -> None:
    """Print a source definition for a connector: its settings to fill in, and the mapping that it ships."""
    sys.path.insert(0, str(Path.cwd()))
    kit = _kit()
    kind = kit.connector(name)
    schema = kind.config_schema
    settings = {key: f"env:{name.upper()}_{key.upper()}" for key in schema.get("required", ())}
    definition = {"name": name, "department": name, "connector": name, "config": settings, "mapping": kit.mapping_of(kind)}
    sys.stdout.write(json.dumps(definition, indent=2, ensure_ascii=False) + "\n")


@connectors.command()
@click.argument("name")
@click.option("--check", "checks", multiple=True, help="Run only this check; may be given several times.")
def test(name: str, checks: tuple[str, ...]) -> None:
    """Run the conformance kit on a connector and the system it ships for that; NAME is installed, or a package in this folder."""
    sys.path.insert(0, str(Path.cwd()))
    kit = _kit()
    failed = total = skipped = 0
    for result in kit.conform_named(name, checks):
        total += 1
        skipped += not result.applies
        failed += result.problem is not None
        lacks = f"[dim]does not apply: {escape(result.lacks)}[/]"
        mark = "[red]fails[/]" if result.problem else "[green]passes[/]" if result.applies else lacks
        out.print(f"{result.stream:<16} {result.check:<22} {mark}", soft_wrap=True)
        if result.problem:
            out.print(f"    {result.problem}", markup=False)
    out.print(f"{name}: {total - failed - skipped} checks pass, {failed} fail, {skipped} do not apply")
    kind = kit.connector(name)
    for stream, fields in kit.unmapped(kind, kit.fake_of(kind)).items():
        if fields:
            out.print(f"{stream}: the mapping leaves out {', '.join(fields)}", markup=False)
    if failed:
        fail(f"{name} does not conform: {failed} checks fail")
        sys.exit(1)


@connectors.command()
@click.argument("sources", nargs=-1)
@click.option(
    "--due", type=click.IntRange(0), default=0, metavar="DAYS", help="Leave out sources that were swept in the last so many days."
)
@click.option("--force", is_flag=True, help="Delete although most of a stream goes.")
def sweep(sources: tuple[str, ...], due: int, force: bool) -> None:
    """Compare the keys of SOURCES, or of all, with what is stored, where the source does not tell what was deleted."""
    found = sweep_sources(database(), sources or None, force=force, due=timedelta(days=due) if due else None)
    table = Table("source", "stream", "there", "deleted", box=None)
    for swept in found:
        table.add_row(swept.source, swept.stream, f"{swept.keys:,}", "" if swept.error else f"{swept.deleted:,}")
    out.print(table if found else "No stream needs it: reading tells what was deleted, or it was swept a short time ago.")
    errors = [f"{swept.source}: {swept.error}" for swept in found if swept.error]
    for error in errors:
        fail(error)
    if errors:
        sys.exit(1)


@connectors.command()
@click.argument("name")
@click.option("--auth", default="bearer", show_default=True, help="bearer, header, basic or oauth2.")
@click.option("--paging", default="cursor", show_default=True, help="cursor, link, number or after_key.")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), default=Path("."), help="Where the package goes.")
def new(name: str, auth: str, paging: str, folder: Path) -> None:
    """Write a connector with its mapping, fake and test, which pass at once."""
    for path in _kit().new(name, auth, paging, folder):
        out.print(str(path), markup=False)
    out.print(f"Check it with: cdp connectors test {name}")
