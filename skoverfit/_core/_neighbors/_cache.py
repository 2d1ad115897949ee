# SPDX-License-Identifier: BSD-3-Clause
"""Neighbour graphs found lately, shared by all callers of the process.

The candidates of a search ask for the neighbours of the same rows again and again,
with other k, ratios and seeds. A graph is found by the content of the table, kept at
the largest k asked so far and cut for smaller ones; the oldest ones leave when the
bound is reached.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from skoverfit._core._memory_cache import BoundedCache, content_hash
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
_Key = tuple[str, ...]


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


# Under each key: distances and row numbers of the widest graph met.
_GRAPHS = BoundedCache(_DEFAULT_LIMIT)


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
    _GRAPHS.resize(int(max_bytes))


def clear_cache() -> None:
    """Forget all neighbour graphs and set the counters of `cache_info` to zero.

    Examples
    --------
    >>> from skoverfit.neighbors import cache_info, clear_cache
    >>> clear_cache()
    >>> cache_info().n_graphs
    0
    """
    _GRAPHS.clear()


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
    info = _GRAPHS.info()
    return CacheInfo(
        hits=info.hits,
        misses=info.misses,
        n_graphs=info.entries,
        n_bytes=info.n_bytes,
        max_bytes=info.max_bytes,
    )


def is_on() -> bool:
    """Whether anything may be kept."""
    return _GRAPHS.max_bytes > 0


def fingerprint(*parts: Any) -> str:
    """Return a hash of tables, arrays and None; equal content has equal ones."""
    flat: list[Any] = []
    for part in parts:
        if isinstance(part, NeighborTable):
            flat += [part.numeric, part.codes, part.mismatch]
        else:
            flat.append(part)
    return content_hash(*flat)


def recall(key: _Key, k: int, *, count: bool = True) -> Any:
    """Return copies of the first k neighbours under this key, or None."""
    graph = _GRAPHS.get(key, usable=_wide_enough(k), count_miss=count)
    if graph is None:
        return None
    return graph[0][:, :k].copy(), graph[1][:, :k].astype(np.intp)


def recall_rows(key: _Key, k: int, rows: np.ndarray) -> Any:
    """Return copies of some rows of a whole graph, or None; no miss is counted."""
    graph = _GRAPHS.get(key, usable=_wide_enough(k), count_miss=False)
    if graph is None:
        return None
    return graph[0][rows, :k], graph[1][rows, :k].astype(np.intp)


def _wide_enough(k: int) -> Callable[[tuple[np.ndarray, np.ndarray]], bool]:
    return lambda graph: graph[0].shape[1] >= k


def remember(key: _Key, distances: np.ndarray, indices: np.ndarray) -> None:
    """Keep copies of a graph: the caller saw that no wider one was there."""
    narrow = np.int32 if indices.size == 0 or indices.max() < 2**31 else np.int64
    n_bytes = distances.nbytes + indices.size * np.dtype(narrow).itemsize
    if n_bytes <= _GRAPHS.max_bytes:
        _GRAPHS.put(key, (distances.copy(), indices.astype(narrow)), n_bytes)
