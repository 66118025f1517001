"""A tap's records and states become pages; what goes wrong in its process is a named error that holds nothing of what it wrote."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from cdp.ingest.connectors import open_source
from connectors.contract import AuthError, ConfigError, Unavailable
from connectors.singer import SingerSource

TAP = """#!{python}
import json, sys
arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
config = json.load(open(arguments["--config"]))
if "--discover" in sys.argv:
    metadata = [{{"breadcrumb": [], "metadata": {{"table-key-properties": ["id", "part"]}}}}]
    print(json.dumps({{"streams": [
        {{"tap_stream_id": "people", "stream": "people", "key_properties": ["id"], "replication_method": "INCREMENTAL", "metadata": []}},
        {{"tap_stream_id": "lines", "stream": "lines", "schema": {{}}, "metadata": metadata}},
    ]}}))
    sys.exit()
if config.get("fail"):
    print(config["fail"], file=sys.stderr)
    sys.exit(3)
(stream,) = json.load(open(arguments["--catalog"]))["streams"]
assert stream["selected"]
name = stream["tap_stream_id"]
state = json.load(open(arguments["--state"])) if "--state" in arguments else {{"at": 0}}
print("a line that is no message")
print(json.dumps({{"type": "SCHEMA", "stream": name, "schema": {{}}, "key_properties": []}}))
for number in range(state["at"] + 1, config["rows"] + 1):
    print(json.dumps({{"type": "RECORD", "stream": name, "record": {{"id": number, "part": "a", "name": "Zoë"}}}}))
    if number % 3 == 0:
        print(json.dumps({{"type": "STATE", "value": {{"at": number}}}}))
    if number == config.get("die_at"):
        sys.exit(1)
"""


def source(folder: Path, **config: Any) -> SingerSource:
    tap = folder / "tap-small"
    tap.write_text(TAP.format(python=sys.executable))
    tap.chmod(0o755)
    return SingerSource({"tap": str(tap), "config": {"rows": 7, **config}})


def test_records_up_to_a_state_share_its_bookmark(tmp_path: Path) -> None:
    made = source(tmp_path)
    people, lines = made.streams()
    assert (people.key, people.complete, lines.key, lines.complete) == ("id", False, "singer_key", True)
    pages = list(made.read("people"))
    assert [[row["id"] for row in page.rows] for page in pages] == [[1, 2, 3], [4, 5, 6], [7]]
    assert [page.bookmark for page in pages] == [{"at": 3}, {"at": 6}, {"at": 6}]
    assert pages[0].rows[0]["name"] == "Zoë"
    assert [refused.reason for refused in pages[0].refused] == ["malformed_json"]
    resumed = list(source(tmp_path).read("people", json.loads(json.dumps(pages[0].bookmark))))
    assert [row["id"] for page in resumed for row in page.rows] == [4, 5, 6, 7]
    assert next(iter(made.read("lines"))).rows[0]["singer_key"] == "1|a"


def test_a_tap_that_dies_keeps_what_it_gave(tmp_path: Path) -> None:
    reading = source(tmp_path, die_at=5).read("people")
    assert [row["id"] for row in next(reading).rows] == [1, 2, 3]
    with pytest.raises(Unavailable, match="ended with status 1"):
        list(reading)


@pytest.mark.parametrize(("said", "error"), [("401 Unauthorized for ann@example.org", AuthError), ("boom ann@example.org", Unavailable)])
def test_errors_hold_nothing_of_what_the_tap_wrote(tmp_path: Path, said: str, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        list(source(tmp_path, fail=said).read("people"))
    assert "ann@example.org" not in str(caught.value)


def test_an_error_of_the_tap_is_told_by_its_name_and_a_missing_module_by_its_own(tmp_path: Path) -> None:
    for said, error, told in (
        ("ValueError: not ann@example.org", Unavailable, r"\(ValueError\)"),
        ("ModuleNotFoundError: No module named 'pkg_resources'", ConfigError, "lacks the module pkg_resources"),
    ):
        with pytest.raises(error, match=told):
            list(source(tmp_path, fail=said).read("people"))


def test_a_reader_that_stops_ends_the_process(tmp_path: Path) -> None:
    reading = source(tmp_path, rows=100_000).read("people")
    next(reading)
    reading.close()


def test_missing_tap_and_stream_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such command"):
        SingerSource({"tap": "tap-that-is-nowhere"}).streams()
    with pytest.raises(ConfigError, match="has people, lines"):
        list(source(tmp_path).read("x"))


def test_a_tap_is_installed_once_in_an_environment_of_its_own(tmp_path: Path) -> None:
    wheel, home = tmp_path / "tap_tiny-1.0-py3-none-any.whl", tmp_path / "taps"
    info = "tap_tiny-1.0.dist-info"
    catalog = '{"streams": [{"tap_stream_id": "people", "key_properties": ["id"]}]}'
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tap_tiny.py", f"def main():\n    print('{catalog}')\n")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tap-tiny\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/entry_points.txt", "[console_scripts]\ntap-tiny = tap_tiny:main\n")
        archive.writestr(f"{info}/RECORD", "")
    config = {"tap": "tap-tiny", "install": [str(wheel)], "home": str(home)}
    assert [stream.name for stream in SingerSource(config).streams()] == ["people"]
    (made,) = home.iterdir()
    wheel.unlink()
    assert [stream.name for stream in SingerSource(config).streams()] == ["people"]
    with pytest.raises(ConfigError, match="pip cannot install it"):
        SingerSource({**config, "install": str(tmp_path / "nowhere-1.0-py3-none-any.whl")}).streams()
    assert made.exists()


def test_environments_are_under_the_home_of_the_platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cdp.toml").write_text('home = "elsewhere"\n')
    monkeypatch.delenv("CDP_HOME", raising=False)
    assert open_source("s", "singer", {"tap": "t"})._config["home"] == "elsewhere/taps"
    monkeypatch.setenv("CDP_HOME", str(tmp_path / "home"))
    assert open_source("s", "singer", {"tap": "t"})._config["home"] == str(tmp_path / "home" / "taps")
    assert open_source("s", "singer", {"tap": "t", "home": "own"})._config["home"] == "own"
