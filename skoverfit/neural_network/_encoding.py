# SPDX-License-Identifier: BSD-3-Clause
"""Tables to what a net reads: scaled numbers, one-hot columns, codes to embed.

All statistics are of the rows seen in fit, weighted where these have weights, so that a
weight of two is a row that is there twice. Numbers are centred and scaled in float64
before they are cast; time stamps would collapse otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from skoverfit._core._arrays import kind_of
from skoverfit._core._columns import ColumnPlan, analyse_columns

__all__ = ["EncodedTable", "TableEncoder", "is_mixed_table", "known_container"]

# A column with more levels is embedded instead of one-hot encoded.
MAX_ONE_HOT = 64
# Tables of at most so many rows, and twice the columns, are rotated into the space that
# their rows span: nothing is lost, and a net reads hundreds of columns less.
MAX_ROTATED_ROWS = 2000
CLIP = 3.0
# Quartiles of a normal distribution are 1.35 standard deviations apart.
_NORMAL_RANGE = 1.35


@dataclass(kw_only=True)
class EncodedTable:
    """Rows as a net reads them.

    Attributes
    ----------
    dense : ndarray of shape (n, d)
        Numbers, indicators of missing values, one-hot columns.
    codes : ndarray of shape (n, c), int64, or None
        Codes of columns that are embedded, 0 for missing and unseen.
    """

    dense: np.ndarray
    codes: np.ndarray | None


def known_container(X: Any) -> Any:
    """Return a container of the arrays bridge; array-likes of others as arrays."""
    try:
        kind_of(X)
    except TypeError:
        if hasattr(X, "__array__"):
            return np.asarray(X)
        raise
    return X


def is_mixed_table(X: Any) -> bool:
    """Whether a table may hold something else than numbers."""
    kind = kind_of(X)
    if kind in ("dataframe", "list", "tuple"):
        return kind == "dataframe" or _has_text(X)
    return kind == "numpy" and X.dtype.kind not in "biufc" and X.ndim == 2


def _has_text(rows: Any) -> bool:
    return any(
        isinstance(cell, (str, bytes, type(None)))
        for row in rows
        if isinstance(row, (list, tuple))
        for cell in row
    )


def _key(level: Any) -> Any:
    """Return a plain Python value for a level, which any file format can hold."""
    value = level.item() if isinstance(level, np.generic) else level
    return value if isinstance(value, (str, int, float, bool)) else repr(value)


@dataclass(kw_only=True)
class TableEncoder:
    """Encoder of one table's columns; made by `fit`, plain data inside.

    Attributes
    ----------
    scaling : str
        "robust" (median, quartiles, smooth clip) or "standard" (mean, deviation).
    numeric_columns, nominal_columns : list of int or None
        Positions of a mixed table's columns; None where all columns are numbers.
    center, scale : ndarray
        Median and scale of the numbers (robust scaling).
    used : ndarray of bool
        Numbers that are not constant.
    has_missing : ndarray of bool
        Numbers that get an indicator.
    levels : list of list
        Levels of each nominal column.
    level_is_missing : list of bool
        Whether a nominal column has missing values; missing is a level then.
    mean : ndarray
        Of the dense columns, in the order of the output.
    order : ndarray of int
        Dense columns in the order of the output: numbers of more than two values first.
    n_numeric : int
        How many these are.
    rotation : ndarray or None
        Directions that the rows span, where there are fewer rows than columns.
    spread : float
        What the rotated columns were divided by.
    """

    scaling: str
    numeric_columns: list[int] | None = None
    nominal_columns: list[int] | None = None
    center: np.ndarray = field(default_factory=lambda: np.empty(0))
    scale: np.ndarray = field(default_factory=lambda: np.empty(0))
    used: np.ndarray = field(default_factory=lambda: np.empty(0, bool))
    has_missing: np.ndarray = field(default_factory=lambda: np.empty(0, bool))
    levels: list[list[Any]] = field(default_factory=list)
    level_is_missing: list[bool] = field(default_factory=list)
    mean: np.ndarray = field(default_factory=lambda: np.empty(0))
    order: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    n_numeric: int = 0
    rotation: np.ndarray | None = None
    spread: float = 1.0

    @classmethod
    def fit(
        cls,
        X: Any,
        weight: np.ndarray | None = None,
        *,
        scaling: str = "robust",
        categorical_features: Any = "auto",
        rotate: bool = True,
    ) -> TableEncoder:
        """Learn levels, centres and scales.

        Parameters
        ----------
        X : ndarray of numbers of shape (n, p), or a mixed table
            Missing numbers are NaN.
        weight : ndarray of shape (n,), optional
            Sample weights, not all zero.
        scaling : {"robust", "standard"}, default="robust"
            How numbers are scaled.
        categorical_features : "auto", None or array-like, default="auto"
            Nominal columns, as everywhere in the library.
        rotate : bool, default=True
            Whether a table with more columns than rows is rotated into the directions
            that its rows span.
        """
        made = cls(scaling=scaling)
        numbers, codes = made._read_first(X, categorical_features)
        made._fit_numbers(numbers, weight)
        present = slice(None) if weight is None else weight > 0
        made.level_is_missing = [bool((column[present] == 0).any()) for column in codes]
        raw = made._raw(numbers, codes)
        share = None if weight is None else weight / weight.sum()
        made.mean = raw.mean(axis=0) if share is None else share @ raw
        made._order(raw)
        if rotate and len(raw) <= 4 * MAX_ROTATED_ROWS and raw.shape[1] > 1:
            # Of distinct rows: a weight of two is a row that is there twice. To sort
            # whole rows is slow, and a column alone mostly shows that there are many.
            limit = min(raw.shape[1] // 2, MAX_ROTATED_ROWS)
            if len(np.unique(raw[present, 0])) <= limit:
                distinct = np.unique(raw[present], axis=0)
                if len(distinct) <= limit:
                    made._rotate(distinct)
        return made

    def _read_first(
        self, X: Any, categorical_features: Any
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        named = categorical_features is not None and not (
            isinstance(categorical_features, str) and categorical_features == "auto"
        )
        if not named and not is_mixed_table(X):
            return np.asarray(X, dtype=np.float64), []
        plan = analyse_columns(
            X,
            categorical_features,
            ordinal_features=None if categorical_features is None else "auto",
            allow_all_missing=True,
            warn_of_identifiers=True,
        )
        self.numeric_columns = plan.numeric_columns.tolist()
        self.nominal_columns = plan.nominal_columns.tolist()
        self.levels = [[_key(level) for level in levels] for levels in plan.levels]
        codes = plan.codes.astype(np.int64)
        return plan.absolute_numbers(), list(codes.T)

    def _read(self, X: Any) -> tuple[np.ndarray, list[np.ndarray]]:
        if self.nominal_columns is None:
            return np.asarray(X, dtype=np.float64), []
        plan = analyse_columns(
            X,
            self.nominal_columns,
            allow_all_missing=True,
            warn_of_identifiers=False,
        )
        return plan.absolute_numbers(), self._known_codes(plan)

    def _known_codes(self, plan: ColumnPlan) -> list[np.ndarray]:
        """Translate the codes of another table; unseen levels are 0, as missing is."""
        made = []
        for known, levels, codes in zip(
            self.levels, plan.levels, plan.codes.T, strict=True
        ):
            place = {level: code for code, level in enumerate(known, start=1)}
            table = [0, *(place.get(_key(level), 0) for level in levels)]
            made.append(np.array(table, dtype=np.int64)[codes])
        return made

    def _fit_numbers(self, numbers: np.ndarray, weight: np.ndarray | None) -> None:
        there = numbers if weight is None else numbers[weight > 0]
        mine = weight if weight is None else weight[weight > 0]
        gone = np.isnan(there)
        self.has_missing = gone.any(axis=0)
        low, middle, high = _quartiles(there, mine, self.has_missing)
        self.center = np.nan_to_num(middle)
        if self.scaling == "standard":
            self.center, scale = _moments(there, mine, gone)
        else:
            scale = high - low
            for j in np.flatnonzero(scale == 0).tolist():
                scale[j] = 2 * _typical_distance(there[:, j], self.center[j], mine)
            scale = scale / _NORMAL_RANGE
        self.used = np.isfinite(scale) & (scale > 0)
        self.scale = np.where(self.used, scale, 1.0)

    def _raw(self, numbers: np.ndarray, codes: list[np.ndarray]) -> np.ndarray:
        """Return all dense columns, robustly scaled, before the last scaling."""
        made = (numbers[:, self.used] - self.center[self.used]) / self.scale[self.used]
        gone = np.isnan(made)
        if gone.any():
            made[gone] = 0.0
        if self.scaling == "robust":
            made /= np.sqrt(1 + (made / CLIP) ** 2)
        parts = [made]
        if self.has_missing.any():
            parts.append(np.isnan(numbers[:, self.has_missing]).astype(np.float64))
        for known, missing, column in zip(
            self.levels, self.level_is_missing, codes, strict=True
        ):
            if len(known) <= MAX_ONE_HOT:
                hot = np.arange(0 if missing else 1, len(known) + 1)
                parts.append((column[:, None] == hot).astype(np.float64))
        return parts[0] if len(parts) == 1 else np.hstack(parts)

    def _order(self, raw: np.ndarray) -> None:
        """Put numbers of more than two values first."""
        n_numbers = int(np.count_nonzero(self.used))
        # A few rows tell it of most columns; the others are looked at one by one.
        few = np.sort(raw[:16, :n_numbers], axis=0)
        many = np.zeros(raw.shape[1], dtype=bool)
        many[:n_numbers] = (few[1:] != few[:-1]).sum(axis=0) > 1
        for j in np.flatnonzero(~many[:n_numbers]).tolist():
            column = raw[:, j]
            first = column[0]
            other = column[column != first]
            many[j] = len(other) > 0 and bool((other != other[0]).any())
        self.order = np.concatenate([np.flatnonzero(many), np.flatnonzero(~many)])
        self.n_numeric = int(np.count_nonzero(many))
        self.mean = self.mean[self.order]

    def _rotate(self, raw: np.ndarray) -> None:
        scaled = raw[:, self.order] - self.mean
        _, lengths, directions = np.linalg.svd(scaled, full_matrices=False)
        kept = lengths > 1e-6 * max(lengths.max(initial=0.0), 1e-300)
        if not kept.any():
            return
        # A singular vector's sign is arbitrary: the largest entry is made positive.
        directions = directions[kept]
        largest = np.abs(directions).argmax(axis=1)
        signs = np.sign(directions[np.arange(len(directions)), largest])
        # One number scales all directions, so that their proportions are kept.
        self.spread = float(lengths.max()) / len(raw) ** 0.5
        self.rotation = np.ascontiguousarray(
            (directions * signs[:, None] / self.spread).T
        )
        self.n_numeric = 0

    @property
    def n_dense(self) -> int:
        """Dense columns."""
        if self.rotation is not None:
            return self.rotation.shape[1]
        return len(self.order)

    @property
    def n_codes(self) -> list[int]:
        """Codes of each embedded column, code 0 counted."""
        return [len(known) + 1 for known in self.levels if len(known) > MAX_ONE_HOT]

    def sources(self) -> tuple[np.ndarray, np.ndarray]:
        """Return which column of the table each encoded column comes from.

        Numbered as the table's numbers first, then its nominal columns: a number and
        its indicator have one source, and so have all one-hot columns of a column.

        Returns
        -------
        dense, codes : ndarray of int
            Sources of the dense columns (which are not rotated) and of the codes.
        """
        numbers = np.arange(len(self.used))
        parts, codes = [numbers[self.used], numbers[self.has_missing]], []
        for number, (known, missing) in enumerate(
            zip(self.levels, self.level_is_missing, strict=True), start=len(numbers)
        ):
            if len(known) <= MAX_ONE_HOT:
                parts.append(np.full(len(known) + bool(missing), number))
            else:
                codes.append(number)
        return np.concatenate(parts)[self.order], np.array(codes, dtype=np.int64)

    def column_groups(self) -> list[list[int]]:
        """Return the encoded columns that come from one column of the table.

        Codes are numbered behind the dense columns. A column alone is a group only
        where it is nominal; rotated columns come from all.
        """
        if self.rotation is not None:
            return []
        dense, codes = self.sources()
        sources = np.concatenate([dense, codes])
        nominal = len(self.used)
        groups = []
        for source in np.unique(sources).tolist():
            columns = np.flatnonzero(sources == source).tolist()
            if len(columns) > 1 or source >= nominal:
                groups.append(columns)
        return groups

    def transform(self, X: Any, dtype: Any = np.float32) -> EncodedTable:
        """Encode rows.

        Parameters
        ----------
        X : ndarray of numbers, or a mixed table
            With the columns of fit.
        dtype : dtype, default=float32
            Of the dense columns.

        Raises
        ------
        ValueError
            Where a column that was numeric in fit holds text.
        """
        return self.encode(*self._read(X), dtype)

    def encode(
        self, numbers: np.ndarray, codes: list[np.ndarray], dtype: Any
    ) -> EncodedTable:
        """Encode numbers ``(n, p)`` and the codes of each nominal column."""
        raw = self._raw(numbers, codes)[:, self.order]
        raw -= self.mean
        if self.rotation is not None:
            raw = raw @ self.rotation
        embedded = [
            column
            for known, column in zip(self.levels, codes, strict=True)
            if len(known) > MAX_ONE_HOT
        ]
        return EncodedTable(
            dense=np.ascontiguousarray(raw, dtype=dtype),
            codes=np.stack(embedded, axis=1) if embedded else None,
        )

    def to_state(self) -> dict[str, Any]:
        """Return the encoder as arrays, lists and plain values."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> TableEncoder:
        """Return the encoder of a state."""
        return cls(**state)


