# SPDX-License-Identifier: BSD-3-Clause
"""Turn a fold of a table into two finite float arrays, fitted on its training rows."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skoverfit.bench._columns import drop_option, plain_column
from skoverfit.bench._types import Table
from skoverfit.exceptions import BadInputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PreparedFold", "prepare_fold"]

# skrub's StringEncoder gives at most so many columns for a column of many texts; its
# TableVectorizer one-hot encodes a column of fewer than 40 values.
TEXT_COMPONENTS = 30


@dataclass(frozen=True, kw_only=True)
class PreparedFold:
    """What every estimator of a fold gets to see.

    Attributes
    ----------
    X_train : ndarray of shape (n_train, n_features_out) of float64
        Encoded training rows: finite, C-contiguous.
    X_test : ndarray of shape (n_test, n_features_out) of float64
        Encoded test rows.
    n_features_out : int
        Number of encoded columns.
    notes : tuple of str
        Sentences for the report.
    seconds : float
        Wall-clock time of the preparation in seconds.
    """

    X_train: np.ndarray
    X_test: np.ndarray
    n_features_out: int
    notes: tuple[str, ...]
    seconds: float


def prepare_fold(
    table: Table, train: np.ndarray, test: np.ndarray, *, random_state: int = 0
) -> PreparedFold:
    """Encode, impute and scale the rows of one fold.

    Everything is learned from the training rows only. Text, categories and dates go
    through skrub's ``TableVectorizer``, numeric columns past it; missing values become
    the median beside an indicator column; all columns are then standardized.

    Parameters
    ----------
    table : Table
        ``table.X`` is a data frame or a float array.
    train, test : ndarray of shape (n_train,) and (n_test,) of int
        Positions of the rows.
    random_state : int, default=0
        Seed of the text encoder.

    Returns
    -------
    PreparedFold
        C-contiguous finite float64 arrays, remarks, and the seconds it took.

    Raises
    ------
    BadInputError
        If no column has a value in the training rows, or if a value is infinite or so
        large that scaling overflows.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from skoverfit.bench._preparation import prepare_fold
    >>> from skoverfit.bench._tables import table_from_frame
    >>> frame = pd.DataFrame({"age": [31.0, None] * 10, "town": ["A", "B"] * 10})
    >>> table = table_from_frame(frame.assign(y=[0, 1] * 10), target="y")
    >>> fold = prepare_fold(table, np.arange(15), np.arange(15, 20))
    >>> fold.X_train.shape, bool(np.isfinite(fold.X_test).all())
    ((15, 4), True)
    """
    start = time.perf_counter()
    fold = _Fold(train=np.asarray(train), test=np.asarray(test))
    if hasattr(table.X, "iloc"):
        _encode_frame(fold, table.X, random_state)
    else:
        values = np.asarray(table.X)
        names = [f"x{i}" for i in range(values.shape[1])]
        fold.add(
            names,
            values[fold.train].astype(np.float64),
            values[fold.test].astype(np.float64),
        )
    X_train, X_test = _impute_and_scale(fold, table.name)
    return PreparedFold(
        X_train=X_train,
        X_test=X_test,
        n_features_out=X_train.shape[1],
        notes=tuple(fold.notes),
        seconds=time.perf_counter() - start,
    )


class _Fold:
    """Encoded blocks of columns, collected side by side."""

    def __init__(self, *, train: np.ndarray, test: np.ndarray) -> None:
        self.train = train
        self.test = test
        self.names: list[str] = []
        self.blocks: list[tuple[np.ndarray, np.ndarray]] = []
        self.notes: list[str] = []

    def add(self, names: list[str], train: np.ndarray, test: np.ndarray) -> None:
        self.names += names
        self.blocks.append((train, test))

    def leave_out(self, names: list[str]) -> None:
        if names:
            one = len(names) == 1
            shown = ", ".join(map(repr, names[:8])) + (", ..." if names[8:] else "")
            self.notes.append(
                f"The {'column' if one else 'columns'} {shown} "
                f"{'has' if one else 'have'} no value in the training rows of a fold "
                f"and {'was' if one else 'were'} left out there."
            )


def _encode_frame(fold: _Fold, X: pd.DataFrame, random_state: int) -> None:
    import pandas as pd
    from pandas.api import types

    X = X.set_axis([str(name) for name in X.columns], axis=1)
    numeric = np.array(
        [types.is_numeric_dtype(dtype) for dtype in X.dtypes], dtype=bool
    )
    _add_numbers(fold, X.loc[:, numeric])
    if numeric.all():
        return
    # A frame made by hand may hold objects and Arrow types that skrub can't take.
    rest = {name: plain_column(c, str(name)) for name, c in X.loc[:, ~numeric].items()}
    numbers = {n: c for n, c in rest.items() if types.is_numeric_dtype(c.dtype)}
    if numbers:
        _add_numbers(fold, pd.DataFrame(numbers))
    others = {n: c for n, c in rest.items() if n not in numbers}
    if others:
        _vectorize(fold, pd.DataFrame(others), random_state)


def _add_numbers(fold: _Fold, numbers: pd.DataFrame) -> None:
    if numbers.shape[1]:
        fold.add(
            list(numbers.columns),
            numbers.iloc[fold.train].to_numpy(dtype=np.float64, na_value=np.nan),
            numbers.iloc[fold.test].to_numpy(dtype=np.float64, na_value=np.nan),
        )


def _vectorize(fold: _Fold, rest: pd.DataFrame, random_state: int) -> None:
    from sklearn.preprocessing import OneHotEncoder
    from skrub import TableVectorizer

    from skoverfit.bench._text import BoundedStringEncoder

    train = rest.iloc[fold.train].reset_index(drop=True)
    test = rest.iloc[fold.test].reset_index(drop=True)
    empty = [str(name) for name in rest.columns if train[name].isna().all()]
    fold.leave_out(empty)
    train, test = train.drop(columns=empty), test.drop(columns=empty)
    if train.shape[1] == 0:
        return
    vectorizer = TableVectorizer(
        # skrub's own drops a column of two values, and an unseen third value then
        # looks like the dropped one.
        low_cardinality=OneHotEncoder(
            handle_unknown="ignore", sparse_output=False, dtype=np.float32
        ),
        high_cardinality=BoundedStringEncoder(
            n_components=TEXT_COMPONENTS, random_state=random_state
        ),
    )
    encoded = vectorizer.fit_transform(train)
    fold.add(
        [str(name) for name in encoded.columns],
        encoded.to_numpy(dtype=np.float64),
        vectorizer.transform(test).to_numpy(dtype=np.float64),
    )


def _impute_and_scale(fold: _Fold, table_name: str) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import StandardScaler

    if not fold.blocks:
        raise _nothing_left(table_name)
    train = np.concatenate([block for block, _ in fold.blocks], axis=1)
    test = np.concatenate([block for _, block in fold.blocks], axis=1)
    _refuse_columns(np.isinf(train).any(0) | np.isinf(test).any(0), fold, table_name)
    lost = np.isnan(train).all(axis=0)
    if lost.any():
        fold.leave_out(
            [name for name, gone in zip(fold.names, lost, strict=True) if gone]
        )
        train, test = train[:, ~lost], test[:, ~lost]
        fold.names = [n for n, gone in zip(fold.names, lost, strict=True) if not gone]
    if train.shape[1] == 0:
        raise _nothing_left(table_name)
    if np.isnan(train).any() or np.isnan(test).any():
        imputer = SimpleImputer(strategy="median", add_indicator=True)
        train, test = imputer.fit_transform(train), imputer.transform(test)
    with np.errstate(over="ignore", invalid="ignore"):
        scaler = StandardScaler()
        train, test = scaler.fit_transform(train), scaler.transform(test)
        finite = np.isfinite(train).all(0) & np.isfinite(test).all(0)
        # An overflowing variance divides the whole column to zero.
        finite &= np.isfinite(scaler.var_)
    _refuse_columns(~finite, fold, table_name)
    return np.ascontiguousarray(train), np.ascontiguousarray(test)


def _nothing_left(table_name: str) -> BadInputError:
    return BadInputError(
        f"No column of the table {table_name!r} has a value in the training rows of a "
        "fold; take fewer folds or columns with fewer missing values."
    )


def _refuse_columns(bad: np.ndarray, fold: _Fold, table_name: str) -> None:
    if bad.any():
        name = fold.names[int(np.argmax(bad))]
        raise BadInputError(
            f"The column {name!r} of the table {table_name!r} holds values that are "
            "infinite or too large to be standardized; rescale it or leave it out with "
            f"{drop_option([name])}."
        )
