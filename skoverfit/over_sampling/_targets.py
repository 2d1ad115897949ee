# SPDX-License-Identifier: BSD-3-Clause
"""Targets that are no classes: numbers in segments, and several labels a row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp

from skoverfit._core._arrays import missing_values, to_numpy
from skoverfit._core._neighbors import NeighborTable, find_neighbors
from skoverfit._core._neighbors._direct import pair_squared
from skoverfit._core._resampling import ResamplingData
from skoverfit._core._resampling._strategy import plain
from skoverfit.over_sampling._plan import Options, Plan
from skoverfit.over_sampling._segments import round_to
from skoverfit.over_sampling._tables import Table, noise_rows, pooled_std

__all__ = [
    "BagData",
    "LabelRule",
    "NumberRule",
    "SegmentData",
    "check_labels_of_rows",
    "check_numbers",
]

# The largest number whose square has room in float64 for sums over the rows.
_LARGEST = 1e150
# Distances that are held at once.
_CELLS = 4_000_000


@dataclass(kw_only=True)
class SegmentData(ResamplingData):
    """A table whose classes are segments of a number."""

    noun: ClassVar[str] = "segment"
    has_labels: ClassVar[bool] = False

    y: np.ndarray = field(default_factory=lambda: np.empty(0))
    whole: bool = False
    column: bool = False
    is_rare: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=bool))
    # Rows that each segment is to have.
    sizes: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    points: np.ndarray | None = None


@dataclass(kw_only=True)
class BagData(ResamplingData):
    """A table whose classes are the rows that have a label; they overlap."""

    noun: ClassVar[str] = "label"
    has_labels: ClassVar[bool] = False

    labels: np.ndarray = field(default_factory=lambda: np.empty((0, 0), dtype=bool))

    def rows_of(self, label: Any) -> np.ndarray:
        return np.flatnonzero(self.labels[:, self.position(label)])

    def totals(self) -> np.ndarray:
        if self.sample_weight is None:
            return self.labels.sum(axis=0)
        return self.sample_weight.astype(np.float64) @ self.labels


def _values_of(y: Any) -> np.ndarray:
    if y is None:
        raise ValueError(
            "This sampler requires y to be passed, but the target y is None."
        )
    values = y.toarray() if sp.issparse(y) else to_numpy(y)
    if values.dtype.kind == "c":
        raise ValueError(f"Complex data not supported: y has dtype {values.dtype}.")
    return values


def _refuse_unknown(values: np.ndarray) -> None:
    gone = missing_values(values)
    if gone.any():
        row = int(np.argwhere(gone)[0][0])
        raise ValueError(f"Input y contains NaN: row {row} has no target; drop it.")


def check_numbers(y: Any) -> tuple[np.ndarray, bool, bool]:
    """Return a number a row, whether all are of a whole type, and whether a column.

    Raises
    ------
    ValueError
        Where y is missing, has several columns, or holds something else than finite
        numbers.
    """
    values = _values_of(y)
    column = values.ndim == 2 and values.shape[1] == 1
    values = values.ravel() if column else values
    if values.ndim != 1:
        raise ValueError(
            f"y must hold one number a row. Got shape {values.shape}; resample for one "
            "target at a time."
        )
    if len(values) == 0:
        raise ValueError("y has no row; at least 2 different numbers are needed.")
    _refuse_unknown(values)
    whole = values.dtype.kind in "iu"
    if values.dtype.kind not in "iuf":
        odd = next((v for v in values.tolist() if not _is_number(v)), None)
        if odd is not None or values.dtype.kind != "O":
            odd = plain(values[0]) if odd is None else odd
            raise ValueError(
                f"Unknown label type: y must hold numbers, and has {odd!r:.60}. For "
                "classes use SMOTE."
            )
        whole = all(isinstance(v, (int, np.integer)) for v in values.tolist())
    numbers = values.astype(np.float64)
    if not np.isfinite(numbers).all():
        row = int(np.flatnonzero(~np.isfinite(numbers))[0])
        raise ValueError(f"Input y contains infinity: row {row} has {numbers[row]}.")
    if np.abs(numbers).max() > _LARGEST:
        row = int(np.abs(numbers).argmax())
        raise ValueError(
            f"y must lie within {_LARGEST:g} of 0, so that it can be squared. Got "
            f"{numbers[row]} in row {row}; rescale it."
        )
    return numbers, whole, column


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(
        value, bool
    )


def check_labels_of_rows(y: Any) -> np.ndarray:
    """Return which row has which label.

    Raises
    ------
    ValueError
        Where y is no table of 0 and 1 with two or more columns, or has no 1.
    """
    values = _values_of(y)
    if values.ndim != 2 or values.shape[1] < 2:
        raise ValueError(
            "y must be an indicator table of two or more labels, a column of 0 and 1 "
            f"for each. Got shape {values.shape}; for one label use SMOTE."
        )
    _refuse_unknown(values)
    flags = np.asarray(values == 1, dtype=bool)
    odd = ~(flags | np.asarray(values == 0, dtype=bool))
    if odd.any():
        row, column = np.argwhere(odd)[0].tolist()
        raise ValueError(
            f"y must hold 0 and 1 only. Got {plain(values[row, column])!r:.60} in row "
            f"{row} of label {column}."
        )
    if not flags.any():
        raise ValueError(f"No row of y has a label: all {values.size} cells are 0.")
    return flags


def _on_host(table: NeighborTable) -> NeighborTable:
    if not table.is_tensor:
        return table
    return NeighborTable(
        numeric=to_numpy(table.numeric), codes=table.codes, mismatch=table.mismatch
    )


def _distances(
    queries: NeighborTable, base: NeighborTable, rows: np.ndarray
) -> np.ndarray:
    """Return the distance of each query to the row of the table beside it."""
    with np.errstate(over="ignore", invalid="ignore"):
        squared = pair_squared(queries, base, np.arange(len(rows)), rows)
        return np.sqrt(squared)


class NumberRule:
    """A made row's number is between those of its parents, or has noise as it has.

    With a ``perturbation`` a partner that is not nearer than half the median distance
    is given up for noise (SMOGN).
    """

    def __init__(
        self,
        data: SegmentData,
        table: Table,
        options: Options,
        n_jobs: int | None,
    ) -> None:
        self.data, self.table, self.options = data, table, options
        self.n_jobs = n_jobs

    def refine(self, plan: Plan) -> Plan:
        """Give up partners that are too far away."""
        perturbation = self.options.perturbation
        if perturbation is None:
            return plan
        limit = self._half_median(plan)
        paired = np.flatnonzero(plan.partner >= 0)
        everyone = _on_host(self.table.neighbor_table(plan.label))
        base, partner = plan.base[paired], plan.partner[paired]
        apart = _distances(everyone.take(base), everyone, partner)
        far = paired[~(apart < limit[paired])]
        plan.partner[far], plan.step[far] = -1, 0.0
        plan.noise = np.minimum(limit, perturbation)
        return plan

    def _half_median(self, plan: Plan) -> np.ndarray:
        """Return half of each base's median distance to the others of its segment.

        Equal rows are left out; where there are no others it is infinite.
        """
        rows = self.data.rows_of(plan.label)
        drawn, at = np.unique(plan.base, return_inverse=True)
        half, n = np.full(len(drawn), np.inf), len(rows)
        if n < 2:
            return half[at]
        table = self.table.neighbor_table(plan.label).take(rows)
        asked, step = np.searchsorted(rows, drawn), max(1, _CELLS // n)
        for start in range(0, len(drawn), step):
            part = slice(start, start + step)
            apart, _ = find_neighbors(
                table, n - 1, rows=asked[part], n_jobs=self.n_jobs
            )
            # Ascending: the median of those above 0 stands in the middle of the rest.
            apart = to_numpy(apart)
            equal = (apart <= 0).sum(axis=1)
            low, high = (equal + n - 2) // 2, (equal + n - 1) // 2
            known = np.flatnonzero(equal < n - 1)
            middle = apart[known, low[known]] + apart[known, high[known]]
            half[start + known] = middle / 4
        return half[at]

    def targets(self, plan: Plan, made: Any) -> np.ndarray:
        """Weigh the parents' numbers by the distance to the other: (d2 y1 + d1 y2)."""
        data, y = self.data, self.data.y
        out = y[plan.base]
        paired = np.flatnonzero(plan.partner >= 0)
        if len(paired):
            out[paired] = self._between(plan, made, paired)
        alone = np.flatnonzero(plan.partner < 0)
        rng = data.generator(plan.label, "target")
        if len(alone) and self.options.fallback == "jitter":
            noise = rng.standard_normal(len(alone))
            out[alone] += noise * self._spread(plan, alone)
        if data.whole:
            out = round_to(out, self.options.integer, rng)
        return out[:, None] if data.column else out

    def _between(self, plan: Plan, made: Any, paired: np.ndarray) -> np.ndarray:
        y = self.data.y
        everyone = _on_host(self.table.neighbor_table(plan.label))
        queries = _on_host(self.table.queries(made, plan.label)).take(paired)
        base, partner = plan.base[paired], plan.partner[paired]
        first = _distances(queries, everyone, base)
        second = _distances(queries, everyone, partner)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            share = first / (first + second)
        # Nothing to measure: parents that are equal there, or share no column.
        share = np.where(np.isfinite(share), share, plan.step[paired])
        low, high = np.minimum(y[base], y[partner]), np.maximum(y[base], y[partner])
        return np.clip((1.0 - share) * y[base] + share * y[partner], low, high)

    def _spread(self, plan: Plan, alone: np.ndarray) -> Any:
        data = self.data
        if plan.noise is not None:
            return plan.noise[alone] * data.y[noise_rows(data, plan.label)].std()
        return pooled_std(data.y[:, None], data.codes, len(data.classes))[0]


class LabelRule:
    """A made row has the labels that more than half of its base and neighbours have."""

    def __init__(self, data: BagData) -> None:
        self.data = data

    def refine(self, plan: Plan) -> Plan:
        """Leave the plan as it is."""
        return plan

    def targets(self, plan: Plan, made: Any) -> np.ndarray:
        """Rank labels by their number of rows."""
        labels = self.data.labels
        votes = labels[plan.seeds].astype(np.int64)
        voters = np.ones(len(plan.seeds), dtype=np.int64)
        for near in plan.near.T:
            there = near >= 0
            votes[there] += labels[near[there]]
            voters += there
        kept = votes * 2 > voters[:, None]
        return kept[np.searchsorted(plan.seeds, plan.base)]
