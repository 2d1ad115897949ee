# SPDX-License-Identifier: BSD-3-Clause
"""What the samplers share that only choose rows: they take a table of any content."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import validate_data

from skoverfit._core._arrays import ContainerSpec, container_of, kind_of
from skoverfit._core._columns._table import table_of
from skoverfit._core._resampling._data import ResamplingData, refuse_non_tables

__all__ = ["check_any_table", "mean_weights", "row_chances"]


def check_any_table(estimator: Any, X: Any) -> tuple[ContainerSpec, Any]:
    """Check the shape of X alone; strings, dates, NaN and infinities pass.

    Returns
    -------
    spec : ContainerSpec
        The kind of container.
    values : ndarray or None
        An array-like of an unknown class as an array; None for what is known.
    """
    try:
        kind = kind_of(X)
    except TypeError:
        refuse_non_tables(X)
        values = np.asarray(X)
        return check_any_table(estimator, values)[0], values
    if kind == "series":
        raise ValueError(
            "Expected a 2-dimensional container but got a series instead. Reshape your "
            "data: a table of one column is X.to_frame()."
        )
    table = table_of(X) if kind in ("list", "tuple", "numpy") else X
    shape = tuple(table.shape)
    if len(shape) != 2:
        raise ValueError(
            f"Expected 2D array, got {len(shape)}D array instead. Reshape your data."
        )
    if 0 in shape:
        raise ValueError(
            f"Found array with {shape[0]} sample(s) and {shape[1]} feature(s) "
            f"(shape={shape}) while a minimum of 1 is required."
        )
    dtype = getattr(table, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.kind == "c":
        raise ValueError(f"Complex data not supported: X has dtype {dtype}.")
    if kind == "tensor":
        table = np.empty((1, shape[1]))  # only its columns are remembered
    validate_data(estimator, table, skip_check_array=True, reset=True)
    return container_of(X), None


def row_chances(data: ResamplingData, rows: np.ndarray) -> np.ndarray | None:
    """Return the chance of each row to be drawn, ~ its weight; None: all the same."""
    if data.sample_weight is None:
        return None
    weights = data.sample_weight[rows].astype(np.float64)
    return weights / weights.sum()


def mean_weights(data: ResamplingData) -> np.ndarray:
    """Return the mean weight of each row's class."""
    totals = np.bincount(data.codes, weights=data.sample_weight)
    return (totals / data.counts)[data.codes]
