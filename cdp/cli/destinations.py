"""`cdp destinations`: list, add, preflight, send, reconcile, status, disable, shared."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from rich.progress import Progress
from rich.table import Table

from cdp import activation, profiles
from cdp.activation import Report
from cdp.cli.console import database, err, out, settings


@click.group()
def destinations() -> None:
    """Where audiences are sent."""


@destinations.command("list")
def list_destinations() -> None:
    """Every destination and what goes there."""
    with database().connect() as connection:
        found = activation.destinations(connection)
    table = Table("destination", "audience", "format", "to", "on", "when", "", box=None, pad_edge=False)
    for d in found:
        basis = f"consent to {d.purpose}" if d.purpose else "legal basis"
        table.add_row(
            d.name,
            d.segment or "everybody",
            d.document["format"],
            d.kind,
            basis,
            d.document.get("schedule", ""),
            "" if d.enabled else "[yellow]disabled[/]",
        )
    out.print(table if found else "No destination yet: `cdp destinations add FILE` (docs/activation.md).")


@destinations.command("add")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def add(file: Path) -> None:
    """Add the destination that FILE (YAML or JSON) defines, or change it."""
    document = activation.load(file)
    with database().begin() as connection:
        found = activation.register(connection, document, "command line")
    out.print(f"{found.name}: `cdp destinations preflight {found.name}` says what would be sent", markup=False)


@destinations.command("disable")
@click.argument("name")
def disable(name: str) -> None:
    """Send nothing more there."""
    with database().begin() as connection:
        activation.disable(connection, name, "command line")
    out.print(f"{name} is disabled; what was sent stays in the ledger", markup=False)


@destinations.command("preflight")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def preflight(name: str, as_json: bool) -> None:
    """Say what a delivery would do and which rows would fail; nothing leaves."""
    report = activation.preflight(database(), name)
    _show(report, "would be ", as_json)


@destinations.command("send")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def send(name: str, as_json: bool) -> None:
    """Bring the destination up to date: everybody once, then who joined, changed or left."""
    with Progress(console=err, transient=True, disable=not err.is_terminal) as bars:
        task = bars.add_task(f"Sending to {name}", total=None)
        report = activation.send(database(), settings(), name, lambda rows: bars.update(task, completed=rows))
    _show(report, "", as_json)
    if not report.complete:
        raise SystemExit(1)


@destinations.command("reconcile")
@click.argument("name")
@click.option("--everything", is_flag=True, help="Do not ask: it has forgotten everybody.")
def reconcile(name: str, everything: bool) -> None:
    """Ask the destination whom it has; whom it forgot is sent again by the next delivery."""
    found = activation.reconcile(database(), settings(), name, everything=everything)
    if found.there is not None:
        out.print(f"{found.there:,} people are there; {found.foreign:,} of them were not sent by this platform.")
    if found.waiting or found.failed:
        out.print(f"{found.waiting:,} calls are not worked off yet, {found.failed:,} failed afterwards.")
    for reason, count in found.refused.items():
        out.print(f"[red]{count:,} refused afterwards:[/] {reason}")
    out.print(f"{found.forgotten:,} people are sent again by the next delivery.")


@destinations.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def status(as_json: bool) -> None:
    """The last delivery to each destination, and how many people are there."""
    with database().connect() as connection:
        rows = activation.status(connection)
    if as_json:
        click.echo(json.dumps(rows, default=str))
        return
    table = Table("destination", "people there", "last delivery", "finished", "added", "updated", "removed", "", box=None, pad_edge=False)
    for row in rows:
        said: dict[str, Any] = row["report"] or {}
        counts = (f"{said[key]:,}" if key in said else "" for key in ("added", "updated", "removed"))
        finished = f"{row['finished_at']:%Y-%m-%d %H:%M}" if row["finished_at"] else ""
        table.add_row(row["name"], f"{row['present']:,}", row["status"] or "never", finished, *counts, row["error"] or "")
    out.print(table if rows else "No destination yet: `cdp destinations add FILE`.")


@destinations.command("shared")
@click.argument("profile", type=click.UUID)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def shared(profile: UUID, as_json: bool) -> None:
    """With whom the data of PROFILE was shared, and on what; also of an id that was merged into another."""
    with database().connect() as connection:
        entries = activation.shared_with(connection, profiles.living(connection, profile))
    if as_json:
        click.echo(json.dumps([asdict(entry) for entry in entries], default=str))
        return
    table = Table("when", "destination", "change", "fields", "on", "answer", box=None, pad_edge=False)
    for entry in entries:
        consent = f" (agreed {entry.consent_at:%Y-%m-%d}, {entry.consent_source})" if entry.consent_at else ""
        table.add_row(
            f"{entry.at:%Y-%m-%d %H:%M}", entry.destination, entry.change, ", ".join(entry.fields), entry.basis + consent, entry.answer
        )
    out.print(table if entries else "Nothing about this profile was sent anywhere.")


def _show(report: Report, would: str, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(report.to_document()))
        return
    counts = report.counts
    out.print(
        f"{counts.members:,} people in the audience: {counts.without_consent:,} did not agree and are left out, "
        f"{counts.without_profile:,} have no profile or were deleted at every source, "
        f"{sum(report.failing.values()):,} have nothing that the destination could use."
    )
    out.print(f"{report.added:,} {would}added, {report.updated:,} {would}updated, {report.removed:,} {would}removed.")
    if report.kept:
        out.print(f"{report.kept:,} not removed: somebody who stays is known there by the same e-mail or phone.")
    for reason, count in report.failing.most_common():
        out.print(f"[yellow]{count:,} {would or 'were '}left out:[/] {reason} [dim](such as {', '.join(report.samples[reason][:3])})[/]")
    for reason, count in report.refused.most_common():
        out.print(f"[red]{count:,} refused:[/] {reason}")
    for warning in report.warnings:
        out.print(f"[yellow]Note:[/] {warning}")
    for place in report.places:
        out.print(f"→ {place}", markup=False)
