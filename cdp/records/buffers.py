"""A question to all texts of a column at once is asked of the bytes they lie in: a byte that is nowhere in them is in no text.

The bytes of a slice are those of its whole column, so `True` means that looking text by text is worth it, and `False` is certain.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow as pa


def may_hold(column: pa.Array | pa.ChunkedArray, signs: Collection[int] = (), *, below: int = 0) -> bool:
    """Whether a column of texts may hold one of the bytes `signs`, or a byte under `below`."""
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    return any(_holds(chunk.buffers()[-1], signs, below) for chunk in chunks)


def _holds(buffer: pa.Buffer | None, signs: Collection[int], below: int) -> bool:
    if buffer is None:
        return False
    held = np.frombuffer(buffer, dtype=np.uint8)
    return (below > 0 and bool((held < below).any())) or any(bool((held == sign).any()) for sign in signs)
