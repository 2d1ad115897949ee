# SPDX-License-Identifier: BSD-3-Clause
"""Neighbour graphs found lately, shared by all callers of the process.

The candidates of a search ask for the neighbours of the same rows again and again,
with other k, ratios and seeds. A graph is found by the content of the table, kept at
the largest k asked so far and cut for smaller ones; the oldest ones leave when the
bound is reached.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from typing import Any, NamedTuple

import numpy as np

from skoverfit._core._neighbors._table import NeighborTable

__all__ = [
    "CacheInfo",
    "cache_info",
    "clear_cache",
    "fingerprint",
    "recall",
    "remember",
    "set_cache_limit",
]

_DEFAULT_LIMIT = 256 * 2**20
_Key = tuple[bytes, ...]


class CacheInfo(NamedTuple):
    """State of the cache of neighbour graphs.

    Parameters
    ----------
    hits, misses : int
        Searches answered from the cache and made anew since the last `clear_cache`.
        Searches too small to be worth it count as neither.
    n_graphs : int
        Graphs held.
    n_bytes, max_bytes : int
        Their size, and its bound.
    """

    hits: int
    misses: int
    n_graphs: int
    n_bytes: int
    max_bytes: int


class _State:
    """Graphs in the order of their last use, behind one lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.graphs: OrderedDict[_Key, tuple[np.ndarray, np.ndarray]] = OrderedDict()
        self.n_bytes = self.hits = self.misses = 0
        self.max_bytes = _DEFAULT_LIMIT

    def drop_oldest(self) -> None:
        while self.n_bytes > self.max_bytes:
            self.n_bytes -= _size(self.graphs.popitem(last=False)[1])


_STATE = _State()
if hasattr(os, "register_at_fork"):  # a child must not inherit a lock that is held
    os.register_at_fork(
        before=_STATE.lock.acquire,
        after_in_parent=_STATE.lock.release,
        after_in_child=_STATE.lock.release,
    )


def _size(graph: tuple[np.ndarray, np.ndarray]) -> int:
    return graph[0].nbytes + graph[1].nbytes


def set_cache_limit(max_bytes: int) -> None:
    """Bound the memory of the neighbour graphs that are kept.

    Parameters
    ----------
    max_bytes : int
        Bytes, 256 MB at first. 0 keeps nothing. Graphs beyond the bound leave at
        once, those first that were not used for the longest time.

    Raises
    ------
    ValueError
        Where it is negative or no integer.

    Examples
    --------
    >>> from skoverfit.neighbors import cache_info, set_cache_limit
    >>> set_cache_limit(64 * 2**20)
    >>> cache_info().max_bytes
    67108864
    >>> set_cache_limit(256 * 2**20)
    """
    if isinstance(max_bytes, bool) or not isinstance(max_bytes, (int, np.integer)):
        raise ValueError(
            f"max_bytes must be an integer from 0 on. Got {max_bytes!r} instead."
        )
    if max_bytes < 0:
        raise ValueError(f"max_bytes must be 0 or more. Got {max_bytes} instead.")
    with _STATE.lock:
        _STATE.max_bytes = int(max_bytes)
        _STATE.drop_oldest()


def clear_cache() -> None:
    """Forget all neighbour graphs and set the counters of `cache_info` to zero.

    Examples
    --------
    >>> from skoverfit.neighbors import cache_info, clear_cache
    >>> clear_cache()
    >>> cache_info().n_graphs
    0
    """
    with _STATE.lock:
        _STATE.graphs.clear()
        _STATE.n_bytes = _STATE.hits = _STATE.misses = 0


def cache_info() -> CacheInfo:
    """Return what the cache of neighbour graphs holds and how often it answered.

    Returns
    -------
    namedtuple
        With ``hits``, ``misses``, ``n_graphs``, ``n_bytes``,
        ``max_bytes``.

    Examples
    --------
    >>> from skoverfit.neighbors import cache_info
    >>> cache_info().max_bytes // 2**20
    256
    """
    with _STATE.lock:
        return CacheInfo(
            hits=_STATE.hits,
            misses=_STATE.misses,
            n_graphs=len(_STATE.graphs),
            n_bytes=_STATE.n_bytes,
            max_bytes=_STATE.max_bytes,
        )


def is_on() -> bool:
    """Whether anything may be kept."""
    return _STATE.max_bytes > 0


def fingerprint(*parts: Any) -> bytes:
    """Return a digest of tables, arrays and None; equal content has equal ones."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, NeighborTable):
            numeric = part.numeric
            arrays = (
                [numeric.data, numeric.indices, numeric.indptr]
                if part.is_sparse
                else [numeric]
            )
            digest.update(repr((part.numeric.shape, part.mismatch)).encode())
            for array in [*arrays, part.codes]:
                _update(digest, array)
        else:
            _update(digest, part)
    return digest.digest()


def _update(digest: Any, array: np.ndarray | None) -> None:
    if array is None:
        digest.update(b"None;")
        return
    digest.update(f"{array.shape} {array.dtype.str};".encode())
    if array.size:
        digest.update(np.ascontiguousarray(array).view(np.uint8).data)


def recall(key: _Key, k: int, *, count: bool = True) -> Any:
    """Return copies of the first k neighbours under this key, or None."""
    with _STATE.lock:
        graph = _STATE.graphs.get(key)
        if graph is None or graph[0].shape[1] < k:
            _STATE.misses += count
            return None
        _STATE.graphs.move_to_end(key)
        _STATE.hits += 1
    return graph[0][:, :k].copy(), graph[1][:, :k].astype(np.intp)


def recall_rows(key: _Key, k: int, rows: np.ndarray) -> Any:
    """Return copies of some rows of a whole graph, or None; no miss is counted."""
    with _STATE.lock:
        graph = _STATE.graphs.get(key)
        if graph is None or graph[0].shape[1] < k:
            return None
        _STATE.graphs.move_to_end(key)
        _STATE.hits += 1
    return graph[0][rows, :k], graph[1][rows, :k].astype(np.intp)


def remember(key: _Key, distances: np.ndarray, indices: np.ndarray) -> None:
    """Keep copies of a graph, unless a wider one is there already."""
    narrow = np.int32 if indices.size == 0 or indices.max() < 2**31 else np.int64
    n_bytes = distances.nbytes + indices.size * np.dtype(narrow).itemsize
    if n_bytes > _STATE.max_bytes:
        return
    graph = (distances.copy(), indices.astype(narrow))
    with _STATE.lock:
        old = _STATE.graphs.get(key)
        if old is not None and old[0].shape[1] >= distances.shape[1]:
            return
        if old is not None:
            _STATE.n_bytes -= _size(old)
        _STATE.graphs[key] = graph
        _STATE.graphs.move_to_end(key)
        _STATE.n_bytes += _size(graph)
        _STATE.drop_oldest()
