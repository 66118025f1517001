"""Splink 5 and this engine on the same generated people, one after the other, and both in one table: `make bench-identity N=1100000`."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
OUT = ROOT / "bench-out"
SPLINK = OUT / "splink" / "bin" / "python"
STAGES = ("prepare", "train", "candidates", "compare", "score", "candidates and score", "cluster", "households", "in all")


def generate(records: int, world: str, mix: str, seed: int) -> Path:
    """The folder of the people; made once for each set of arguments."""
    folder = OUT / f"people-{world}-{mix}-{records}-{seed}"
    if not (folder / "customers.parquet").exists():
        arguments = ["--world", world, "--mix", mix, "--records", str(records), "--seed", str(seed), "--out", str(folder)]
        _run(sys.executable, "-m", "tests.bench.people", *arguments)
        _run(sys.executable, "-m", "tests.bench.standardise", str(folder))
    return folder


def splink_environment() -> None:
    """Splink 5 in an environment of its own."""
    if not SPLINK.exists():
        _run(sys.executable, "-m", "venv", str(OUT / "splink"))
        _run(str(SPLINK), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "splink>=5,<6", "pandas", "pyarrow")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, cwd=ROOT, stdout=sys.stderr)


def _measured(result: Path, *command: str) -> dict[str, Any]:
    """What the run wrote, or how it died: a run that the system kills for memory is a result too."""
    result.unlink(missing_ok=True)
    ended = subprocess.run([*command, str(result)], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if ended.returncode:
        return {"died": f"status {ended.returncode}: {ended.stderr.strip().splitlines()[-1:]}"}
    report: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return report


def _cell(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def table(ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """The lines to print: a row for each stage and figure, the ratio last."""
    lines = [f"{'':24}{'Splink 5':>14}{'this engine':>14}{'ours/theirs':>13}"]

    def row(name: str, left: float | None, right: float | None, form: str) -> None:
        ratio = f"{right / left:.2f}" if left and right else ""
        lines.append(f"{name:24}{_cell(left, form):>14}{_cell(right, form):>14}{ratio:>13}")

    for stage in STAGES:
        left, right = (run.get("seconds", {}).get(stage) for run in (theirs, ours))
        if left is not None or right is not None:
            row(f"{stage}, s", left, right, ",.1f")
    row("CPU, s", theirs.get("cpu"), ours.get("cpu"), ",.1f")
    row("peak memory, GB", *(run["peak"] / 1e9 if "peak" in run else None for run in (theirs, ours)), ",.2f")
    row("pairs", theirs.get("pairs"), ours.get("pairs"), ",.0f")
    for name in ("f1", "precision", "recall", "b_cubed", "exact"):
        row(name, *(run.get("scores", {}).get(name) for run in (theirs, ours)), ".4f")
    row("largest cluster", *(run.get("scores", {}).get("largest") for run in (theirs, ours)), ",.0f")
    lines.extend(f"{name} died with {run['died']}" for name, run in (("Splink", theirs), ("this engine", ours)) if "died" in run)
    if "threshold" in theirs:
        lines.append(f"Splink at its best threshold on the truth, {theirs['threshold']}; this engine in its default configuration.")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_100_000)
    parser.add_argument("--world", default="us")
    parser.add_argument("--mix", default="company")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=("splink", "engine"))
    given = parser.parse_args()
    folder = generate(given.records, given.world, given.mix, given.seed)
    truth = str(folder / "truth.parquet")
    theirs: dict[str, Any] = {}
    ours: dict[str, Any] = {}
    if given.only != "engine":
        splink_environment()
        theirs = _measured(folder / "splink.json", str(SPLINK), str(HERE / "splink_run.py"), str(folder / "flat.parquet"), truth)
    if given.only != "splink":
        ours = _measured(folder / "engine.json", sys.executable, "-m", "tests.bench.engine_run", str(folder / "customers.parquet"), truth)
    print(f"{given.records:,} records, {given.world} {given.mix}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print("\n".join(table(ours, theirs)))


if __name__ == "__main__":
    main()
