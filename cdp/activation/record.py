"""The journal is never ahead of the destination, and behind it by no more than the call that was under way."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, text

from cdp.activation.channels import Change, Rows
from cdp.db import copy_table

DIVIDER = "\x1f"
"""Between the fields of an identity."""
_AHEAD = 2
KEPT = "not sent: somebody who stays is known there by the same identity"


@dataclass(frozen=True)
class Entries:
    """What is written down beside the rows of a step.

    Attributes:
        fields: bits of the columns that carry a value.
        forget: of a removal: the person is not there afterwards.
        quiet: nothing is sent; it is only written down.
    """

    fields: np.ndarray[Any, np.dtype[np.int64]]
    fingerprint: pa.Array | None = None
    identity: pa.Array | None = None
    consent_at: pa.Array | None = None
    consent_source: pa.Array | None = None
    forget: bool = True
    quiet: bool = False

    def slice(self, start: int, size: int) -> Entries:
        """The entries of some rows."""
        columns = {name: getattr(self, name) for name in ("fingerprint", "identity", "consent_at", "consent_source")}
        cut = {name: column.slice(start, size) for name, column in columns.items() if column is not None}
        return replace(self, fields=self.fields[start : start + size], **cut)


class Journal:
    """Writes the export ledger and who is at a destination now."""

    def __init__(self, connection: Connection, destination: int, delivery: int, at: datetime, *, settles: bool = False) -> None:
        """`settles`: the destination works off calls after it has answered, and removals are kept until it has."""
        self.at = at
        self.settles = settles
        self._noted = 0
        self.connection = connection
        self.destination = destination
        self.delivery = delivery

    def write(self, rows: Rows, entries: Entries, refused: Mapping[int, str]) -> None:
        """Write down rows that were carried; those at the numbers in `refused` are not there (or, of a removal, still are)."""
        if entries.quiet and rows.change is not Change.REMOVED:
            self._looked(rows.profiles)
        if entries.quiet and (rows.change is not Change.REMOVED or not entries.forget):
            return
        self._ledger(rows, entries, refused)
        taken = np.ones(len(rows.profiles), dtype=bool)
        taken[list(refused)] = False
        if rows.change is Change.REMOVED:
            if self.settles and not entries.quiet:
                self._leaving(rows, taken)
            if entries.forget:
                self._forget([profile for profile, was in zip(rows.profiles, taken, strict=True) if was])
            return
        self._remember(rows, entries, taken)

    def _ledger(self, rows: Rows, entries: Entries, refused: Mapping[int, str]) -> None:
        count = len(rows.profiles)
        answers = [KEPT if entries.quiet else "accepted"] * count
        for number, reason in refused.items():
            answers[number] = f"refused: {reason}"
        columns = {
            "delivery_id": np.full(count, self.delivery),
            "profile_id": pa.array(rows.profiles, pa.string()),
            "change": pa.array([rows.change.value] * count),
            "fields": entries.fields if not entries.quiet else np.zeros(count, dtype=np.int64),
            "answer": pa.array(answers),
        }
        for name in ("consent_at", "consent_source"):
            column = getattr(entries, name)
            columns[name] = pa.nulls(count, pa.string()) if column is None else column
        copy_table(self.connection, pa.table(columns), "export_ledger")

    def _remember(self, rows: Rows, entries: Entries, taken: np.ndarray[Any, Any]) -> None:
        assert entries.fingerprint is not None
        assert entries.identity is not None
        members = pa.table(
            {
                "destination_id": np.full(len(taken), self.destination),
                "profile_id": pa.array(rows.profiles, pa.string()),
                "fingerprint": _bytea(entries.fingerprint),
                "identity": entries.identity,
                "looked_at": pa.array([self.at] * len(taken), pa.timestamp("us", "UTC")),
            }
        ).filter(pa.array(taken))
        if rows.change is Change.UPDATED:
            self._forget(members["profile_id"].to_pylist())
        copy_table(self.connection, members, "audience_member")

    def _leaving(self, rows: Rows, taken: np.ndarray[Any, Any]) -> None:
        keys = [column for _, column in rows.columns]
        count = len(rows.profiles)
        leaving = pa.table(
            {
                "destination_id": np.full(count, self.destination),
                "delivery_id": np.full(count, self.delivery),
                "profile_id": pa.array(rows.profiles, pa.string()),
                "identity": pc.binary_join_element_wise(*keys, DIVIDER, null_handling="replace", null_replacement=""),
            }
        ).filter(pa.array(taken))
        query = text(
            "delete from audience_leaving where destination_id = :destination and delivery_id = :delivery "
            "and profile_id = any(cast(:profiles as uuid[]))"
        )
        self.connection.execute(query, {"destination": self.destination, "delivery": self.delivery, "profiles": list(rows.profiles)})
        copy_table(self.connection, leaving, "audience_leaving")

    def _forget(self, profiles: list[str]) -> None:
        query = text("delete from audience_member where destination_id = :destination and profile_id = any(cast(:profiles as uuid[]))")
        self.connection.execute(query, {"destination": self.destination, "profiles": profiles})

    def _looked(self, profiles: Sequence[str]) -> None:
        query = text(
            "update audience_member set looked_at = :at where destination_id = :destination and profile_id = any(cast(:profiles as uuid[]))"
        )
        self.connection.execute(query, {"at": self.at, "destination": self.destination, "profiles": list(profiles)})

    def commit(self, receipts: Sequence[str] = ()) -> None:
        """What was written down stays, and with it the receipts of the calls so far."""
        if fresh := receipts[self._noted :]:
            query = text(
                "update delivery set report = report || jsonb_build_object('receipts', coalesce(report -> 'receipts', '[]') || "
                "to_jsonb(cast(:receipts as text[]))) where id = :delivery"
            )
            self.connection.execute(query, {"receipts": list(fresh), "delivery": self.delivery})
            self._noted = len(receipts)
        self.connection.commit()


class Behind:
    """Writes down what was carried while the next rows are made; once it is left, nothing is being written any more."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.pool = ThreadPoolExecutor(1, "activation-journal")
        self.pending: deque[Future[None]] = deque()

    def __enter__(self) -> Behind:
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown(wait=True, cancel_futures=True)

    def write(self, rows: Rows, entries: Entries, refused: Mapping[int, str]) -> None:
        """As `Journal.write`, later; raises what an earlier one raised."""
        self.pending.append(self.pool.submit(self.journal.write, rows, entries, refused))
        while len(self.pending) > _AHEAD:
            self.pending.popleft().result()

    def settle(self) -> None:
        """Wait until everything is written down."""
        while self.pending:
            self.pending.popleft().result()


def _bytea(hexes: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise("\\x", hexes, "")
