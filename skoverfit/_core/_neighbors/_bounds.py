# SPDX-License-Identifier: BSD-3-Clause
"""Lower bounds of squared distances by one matrix product.

``|x|^2 + |y|^2 - 2xy`` loses digits where rows are long and near. With unit roundoff u
and D columns its error is at most ``(D + 24) u (|x|^2 + |y|^2)``, the rounding of
the rows themselves included; so with both squared lengths made smaller by that factor
it never exceeds the true squared distance. A far row makes its own bounds loose, and
nobody else's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from skoverfit._core._neighbors._table import NeighborTable

__all__ = ["DenseSpace", "SparseSpace", "can_embed", "embed"]

_MAX_LEVELS = 4096


def can_embed(base: NeighborTable) -> bool:
    """Whether the levels of the nominal columns fit into a few dense columns."""
    if base.codes is None:
        return True
    return int(base.codes.max(axis=0, initial=0).sum()) <= _MAX_LEVELS


def embed(base: NeighborTable, queries: NeighborTable) -> tuple[np.ndarray, ...]:
    """Return float64 rows whose plain Euclidean distances are those of the tables.

    Numbers are centred between their extremes' means; each nominal column becomes one
    column per level, at the height that makes two levels differ by ``mismatch``.

    Returns
    -------
    base_rows, query_rows : ndarray of shape (n, D) and (q, D)
    """
    numeric = base.numeric
    with np.errstate(over="ignore"):
        centre = numeric.mean(axis=0, dtype=np.float64) if len(base) else 0.0
    # A constant column must become zero, and whole numbers must stay whole.
    centre = np.clip(centre, numeric.min(axis=0), numeric.max(axis=0))
    centre = np.where(np.abs(centre) >= 1, np.rint(centre), centre)
    whole = numeric.shape[1] and is_whole(numeric[:64])
    centre = np.rint(centre) if whole else centre
    rows = [numeric - centre]
    rows.append(rows[0] if queries is base else queries.numeric - centre)
    if base.codes is None or queries.codes is None:
        return tuple(rows)
    height = np.sqrt(base.mismatch / 2)
    out = []
    for table, numbers in zip((base, queries), rows, strict=True):
        parts = [numbers]
        for column in range(base.n_nominal):
            top = max(base.codes[:, column].max(), queries.codes[:, column].max())
            levels = np.arange(1, int(top) + 1)
            hot = table.codes[:, column, None] == levels  # type: ignore[index]
            parts.append(hot * height)
        out.append(np.concatenate(parts, axis=1))
    return tuple(out)


def is_whole(values: np.ndarray) -> bool:
    """Whether all are whole numbers."""
    return bool((values == np.rint(values)).all())


class _Precision:
    """The rows in one precision, ready for products."""

    def __init__(self, base: np.ndarray, queries: np.ndarray, dtype: Any) -> None:
        same = queries is base
        largest = max(np.abs(base).max(initial=0), np.abs(queries).max(initial=0))
        # Squares must neither overflow nor underflow: lengths of about 2**50.
        shift = 50 - int(np.frexp(largest)[1]) if largest else 0
        n_columns, info = max(1, base.shape[1]), np.finfo(dtype)
        exact = (
            largest * largest * 4 * n_columns < 2.0 ** (info.nmant + 1)
            and is_whole(base)
            and (same or is_whole(queries))
        )
        shift = 0 if exact else shift
        self.exact = bool(exact)
        self.slack = 0.0 if exact else (n_columns + 24) * float(info.eps) / 2
        # What underflow can add, in units of the scaled squares.
        self.tiny = 0.0 if exact else n_columns * float(info.tiny) * 64
        self.shift = shift
        self.base = np.ldexp(base, shift).astype(dtype)
        asking = self.base if same else np.ldexp(queries, shift).astype(dtype)
        self.base_lengths = self._lengths(self.base).astype(dtype)
        self.query_lengths = self._lengths(asking)
        self.queries = -2 * asking

    def _lengths(self, rows: np.ndarray) -> np.ndarray:
        squares = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
        return squares * (1 - self.slack)


class DenseSpace:
    """Bounds between dense rows without missing values."""

    def __init__(self, base: NeighborTable, queries: NeighborTable) -> None:
        self._same = queries is base
        self._rows: Any = embed(base, queries)
        self._precisions: dict[bool, _Precision] = {}

    @property
    def exact(self) -> bool:
        """Whether the bounds in float32 are the squared distances: small integers."""
        return self.precision(False).exact

    def precision(self, double: bool) -> _Precision:
        """Return the rows in float32 or float64, made on first use."""
        if double not in self._precisions:
            dtype = np.float64 if double else np.float32
            self._precisions[double] = _Precision(self._rows[0], self._rows[1], dtype)
        return self._precisions[double]

    def block(self, rows: np.ndarray, double: bool) -> np.ndarray:
        """Return lower bounds, in units of `limit`, less the length of the query."""
        at = self.precision(double)
        out = at.queries[rows] @ at.base.T
        out += at.base_lengths
        return out

    def offset(self, rows: np.ndarray) -> np.ndarray:
        """Return what exact bounds in float32 lack of the squared distance."""
        return self.precision(False).query_lengths[rows]

    def limit(self, squared: np.ndarray, rows: np.ndarray, double: bool) -> np.ndarray:
        """Return the bound that nobody as near as this squared distance exceeds."""
        at = self.precision(double)
        squared = np.ldexp(squared, 2 * at.shift) + at.tiny
        return squared - at.query_lengths[rows]


class SparseSpace:
    """Bounds between sparse rows, by products of sparse blocks in float64."""

    exact = False

    def __init__(self, base: NeighborTable, queries: NeighborTable) -> None:
        self._base = base.numeric.astype(np.float64)
        same = queries is base
        self._queries = self._base if same else queries.numeric.astype(np.float64)
        widest = int(np.diff(self._base.indptr).max(initial=1))
        self._slack = (widest + 24) * float(np.finfo(np.float64).eps) / 2
        self._base_t = self._base.T.tocsr()
        self._base_lengths = self._lengths(self._base)
        self._query_lengths = self._lengths(self._queries)
        self._queries = self._queries * -2.0

    def _lengths(self, rows: Any) -> np.ndarray:
        squares = rows.copy()
        squares.data **= 2
        total = np.asarray(squares.sum(axis=1), dtype=np.float64).ravel()
        return total * (1 - self._slack)

    def block(self, rows: np.ndarray, double: bool) -> np.ndarray:
        """Return lower bounds of the squared distances, less the query's length."""
        out = np.asarray((self._queries[rows] @ self._base_t).toarray())
        out += self._base_lengths
        return out

    def limit(self, squared: np.ndarray, rows: np.ndarray, double: bool) -> np.ndarray:
        """Return the bound that nobody as near as this squared distance exceeds."""
        return squared + 1e-290 - self._query_lengths[rows]  # 1e-290: underflow
