"""Environments of their own for foreign servers, away from the platform's packages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def environment(home: Path, *packages: str) -> Path:
    """The interpreter of a new environment with `packages`; skips the test where they cannot be had."""
    uv, python = [sys.executable, "-m", "uv"], home / "venv" / "bin" / "python"
    for command in ([*uv, "venv", "-q", str(home / "venv")], [*uv, "pip", "install", "-q", "--python", str(python), *packages]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"{', '.join(packages)} cannot be installed here: {done.stderr[-200:]}")
    return python
