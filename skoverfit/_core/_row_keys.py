# SPDX-License-Identifier: BSD-3-Clause
"""One number for each row of a table, the same for rows of equal content."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import scipy.sparse as sp

from skoverfit._core._arrays import n_rows, to_numpy
from skoverfit._core._columns._table import column_names, column_of, table_of

__all__ = ["row_keys"]

_MISSING = np.uint64(0x9E3779B97F4A7C15)


def row_keys(X: Any) -> np.ndarray:
    """Return a 64-bit key of each row; equal rows have equal keys.

    All missing values (NaN, None, NaT) are one value, and so are ``-0.0`` and ``0.0``.
    Rows that differ share a key with probability ``2^-64`` for a pair.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Array, frame, sparse matrix or list of rows.

    Returns
    -------
    ndarray of shape (n_samples,) of uint64
        The keys don't depend on the order of the rows.
    """
    if sp.issparse(X):
        return _sparse_keys(X)
    table = table_of(X)
    names, _ = column_names(table)
    keys = np.zeros(n_rows(X), dtype=np.uint64)
    for position in range(len(names)):
        codes = _codes(column_of(table, position))
        keys = _mixed(keys ^ _mixed(codes + _step(position)))
    return keys


def _step(position: int) -> np.uint64:
    return np.uint64((position + 1) * int(_MISSING) % 2**64)


def _sparse_keys(X: Any) -> np.ndarray:
    X = sp.csr_array(X, copy=True)
    X.sum_duplicates()
    X.eliminate_zeros()
    places = _mixed((X.indices.astype(np.uint64) + np.uint64(1)) * _MISSING)
    cells = _mixed(places ^ _codes(X.data))
    # A sum, so that the order of the entries doesn't count.
    keys = np.zeros(X.shape[0], dtype=np.uint64)
    rows = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
    np.add.at(keys, rows, cells)
    return _mixed(keys)


def _codes(column: Any) -> np.ndarray:
    """Return a number for each value that depends on nothing but the value."""
    values = to_numpy(column)
    if values.dtype.kind in "biuf":
        numbers = values.astype(np.float64) + 0.0
        codes = numbers.view(np.uint64).copy()
        exact = values.dtype.kind in "iu" and values.dtype.itemsize == 8
        if exact and len(values) and np.abs(numbers).max() >= 2.0**53:
            codes = values.astype(np.uint64)
        codes[np.isnan(numbers)] = _MISSING
        return codes
    if values.dtype.kind in "mM":
        codes = values.view(np.int64).astype(np.uint64)
        codes[np.isnat(values)] = _MISSING
        return codes
    known: dict[Any, int] = {}
    return np.fromiter(
        (_object_code(value, known) for value in values.tolist()),
        dtype=np.uint64,
        count=len(values),
    )


def _object_code(value: Any, known: dict[Any, int]) -> int:
    if value is None or value != value:
        return int(_MISSING)
    if isinstance(value, (bool, int, float)) and abs(value) < 2**53:
        return int(np.float64(value + 0.0).view(np.uint64))
    text = value if isinstance(value, str) else repr(value)
    code = known.get(text)
    if code is None:
        digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8)
        code = known[text] = int.from_bytes(digest.digest(), "little")
    return code


def _mixed(values: np.ndarray) -> np.ndarray:
    """Spread every bit over all others (the finalizer of SplitMix64)."""
    with np.errstate(over="ignore"):
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
