"""Foreign software that tests run unmodified is installed once, at pinned versions, into the git-ignored folder `.clients`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import fasteners
import pytest

HOME = Path(__file__).parents[1] / ".clients"


def alone() -> fasteners.InterProcessLock:
    """Other workers of the test run wait until everything is installed."""
    HOME.mkdir(exist_ok=True)
    return fasteners.InterProcessLock(HOME / "lock")


def python_with(name: str, *packages: str) -> Path:
    """The interpreter of the environment `name`, which has `packages`; skips the test where they cannot be had."""
    python = HOME / name / "bin" / "python"
    done = HOME / name / "installed"
    uv = [sys.executable, "-m", "uv"]
    with alone():
        if not done.exists() or done.read_text() != " ".join(packages):
            for command in ([*uv, "venv", "-q", "--clear", HOME / name], [*uv, "pip", "install", "-q", "--python", python, *packages]):
                ran = subprocess.run(command, capture_output=True, text=True, check=False)
                if ran.returncode:
                    _missing(f"{', '.join(packages)} cannot be installed here: {ran.stderr.strip()[-300:]}")
            done.write_text(" ".join(packages))
    return python


def _missing(why: str) -> NoReturn:
    """In CI nothing is skipped."""
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


def node_with(name: str, *packages: str, without: tuple[str, ...] = ()) -> Path:
    """The folder `name`, whose node_modules has `packages`; skips the test where there is no node.

    Args:
        without: packages that these want and never call here; each is an empty one.
    """
    if shutil.which("npm") is None:
        _missing("npm is not on PATH (apt-get install npm)")
    folder = HOME / name
    done = folder / "installed"
    wanted = " ".join((*packages, *(f"-{each}" for each in without)))
    with alone():
        if not done.exists() or done.read_text() != wanted:
            _npm(folder, packages, {each: "file:./none" for each in without})
            done.write_text(wanted)
    return folder


def _npm(folder: Path, packages: tuple[str, ...], overrides: Mapping[str, str]) -> None:
    """Installs into an empty folder; npm moves folders while it works and now and then loses one (ENOTEMPTY), so it may try again."""
    for attempt in range(3):
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "none").mkdir(parents=True)
        (folder / "none" / "package.json").write_text('{"name": "none", "version": "1.0.0", "main": "index.js"}')
        (folder / "none" / "index.js").write_text("module.exports = {};")
        (folder / "package.json").write_text(json.dumps({"private": True, "overrides": overrides}))
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", *packages]
        ran = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if ran.returncode == 0:
            return
        time.sleep(5 * attempt)
    pytest.fail(
        f"npm could not install {', '.join(packages)} in three attempts; the last ended with {ran.returncode}: {ran.stderr.strip()}"
    )
