# SPDX-License-Identifier: BSD-3-Clause
"""Checks of what is asked, and the rule which search answers it."""

from __future__ import annotations

import importlib
from functools import lru_cache
from typing import Any

import joblib
import numpy as np

from skoverfit._core._neighbors import _cache, _search
from skoverfit._core._neighbors._table import NeighborTable

__all__ = ["available_backends", "find_neighbors", "find_own_and_all_neighbors"]

_BACKENDS = ("auto", "compiled", "torch", "sklearn")
_TORCH_PAYS = 2**24  # pairs
_CACHE_ROWS = 500
_HERE = "skoverfit._core._neighbors"


@lru_cache(maxsize=1)
def _kernel() -> Any:
    """Return the module of the compiled search, or None where none was built."""
    try:
        module = importlib.import_module(f"{_HERE}._compiled")
    except ModuleNotFoundError as exc:
        if exc.name != f"{_HERE}._compiled":
            raise
        return None
    return module if module.available() else None


def available_backends() -> tuple[str, ...]:
    """Return the names that ``backend`` may have in this installation."""
    return tuple(b for b in _BACKENDS if b != "compiled" or _kernel() is not None)


def _backend(table: NeighborTable, backend: str, n_asked: int) -> Any:
    """Return the module that searches this table.

    Sparse tables: products of sparse blocks. Dense ones: the kernel. Tensors, and
    arrays where no kernel was built and the search is long enough to pay for loading
    torch: block minima in torch. Otherwise the same in numpy.
    """
    if backend not in _BACKENDS:
        raise ValueError(
            f"The 'backend' parameter must be one of {_BACKENDS}. Got {backend!r}."
        )
    if backend == "compiled" and _kernel() is None:
        raise ValueError(
            "backend='compiled', but the compiled kernel was not built here."
        )
    if table.is_sparse or (backend == "sklearn" and not table.is_tensor):
        return _search
    if not table.is_tensor and backend in ("auto", "compiled") and _kernel():
        return _kernel()
    large = n_asked * len(table) >= _TORCH_PAYS
    if table.is_tensor or backend == "torch" or large:
        return importlib.import_module("skoverfit._core._neighbors_torch")
    return _search


def _worth_keeping(table: NeighborTable, backend: str, n_asked: int) -> bool:
    """Whether looking a graph up costs clearly less than finding it."""
    large = n_asked >= _CACHE_ROWS and not table.is_tensor
    return large and backend == "auto" and _cache.is_on()


def find_neighbors(
    table: NeighborTable,
    k: int,
    *,
    queries: NeighborTable | None = None,
    rows: Any = None,
    n_jobs: int | None = None,
    backend: str = "auto",
) -> tuple[Any, Any]:
    """Find the k nearest rows, exactly.

    Parameters
    ----------
    table : NeighborTable
        The candidates.
    k : int
        How many neighbours each row gets.
    queries : NeighborTable, default=None
        Rows that ask, with the columns of ``table``; nothing is excluded. None: rows
        of the table itself, each without its own row (by index, so that a duplicate
        of a row is its neighbour).
    rows : array-like of int, default=None
        With ``queries=None``, the rows that ask; all by default.
    n_jobs : int, default=None
        Threads; None is 1 unless a joblib context says otherwise.
    backend : {"auto", "compiled", "torch", "sklearn"}, default="auto"
        Which search; for tests.

    Returns
    -------
    distances : ndarray of shape (q, k), float64
        Ascending.
    indices : ndarray of shape (q, k), intp
        Rows of ``table``; ties in the order of the index. Of a tensor table both are
        tensors on its device.

    Raises
    ------
    ValueError
        Where there are less than k candidates, or columns do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit._core._neighbors import NeighborTable, find_neighbors
    >>> table = NeighborTable(numeric=np.array([[0.0], [1.0], [3.0]]))
    >>> find_neighbors(table, 1)
    (array([[1.],
           [1.],
           [2.]]), array([[1],
           [0],
           [1]]))
    """
    k = _check_k(k, len(table) - (queries is None), "rows")
    if queries is not None:
        if rows is not None:
            raise ValueError("rows= and queries= exclude each other.")
        queries = _check_queries(table, queries)
    rows = None if rows is None else _check_rows(rows, len(table))
    n_asked = len(next(r for r in (queries, rows, table) if r is not None))
    module = _backend(table, backend, n_asked)
    threads = _threads(n_jobs)
    if queries is not None or not _worth_keeping(table, backend, n_asked):
        return module.search(table, k, queries, rows, threads)
    content = _cache.fingerprint(table)
    if rows is not None:
        found = _cache.recall_rows((content,), k, rows)
        if found is not None:
            return found
    key = (content,) if rows is None else (content, _cache.fingerprint(rows))
    found = _cache.recall(key, k)
    if found is None:
        found = module.search(table, k, None, rows, threads)
        _cache.remember(key, *found)
    return found


