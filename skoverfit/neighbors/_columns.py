# SPDX-License-Identifier: BSD-3-Clause
"""Which columns are nominal, and their levels as small integers."""

from __future__ import annotations

from typing import Any

import numpy as np

from skoverfit._core._arrays import as_narwhals, kind_of, missing_values, to_numpy

__all__ = ["column_values", "encode", "learn_levels", "nominal_columns"]


def nominal_columns(X: Any, wanted: Any, names: Any, n_columns: int) -> np.ndarray:
    """Return the positions of the nominal columns, in ascending order."""
    if isinstance(wanted, str) and wanted == "auto":
        return np.flatnonzero(_looks_nominal(X))
    chosen = np.asarray(wanted)
    if chosen.ndim != 1:
        raise ValueError(
            "categorical_features must be 'auto', a mask, column positions or column "
            f"names in one dimension. Got {chosen.ndim} dimensions instead."
        )
    if chosen.dtype == bool:
        if len(chosen) != n_columns:
            raise ValueError(
                f"categorical_features is a mask of {len(chosen)} columns, but X has "
                f"{n_columns}."
            )
        return np.flatnonzero(chosen)
    if chosen.dtype.kind in "iu":
        if len(chosen) and not -n_columns <= chosen.min() <= chosen.max() < n_columns:
            raise ValueError(
                f"categorical_features must lie in 0..{n_columns - 1}. Got "
                f"{chosen.tolist()} instead."
            )
        return np.unique(chosen % n_columns).astype(np.intp)
    if len(chosen) == 0:
        return np.empty(0, dtype=np.intp)
    return _positions(chosen, names)


def _positions(chosen: np.ndarray, names: Any) -> np.ndarray:
    if names is None:
        raise ValueError(
            "categorical_features holds column names, but X has none. Give a dataframe "
            "or column positions."
        )
    known = {name: position for position, name in enumerate(names)}
    unknown = [name for name in chosen.tolist() if name not in known]
    if unknown:
        raise ValueError(f"categorical_features names unknown columns: {unknown}.")
    return np.unique([known[name] for name in chosen.tolist()])


def _looks_nominal(X: Any) -> np.ndarray:
    """Return which columns hold strings, categories or booleans."""
    if kind_of(X) == "dataframe":
        types = as_narwhals(X).schema.values()
        flags = [not t.is_numeric() for t in types]
        for position in np.flatnonzero(flags).tolist():  # numbers kept as objects
            values = column_values(X, position)
            flags[position] = values.dtype == bool or _holds_no_numbers(values)
        return np.array(flags, dtype=bool)
    values = to_numpy(X)
    if values.dtype.kind in "bUS":
        return np.ones(values.shape[1], dtype=bool)
    if values.dtype != object:
        return np.zeros(values.shape[1], dtype=bool)
    return np.array([_holds_no_numbers(values[:, j]) for j in range(values.shape[1])])


def _holds_no_numbers(values: np.ndarray) -> bool:
    if values.dtype != object:
        return values.dtype.kind not in "iuf"
    numbers = (int, float, np.integer, np.floating)
    return any(
        isinstance(v, (bool, np.bool_)) or not isinstance(v, numbers)
        for v in values[~missing_values(values)]
    )


def column_values(X: Any, position: int) -> np.ndarray:
    """Return one column as a numpy array."""
    if hasattr(X, "iloc"):
        return to_numpy(X.iloc[:, position])
    if kind_of(X) == "dataframe":
        return to_numpy(X[X.columns[position]])
    return to_numpy(X)[:, position]


def learn_levels(values: np.ndarray) -> np.ndarray:
    """Return the distinct values of a column that are not missing."""
    present = values[~missing_values(values)]
    if present.dtype == object:
        levels = np.empty(len(distinct := dict.fromkeys(present)), dtype=object)
        levels[:] = list(distinct)
    else:
        levels = np.unique(present)
    if len(levels) > 2**16 - 2:
        raise ValueError(
            f"A nominal column has {len(levels)} different values; at most "
            f"{2**16 - 2} are allowed. Is it a number or an identifier?"
        )
    return levels


def encode(values: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Return levels from 1 on, 0 where missing, one beyond the last where unknown."""
    code_of = {level: code for code, level in enumerate(levels.tolist(), start=1)}
    unknown = len(code_of) + 1
    codes = np.fromiter(
        (code_of.get(value, unknown) for value in values.tolist()),
        dtype=np.uint16,
        count=len(values),
    )
    codes[missing_values(values)] = 0
    return codes
