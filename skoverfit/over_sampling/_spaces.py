# SPDX-License-Identifier: BSD-3-Clause
"""Where neighbours are searched: the engine, or an object that the user brought."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
from sklearn.base import clone

from skoverfit._core._arrays import take_rows, to_numpy, torch_of
from skoverfit._core._neighbors import NeighborTable, find_neighbors

__all__ = [
    "EngineSpace",
    "NominalObjectSpace",
    "ObjectSpace",
    "Space",
    "median_std",
    "nan_std",
]


class Space(Protocol):
    """Rows that can be asked for their neighbours."""

    # Whether equal rows count as one.
    collapses: bool
    # Whether the neighbours of a row vote on its cells, and are kept for it.
    votes: bool

    def k(self, asked: int) -> int:
        """Return how many neighbours a row is to have."""

    def search(
        self, rows: np.ndarray, k: int, seeds: np.ndarray | None, label: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return distances and positions in ``rows`` of the seeds' neighbours."""

    def identity(self, rows: np.ndarray) -> np.ndarray:
        """Return numbers from 0 that are equal where rows are."""


def nan_std(values: np.ndarray) -> np.ndarray:
    """Return the standard deviation of the present cells; 0 for empty columns."""
    values = np.asarray(values, dtype=np.float64)
    there = ~np.isnan(values)
    count = np.maximum(there.sum(axis=0), 1)
    mean = np.where(there, values, 0.0).sum(axis=0) / count
    centred = np.where(there, values - mean, 0.0)
    return np.sqrt((centred**2).sum(axis=0) / count)


def median_std(values: np.ndarray) -> float:
    """Return the median over the columns of their standard deviation."""
    spread = nan_std(values)
    return float(np.median(spread)) if len(spread) else 0.0


