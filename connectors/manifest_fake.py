"""What the connector `rest` is tested on: the reference vendor of the kit, and a manifest of it (`manifest_fake.json`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from connectors.testing.reference import ReferenceFake

MANIFEST = Path(__file__).with_name("manifest_fake.json")


class Fake(ReferenceFake):
    """The reference vendor; `people` is read by its changes, `visits` whole each time."""

    def config(self) -> dict[str, Any]:
        return {**super().config(), "manifest": str(MANIFEST)}
