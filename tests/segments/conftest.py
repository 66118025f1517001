from __future__ import annotations

import pytest

from cdp.segments.columnar import Copy


@pytest.fixture
def copies() -> dict[str, Copy]:
    """One copy for all examples of a property."""
    return {}
