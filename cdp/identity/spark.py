"""Apache Spark compares the candidate pairs; what decides is the code of the default engine, so the people are the same to the record.

The plan: values are counted and blocks are sorted once (on the driver), both are broadcast, Spark gives the ranges of rows to its
executors, and each runs the comparison kernel of the default engine (`compare_range`) on its ranges inside `mapInArrow`. What comes back
is thirteen bytes a pair and the distinct patterns of a range.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from cdp.errors import PlatformError
from cdp.identity.blocks import Blocks
from cdp.identity.compare import Comparer
from cdp.identity.compared import Compared, compare_range, together
from cdp.identity.pieces import Piece, Pieces

PIECE = "low long, a binary, b binary, which binary, drawn binary, patterns binary"


class SparkMissing(PlatformError):
    """Spark cannot start here."""


def session() -> Any:
    """The running Spark session, or a new one: on this machine, unless Spark's own configuration names a cluster.

    Raises:
        SparkMissing: no Java, or no PySpark.
    """
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        raise SparkMissing(
            "Apache Spark needs Java 17 or later, and there is no `java` on the path: install openjdk-17-jre-headless, or set JAVA_HOME"
        )
    try:
        from pyspark import SparkConf
        from pyspark.sql import SparkSession
    except ImportError:
        raise SparkMissing("PySpark is not installed: pip install 'customer-data-platform[spark]'") from None
    running = SparkSession.getActiveSession()
    if running is not None:
        return running
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    settings = SparkConf().setAppName("cdp identity")
    if not settings.contains("spark.master"):
        settings.setMaster("local[*]").set("spark.ui.enabled", "false").set("spark.driver.host", "127.0.0.1")
    return SparkSession.builder.config(conf=settings).getOrCreate()


@dataclass(frozen=True)
class SparkEngine:
    """Compares by Spark; give it to `resolve(…, engine=SparkEngine())`.

    Attributes:
        spark: a Spark session; the running one, or a new one, where None.
        pairs: pairs in a task, about.
    """

    spark: Any = None
    pairs: int = 1_500_000

    def __call__(self, blocks: Blocks, comparer: Comparer) -> Compared:
        ranges = blocks.ranges(self.pairs)
        if not ranges:
            return together(Pieces(), len(comparer.fields))
        spark = self.spark or session()
        from pyspark import StorageLevel

        shared = spark.sparkContext.broadcast((blocks, comparer.prepared, comparer.fields, comparer.forms))

        def work(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            kernel = _kernel(shared)
            for batch in batches:
                for low, high in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    yield _written(low, compare_range(*kernel, low, high))

        tasks = spark.createDataFrame(ranges, "low long, high long").repartition(len(ranges))
        found = tasks.mapInArrow(work, PIECE).persist(StorageLevel.DISK_ONLY)
        found.count()  # all tasks at once; what follows takes one part after the other
        pieces = Pieces()
        for row in found.toLocalIterator():
            pieces.put(row.low, _read(row, len(comparer.fields)))
        found.unpersist()
        shared.unpersist()
        return together(pieces, len(comparer.fields), blocks.one_in)


@lru_cache(maxsize=1)
def _kernel(shared: Any) -> tuple[Blocks, Comparer]:
    """Blocks and comparer of this worker process, made once for all its tasks."""
    blocks, prepared, fields, forms = shared.value
    return blocks, Comparer(prepared, fields, forms)


def _written(low: int, piece: Piece) -> pa.RecordBatch:
    columns = [[array.tobytes()] for array in (piece.a, piece.b, piece.which, piece.drawn, np.ascontiguousarray(piece.patterns))]
    return pa.RecordBatch.from_arrays(
        [pa.array([low], pa.int64()), *(pa.array(c, pa.binary()) for c in columns)], names=["low", "a", "b", "which", "drawn", "patterns"]
    )


def _read(row: Any, fields: int) -> Piece:
    a, b, which = (np.frombuffer(value, np.int32) for value in (row.a, row.b, row.which))
    return Piece(a, b, which, np.frombuffer(row.drawn, bool), np.frombuffer(row.patterns, np.uint8).reshape(-1, fields))
