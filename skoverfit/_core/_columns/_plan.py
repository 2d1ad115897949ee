# SPDX-License-Identifier: BSD-3-Clause
"""The plan of a table: which columns are numbers and which are codes, and the way back.

Made rows of nominal columns are taken from rows that have the wanted level, so that
dtypes, categories and the identity of objects can't change and no value is invented.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from skoverfit._core._arrays import n_rows, take_rows, to_numpy
from skoverfit._core._columns._choice import column_positions
from skoverfit._core._columns._coding import (
    NominalColumn,
    NumericColumn,
    nominal_column,
    numeric_column,
)
from skoverfit._core._columns._frames import read_series
from skoverfit._core._columns._objects import read_array
from skoverfit._core._columns._pandas import read_pandas
from skoverfit._core._columns._raw import RawColumn
from skoverfit._core._columns._table import (
    column_names,
    column_of,
    join_columns,
    table_of,
)
from skoverfit._core._validation import warn

__all__ = ["ColumnPlan", "analyse_columns"]

_MANY_ROWS = 100  # from here on a text without repetition is called an identifier


@dataclass(kw_only=True)
class ColumnPlan:
    """A table as numbers and codes, and the way back.

    Attributes
    ----------
    numeric : ndarray of shape (n, d), float64 or float32
        Numeric columns, C-contiguous, NaN where missing; float32 only where all of
        them are float32 or float16. Integers above 2**53 are relative to the column's
        least value; dates are relative to the earliest, in the coarsest of days, hours,
        minutes ... nanoseconds that all of them keep; ordered categories are their
        positions.
    codes : ndarray of shape (n, c), uint8 or uint16
        Nominal columns: 0 where missing, levels from 1 in the order of the values.
    levels : tuple of ndarray
        Values of each nominal column: code ``i`` is ``levels[column][i - 1]``.
    numeric_columns, nominal_columns : ndarray of int
        Positions in the table of the columns of ``numeric`` and ``codes``.
    is_integer : ndarray of bool of shape (d,)
        Which numeric columns take whole numbers only.
    names : tuple
        Names of all columns, positions where the table has no names.
    """

    numeric: np.ndarray
    codes: np.ndarray
    levels: tuple[np.ndarray, ...]
    numeric_columns: np.ndarray
    nominal_columns: np.ndarray
    is_integer: np.ndarray
    names: tuple[Any, ...]
    _source: Any
    _table: Any
    _numeric: tuple[NumericColumn, ...]
    _nominal: tuple[NominalColumn, ...]

    def assemble(self, numeric: Any = None, codes: Any = None, kept: Any = None) -> Any:
        """Return kept rows of the table followed by made ones.

        Parameters
        ----------
        numeric : ndarray of shape (m, d), optional
            New numbers in the units of the plan. Those of whole columns are rounded
            to the nearest and clipped to what the dtype holds.
        codes : ndarray of shape (m, c), optional
            New codes.
        kept : ndarray of int, optional
            Rows of the table that come first, bit-identical; None: all of them.

        Returns
        -------
        container
            Of the kind, columns and dtypes of the table; a pandas result has the index
            0..n-1, as imbalanced-learn's samplers give it.

        Raises
        ------
        ValueError
            Where a made cell is missing in a column that has no missing value, or the
            shapes don't agree.
        """
        numeric, codes = self._made(numeric, codes)
        columns: dict[int, Any] = {}
        for column, number in zip(self._numeric, numeric.T, strict=True):
            columns[column.position] = column.decode(number)
        for nominal, code in zip(self._nominal, codes.T, strict=True):
            rows = self._level_rows(nominal, code)
            columns[nominal.position] = take_rows(
                column_of(self._table, nominal.position), rows
            )
        made = [columns[position] for position in sorted(columns)]
        return join_columns(self._source, self._table, kept, made, len(numeric))

    def absolute_numbers(self) -> np.ndarray:
        """Return the numeric columns in units that another table shares.

        Returns
        -------
        ndarray of shape (n, d), float64
            Dates and durations in seconds (since 1970), all else in its own unit; NaN
            where missing. Whole numbers above 2**53 are rounded.
        """
        made = np.empty(self.numeric.shape)
        for j, column in enumerate(self._numeric):
            scale = column.raw.tick / 1e9 if column.raw.content == "time" else 1.0
            made[:, j] = column.values
            made[:, j] = (column.offset + column.unit * made[:, j]) * scale
        return made

    def _made(self, numeric: Any, codes: Any) -> tuple[np.ndarray, np.ndarray]:
        given = [part for part in (numeric, codes) if part is not None]
        m = len(given[0]) if given else 0
        numeric = np.empty((m, 0)) if numeric is None else np.asarray(numeric)
        codes = np.empty((m, 0), np.intp) if codes is None else np.asarray(codes)
        expected = (m, len(self._numeric)), (m, len(self._nominal))
        if (numeric.shape, codes.shape) != expected and m:
            raise ValueError(
                f"The made rows have the shapes {numeric.shape} and {codes.shape}; "
                f"expected are {expected[0]} and {expected[1]}."
            )
        return numeric.reshape(expected[0]), codes.reshape(expected[1])

    def _level_rows(self, column: NominalColumn, codes: np.ndarray) -> np.ndarray:
        rows = column.level_rows[codes.astype(np.intp)]
        if len(rows) and rows.min() < 0:
            raise ValueError(
                f"Column {column.name!r} has no missing value, so that no made row can "
                "have one."
            )
        return rows


def analyse_columns(
    X: Any,
    categorical_features: Any = "auto",
    *,
    ordinal_features: Any = "auto",
    integer_features: Any = "auto",
    allow_all_missing: bool = False,
    warn_of_identifiers: bool = True,
) -> ColumnPlan:
    """Plan how a table is turned into numbers and codes.

    Parameters
    ----------
    X : container of shape (n, p)
        pandas or polars frame, numpy array of any dtype, list of rows; sparse matrices
        and tensors are brought to dense main memory.
    categorical_features : "auto", None or array-like of int, str or bool
        Nominal columns: positions, names or a mask. "auto": categories, strings,
        booleans. None: no column. Named columns may have any dtype.
    ordinal_features : "auto", None or array-like of int, str or bool
        Columns of categories that are numbered in their order and interpolated. "auto":
        ordered pandas categoricals that are not named as nominal.
    integer_features : "auto" or array-like of int, str or bool
        Float columns that take whole numbers only, beside those of whole dtypes.
    allow_all_missing : bool, default=False
        Whether a column without any value is accepted.
    warn_of_identifiers : bool, default=True
        Whether to warn of a text column in which every row differs.

    Returns
    -------
    ColumnPlan
        Numbers, codes, and `ColumnPlan.assemble`.

    Raises
    ------
    ValueError
        Where the table is empty, a column has no value or an infinite one, a named
        column doesn't exist, or text is neither nominal nor ordinal.
    TypeError
        Where a column mixes types, or holds something else than scalars.

    Examples
    --------
    >>> import pandas as pd
    >>> from skoverfit._core._columns import analyse_columns
    >>> X = pd.DataFrame({"age": [30, 40], "job": ["cook", None]})
    >>> plan = analyse_columns(X)
    >>> plan.codes.ravel()
    array([1, 0], dtype=uint8)
    >>> plan.assemble([[35.0]], [[1]])
       age   job
    0   30  cook
    1   40   NaN
    2   35  cook
    """
    table = table_of(X)
    names, named = column_names(table)
    if n_rows(table) == 0 or not names:
        raise ValueError(
            f"Found array with {n_rows(table)} sample(s) and {len(names)} feature(s) "
            "while a minimum of 1 is required."
        )
    roles = _Roles(
        nominal=_positions(categorical_features, names, named, "categorical_features"),
        ordinal=_positions(ordinal_features, names, named, "ordinal_features"),
        whole=_positions(integer_features, names, named, "integer_features"),
    )
    numeric: list[NumericColumn] = []
    nominal: list[NominalColumn] = []
    for position, name in enumerate(names):
        raw = _read(table, position, name)
        if not allow_all_missing and raw.missing is not None and raw.missing.all():
            raise ValueError(
                f"Column {name!r} has no value: all {len(raw.values)} rows are "
                "missing; drop it."
            )
        if roles.is_nominal(position, name, raw):
            nominal.append(nominal_column(raw, position, name))
            if warn_of_identifiers:
                _warn_of_identifiers(raw, nominal[-1])
        else:
            column = numeric_column(raw, position, name)
            column.whole = roles.whole is not None and position in roles.whole
            numeric.append(column)
    return _planned(X, table, names, numeric, nominal)


@dataclass(kw_only=True)
class _Roles:
    """Positions that the user named; None is "auto"."""

    nominal: set[int] | None
    ordinal: set[int] | None
    whole: set[int] | None

    def is_nominal(self, position: int, name: Any, raw: RawColumn) -> bool:
        named = self.nominal is not None and position in self.nominal
        if self.ordinal is not None and position in self.ordinal:
            if named:
                raise ValueError(
                    f"Column {name!r} is in both categorical_features and "
                    "ordinal_features; name it once."
                )
            if raw.content in ("category", "text") and raw.build is None:
                raise ValueError(
                    f"Column {name!r} is in ordinal_features, but its values have no "
                    "order; give it a categorical dtype with ordered categories."
                )
            return False
        if named:
            return True
        unordered = self.ordinal is not None and raw.content == "ordered"
        if self.nominal is None:
            return raw.is_nominal or unordered
        if raw.content in ("text", "category") or unordered:
            raise ValueError(
                f"Column {name!r} holds categories or text, but is not in "
                "categorical_features; add it, or use categorical_features='auto'."
            )
        return False


def _positions(
    chosen: Any, names: tuple[Any, ...], named: bool, parameter: str
) -> set[int] | None:
    if isinstance(chosen, str) and chosen == "auto":
        return None
    if chosen is None:
        return set()
    return set(column_positions(chosen, names, named=named, parameter=parameter))


def _read(table: Any, position: int, name: Any) -> RawColumn:
    column = column_of(table, position)
    if isinstance(table, np.ndarray):
        return read_array(column, name)
    if hasattr(table, "iloc"):
        return read_pandas(column, name)
    return read_series(column, name)


def _warn_of_identifiers(raw: RawColumn, column: NominalColumn) -> None:
    there = np.count_nonzero(column.codes)
    if raw.content == "text" and _MANY_ROWS <= there == len(column.level_rows) - 1:
        warn(
            f"Column {column.name!r} has another text in each of its {there} rows, as "
            "names and identifiers have; made rows repeat them. Drop the column."
        )


def _planned(
    X: Any,
    table: Any,
    names: tuple[Any, ...],
    numeric: list[NumericColumn],
    nominal: list[NominalColumn],
) -> ColumnPlan:
    n = n_rows(table)
    short = bool(numeric) and all(column.raw.is_short for column in numeric)
    numbers = np.empty((n, len(numeric)), dtype=np.float32 if short else np.float64)
    for j, column in enumerate(numeric):
        numbers[:, j] = column.values
    n_levels = max((len(column.level_rows) - 1 for column in nominal), default=0)
    codes = np.empty((n, len(nominal)), np.uint8 if n_levels < 256 else np.uint16)
    for j, nominal_j in enumerate(nominal):
        codes[:, j] = nominal_j.codes
    levels = tuple(
        to_numpy(take_rows(column_of(table, c.position), c.level_rows[1:]))
        for c in nominal
    )
    return ColumnPlan(
        numeric=numbers,
        codes=codes,
        levels=levels,
        numeric_columns=np.array([c.position for c in numeric], dtype=np.intp),
        nominal_columns=np.array([c.position for c in nominal], dtype=np.intp),
        is_integer=np.array([c.is_whole for c in numeric], dtype=bool),
        names=names,
        _source=X,
        _table=table,
        _numeric=tuple(numeric),
        _nominal=tuple(nominal),
    )
