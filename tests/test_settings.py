"""Settings: a variable wins over the file; what is wrong is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdp.settings import Settings, SettingsError, load


def test_a_variable_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "cdp.toml").write_text('country = "DE"\nport = 9000\n')
    settings = load({"CDP_PORT": "9001"}, tmp_path)
    assert (settings.country, settings.port) == ("DE", 9001)


def test_without_file_or_variables_the_defaults_apply(tmp_path: Path) -> None:
    assert load({}, tmp_path) == Settings()


def test_an_unknown_key_is_refused_with_those_that_exist(tmp_path: Path) -> None:
    (tmp_path / "cdp.toml").write_text("prot = 9000\n")
    with pytest.raises(SettingsError, match=r"'prot'.*port"):
        load({}, tmp_path)


def test_a_number_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="CDP_PORT must be a whole number"):
        load({"CDP_PORT": "web"}, tmp_path)


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "cdp.toml").write_text("port = = 1")
    with pytest.raises(SettingsError, match=r"cdp\.toml is not valid TOML"):
        load({}, tmp_path)
