# SPDX-License-Identifier: BSD-3-Clause
"""Columns that a Gaussian can't be fitted to, and columns of whole numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from skoverfit._core._arrays import as_narwhals, kind_of, to_numpy
from skoverfit._core._columns._table import column_names, column_of
from skoverfit._core._resampling import ResamplingData

__all__ = ["refuse_columns", "rounded"]


def refuse_columns(X: Any) -> None:
    """Name the columns of a frame that a Gaussian can't be fitted to."""
    try:
        if kind_of(X) != "dataframe":
            return
    except TypeError:
        return
    import narwhals.stable.v2 as nw

    if nw.dependencies.is_pyarrow_table(X):
        raise TypeError(
            "X is a pyarrow table, into which Gaussian draws can't be written; give a "
            "pandas or polars frame."
        )
    for position, name in enumerate(column_names(X)[0]):
        column = as_narwhals(column_of(X, position))
        if column.dtype == nw.Unknown:
            continue  # pandas' sparse columns; checked with the rest of the table
        if not column.dtype.is_numeric():
            raise ValueError(
                f"Column {name!r} is {column.dtype}, and a Gaussian needs numbers: "
                "encode it or leave it out, or use SMOTE, which takes such columns."
            )
        gone = column.is_null()
        if column.dtype.is_float():
            gone = gone | column.is_nan()
        if (missing := int(gone.sum())) > 0:
            raise ValueError(
                f"Input X contains NaN: column {name!r} misses {missing} values. Fill "
                "them first."
            )


def rounded(made: np.ndarray, data: ResamplingData) -> np.ndarray:
    """Round the columns of whole numbers, within what their dtype can hold."""
    kind = data.spec.kind
    if kind == "dataframe":
        for j in range(made.shape[1]):
            dtype = as_narwhals(column_of(data.X, j)).dtype
            if dtype.is_integer():
                made[:, j] = _whole(made[:, j], np.dtype(str(dtype).lower()))
        return made
    values = to_numpy(data.values)
    if values.dtype.kind not in "iu":
        return made
    return _whole(made, values.dtype).astype(values.dtype)


def _whole(numbers: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Round to the nearest whole number that a dtype has."""
    limits = np.iinfo(dtype)
    # float64 can't hold the largest int64: the next smaller one is taken.
    top = np.nextafter(float(limits.max), 0) if limits.bits == 64 else limits.max
    return np.clip(np.rint(numbers), float(limits.min), top)
