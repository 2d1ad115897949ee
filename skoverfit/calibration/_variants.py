# SPDX-License-Identifier: BSD-3-Clause
"""Variants of rows: shifted or masked columns, the same ones for every row.

A variant is drawn once and applied to all rows, as a prompt is; so the answer to a row
depends neither on the rows beside it nor on how often one asks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _check_method_params

from skoverfit._core._arrays import as_narwhals, kind_of, missing_values, to_numpy
from skoverfit._core._columns._choice import column_positions
from skoverfit._core._columns._table import column_names, column_of, table_of
from skoverfit._core._random import derive_generator

__all__ = ["Columns", "check_width", "fit_contexts", "look_at", "mask", "shift"]

# Of each column: standard deviation (0 where it is no number) and typical value.
Columns = dict[str, Any]


def look_at(X: Any, weights: np.ndarray | None, categorical_features: Any) -> Columns:
    """Return spread, typical value and kind of each column of the training rows."""
    X = _known(X)
    if kind_of(X) == "sparse":
        return _of_sparse(X, weights)
    table = table_of(X)
    names, named = column_names(table)
    nominal = set(
        column_positions(
            () if categorical_features is None else categorical_features,
            names,
            named=named,
            parameter="categorical_features",
        )
    )
    spread, typical = np.zeros(len(names)), []
    for position in range(len(names)):
        values = _numbers(column_of(table, position))
        if values is None or position in nominal:
            typical.append(_mode(column_of(table, position), weights))
            continue
        known = np.isfinite(values)
        share = known * (1.0 if weights is None else weights)
        values, total = np.where(known, values, 0.0), share.sum()
        mean = (share @ values) / total if total > 0 else 0.0
        variance = (share @ (values - mean) ** 2) / total if total > 0 else 0.0
        spread[position] = np.sqrt(variance)
        typical.append(float(mean))
    return {"spread": spread, "typical": typical}


def check_width(name: str, X: Any, columns: Columns) -> None:
    """Refuse rows of another width than that of the training rows."""
    X = _known(X)
    shape = X.shape if hasattr(X, "shape") else np.shape(X)
    expected = len(columns["spread"])
    if len(shape) == 2 and shape[1] != expected:
        raise ValueError(
            f"X has {shape[1]} features, but {name} is expecting {expected} features "
            "as input."
        )


def fit_contexts(
    estimator: Any,
    X: Any,
    y: np.ndarray,
    params: dict[str, Any],
    share: float,
    n_variants: int,
    entropy: int,
) -> list[Any]:
    """Fit clones to random parts of the rows, with a row of each class in each."""
    places = [np.flatnonzero(y == label) for label in np.unique(y)]
    found = []
    for variant in range(n_variants):
        rng = derive_generator(entropy, "context", variant)
        parts = [
            rng.permutation(rows)[: max(round(share * len(rows)), 1)] for rows in places
        ]
        kept = np.sort(np.concatenate(parts))
        part = _check_method_params(X, params, indices=kept)
        model = clone(estimator).fit(_safe_indexing(X, kept), y[kept], **part)
        found.append(model)
    return found


def _known(X: Any) -> Any:
    """Return a container of a known kind as it is, any other as an array."""
    try:
        kind_of(X)
    except TypeError:
        return np.asarray(X)
    return X


def _of_sparse(X: Any, weights: np.ndarray | None) -> Columns:
    """Take the zeros of a sparse table for its typical values, so that they stay."""
    table = sp.csr_array(X).astype(np.float64)
    share = np.full(table.shape[0], 1.0) if weights is None else weights
    total = share.sum()
    mean = (share @ table) / total
    variance = (share @ table.multiply(table)) / total - mean**2
    return {
        "spread": np.sqrt(variance.clip(min=0)),
        "typical": [0.0] * table.shape[1],
    }


def _numbers(column: Any) -> np.ndarray | None:
    """Return a column as numbers, NaN where missing; None where it holds no numbers."""
    kind = getattr(column, "dtype", None)
    if isinstance(kind, np.dtype) and kind.kind in "bmMU":
        return None
    values = to_numpy(column)
    if values.dtype.kind in "iuf":
        return values.astype(np.float64)
    if values.dtype != object or not isinstance(column, np.ndarray):
        return None
    plain = [None if isinstance(v, (bool, np.bool_, str)) else v for v in values]
    try:
        return np.array(plain, dtype=object).astype(np.float64)
    except (TypeError, ValueError):
        return None


def _mode(column: Any, weights: np.ndarray | None) -> Any:
    """Return the most frequent value; None where all miss, or where it is a time."""
    values = to_numpy(column)
    if values.dtype.kind in "mM":
        return None
    known = ~missing_values(values)
    share = np.ones(len(values)) if weights is None else weights
    counts: dict[Any, float] = {}
    for value, number in zip(values[known].tolist(), share[known], strict=True):
        counts[value] = counts.get(value, 0.0) + number
    # Sorted, so that the answer doesn't depend on the order of the rows.
    ordered = sorted(counts, key=lambda value: (-counts[value], str(value)))
    return ordered[0] if ordered else None


def shift(X: Any, steps: np.ndarray) -> Any:
    """Add a number to each numeric column; zeros of sparse tables stay zeros."""
    X = _known(X)
    kind = kind_of(X)
    if kind == "sparse":
        table = sp.csc_array(X, copy=True)
        table = table if table.dtype.kind == "f" else table.astype(np.float64)
        table.data += np.repeat(steps, np.diff(table.indptr)).astype(table.dtype)
        return type(X)(table)
    if kind == "dataframe":
        moves = {int(j): float(steps[j]) for j in np.flatnonzero(steps)}
        return _changed(X, moves, lambda column, step: column + step)
    values = X if kind == "numpy" else table_of(X)
    if values.dtype.kind == "f":
        return values + steps.astype(values.dtype)
    if values.dtype.kind in "iub":
        return values + steps
    moved = values.copy()
    for j in np.flatnonzero(steps):
        moved[:, j] = [
            cell if _misses(cell) else cell + steps[j] for cell in moved.T[j]
        ]
    return moved


def mask(X: Any, chosen: np.ndarray, typical: list[Any]) -> Any:
    """Give every row the typical value of the chosen columns."""
    X = _known(X)
    kind = kind_of(X)
    if kind == "sparse":
        table = sp.csc_array(X, copy=True)
        table.data[np.repeat(chosen, np.diff(table.indptr))] = 0
        table.eliminate_zeros()
        return type(X)(table)
    if kind == "dataframe":
        values = {int(j): typical[j] for j in _masked(chosen, typical)}
        return _changed(X, values, _filled)
    table = X if kind == "numpy" else table_of(X)
    moved = table.astype(np.float64) if table.dtype.kind in "iub" else table.copy()
    for j in _masked(chosen, typical):
        moved[:, j] = typical[j]
    return moved


def _masked(chosen: np.ndarray, typical: list[Any]) -> list[int]:
    return [int(j) for j in np.flatnonzero(chosen) if typical[j] is not None]


def _misses(cell: Any) -> bool:
    return cell is None or cell != cell


def _filled(column: Any, value: Any) -> Any:
    """Return a series of one value, of the dtype that holds it."""
    if hasattr(column, "iloc"):
        filled = column.copy()
        if isinstance(value, float) and getattr(filled.dtype, "kind", "") in "iu":
            filled = filled.astype(np.float64)
        filled[:] = value
        return filled
    series = as_narwhals(column)
    if isinstance(value, float) and series.dtype.is_integer():
        series = series * 1.0
    full = series.scatter(list(range(len(series))), [value] * len(series))
    return full.to_native()


def _changed(X: Any, values: dict[int, Any], change: Any) -> Any:
    """Return a frame in which some columns were changed, by position."""
    if hasattr(X, "iloc"):
        moved = X.copy()
        for position, value in values.items():
            moved.isetitem(position, change(moved.iloc[:, position], value))
        return moved
    frame = as_narwhals(X)
    columns = [
        as_narwhals(change(frame.get_column(name).to_native(), values[position])).alias(
            name
        )
        for position, name in enumerate(frame.columns)
        if position in values
    ]
    return (frame.with_columns(*columns) if columns else frame).to_native()
