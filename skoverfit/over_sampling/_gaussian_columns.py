# SPDX-License-Identifier: BSD-3-Clause
"""Columns that a Gaussian can't be fitted to, and columns of whole numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from skoverfit._core._arrays import as_narwhals, kind_of, to_numpy
from skoverfit._core._columns._table import column_of
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

    for position, name in enumerate(X.columns):
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
                made[:, j] = np.rint(made[:, j])
                if not dtype.is_signed_integer():
                    made[:, j] = np.maximum(made[:, j], 0)
        return made
    values = to_numpy(data.values)
    if values.dtype.kind not in "iu":
        return made
    limits = np.iinfo(values.dtype)
    return np.clip(np.rint(made), limits.min, limits.max).astype(values.dtype)
