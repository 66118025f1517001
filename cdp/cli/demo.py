"""`cdp demo`: one company from nothing to one customer in the browser, on one screen."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import click
from rich.box import SIMPLE_HEAD
from rich.columns import Columns
from rich.console import Group
from rich.table import Table
from rich.text import Text

from cdp.cli.console import err, out, settings
from cdp.cli.serve import check_address, command
from cdp.db import connect, migrate
from cdp.demo.run import DemoReport, Stored, run
from cdp.demo.stories import Telling
from cdp.identity.evaluation import Score


@click.command()
@click.option("--home", type=click.Path(file_okay=False, path_type=Path), help="Folder of the demo's database and files (setting home).")
@click.option("--people", default=5000, show_default=True, type=click.IntRange(60, 100_000), help="How many people the company knows.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to serve the page on (setting port).")
@click.option("--no-serve", is_flag=True, help="Stop after the report.")
def demo(home: Path | None, people: int, port: int | None, no_serve: bool) -> None:
    """Invent a company of five departments, find its customers, and show them in a browser."""
    base = settings()
    chosen = replace(base, home=home or base.home, port=port or base.port)
    if not no_serve:
        check_address(chosen)
    engine = connect(chosen)
    migrate(engine)
    with err.status("Starting") as status:
        report = run(engine, chosen, chosen.home / "demo", people=people, step=lambda what: status.update(f"{what} …"))
    engine.dispose()
    show(report, f"http://{chosen.host}:{chosen.port}", served=not no_serve)
    if not no_serve:
        os.environ.update(CDP_HOME=str(chosen.home.resolve()), CDP_PORT=str(chosen.port))
        sys.stdout.flush()
        os.execv(sys.executable, command(chosen))  # noqa: S606  # the arguments are our own


def show(report: DemoReport, address: str, *, served: bool) -> None:
    """Print what the demo found."""
    world, score = report.world, report.score
    out.print()
    out.rule(f"[bold]{world.records:,} records in five departments are [green]{report.people:,} customers[/]")
    out.print(
        f"[dim]{world.interactions:,} interactions in two years · {score.people:,} people in truth · "
        f"{sum(report.seconds.values()):.0f} s: {_stages(report)}[/]",
        justify="center",
    )
    out.print(Columns([_departments(report), _scores(report)], padding=(0, 4)))
    members = " · ".join(f"[bold]{count:,}[/] {title[0].lower()}{title[1:]}" for title, count in report.segments.items())
    out.print(f"Segments: {members}\n")
    for telling in report.tellings:
        out.print(_telling(telling, report, address))
        out.print()
    if served:
        out.print(
            f"[bold]Open {address}[/] and sign in as [bold]{report.user}[/], password [bold]{report.password}[/]  [dim](Ctrl-C stops)[/]"
        )
    else:
        out.print(f"[bold]cdp serve[/] shows it at {address}: sign in as [bold]{report.user}[/], password [bold]{report.password}[/]")


def _stages(report: DemoReport) -> str:
    short = ("invent", "sync", "resolve", "profiles", "segments", "score")
    return ", ".join(f"{name} {seconds:.1f}" for name, seconds in zip(short, report.seconds.values(), strict=True))


def _departments(report: DemoReport) -> Table:
    table = Table("department", "records", "people", "duplicates", "known elsewhere", box=SIMPLE_HEAD, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for found in report.departments:
        share = f"{found.shared / found.people:.0%}" if found.people else "–"
        table.add_row(found.department, f"{found.records:,}", f"{found.people:,}", f"{found.duplicates:,}", share)
    return table


def _scores(report: DemoReport) -> Table:
    table = Table("against the truth", "precision", "recall", "F1", box=SIMPLE_HEAD, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for name, score in (("pairs of records", report.score.pairs), ("B-cubed", report.score.b_cubed)):
        table.add_row(name, *_figures(score))
    exact = report.score.exact / report.score.people if report.score.people else 1.0
    table.add_row("people exactly right", "", "", f"{exact:.1%}")
    return table


def _figures(score: Score) -> tuple[str, str, str]:
    return f"{score.precision:.4f}", f"{score.recall:.4f}", f"[bold]{score.f1:.4f}[/]"


def _telling(telling: Telling, report: DemoReport, address: str) -> Group:
    """The story, a line for each record, and where to look: no record wraps, so that all fits on one screen."""
    mark = "[green]✓[/]" if telling.right else "[red]✗[/]"
    outcome = "" if telling.right else "  [red](not found this time)[/]"
    departments = {found.source: found.department for found in report.departments}
    lines = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for width in (11, 18, 10, 24, None):
        lines.add_column(no_wrap=True, overflow="ellipsis", min_width=width)
    for keys in telling.records:
        for key in keys:
            lines.add_row(*_line(report.records[key], f"  {departments[key[0]]}"))
    urls = [f"{address}/profiles/{profile}" for profile in telling.profiles[:2]]
    links = [Text(f"  {url}", style=f"blue link {url}") for url in urls]
    return Group(f"{mark} [bold]{telling.title}.[/] [italic]{telling.text}[/]{outcome}", lines, *links)


def _line(record: Stored, department: str) -> tuple[Text, ...]:
    said = record.canonical
    name = said.get("full_name") or " ".join(said[part] for part in ("given_name", "family_name", "suffix") if said.get(part))
    address: Mapping[str, str] = next(iter(said.get("addresses") or ()), {})
    contact = next(iter(said.get("emails") or said.get("phones") or ()), "")
    place = " ".join(part for part in (address.get("street"), address.get("house_number"), address.get("city")) if part)
    return Text(department, style="dim"), Text(name), Text(said.get("birth_date") or ""), Text(contact), Text(place)
