"""Files in a bucket and on an SSH server go the whole way by the commands: they are added, change, become more, and cannot be reached."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from sqlalchemy import Engine, text

from cdp.cli import program
from cdp.settings import Settings
from tests.connectors.places import PLACES, Place

MAPPING = {"version": 1, "streams": {"people": {"customer": {"source_key": "id", "full_name": "name", "emails": "email"}}}}
FIRST = b"id,name,email\n1,Ann Lee,ann@example.org\n2,Bob Ray,bob@example.org\n"
SECOND = b"id,name,email\n3,Cem Kaya,cem@example.org\n"


@pytest.fixture(params=["s3", "sftp", "gcs", pytest.param("azure", marks=pytest.mark.clients)])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    (tmp_path / "served").mkdir()
    with PLACES[request.param](tmp_path / "served") as found:
        for name, value in found.secrets.items():
            monkeypatch.setenv(name, value)
        yield found


@pytest.fixture
def cdp(engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setattr("cdp.cli.sources.database", lambda: engine)
    monkeypatch.setattr("cdp.cli.sources.settings", lambda: settings)
    return lambda *arguments: CliRunner().invoke(program, arguments)


def test_files_far_away(place: Place, cdp: Callable[..., Result], engine: Engine, tmp_path: Path) -> None:
    definition = tmp_path / "drop.yaml"

    def add(options: dict[str, Any]) -> Result:
        config = {"streams": {"people": place.url}, "options": options}
        document = {"name": "drop", "department": "d", "connector": "files", "config": config, "mapping": MAPPING}
        definition.write_text(yaml.safe_dump(document))
        return cdp("sources", "add", str(definition))

    def stored() -> list[tuple[str, str]]:
        with engine.connect() as connection:
            query = "select source_key, raw ->> 'name' from record where deleted_at is null order by 1"
            return [tuple(row) for row in connection.execute(text(query))]

    place.put("people-1.csv", FIRST)
    added = add(place.options)
    assert added.exit_code == 0, added.output
    synced = cdp("sync", "drop")
    assert synced.exit_code == 0, synced.output
    assert stored() == [("1", "Ann Lee"), ("2", "Bob Ray")]

    place.put("people-1.csv", FIRST.replace(b"Bob Ray", b"Robert Ray"))
    place.put("people-2.csv", SECOND)
    assert cdp("sync", "drop").exit_code == 0
    assert stored() == [("1", "Ann Lee"), ("2", "Robert Ray"), ("3", "Cem Kaya")]

    add(place.wrong)
    refused = cdp("sync", "drop")
    assert isinstance(refused.exception, SystemExit)
    assert place.told in refused.output.replace("\n", " ")
    assert not any(secret in refused.output for secret in place.secrets.values())
    assert len(stored()) == 3, "what was landed stays"