def find_own_and_all_neighbors(
    table: NeighborTable,
    k_own: int,
    k_all: int,
    labels: Any,
    *,
    rows: Any = None,
    n_jobs: int | None = None,
    backend: str = "auto",
) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Find the nearest rows of the own class and the nearest of all, in one pass.

    Parameters
    ----------
    table : NeighborTable
        All rows.
    k_own, k_all : int
        Neighbours in the own class and among all rows.
    labels : array-like of shape (n,)
        Class of each row.
    rows : array-like of int, default=None
        Rows that ask; all by default.
    n_jobs, backend
        As in `find_neighbors`.

    Returns
    -------
    own : tuple of distances and indices, of shape (q, k_own)
        Own rows excluded by index.
    all : tuple of distances and indices, of shape (q, k_all)
        Own rows excluded by index.

    Raises
    ------
    ValueError
        Where a class that asks has not more than ``k_own`` rows.
    """
    codes = np.unique(np.asarray(labels), return_inverse=True)[1].astype(np.int32)
    if codes.shape != (len(table),):
        raise ValueError(
            f"labels must have shape ({len(table)},). Got {codes.shape} instead."
        )
    rows = np.arange(len(table)) if rows is None else _check_rows(rows, len(table))
    counts = np.bincount(codes)
    fewest = int(counts[codes[rows]].min()) if len(rows) else len(table)
    k_own = _check_k(k_own, fewest - 1, "rows of its own class", "k_own")
    k_all = _check_k(k_all, len(table) - 1, "rows", "k_all")
    module = _backend(table, backend, len(rows))
    threads = _threads(n_jobs)
    if not _worth_keeping(table, backend, len(rows)):
        return module.search_own_and_all(table, k_own, k_all, codes, rows, threads)
    content, asked = _cache.fingerprint(table), _cache.fingerprint(rows)
    own_key = (content, asked, _cache.fingerprint(codes))
    own = _cache.recall(own_key, k_own)
    everyone = _cache.recall((content, asked), k_all, count=False)
    if own is not None and everyone is not None:
        return own, everyone
    found = module.search_own_and_all(table, k_own, k_all, codes, rows, threads)
    if own is None:
        _cache.remember(own_key, *found[0])
    if everyone is None:  # otherwise a wider one is there
        _cache.remember((content, asked), *found[1])
    return found


def _check_k(k: int, candidates: int, what: str, name: str = "k") -> int:
    if isinstance(k, bool) or int(k) != k or k < 1:
        raise ValueError(f"{name} must be an integer from 1 on. Got {k!r} instead.")
    if k > candidates:
        raise ValueError(
            f"{name}={k} neighbours are asked for, but a row has only "
            f"{max(candidates, 0)} other {what} to choose from."
            if what != "rows"
            else f"{name}={k} neighbours are asked for, but there are only "
            f"{max(candidates, 0)} candidate rows."
        )
    return int(k)


def _check_rows(rows: Any, n: int) -> np.ndarray:
    rows = np.asarray(rows)
    if rows.dtype == bool:
        rows = np.flatnonzero(rows)
    rows = rows.astype(np.intp)
    if rows.ndim != 1 or (len(rows) and not 0 <= rows.min() <= rows.max() < n):
        raise ValueError(f"rows must be row numbers in 0..{n - 1} in one dimension.")
    return rows


def _check_queries(table: NeighborTable, queries: NeighborTable) -> NeighborTable:
    mine = (table.numeric.shape[1], table.n_nominal)
    theirs = (queries.numeric.shape[1], queries.n_nominal)
    if mine != theirs:
        raise ValueError(
            f"queries have {theirs[0]} numeric and {theirs[1]} nominal columns, but "
            f"the table has {mine[0]} and {mine[1]}."
        )
    return queries


def _threads(n_jobs: int | None) -> int:
    return joblib.effective_n_jobs(n_jobs) if n_jobs != 1 else 1
