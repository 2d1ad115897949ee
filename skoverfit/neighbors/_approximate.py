# SPDX-License-Identifier: BSD-3-Clause
"""Searches that may miss neighbours, by libraries that are installed on purpose."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import numpy as np

from skoverfit._core._neighbors import NeighborTable
from skoverfit._core._neighbors._direct import pair_squared

__all__ = ["build_index", "search_index"]


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as exc:
        raise ImportError(
            f"approximate={name!r} needs a package that is not installed. Install it "
            "with: pip install 'skoverfit[approximate]'"
        ) from exc


def build_index(name: str, table: NeighborTable, k: int, n_jobs: int, seed: int) -> Any:
    """Return an index of the rows, in float32 as both libraries want it."""
    if table.is_sparse or table.is_tensor or table.codes is not None:
        raise ValueError(
            f"approximate={name!r} takes dense numeric arrays only. Use "
            "approximate=None for sparse tables, tensors and nominal columns."
        )
    if table.has_missing:
        raise ValueError(
            f"approximate={name!r} can't search among missing values (NaN). Use "
            "approximate=None."
        )
    library = _library(name)
    rows = _float32(table, table)
    if name == "faiss":
        index = library.IndexHNSWFlat(rows.shape[1], 32)
        index.hnsw.efConstruction = 80
        index.hnsw.efSearch = max(64, 2 * (k + 1))
        threads = library.omp_get_max_threads()
        library.omp_set_num_threads(1)  # with more, the index is a matter of chance
        try:
            index.add(rows)
        finally:
            library.omp_set_num_threads(threads)
        return index
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of numba's and its own tuning
        index = library.NNDescent(
            rows, n_neighbors=max(15, k + 1), random_state=seed, n_jobs=n_jobs
        )
        index.prepare()
    return index


def _float32(table: NeighborTable, centre_of: NeighborTable) -> np.ndarray:
    centre = centre_of.numeric.mean(axis=0, dtype=np.float64)
    return np.ascontiguousarray(table.numeric - centre, dtype=np.float32)


def search_index(
    index: Any,
    table: NeighborTable,
    queries: NeighborTable,
    k: int,
    own: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return what the index finds, with distances in float64.

    ``own`` are the rows of the table that ask, which are not their own neighbours.
    """
    wanted = min(k + (own is not None), len(table))
    rows = _float32(queries, table)
    if hasattr(index, "hnsw"):
        index.hnsw.efSearch = max(64, 2 * wanted)
        found = index.search(rows, wanted)[1]
    else:
        found = index.query(rows, k=wanted)[0]
    found = np.asarray(found, dtype=np.int64)
    asked = np.repeat(np.arange(len(rows)), wanted)
    flat = np.full(found.size, np.inf)
    valid = np.flatnonzero(found.ravel() >= 0)
    flat[valid] = pair_squared(queries, table, asked[valid], found.ravel()[valid])
    squared = flat.reshape(found.shape)
    if own is not None:
        squared[found == own[:, None]] = np.nan  # behind whatever was not found
    order = np.argsort(squared, axis=1, kind="stable")[:, :k]
    found = np.take_along_axis(found, order, axis=1).astype(np.intp)
    if (found < 0).any():
        raise RuntimeError(
            "The approximate search found fewer neighbours than asked for. Use "
            "approximate=None."
        )
    return np.sqrt(np.take_along_axis(squared, order, axis=1)), found
