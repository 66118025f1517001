"""The key that signs browser sessions is never a default: it is set, or made once under the platform's home."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from cdp.access import AccessConfigError
from cdp.settings import Settings

MINIMUM = 32


def load(settings: Settings) -> str:
    """The key of `settings`, or the one in `home/secret_key`, made on first use and readable by its owner alone.

    Raises:
        AccessConfigError: the key is shorter than MINIMUM characters.
    """
    if settings.secret_key:
        return _long_enough(settings.secret_key, "CDP_SECRET_KEY")
    file = settings.home / "secret_key"
    settings.home.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        _make(file)
    return _long_enough(file.read_text("ascii"), str(file))


def _make(file: Path) -> None:
    """Put a whole key there at once: several workers start together, and each must read what the first one made."""
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
        handle.write(secrets.token_urlsafe(48))
    with suppress(FileExistsError):
        os.link(fresh, file)
    fresh.unlink()


def _long_enough(key: str, where: str) -> str:
    if len(key) < MINIMUM:
        raise AccessConfigError(f"{where} has {len(key)} characters; at least {MINIMUM} random ones are needed to sign sessions")
    return key
