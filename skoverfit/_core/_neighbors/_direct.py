# SPDX-License-Identifier: BSD-3-Clause
"""Squared distances by direct differences in float64: what all paths must equal."""

from __future__ import annotations

from typing import Any

import numpy as np

from skoverfit._core._neighbors._table import NeighborTable

__all__ = ["DirectSpace", "pair_squared", "rescale"]

_ELEMENTS = 2**20  # values of one temporary array: 8 MB


def rescale(
    base: NeighborTable, queries: NeighborTable
) -> tuple[NeighborTable, NeighborTable, float]:
    """Multiply numbers whose squares leave float64 by a power of two.

    Returns
    -------
    base, queries : NeighborTable
        The tables, usually unchanged.
    unit : float
        By which distances between them must be multiplied.
    """
    largest = max(_largest(base), _largest(queries) if queries is not base else 0.0)
    nominal = base.codes is not None and base.mismatch > 0
    if largest == 0 or 1e-100 < largest < 1e140 or (nominal and largest < 1):
        return base, queries, 1.0
    exponent = int(np.frexp(largest)[1])
    scaled = _scaled(base, exponent)
    return (
        scaled,
        scaled if queries is base else _scaled(queries, exponent),
        float(np.ldexp(1.0, exponent)),
    )


def _largest(table: NeighborTable) -> float:
    values = table.numeric.data if table.is_sparse else table.numeric
    if not values.size:
        return 0.0
    low, high = values.min(), values.max()
    if np.isnan(low):
        with np.errstate(invalid="ignore"):
            low, high = np.fmin.reduce(values, None), np.fmax.reduce(values, None)
    return float(np.nan_to_num(max(-low, high)))


def _scaled(table: NeighborTable, exponent: int) -> NeighborTable:
    if table.is_sparse:
        numeric = table.numeric.astype(np.float64)
        numeric.data = np.ldexp(numeric.data, -exponent)
    else:
        numeric = np.ldexp(table.numeric.astype(np.float64), -exponent)
    mismatch = table.mismatch
    if table.codes is not None and mismatch > 0:  # the exponent is not negative here
        mismatch = float(np.ldexp(mismatch, -2 * exponent))
    return NeighborTable(numeric=numeric, codes=table.codes, mismatch=mismatch)


def pair_squared(
    queries: NeighborTable, base: NeighborTable, i: np.ndarray, j: np.ndarray
) -> np.ndarray:
    """Return the squared distances of the pairs ``(queries[i], base[j])``."""
    out = np.empty(len(i))
    step = max(1, _ELEMENTS // max(1, base.n_columns))
    for start in range(0, len(i), step):
        part = slice(start, start + step)
        out[part] = _pairs(queries, base, i[part], j[part])
    return out


def _pairs(
    queries: NeighborTable, base: NeighborTable, i: np.ndarray, j: np.ndarray
) -> np.ndarray:
    if base.is_sparse:
        gap = queries.numeric[i].astype(np.float64) - base.numeric[j]
        gap.data **= 2
        total = np.asarray(gap.sum(axis=1), dtype=np.float64).ravel()
    else:
        gap = queries.numeric[i].astype(np.float64)
        gap -= base.numeric[j]
        total, present = _sum_of_squares(gap, base.has_missing or queries.has_missing)
    if base.codes is None and (base.is_sparse or present is None):
        return total
    if base.codes is not None and queries.codes is not None:
        a, b = queries.codes[i], base.codes[j]
        known = (a != 0) & (b != 0)
        total += base.mismatch * ((a != b) & known).sum(axis=1)
        if not base.is_sparse and present is not None:
            present += known.sum(axis=1)
        elif not known.all():
            present = base.numeric.shape[1] + known.sum(axis=1)
        else:
            return total
    return _partial(total, present, base.n_columns)


def _sum_of_squares(gap: np.ndarray, missing: bool) -> tuple[np.ndarray, Any]:
    if not missing:
        return np.einsum("ij,ij->i", gap, gap), None
    known = ~np.isnan(gap)
    gap[~known] = 0.0
    return np.einsum("ij,ij->i", gap, gap), known.sum(axis=1)


def _partial(total: np.ndarray, present: Any, n_columns: int) -> np.ndarray:
    """Scale sums over the columns present; infinity where there are none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(present == 0, np.inf, total * (n_columns / present))


class DirectSpace:
    """All distances of a block of rows, column after column: any dense table."""

    exact = True

    def __init__(self, base: NeighborTable, queries: NeighborTable) -> None:
        self.base, self.queries = base, queries
        self.missing = base.has_missing or queries.has_missing

    def block(self, rows: np.ndarray, double: bool) -> np.ndarray:
        """Return the squared distances of these query rows to all rows."""
        base, queries = self.base, self.queries
        total = np.zeros((len(rows), len(base)))
        gap = np.empty_like(total)
        present = np.zeros(total.shape, dtype=np.int32) if self.missing else None
        numbers = queries.numeric[rows].astype(np.float64)
        for column in range(base.numeric.shape[1]):
            b = base.numeric[:, column].astype(np.float64)
            np.subtract(numbers[:, column, None], b, out=gap)
            if present is not None:
                known = ~np.isnan(gap)
                present += known
                gap[~known] = 0.0
            gap *= gap
            total += gap
        if base.codes is not None and queries.codes is not None:
            codes = queries.codes[rows]
            for column in range(base.n_nominal):
                a, b = codes[:, column, None], base.codes[:, column]
                differs = a != b
                if present is not None:
                    known = (a != 0) & (b != 0)
                    present += known
                    differs &= known
                np.multiply(differs, base.mismatch, out=gap)
                total += gap
        if present is None:
            return total
        return _partial(total, present, base.n_columns)

    def offset(self, rows: np.ndarray) -> np.ndarray:
        """Return what a block lacks of the squared distances: nothing."""
        return np.zeros(len(rows))
