from __future__ import annotations

from pathlib import Path

import pytest

from cdp.attributes import DefinitionError, read_file


def test_a_day_in_a_file_needs_no_quotes(tmp_path: Path) -> None:
    file = tmp_path / "attributes.yaml"
    file.write_text("attributes:\n- {name: n, kind: count, window: {since: 2026-01-01, before: '2026-07-01'}}")
    (found,) = read_file(file)
    assert (str(found.window.start)[:10], str(found.window.end)[:10]) == ("2026-01-01", "2026-07-01")


def test_what_is_no_yaml_is_refused_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "attributes.yaml"
    file.write_text("attributes: [")
    with pytest.raises(DefinitionError, match=r"attributes\.yaml.*line 1"):
        read_file(file)