def _quartiles(
    numbers: np.ndarray, weight: np.ndarray | None, has_missing: np.ndarray
) -> np.ndarray:
    """Return the quartiles of each column without its missing values.

    By the inverse of the distribution function, the definition under which a weight of
    two is a row that is there twice.
    """
    made = np.full((3, numbers.shape[1]), np.nan)
    shares = [0.25, 0.5, 0.75]
    whole = np.flatnonzero(~has_missing)
    if len(whole) and len(numbers):
        part = numbers if len(whole) == numbers.shape[1] else numbers[:, whole]
        if weight is None:
            # Sorting a column that lies in one piece is several times as fast as the
            # partition of `np.quantile`, whose values these are.
            ordered = np.sort(np.ascontiguousarray(part.T), axis=1)
            places = np.ceil(np.array(shares) * len(part)).astype(np.int64) - 1
            made[:, whole] = ordered[:, places].T
        else:
            made[:, whole] = np.quantile(
                part, shares, axis=0, method="inverted_cdf", weights=weight
            )
    for j in _positions(has_missing):
        there = ~np.isnan(numbers[:, j])
        mine = None if weight is None else weight[there]
        if there.any() and (mine is None or mine.sum() > 0):
            made[:, j] = np.quantile(
                numbers[there, j], shares, method="inverted_cdf", weights=mine
            )
    return made


def _typical_distance(
    column: np.ndarray, center: float, weight: np.ndarray | None
) -> float:
    """Return the median distance from the centre among the values that differ.

    The scale of a column that is mostly one value: its quartiles tell nothing.
    """
    other = ~np.isnan(column) & (column != center)
    if not other.any():
        return 0.0
    mine = None if weight is None else weight[other]
    distances = np.abs(column[other] - center)
    return float(np.quantile(distances, 0.5, method="inverted_cdf", weights=mine))


def _moments(
    numbers: np.ndarray, weight: np.ndarray | None, gone: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each column without missing values."""
    share = (~gone).astype(np.float64)
    if weight is not None:
        share *= weight[:, None]
    total = np.maximum(share.sum(axis=0), 1e-300)
    known = np.where(gone, 0.0, numbers)
    mean = (share * known).sum(axis=0) / total
    variance = (share * (known - mean) ** 2).sum(axis=0) / total
    return mean, np.sqrt(variance)


def _positions(mask: np.ndarray) -> Iterable[int]:
    return np.flatnonzero(mask).tolist()
