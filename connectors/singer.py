"""Any Singer tap, unmodified: a process of its own, in an environment of its own, whose RECORD and STATE lines become pages.

The bookmark is the tap's own state. Nothing of what the tap writes to its standard error is kept, for it may hold records.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import venv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from connectors.contract import AuthError, ConfigError, ContractError, Json, Page, Refused, Stream, Unavailable
from connectors.json_text import loads

_RAISED = re.compile(r"(?P<error>[A-Za-z_][\w.]*(?:Error|Exception))\b(?:: No module named '(?P<module>[\w.]+)')?")
"""The last line of a traceback: the name of the error, and of a module that is not there."""
_DENIED = ("401", "403", "unauthorized", "forbidden", "invalid credentials", "invalid_grant")


class SingerSource:
    """Any Singer tap: `tap` is its command; `install` is what pip installs for it, once, under `home`."""

    config_schema: ClassVar[Mapping[str, Any]] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "tap": {"type": "string", "minLength": 1, "description": "command, such as tap-hubspot, or its path"},
            "install": {
                "type": ["string", "array"],
                "minLength": 1,
                "minItems": 1,
                "items": {"type": "string", "minLength": 1},
                "description": "requirement, such as meltano-tap-hubspot==0.10.1, or several",
            },
            "home": {
                "type": "string",
                "x-under-home": "taps",
                "description": "folder of the environments; `taps` under CDP_HOME",
            },
            "config": {"type": "object", "description": "the tap's own configuration"},
            "streams": {"type": "array", "items": {"type": "string"}, "description": "those to read; all that the tap selects if not set"},
            "environment": {"type": "object", "additionalProperties": {"type": "string"}, "description": "variables for the process"},
            "batch_rows": {"type": "integer", "minimum": 1, "default": 10_000},
        },
        "required": ["tap"],
        "additionalProperties": False,
    }

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config
        self._catalog: list[dict[str, Any]] | None = None

    def streams(self) -> Sequence[Stream]:
        """What the tap discovers.

        Raises:
            ConfigError: the tap is not there, or does not accept its configuration.
        """
        return [_stream(entry) for entry in self._entries()]

    def read(self, stream: str, bookmark: Json = None) -> Iterator[Page]:
        """Pages of a stream: rows up to a STATE line share its bookmark."""
        entry = next((entry for entry in self._entries() if entry["tap_stream_id"] == stream), None)
        if entry is None:
            raise ConfigError(f"the tap has no stream {stream!r}; it has {', '.join(each['tap_stream_id'] for each in self._entries())}")
        with self._files(catalog={"streams": [_selected(entry)]}, **({"state": bookmark} if bookmark else {})) as arguments:
            yield from _pages(self._lines(arguments), entry, bookmark, self._config.get("batch_rows", 10_000), self._config["tap"])

    def _entries(self) -> list[dict[str, Any]]:
        if self._catalog is None:
            with self._files() as arguments:
                text = "".join(self._lines([*arguments, "--discover"]))
            try:
                self._catalog = list(json.loads(text)["streams"])
            except (ValueError, KeyError, TypeError):
                raise ContractError(f"{self._config['tap']}: discovery gave no catalog. Is it a Singer tap?") from None
        wanted = self._config.get("streams")
        return [entry for entry in self._catalog if wanted is None or entry["tap_stream_id"] in wanted]

    def _command(self) -> str:
        """The tap's path; its environment is made on first use."""
        tap: str = self._config["tap"]
        install: str | Sequence[str] | None = self._config.get("install")
        if install is None:
            found = shutil.which(tap)
            if found is None:
                raise ConfigError(f"{tap}: no such command. Name what pip installs for it in `install`")
            return found
        requirements = [install] if isinstance(install, str) else list(install)
        folder = self._config.get("home") or Path(os.environ.get("CDP_HOME", ".cdp"), "taps")
        home = Path(folder) / sha256("\n".join(requirements).encode()).hexdigest()[:12]
        command = home / ("Scripts" if sys.platform == "win32" else "bin") / Path(tap).name
        if not command.exists():
            own, python = find_spec("pip") is None, str(command.with_name("python"))
            venv.create(home, with_pip=own, clear=True)
            pip = [python, "-m", "pip"] if own else [sys.executable, "-m", "pip", "--python", python]
            made = subprocess.run(  # noqa: S603  the requirement is the operator's
                [*pip, "install", "--quiet", "--disable-pip-version-check", *requirements], capture_output=True, check=False
            )
            if made.returncode or not command.exists():
                named = shlex.join(requirements)
                raise ConfigError(f"{named}: pip cannot install it, or it has no command {tap}. Try: pip install {named}")
        return str(command.absolute())

    @contextmanager
    def _files(self, **documents: Json) -> Iterator[list[str]]:
        """Arguments that name files, which only this user may read and which are gone afterwards."""
        with tempfile.TemporaryDirectory(prefix="cdp-tap-") as folder:
            arguments: list[str] = []
            for name, document in {"config": self._config.get("config", {}), **documents}.items():
                path = Path(folder) / f"{name}.json"
                path.write_text(json.dumps(document), "utf-8")
                arguments += [f"--{name}", str(path)]
            yield arguments

    def _lines(self, arguments: Sequence[str]) -> Iterator[str]:
        command, tap = self._command(), self._config["tap"]
        process = subprocess.Popen(  # noqa: S603  the command is the operator's
            [command, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, **self._config.get("environment", {})},
        )
        assert process.stdout is not None
        assert process.stderr is not None
        said = _Said()
        listener = threading.Thread(target=said.listen, args=(process.stderr,), daemon=True)
        listener.start()
        try:
            yield from process.stdout
            status = process.wait()
            listener.join()
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
        if status and said.lacks:
            raise ConfigError(f"{tap}: its environment lacks the module {said.lacks}. Name in `install` also what has it, as a list")
        if status and said.denied:
            raise AuthError(f"{tap}: the source refuses the credentials. Renew them in `config`")
        if status:
            why = f" ({said.error})" if said.error else ""
            raise Unavailable(f"{tap} ended with status {status}{why}; what it gave before is kept. Run {command} by hand to see why")


