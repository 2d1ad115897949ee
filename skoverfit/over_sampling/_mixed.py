# SPDX-License-Identifier: BSD-3-Clause
"""Tables with nominal columns, or with columns that are numbers in disguise.

The codec gives numbers (also of dates, ordered categories and whole numbers) and codes
of nominal columns; what is made of them goes back through it into the user's columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from skoverfit._core._columns import ColumnPlan, analyse_columns
from skoverfit._core._neighbors import NeighborTable
from skoverfit._core._resampling import ResamplingData
from skoverfit.over_sampling._plan import Options, Plan
from skoverfit.over_sampling._segments import fill_rows
from skoverfit.over_sampling._spaces import (
    EngineSpace,
    NominalObjectSpace,
    ObjectSpace,
    Space,
    median_std,
    nan_std,
)
from skoverfit.over_sampling._tables import noise_rows, pooled_std
from skoverfit.over_sampling._vdm import TableSpace, class_shares, embedding_space
from skoverfit.over_sampling._vote import vote

__all__ = ["MixedTable", "mixed_columns"]

Made = tuple[np.ndarray, np.ndarray]


def mixed_columns(data: ResamplingData, nominal: Any) -> ColumnPlan:
    """Plan the columns; a sparse matrix or array-like is taken as it was checked."""
    known = data.spec.kind != "numpy" or isinstance(data.X, np.ndarray)
    return analyse_columns(data.X if known else data.values, nominal)


class MixedTable:
    """Rows of numbers and levels."""

    def __init__(
        self,
        data: ResamplingData,
        options: Options,
        columns: ColumnPlan,
        *,
        searcher: Any = None,
        scaling: str | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.data, self.options, self.columns = data, options, columns
        self.values, self.codes = columns.numeric, columns.codes
        self.n_jobs, self.searcher = n_jobs, searcher
        self.nominal_only = self.values.shape[1] == 0
        if searcher is not None and self.nominal_only:
            raise ValueError(
                f"k_neighbors={searcher!r} can't measure nominal columns, and X has "
                f"only those ({self.codes.shape[1]}); give k_neighbors as a number."
            )
        self.numbers_complete = not np.isnan(self.values).any()
        self.complete = self.numbers_complete and bool(self.codes.all())
        self.scale = None
        if scaling is not None:
            scale = nan_std(self.values)
            self.scale = np.where(scale == 0, 1.0, scale)
        self._spread: np.ndarray | None = None
        self._space: Space | None = None
        self._costs: dict[Any, float] = {}

    def median_std(self, label: Any) -> float:
        """Return Med: the median std of the numbers within the class."""
        if label not in self._costs:
            rows = self.values[self.data.rows_of(label)]
            rows = rows if self.scale is None else rows / self.scale
            self._costs[label] = median_std(rows)
        return self._costs[label]

    def _mismatch(self, label: Any) -> float:
        """Return what a differing level adds; 1 where the numbers don't vary at all."""
        return self.median_std(label) ** 2 or 1.0

    def space(self) -> Space:
        if self._space is None:
            self._space = self._new_space()
        return self._space

    def _new_space(self) -> Space:
        if self.nominal_only and self.data.has_labels:
            n_classes = len(self.data.classes)
            shares = class_shares(self.codes, self.data.codes, n_classes)
            if n_classes == 2:
                return embedding_space(self.codes, shares, self.n_jobs)
            return TableSpace(self.codes, shares)
        if self.searcher is not None:
            if self.codes.shape[1] == 0:
                return ObjectSpace(self.values, self.searcher, self.scale)
            space = NominalObjectSpace(self.values, self.searcher, self.scale)
            space.codes, space.mismatch = self.codes, self._mismatch
            return space
        return self._engine_space(self.values, self.codes)

    def _engine_space(self, values: np.ndarray, codes: np.ndarray) -> EngineSpace:
        return EngineSpace(
            values,
            codes=codes if codes.shape[1] else None,
            mismatch=self._mismatch,
            scale=self.scale,
            n_jobs=self.n_jobs,
        )

    def neighbor_table(self, label: Any) -> NeighborTable:
        return self.queries((self.values, self.codes), label)

    def queries(self, made: Made, label: Any) -> NeighborTable:
        return self._engine_space(*made).table(np.arange(len(made[0])), label)

    def spread(self, plan: Plan) -> np.ndarray:
        """Return the std of the numbers that the noise of a plan is measured in."""
        if plan.noise is not None:
            return nan_std(self.values[noise_rows(self.data, plan.label)])
        if self._spread is None:
            n_classes = len(self.data.classes)
            self._spread = pooled_std(self.values, self.data.codes, n_classes)
        return self._spread

    def make(self, plan: Plan) -> Made:
        numbers = np.empty((len(plan.base), self.values.shape[1]), self.values.dtype)
        whole = self.columns.is_integer
        fill_rows(
            numbers,
            self.values,
            plan,
            self.options,
            complete=self.numbers_complete,
            spread=partial(self.spread, plan),
            whole=whole if whole.any() else None,
        )
        codes = vote(
            self.codes,
            plan,
            with_itself=self.nominal_only,
            missing=self.options.missing,
        )
        return numbers, codes

    def pick(self, made: Made, chosen: np.ndarray) -> Made:
        return made[0][chosen], made[1][chosen]

    def assemble(self, plans: Sequence[Plan]) -> Any:
        return self.join([self.make(plan) for plan in plans])

    def join(self, made: Sequence[Made]) -> Any:
        if not made:
            return self.columns.assemble()
        numbers, codes = (np.concatenate(parts) for parts in zip(*made, strict=True))
        return self.columns.assemble(numbers, codes)

    def public(self, made: Made) -> Any:
        return self.columns.assemble(*made, kept=np.empty(0, dtype=np.intp))