class EngineSpace:
    """A table of numbers and levels, searched by the library's engine."""

    collapses = True

    def __init__(
        self,
        values: Any,
        *,
        codes: np.ndarray | None = None,
        mismatch: Callable[[Any], float] | None = None,
        scale: np.ndarray | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.values, self.codes, self.n_jobs = values, codes, n_jobs
        self.mismatch, self.scale = mismatch, scale
        self.votes = codes is not None

    def k(self, asked: int) -> int:
        """Return ``k_neighbors``."""
        return asked

    def numbers(self, rows: np.ndarray) -> Any:
        """Return the numeric columns as they are measured."""
        values = take_rows(self.values, rows)
        if torch_of(values) is not None:
            torch = torch_of(values)
            values = values if values.is_floating_point() else values.double()
            if self.scale is not None:
                values = values / torch.as_tensor(self.scale).to(values)
            return values
        if sp.issparse(values):
            values = values.astype(_float_of(values.dtype))
            if self.scale is not None:
                values = sp.csr_array(values.multiply(1.0 / self.scale))
            return values
        values = np.ascontiguousarray(values, dtype=_float_of(values.dtype))
        if self.scale is not None:
            values = (values / self.scale).astype(values.dtype)
        return values

    def table(self, rows: np.ndarray, label: Any) -> NeighborTable:
        """Return the table of these rows, measured as for this class."""
        numbers = self.numbers(rows)
        if self.codes is None or self.mismatch is None:
            return NeighborTable(numeric=numbers)
        return NeighborTable(
            numeric=numbers, codes=self.codes[rows], mismatch=self.mismatch(label)
        )

    def search(
        self, rows: np.ndarray, k: int, seeds: np.ndarray | None, label: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """Search among these rows."""
        table = self.table(rows, label)
        distances, local = find_neighbors(table, k, rows=seeds, n_jobs=self.n_jobs)
        return to_numpy(distances), to_numpy(local).astype(np.intp, copy=False)

    def identity(self, rows: np.ndarray) -> np.ndarray:
        """Compare rows by their bytes, with one zero and one NaN."""
        numbers = self.numbers(rows)
        if sp.issparse(numbers):
            return _sparse_identity(numbers)
        numbers = to_numpy(numbers) + 0.0  # -0.0 becomes 0.0
        numbers[np.isnan(numbers)] = np.nan
        parts = [numbers.view(np.uint8).reshape(len(rows), -1)]
        if self.codes is not None:
            codes = np.ascontiguousarray(self.codes[rows])
            parts.append(codes.view(np.uint8).reshape(len(rows), -1))
        joined = np.ascontiguousarray(np.hstack(parts))
        keys = joined.view(np.dtype((np.void, joined.shape[1]))).ravel()
        return np.unique(keys, return_inverse=True)[1].ravel()


def _float_of(dtype: np.dtype) -> type:
    return np.float32 if dtype in (np.float16, np.float32) else np.float64


def _sparse_identity(numbers: Any) -> np.ndarray:
    numbers = numbers.tocsr(copy=True)
    numbers.sum_duplicates()
    numbers.eliminate_zeros()
    seen: dict[tuple[bytes, bytes], int] = {}
    out = np.empty(numbers.shape[0], dtype=np.intp)
    for row, (start, stop) in enumerate(
        zip(numbers.indptr[:-1], numbers.indptr[1:], strict=True)
    ):
        key = (
            numbers.indices[start:stop].tobytes(),
            numbers.data[start:stop].tobytes(),
        )
        out[row] = seen.setdefault(key, len(seen))
    return out


class ObjectSpace(EngineSpace):
    """A table of numbers, searched by an object with ``kneighbors``."""

    def __init__(self, values: Any, searcher: Any, scale: np.ndarray | None) -> None:
        super().__init__(values, scale=scale)
        self.searcher = searcher

    def k(self, asked: int) -> int:
        """Return the object's ``n_neighbors`` less the row itself, as imblearn does."""
        return max(int(getattr(self.searcher, "n_neighbors", asked + 1)) - 1, 1)

    def points(self, rows: np.ndarray, label: Any) -> Any:
        """Return the rows as the object gets them."""
        numbers = self.numbers(rows)
        return numbers if torch_of(numbers) is None else to_numpy(numbers)

    def search(
        self, rows: np.ndarray, k: int, seeds: np.ndarray | None, label: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """Search with a clone; a row is taken out of its own answer by its number."""
        numbers = self.points(rows, label)
        asked = numbers if seeds is None else numbers[seeds]
        seeds = np.arange(len(rows)) if seeds is None else seeds
        fitted = clone(self.searcher).fit(numbers)
        distances, local = fitted.kneighbors(asked, n_neighbors=k + 1)
        distances, local = np.asarray(distances), np.asarray(local)
        own = local == seeds[:, None]
        own[~own.any(axis=1), -1] = True  # more than k copies: the last one goes
        keep = ~own
        return distances[keep].reshape(-1, k), local[keep].reshape(-1, k)


class NominalObjectSpace(ObjectSpace):
    """Numbers and levels, searched by an object with ``kneighbors``.

    As in imbalanced-learn the object gets a csr matrix: numbers, and for each level an
    indicator so high that a differing level adds the mismatch to the squared distance.
    """

    def __init__(self, values: Any, searcher: Any, scale: np.ndarray | None) -> None:
        super().__init__(values, searcher, scale)
        self.votes = True  # the codes are set later

    def points(self, rows: np.ndarray, label: Any) -> Any:
        """Return numbers and scaled indicators."""
        assert self.codes is not None
        assert self.mismatch is not None
        parts = [sp.csr_array(super().points(rows, label))]
        height, at = float(np.sqrt(self.mismatch(label) / 2)), np.arange(len(rows))
        for column in self.codes[rows].T:
            code = column.astype(np.intp)
            shape = len(rows), int(code.max(initial=0)) + 1
            high = np.where(code > 0, height, 0.0)  # code 0 is missing
            parts.append(sp.csr_array((high, (at, code)), shape=shape))
        return sp.csr_matrix(sp.hstack(parts, format="csr"))
