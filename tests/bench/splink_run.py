"""Splink 5 on the standardised people, set up as its documentation advises for person data; runs in an environment of its own.

`python splink_run.py FLAT.parquet TRUTH.parquet RESULT.json`: the threshold is the best of a list on the truth itself.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import splink.comparison_library as cl
from splink import Linker, SettingsCreator, block_on
from splink.backends.duckdb import DuckDBAPI

sys.path.insert(0, str(Path(__file__).parent))
from scores import score

THRESHOLDS = (0.5, 0.8, 0.9, 0.95, 0.99, 0.999, 0.9999)


def settings() -> SettingsCreator:
    """Name, birth date, e-mail, phone and postcode, with term frequencies where values repeat; six narrow blocking rules."""
    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="record_id",
        comparisons=[
            cl.ForenameSurnameComparison("given_name", "family_name", forename_surname_concat_col_name="both_names"),
            cl.DateOfBirthComparison("birth_date", input_is_string=True),
            cl.EmailComparison("email"),
            cl.LevenshteinAtThresholds("phone", 1).configure(term_frequency_adjustments=True),
            cl.LevenshteinAtThresholds("street", 2).configure(term_frequency_adjustments=True),
            cl.ExactMatch("postal_code").configure(term_frequency_adjustments=True),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("email"),
            block_on("phone"),
            block_on("given_name", "family_name", "postal_code"),
            block_on("family_name", "birth_date"),
            block_on("given_name", "birth_date"),
            block_on("street", "postal_code", "given_name"),
        ],
        retain_intermediate_calculation_columns=False,
        retain_matching_columns=False,
    )


def train(linker: Linker) -> None:
    deterministic = [block_on("email", "given_name"), block_on("phone", "given_name"), block_on("given_name", "family_name", "birth_date")]
    linker.training.estimate_probability_two_random_records_match(deterministic, recall=0.6)
    linker.training.estimate_u_using_random_sampling(max_pairs=5e6, seed=1)
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("given_name", "family_name"))
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("birth_date"))
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("email"))


def main(flat: str, truth_path: str, result: str) -> None:
    seconds: dict[str, float] = {}
    api = DuckDBAPI()
    started = clock = time.perf_counter()

    def lap(stage: str) -> None:
        nonlocal clock
        now = time.perf_counter()
        seconds[stage], clock = now - clock, now

    people = api.register(pq.read_table(flat))
    linker = Linker(people, settings())
    train(linker)
    lap("train")
    predictions = linker.inference.predict(threshold_match_probability=0.5)
    lap("candidates and score")
    truth = pq.read_table(truth_path, columns=["record_id", "entity_id"]).sort_by("record_id")
    entity = truth["entity_id"].to_numpy()
    best, found = None, {}
    clock = time.perf_counter()
    for threshold in THRESHOLDS:
        clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(predictions, threshold_match_probability=threshold)
        if "cluster" not in seconds:
            lap("cluster")
            seconds["in all"] = sum(seconds.values())
            used = resource.getrusage(resource.RUSAGE_SELF)
        table = clusters.as_pyarrow_table().select(["record_id", "cluster_id"]).sort_by("record_id")
        assert pc.all(pc.equal(table["record_id"].cast("string"), truth["record_id"].cast("string"))).as_py()
        found[threshold] = asdict(score(table["cluster_id"].to_numpy(), entity))
        best = threshold if best is None or found[threshold]["f1"] > found[best]["f1"] else best
    pairs = predictions.as_pyarrow_table().num_rows
    report = {
        "seconds": seconds,
        "cpu": used.ru_utime + used.ru_stime,
        "peak": used.ru_maxrss * 1024,
        "pairs": pairs,
        "threshold": best,
        "scores": found[best],
        "by_threshold": found,
    }
    Path(result).write_text(json.dumps(report), encoding="utf-8")
    print(f"Splink: {time.perf_counter() - started:.0f} s with all thresholds", file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
