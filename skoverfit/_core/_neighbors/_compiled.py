# SPDX-License-Identifier: BSD-3-Clause
"""The compiled search: hands arrays to the kernel and makes room for its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skoverfit._core._kernel import available, module

if TYPE_CHECKING:
    from skoverfit._core._neighbors._table import NeighborTable

__all__ = [
    "available",
    "instruction_sets",
    "search",
    "search_own_and_all",
]

Pair = tuple[np.ndarray, np.ndarray]


def instruction_sets() -> list[str]:
    """Return the instruction sets of this processor that the kernel has, best first."""
    return list(module().instruction_sets()) if available() else []


def _bytes(codes: np.ndarray | None) -> tuple[np.ndarray | None, np.ndarray]:
    """Return codes as bytes and the columns that need two, which come first."""
    if codes is None or codes.shape[1] == 0:
        return None, np.empty(0, dtype=np.intp)
    if codes.dtype == np.uint8:
        return np.ascontiguousarray(codes), np.empty(0, dtype=np.intp)
    return codes, np.flatnonzero(codes.max(axis=0, initial=0) > 255)


def _split(codes: np.ndarray | None, wide: np.ndarray) -> np.ndarray | None:
    if codes is None or (codes.dtype == np.uint8 and not len(wide)):
        return codes
    narrow = np.setdiff1d(np.arange(codes.shape[1]), wide)
    out = np.empty((len(codes), 2 * len(wide) + len(narrow)), dtype=np.uint8)
    out[:, 0 : 2 * len(wide) : 2] = codes[:, wide] & 0xFF
    out[:, 1 : 2 * len(wide) : 2] = codes[:, wide] >> 8
    out[:, 2 * len(wide) :] = codes[:, narrow]
    return out


def _call(
    table: NeighborTable,
    k: int,
    queries: NeighborTable | None,
    rows: np.ndarray | None,
    own: tuple[int, np.ndarray] | None,
    n_threads: int,
    instruction_set: str,
) -> tuple[Pair, Pair | None]:
    numeric, codes = table.numeric, table.codes
    foreign, foreign_codes = None, None
    both, wide = _bytes(codes)
    if queries is not None:
        common = np.promote_types(numeric.dtype, queries.numeric.dtype)
        foreign = np.ascontiguousarray(queries.numeric, dtype=common)
        numeric = np.ascontiguousarray(numeric, dtype=common)
        foreign_codes, more = _bytes(queries.codes)
        wide = np.union1d(wide, more).astype(np.intp)
        n_queries = len(foreign)
    else:
        n_queries = len(numeric) if rows is None else len(rows)
    answers = [np.empty((n_queries, k)), np.empty((n_queries, k), dtype=np.int64)]
    second: list[np.ndarray | None] = [None, None]
    if own is not None:
        k_own = own[0]
        second = [
            np.empty((n_queries, k_own)),
            np.empty((n_queries, k_own), dtype=np.int64),
        ]
    module().search(
        numeric,
        _split(both, wide),
        len(wide),
        float(table.mismatch),
        foreign,
        _split(foreign_codes, wide),
        None if rows is None else np.ascontiguousarray(rows, dtype=np.int64),
        None if own is None else np.ascontiguousarray(own[1], dtype=np.uint8),
        *answers,
        *second,
        n_threads,
        instruction_set,
    )
    first = answers[0], answers[1].astype(np.intp, copy=False)
    if own is None:
        return first, None
    return first, (second[0], second[1].astype(np.intp, copy=False))  # type: ignore[return-value, union-attr]


def search(
    table: NeighborTable,
    k: int,
    queries: NeighborTable | None = None,
    rows: np.ndarray | None = None,
    n_threads: int = 1,
    instruction_set: str = "",
) -> Pair:
    """Return distances and row numbers of the k nearest, nearest first.

    Ties go to the lower row number. The caller has checked ``k`` and the row numbers.
    """
    return _call(table, k, queries, rows, None, n_threads, instruction_set)[0]


def search_own_and_all(
    table: NeighborTable,
    k_own: int,
    k_all: int,
    labels: np.ndarray,
    rows: np.ndarray,
    n_threads: int = 1,
    instruction_set: str = "",
) -> tuple[Pair, Pair]:
    """Return neighbours of the row's own class, and of all rows, of one pass.

    The rows of a class lie in leaves of their own, which feed both lists of a query;
    the other leaves feed one.
    """
    rows = np.asarray(rows, dtype=np.int64)
    shape_own, shape_all = (len(rows), k_own), (len(rows), k_all)
    own = np.empty(shape_own), np.empty(shape_own, dtype=np.intp)
    everybody = np.empty(shape_all), np.empty(shape_all, dtype=np.intp)
    for label in np.unique(labels[rows]):
        places = np.flatnonzero(labels[rows] == label)
        mask = labels == label
        first, second = _call(
            table, k_all, None, rows[places], (k_own, mask), n_threads, instruction_set
        )
        assert second is not None
        for out, found in zip((*everybody, *own), (*first, *second), strict=True):
            out[places] = found
    return own, everybody
