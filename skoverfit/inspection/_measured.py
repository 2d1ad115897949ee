# SPDX-License-Identifier: BSD-3-Clause
"""A table and its resampled version on common scales: numbers, and coded categories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from skoverfit._core._arrays import (
    as_narwhals,
    kind_of,
    missing_values,
    to_numpy,
    torch_of,
)
from skoverfit.exceptions import BadInputError

__all__ = ["Measured", "measure"]

_LARGEST = 2**27  # numbers of a sparse table that are made dense: 1 GiB


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Rows as float64 columns (NaN is missing) and as codes (0 is missing).

    ``where`` has, for each column of the table, its kind and its place there.
    """

    numeric: np.ndarray
    codes: np.ndarray
    names: tuple[str, ...]
    where: tuple[tuple[str, int], ...]
    levels: tuple[tuple[Any, ...], ...]

    def __len__(self) -> int:
        return len(self.numeric)

    def names_of(self, kind: str) -> list[str]:
        """Return the names of the numeric or nominal columns, in their order."""
        pairs = zip(self.names, self.where, strict=True)
        return [name for name, (which, _) in pairs if which == kind]

    def row_keys(self) -> np.ndarray:
        """Return one value a row; two are equal where all cells are."""
        # + 0.0 turns -0.0 into 0.0, and all NaN get one bit pattern.
        numbers = np.where(np.isnan(self.numeric), np.nan, self.numeric + 0.0)
        cells = np.concatenate(
            [numbers.view(np.int64), self.codes.astype(np.int64)], axis=1
        )
        cells = np.ascontiguousarray(cells)
        return cells.view(np.dtype((np.void, cells.shape[1] * 8))).ravel()


def measure(X: Any, X_res: Any) -> tuple[Measured, Measured]:
    """Bring both tables to numbers and codes, with one coding.

    Numbers and dates become float64. Strings, categories, booleans and other objects
    become codes, also where only one of the tables has a level.

    Parameters
    ----------
    X, X_res : containers of shape (n, n_columns) and (n_res, n_columns)
        The original and the resampled table.

    Returns
    -------
    original, resampled : Measured
        The rows of both.

    Raises
    ------
    BadInputError
        If the numbers of columns differ, or a sparse table is too large.
    """
    first, second = _columns(X, "X"), _columns(X_res, "X_res")
    if len(first) != len(second):
        raise BadInputError(
            f"X has {len(first)} columns, but X_res has {len(second)}: pass the table "
            "that went into the sampler."
        )
    if not first:
        raise BadInputError("X has no columns.")
    numbers: list[np.ndarray] = []
    codes: list[np.ndarray] = []
    where, levels = [], []
    n = len(first[0][1])
    for (name, a, nominal), (_, b, _) in zip(first, second, strict=True):
        both = _joined(a, b)
        values = None if nominal else _as_numbers(both, name)
        if values is not None:
            where.append(("numeric", len(numbers)))
            numbers.append(values)
        else:
            where.append(("nominal", len(codes)))
            coded, known = _as_codes(both)
            codes.append(coded)
            levels.append(known)
    total = n + len(second[0][1])
    common: dict[str, Any] = {
        "names": tuple(name for name, _, _ in first),
        "where": tuple(where),
        "levels": tuple(levels),
    }
    numeric = np.stack(numbers, axis=1) if numbers else np.empty((total, 0))
    coded = np.stack(codes, axis=1) if codes else np.empty((total, 0), np.intp)
    return (
        Measured(numeric=numeric[:n], codes=coded[:n], **common),
        Measured(numeric=numeric[n:], codes=coded[n:], **common),
    )


def _columns(X: Any, what: str) -> list[tuple[str, np.ndarray, bool]]:
    """Return name, values and whether it is declared nominal, of each column."""
    kind = kind_of(X)
    if kind == "dataframe":
        frame = [
            as_narwhals(X.iloc[:, j] if hasattr(X, "iloc") else X[name])
            for j, name in enumerate(X.columns)
        ]
        return [
            (str(name), np.asarray(column.to_numpy()), _is_nominal(column))
            for name, column in zip(X.columns, frame, strict=True)
        ]
    if kind == "sparse" and np.prod(X.shape, dtype=float) > _LARGEST:
        raise BadInputError(
            f"{what} is a sparse table of {X.shape[0]} x {X.shape[1]} cells, too "
            "large for this figure. Pass fewer rows, or a projection of it."
        )
    if kind in ("list", "tuple"):
        values = np.empty((len(X), len(X[0]) if len(X) else 0), dtype=object)
        for i, row in enumerate(X):
            values[i] = list(row)
    else:
        values = to_numpy(X)
    if values.ndim != 2:
        raise BadInputError(
            f"{what} must have 2 dimensions, rows and columns. Got {values.ndim}."
        )
    nominal = values.dtype.kind in "bUST"
    return [(f"x{j}", values[:, j], nominal) for j in range(values.shape[1])]


def _is_nominal(column: Any) -> bool:
    import narwhals.stable.v2 as nw

    return column.dtype in (nw.Categorical, nw.Enum, nw.String, nw.Boolean)


def _joined(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if a.dtype.kind in "OUST" or b.dtype.kind in "OUST" or a.dtype.kind != b.dtype.kind:
        if a.dtype.kind in "biuf" and b.dtype.kind in "biuf":
            return np.concatenate([a.astype(np.float64), b.astype(np.float64)])
        return np.concatenate([a.astype(object), b.astype(object)])
    return np.concatenate([a, b])


def _as_numbers(values: np.ndarray, name: str) -> np.ndarray | None:
    """Return float64 with NaN, or None where the values are no numbers."""
    missing = missing_values(values)
    if values.dtype == object:
        present = values[~missing]
        kinds = (int, float, np.integer, np.floating)
        if any(isinstance(v, (bool, np.bool_)) for v in present) or not all(
            isinstance(v, kinds) for v in present
        ):
            return None
    out = np.full(len(values), np.nan)
    if values.dtype.kind in "mM":
        out[~missing] = values[~missing].astype(np.int64)
    else:
        out[~missing] = values[~missing].astype(np.float64)
    if np.isinf(out).any():
        raise BadInputError(f"The column {name!r} has infinite values.")
    return out


def _as_codes(values: np.ndarray) -> tuple[np.ndarray, tuple[Any, ...]]:
    """Return codes from 1 on (0 is missing) and the levels, sorted by their text."""
    missing = missing_values(values)
    plain = [v.item() if torch_of(v) is not None else v for v in values.tolist()]
    present = {v for v, gone in zip(plain, missing, strict=True) if not gone}
    levels = tuple(sorted(present, key=lambda v: (str(type(v)), str(v))))
    code = {level: number for number, level in enumerate(levels, start=1)}
    coded = [0 if gone else code[v] for v, gone in zip(plain, missing, strict=True)]
    return np.array(coded, dtype=np.intp), levels