class _Said:
    """What is kept of what a tap writes to its standard error: signs and names, and no text, for it may hold records."""

    def __init__(self) -> None:
        self.denied, self.error, self.lacks = False, "", ""

    def listen(self, stderr: Any) -> None:
        for line in stderr:
            self.denied = self.denied or any(sign in line.lower() for sign in _DENIED)
            if found := _RAISED.match(line):
                self.error, self.lacks = found["error"], found["module"] or ""
        stderr.close()


def _keys(entry: Mapping[str, Any]) -> list[str]:
    found = entry.get("key_properties")
    if found is None:
        found = next((each["metadata"].get("table-key-properties") for each in entry.get("metadata", []) if not each["breadcrumb"]), None)
    return list(found or [])


def _stream(entry: Mapping[str, Any]) -> Stream:
    keys = _keys(entry)
    whole = (entry.get("replication_method") or "FULL_TABLE") == "FULL_TABLE"
    return Stream(entry["tap_stream_id"], key=keys[0] if len(keys) == 1 else "singer_key", complete=whole, schema=entry.get("schema"))


def _selected(entry: Mapping[str, Any]) -> dict[str, Any]:
    metadata = [
        {**each, "metadata": {**each["metadata"], "selected": True}}
        for each in entry.get("metadata") or [{"breadcrumb": [], "metadata": {}}]
        if each["metadata"].get("inclusion") != "unsupported"
    ]
    return {**entry, "selected": True, "metadata": metadata}


def _pages(lines: Iterator[str], entry: Mapping[str, Any], bookmark: Json, size: int, tap: str) -> Iterator[Page]:
    name, keys = entry["tap_stream_id"], _keys(entry)
    rows: list[dict[str, Any]] = []
    refused: list[Refused] = []
    for number, line in enumerate(lines, 1):
        message = _message(line)
        if message is None:
            where = f"{tap} {name}, line {number}"
            refused.append(Refused(where, "malformed_json", f"{where}: no Singer message", raw=line))
        elif message["type"] == "RECORD" and message.get("stream") in (name, entry.get("stream")):
            row = message["record"]
            rows.append(row if len(keys) == 1 else {**row, "singer_key": "|".join(str(row.get(key)) for key in keys)})
        elif message["type"] == "STATE":
            bookmark = message["value"]
        if len(rows) >= size or (rows and message is not None and message["type"] == "STATE"):
            yield Page(rows, bookmark=bookmark, place=f"{tap} {name}", refused=tuple(refused))
            rows, refused = [], []
    yield Page(rows, bookmark=bookmark, place=f"{tap} {name}", refused=tuple(refused))


def _message(line: str) -> dict[str, Any] | None:
    try:
        message = loads(line)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) and "type" in message else None
