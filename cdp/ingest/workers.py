"""Mapping runs in worker processes that are started fresh: none inherits a connection, a lock or a thread, and none outlives its parent."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from importlib.abc import MetaPathFinder

import pyarrow as pa


@contextmanager
def worker_pool(workers: int) -> Iterator[Executor | None]:
    """A pool of `workers` processes; None where one process does it all."""
    if workers < 2:
        yield None
        return
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"), initializer=_begin)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _begin() -> None:
    _hide_pandas()
    _end_with_parent()


class _Hidden(MetaPathFinder):
    """Says of pandas that there is none."""

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


def _hide_pandas() -> None:
    """Let Arrow find no pandas. It looks once, when it first meets a value of Python, and imports it: half a second and 60 MB a worker."""
    hidden = _Hidden()
    sys.meta_path.insert(0, hidden)
    pa.scalar("")
    sys.meta_path.remove(hidden)


def _end_with_parent() -> None:
    """End this worker when its parent is gone; of a killed one it would not hear, for it holds both ends of the pipe its work comes by."""
    threading.Thread(target=_outlast_parent, daemon=True).start()


def _outlast_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
