# SPDX-License-Identifier: BSD-3-Clause
"""From what a user gives to the table that the engine searches."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils.validation import validate_data

from skoverfit._core._arrays import n_rows, torch_of
from skoverfit._core._neighbors import NeighborTable
from skoverfit.neighbors._columns import (
    column_values,
    encode,
    learn_levels,
    nominal_columns,
)

__all__ = ["make_table"]

Columns = tuple[np.ndarray, list[np.ndarray]]
_NONE: Columns = (np.empty(0, dtype=np.intp), [])


def make_table(
    estimator: Any, X: Any, columns: Columns | None = None
) -> tuple[NeighborTable, Columns]:
    """Check X and code its nominal columns.

    Parameters
    ----------
    estimator : FastNearestNeighbors
        Whose parameters count and whose ``n_features_in_`` is set or compared.
    X : container
        Rows.
    columns : tuple of positions and levels, default=None
        The nominal columns, learnt when the fitted rows were read; None learns them.

    Returns
    -------
    table : NeighborTable
        Numbers and codes.
    columns : tuple of positions and levels
        The nominal columns.
    """
    fitting = columns is None
    if estimator.categorical_features is not None if columns is None else columns[1]:
        return _mixed_table(estimator, X, columns)
    if torch_of(X) is not None:
        return _tensor_table(estimator, X, fitting), _NONE
    X = validate_data(
        estimator,
        X,
        reset=fitting,
        accept_sparse="csr",
        dtype=(np.float64, np.float32),
        ensure_all_finite="allow-nan",
    )
    if not fitting and sp.issparse(X) != sp.issparse(estimator._numeric):
        X = X.toarray() if sp.issparse(X) else sp.csr_array(X)
    return NeighborTable(numeric=X, mismatch=estimator.mismatch), _NONE


def _tensor_table(estimator: Any, X: Any, fitting: bool) -> NeighborTable:
    if X.ndim != 2 or 0 in X.shape:
        raise ValueError(
            f"X must be a table with rows and columns. Got shape {tuple(X.shape)}."
        )
    if fitting:
        estimator.n_features_in_ = int(X.shape[1])
        estimator.__dict__.pop("feature_names_in_", None)
    elif X.shape[1] != estimator.n_features_in_:
        raise ValueError(
            f"X has {X.shape[1]} features, but FastNearestNeighbors is expecting "
            f"{estimator.n_features_in_} features as input."
        )
    elif torch_of(estimator._numeric) is None:
        X = X.detach().cpu().numpy()
    return NeighborTable(numeric=X, mismatch=estimator.mismatch)


def _mixed_table(
    estimator: Any, X: Any, columns: Columns | None
) -> tuple[NeighborTable, Columns]:
    if sp.issparse(X) or torch_of(X) is not None:
        raise TypeError(
            "A sparse matrix or a tensor can't hold nominal columns. Give a dense "
            "array or a dataframe, or categorical_features=None."
        )
    if isinstance(X, (list, tuple)):
        X = np.asarray(X, dtype=object)
    if np.ndim(X) != 2 or 0 in X.shape:
        raise ValueError(
            f"X must be a table with rows and columns. Got shape {np.shape(X)}."
        )
    validate_data(estimator, X, reset=columns is None, skip_check_array=True)
    if columns is None:
        wanted = estimator.categorical_features
        names = getattr(estimator, "feature_names_in_", None)
        positions = nominal_columns(X, wanted, names, X.shape[1])
        columns = positions, [learn_levels(column_values(X, j)) for j in positions]
    numeric, mismatch = _numbers(X, columns[0]), estimator.mismatch
    if not columns[1]:
        return NeighborTable(numeric=numeric, mismatch=mismatch), columns
    pairs = zip(*columns, strict=True)
    codes = np.stack([encode(column_values(X, j), lev) for j, lev in pairs], axis=1)
    if max(len(levels) for levels in columns[1]) < 2**8 - 1:
        codes = codes.astype(np.uint8)
    return NeighborTable(numeric=numeric, codes=codes, mismatch=mismatch), columns


def _numbers(X: Any, nominal: np.ndarray) -> np.ndarray:
    """Return the columns that are not nominal, as floats."""
    columns = []
    for j in np.setdiff1d(np.arange(X.shape[1]), nominal):
        values = column_values(X, j)
        if values.dtype not in (np.float32, np.float64):
            try:
                values = values.astype(np.float64)
            except (TypeError, ValueError) as exc:
                raise ValueError(
                    f"Column {j} does not hold numbers ({exc}). Name it in "
                    "categorical_features."
                ) from exc
        columns.append(values)
    return np.stack(columns, axis=1) if columns else np.empty((n_rows(X), 0))
