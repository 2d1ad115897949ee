# SPDX-License-Identifier: BSD-3-Clause
"""Tables of numbers as SMOTE sees them: dense arrays and sparse matrices.

A table knows where its neighbours are searched, how rows of a plan are made, and how
originals and made rows are put into the user's kind of container.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
from joblib import effective_n_jobs

from skoverfit._core._kernel import all_finite
from skoverfit._core._neighbors import NeighborTable
from skoverfit._core._rebuild import restore
from skoverfit._core._resampling import ResamplingData
from skoverfit.over_sampling._plan import Options, Plan
from skoverfit.over_sampling._segments import copy_rows, fill_rows, make_sparse
from skoverfit.over_sampling._spaces import EngineSpace, ObjectSpace, Space, nan_std

__all__ = [
    "DenseTable",
    "NumericTable",
    "SparseTable",
    "Table",
    "noise_rows",
    "pooled_std",
    "refuse_empty_columns",
]


class Table(Protocol):
    """What `SMOTE` asks of a kind of table."""

    complete: bool

    def space(self) -> Space:
        """Return where neighbours are searched."""

    def make(self, plan: Plan) -> Any:
        """Return the rows of a plan, in a form of the table's own."""

    def pick(self, made: Any, chosen: np.ndarray) -> Any:
        """Return some of the made rows."""

    def assemble(self, plans: Sequence[Plan]) -> Any:
        """Return originals and the rows of these plans."""

    def join(self, made: Sequence[Any]) -> Any:
        """Return originals and rows that were made already."""

    def public(self, made: Any) -> Any:
        """Return made rows as a callable filter gets them."""

    def neighbor_table(self, label: Any) -> NeighborTable:
        """Return the table of all original rows, measured as for this class."""

    def queries(self, made: Any, label: Any) -> NeighborTable:
        """Return made rows as those who ask in that table."""


def pooled_std(values: np.ndarray, codes: np.ndarray, n_classes: int) -> np.ndarray:
    """Return the standard deviation of each column around the means of the classes."""
    total = np.zeros(values.shape[1])
    count = np.zeros(values.shape[1])
    for c in range(n_classes):
        rows = values[codes == c]
        there = (~np.isnan(rows)).sum(axis=0) if rows.dtype.kind == "f" else len(rows)
        total += nan_std(rows) ** 2 * there
        count += there
    return np.sqrt(total / np.maximum(count, 1))


def noise_rows(data: ResamplingData, label: Any) -> np.ndarray:
    """Return the rows whose spread noise is measured in: one row alone has none."""
    rows = data.rows_of(label)
    return rows if len(rows) > 1 else np.arange(data.n)


def refuse_empty_columns(empty: np.ndarray, n: int) -> None:
    """Raise where a column has no value at all."""
    if empty.any():
        raise ValueError(
            f"Column {int(np.flatnonzero(empty)[0])} of X has no value: all {n} rows "
            "are missing (NaN); drop it."
        )


