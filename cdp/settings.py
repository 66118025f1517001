"""Settings are read once, at the edge, from `CDP_*` variables and `cdp.toml`; a variable wins over the file."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

from cdp.errors import PlatformError


class SettingsError(PlatformError):
    """A setting is unknown or has a value it cannot have: correct it and start again."""


@dataclass(frozen=True)
class Settings:
    """Everything that can be set, with its default.

    Each field `x` is the variable `CDP_X` and the key `x` of `cdp.toml`.
    """

    home: Path = Path(".cdp")
    """Folder of the embedded database, the lake and exports."""
    database_url: str = ""
    """PostgreSQL (15 or later) to use; empty starts the embedded server under `home`."""
    host: str = "127.0.0.1"
    """Address that `cdp serve` listens on."""
    port: int = 8000
    """Port that `cdp serve` listens on."""
    workers: int = 2
    """Processes: gunicorn workers of `cdp serve`, and workers that standardise in `cdp sync`."""
    country: str = "US"
    """Default region for phone numbers and addresses that name none (ISO 3166-1 alpha-2)."""
    currency: str = "USD"
    """Default currency of amounts that name none (ISO 4217)."""
    secret_key: str = ""
    """Signs browser sessions; empty makes one under `home` on first use."""
    max_cell_bytes: int = 1_000_000
    """A longer value refuses its row."""
    identity_rules: str = ""
    """Path of the identity rules (blocked values, limits, what must and must not match); empty leaves all to the evidence."""
    survivorship: str = ""
    """Path of the survivorship policy; empty uses the one that ships."""
    access_policy: str = ""
    """Path of the field policy for departments; empty uses the one that ships."""
    small_cell: int = 5
    """A count of fewer customers is shown as `<5` to those who may not see who customers are."""
    webhook_private_hosts: str = ""
    """Hosts, divided by commas, that webhooks may call although they lie in a private network."""
    keep_runs_days: int = 90
    """Housekeeping forgets finished runs after so many days; the last of each stage stays."""
    keep_quarantine_days: int = 365
    """Housekeeping forgets refused rows so many days after they were replayed or discarded; open ones stay."""
    keep_receipts_days: int = 0
    """Housekeeping forgets receipts of events after so many days; 0 keeps them, and duplicates are told for ever."""
    keep_backups: int = 7
    """Daily backups that housekeeping keeps under `home`; 0 makes none."""

    @property
    def private_hosts(self) -> tuple[str, ...]:
        """The hosts of `webhook_private_hosts`."""
        return tuple(host.strip() for host in self.webhook_private_hosts.split(",") if host.strip())

    @property
    def lake(self) -> Path:
        """Folder of the derived Parquet files."""
        return self.home / "lake"


def _convert(name: str, kind: str, value: object, where: str) -> object:
    try:
        if kind == "int":
            return int(str(value))
        if kind == "Path":
            return Path(str(value))
        return str(value)
    except ValueError:
        raise SettingsError(f"{where}: {name} must be a whole number, not {value!r}") from None


def load(environ: Mapping[str, str] | None = None, folder: Path | None = None) -> Settings:
    """Read the settings that apply in `folder` (default: the working directory).

    Raises:
        SettingsError: a key that is not a setting, or a value of the wrong type.
    """
    env = os.environ if environ is None else environ
    file = (folder or Path.cwd()) / "cdp.toml"
    known = {f.name: str(f.type) for f in fields(Settings)}
    values: dict[str, object] = {}
    if file.exists():
        try:
            content = tomllib.loads(file.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{file} is not valid TOML: {error}") from None
        for key, value in content.items():
            if key not in known:
                raise SettingsError(f"{file}: no setting is called {key!r}; the settings are {', '.join(known)}")
            values[key] = _convert(key, known[key], value, str(file))
    for key, kind in known.items():
        variable = f"CDP_{key.upper()}"
        if variable in env:
            values[key] = _convert(variable, kind, env[variable], "the environment")
    settings = replace(Settings(), **values)  # type: ignore[arg-type]  # each value was converted to its field's type
    return replace(settings, home=settings.home.expanduser())
