"""Where the rows of a stream go, and what a row can be beside what is stored: what workers and landing must agree on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CUSTOMER, INTERACTION = "customer", "interaction"
_TABLE = {CUSTOMER: "record", INTERACTION: "interaction"}
_TYPED = {
    CUSTOMER: (),
    INTERACTION: ("customer_stream", "customer_key", "kind", "name", "channel", "at", "amount", "currency", "status"),
}
"""Canonical members that have a column of their own."""

NEW, CHANGED, UNCHANGED, REPEATED = 0, 1, 2, 3
"""REPEATED: this read has already given another row of its key."""


@dataclass(frozen=True)
class StreamTarget:
    """Where the rows of one stream go."""

    source_id: int
    stream: str
    kind: str
    run_id: int

    @property
    def table(self) -> str:
        """`record` or `interaction`."""
        return _TABLE[self.kind]

    @property
    def typed(self) -> tuple[str, ...]:
        """Canonical members that are columns of the table."""
        return _TYPED[self.kind]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that a landed row fills, in the order of its line."""
        return ("source_id", "stream", "run_id", "source_key", "raw", "canonical", "content_hash", *self.typed)

    @property
    def params(self) -> dict[str, Any]:
        """Parameters that name the stream and the run in SQL."""
        return {"source": self.source_id, "stream": self.stream, "run": self.run_id}