class NumericTable:
    """What dense and sparse tables share."""

    def __init__(
        self,
        data: ResamplingData,
        options: Options,
        *,
        searcher: Any = None,
        scaling: str | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.data, self.options = data, options
        self.values = data.values
        self.searcher, self.n_jobs = searcher, n_jobs
        self.n_threads = effective_n_jobs(n_jobs)
        self.scale = None if scaling is None else self._column_scale()
        self._spread: np.ndarray | None = None

    def _column_scale(self) -> np.ndarray:
        raise NotImplementedError

    def space(self) -> Space:
        if self.searcher is not None:
            return ObjectSpace(self.values, self.searcher, self.scale)
        return EngineSpace(self.values, scale=self.scale, n_jobs=self.n_jobs)

    def neighbor_table(self, label: Any) -> NeighborTable:
        return self.queries(self.values, label)

    def queries(self, made: Any, label: Any) -> NeighborTable:
        space = EngineSpace(made, scale=self.scale)
        return space.table(np.arange(made.shape[0]), label)

    def _dense(self) -> np.ndarray:
        return self.values

    def spread(self, plan: Plan) -> np.ndarray:
        """Return the std of the columns that the noise of a plan is measured in."""
        if plan.noise is not None:
            return nan_std(self._dense()[noise_rows(self.data, plan.label)])
        if self._spread is None:
            self._spread = pooled_std(
                self._dense(), self.data.codes, len(self.data.classes)
            )
        return self._spread


class DenseTable(NumericTable):
    """Rows of a numpy array: also of lists and of frames of floats."""

    def __init__(self, data: ResamplingData, options: Options, **search: Any) -> None:
        super().__init__(data, options, **search)
        values = self.values
        self.complete = (
            values.dtype.kind != "f"
            or data.finite
            or all_finite(values)
            or not np.isnan(values).any()
        )
        if not self.complete:
            refuse_empty_columns(np.isnan(values).all(axis=0), len(values))

    def _column_scale(self) -> np.ndarray:
        scale = nan_std(self.values)
        scale[scale == 0] = 1.0
        return scale

    def _fill(self, out: np.ndarray, plan: Plan) -> None:
        fill_rows(
            out,
            self.values,
            plan,
            self.options,
            complete=self.complete,
            spread=partial(self.spread, plan),
            n_threads=self.n_threads,
        )

    def make(self, plan: Plan) -> np.ndarray:
        out = np.empty((len(plan.base), self.values.shape[1]), dtype=self.values.dtype)
        self._fill(out, plan)
        return out

    def pick(self, made: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        return made[chosen]

    def _room(self, m: int) -> np.ndarray:
        n, d = self.values.shape
        out = np.empty((n + m, d), dtype=self.values.dtype)
        copy_rows(out[:n], self.values, self.n_threads)
        return out

    def assemble(self, plans: Sequence[Plan]) -> Any:
        out = self._room(sum(len(plan.base) for plan in plans))
        start = self.data.n
        for plan in plans:
            self._fill(out[start : start + len(plan.base)], plan)
            start += len(plan.base)
        return restore(out, self.data.spec)

    def join(self, made: Sequence[np.ndarray]) -> Any:
        out = self._room(sum(len(rows) for rows in made))
        start = self.data.n
        for rows in made:
            out[start : start + len(rows)] = rows
            start += len(rows)
        return restore(out, self.data.spec)

    def public(self, made: np.ndarray) -> Any:
        return restore(made, self.data.spec)


class SparseTable(NumericTable):
    """Rows of a sparse matrix; they are never made dense."""

    complete = True

    def __init__(self, data: ResamplingData, options: Options, **search: Any) -> None:
        super().__init__(data, options, **search)
        if np.isnan(self.values.data).any():
            raise ValueError(
                "Input X contains NaN, which a sparse table can't have here: make it "
                "dense (X.toarray()), or fill the missing values."
            )
        self.values = self.values.tocsr()

    def _column_scale(self) -> np.ndarray:
        scale = self._moments(np.zeros(self.data.n, dtype=np.int64), 1)
        scale[scale == 0] = 1.0
        return scale

    def _moments(
        self, codes: np.ndarray, n_classes: int, rows: Any = None
    ) -> np.ndarray:
        values = self.values if rows is None else self.values[rows]
        values = sp.csr_array(values).astype(np.float64)
        total = np.zeros(values.shape[1])
        for c in range(n_classes):
            part = values[np.flatnonzero(codes == c)]
            mean = part.mean(axis=0) if part.shape[0] else np.zeros(values.shape[1])
            total += part.multiply(part).sum(axis=0) - part.shape[0] * mean**2
        return np.sqrt(np.maximum(total, 0.0) / len(codes))

    def spread(self, plan: Plan) -> np.ndarray:
        if plan.noise is not None:
            rows = noise_rows(self.data, plan.label)
            return self._moments(np.zeros(len(rows), dtype=np.int64), 1, rows)
        if self._spread is None:
            self._spread = self._moments(self.data.codes, len(self.data.classes))
        return self._spread

    def make(self, plan: Plan) -> Any:
        return make_sparse(self.values, plan, self.options, partial(self.spread, plan))

    def pick(self, made: Any, chosen: np.ndarray) -> Any:
        return made[chosen]

    def assemble(self, plans: Sequence[Plan]) -> Any:
        return self.join([self.make(plan) for plan in plans])

    def join(self, made: Sequence[Any]) -> Any:
        if self.data.spec.kind == "sparse":
            original = self.data.X.tocsr()
            blocks = [rows.astype(original.dtype) for rows in made]
            joined = sp.vstack([original, *blocks], format="csr")
            return restore(joined, self.data.spec)
        return self._frame(sp.vstack([self.values, *made], format="csr"))

    def public(self, made: Any) -> Any:
        if self.data.spec.kind == "sparse":
            return restore(made, self.data.spec)
        return self._frame(made)

    def _frame(self, rows: Any) -> Any:
        template = self.data.spec.template
        frame = type(template).sparse.from_spmatrix(rows, columns=template.columns)
        return frame.astype(template.dtypes)
