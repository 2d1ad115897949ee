# SPDX-License-Identifier: BSD-3-Clause
"""Turn rows of a table into a finite float array; fitted on a fold's training rows."""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from skoverfit.bench._columns import drop_option, plain_column
from skoverfit.bench._plain_encoders import (
    PlainVectorizer,
    dtype_from_plain,
    plain_dtype,
)
from skoverfit.bench._types import Table
from skoverfit.exceptions import BadInputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FoldPreparation", "PreparedFold", "plain_rows", "prepare_fold"]

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
    preparation : FoldPreparation
        Turns further raw rows into the same columns.
    raw_train : DataFrame or ndarray of shape (n_train, n_features)
        The training rows before any of this, in plain column types.
    """

    X_train: np.ndarray
    X_test: np.ndarray
    n_features_out: int
    notes: tuple[str, ...]
    seconds: float
    preparation: FoldPreparation
    raw_train: Any


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
    >>> fold.preparation.transform(table.X.iloc[15:]).shape
    (5, 4)
    """
    start = time.perf_counter()
    rows = plain_rows(table.X)
    raw_train = _take(rows, np.asarray(train))
    preparation = FoldPreparation(table.name, random_state)
    X_train = preparation.fit_transform(raw_train)
    X_test = preparation.transform(_take(rows, np.asarray(test)))
    return PreparedFold(
        X_train=X_train,
        X_test=X_test,
        n_features_out=X_train.shape[1],
        notes=tuple(preparation.notes),
        seconds=time.perf_counter() - start,
        preparation=preparation,
        raw_train=raw_train,
    )


def plain_rows(X: Any) -> Any:
    """Return a frame of plain columns with text names, or a float array.

    The kind of a column is that of the whole table: it doesn't depend on a fold.
    """
    if not hasattr(X, "iloc"):
        return np.asarray(X, dtype=np.float64)
    import pandas as pd
    from pandas.api import types

    X = X.set_axis([str(name) for name in X.columns], axis=1)
    # A frame made by hand may hold objects and Arrow types that skrub can't take.
    odd = {
        name: plain_column(X[name], str(name))
        for name, dtype in X.dtypes.items()
        if not (isinstance(dtype, np.dtype) and types.is_numeric_dtype(dtype))
    }
    if not odd:
        return X
    if len(odd) == X.shape[1]:
        return pd.DataFrame(odd)
    return X.assign(**odd)


def _take(rows: Any, positions: np.ndarray) -> Any:
    if hasattr(rows, "iloc"):
        return rows.iloc[positions].reset_index(drop=True)
    return rows[positions]


class FoldPreparation:
    """What a fold's training rows teach of turning raw rows into columns.

    Parameters
    ----------
    table_name : str
        For messages.
    random_state : int, default=0
        Seed of the text encoder.
    """

    def __init__(self, table_name: str, random_state: int = 0) -> None:
        self.table_name = table_name
        self.random_state = random_state
        self.notes: list[str] = []

    def fit_transform(self, rows: Any) -> np.ndarray:
        """Learn from the training rows and return them as columns.

        Parameters
        ----------
        rows : DataFrame or ndarray of shape (n_train, n_features)
            As `plain_rows` returns them.

        Returns
        -------
        ndarray of shape (n_train, n_features_out) of float64
            Finite, C-contiguous.
        """
        self._vectorizer: Any = None
        blocks, self._names = self._fit_columns(rows)
        if not self._names:
            raise self._nothing_left()
        values = np.concatenate(blocks, axis=1)
        self._refuse(np.isinf(values).any(axis=0))
        self._kept = ~np.isnan(values).all(axis=0)
        lost = [n for n, kept in zip(self._names, self._kept, strict=True) if not kept]
        self._leave_out(lost)
        if not self._kept.any():
            raise self._nothing_left()
        values = values[:, self._kept]
        self._medians = np.nanmedian(values, axis=0)
        self._holed = np.isnan(values).any(axis=0)
        filled = self._fill(values)
        self._fit_scale(filled)
        return self._scale(filled)

    def transform(self, rows: Any) -> np.ndarray:
        """Return further rows as the columns that the training rows have.

        Parameters
        ----------
        rows : DataFrame or ndarray of shape (n_rows, n_features)
            The columns of the training rows, in any order.

        Returns
        -------
        ndarray of shape (n_rows, n_features_out) of float64
            Finite, C-contiguous.
        """
        values = np.concatenate(self._columns(rows), axis=1)
        self._refuse(np.isinf(values).any(axis=0))
        return self._scale(self._fill(values[:, self._kept]))

    def _fit_columns(self, rows: Any) -> tuple[list[np.ndarray], list[str]]:
        if not hasattr(rows, "iloc"):
            return [rows], [f"x{i}" for i in range(rows.shape[1])]
        from pandas.api import types

        numeric = np.array([types.is_numeric_dtype(d) for d in rows.dtypes], dtype=bool)
        self._numbers = list(rows.columns[numeric])
        others = rows.loc[:, ~numeric]
        empty = [str(name) for name in others.columns if others[name].isna().all()]
        self._leave_out(empty)
        others = others.drop(columns=empty)
        self._dtypes = dict(others.dtypes)
        blocks, names = [], list(self._numbers)
        if self._numbers:
            blocks.append(_numbers(rows[self._numbers]))
        if self._dtypes:
            self._vectorizer = _vectorizer(self.random_state)
            encoded = self._vectorizer.fit_transform(others)
            names += [str(name) for name in encoded.columns]
            blocks.append(encoded.to_numpy(dtype=np.float64))
        return blocks, names

    def _columns(self, rows: Any) -> list[np.ndarray]:
        if not hasattr(rows, "iloc"):
            return [np.asarray(rows, dtype=np.float64)]
        rows = rows.set_axis([str(name) for name in rows.columns], axis=1)
        blocks = [_numbers(rows[self._numbers])] if self._numbers else []
        if self._vectorizer is not None:
            others = rows[list(self._dtypes)].reset_index(drop=True)
            # A re-sampler may give text back as objects, or dates in another unit.
            changed = {n: d for n, d in self._dtypes.items() if others[n].dtype != d}
            others = others.astype(changed) if changed else others
            encoded = self._vectorizer.transform(others)
            blocks.append(np.asarray(encoded, dtype=np.float64))
        return blocks

    def plain_state(self) -> dict[str, Any]:
        """Return all that was learnt as plain values and estimators of scikit-learn.

        Returns
        -------
        dict
            For `from_plain`.
        """
        state = dict(vars(self))
        if self._vectorizer is not None:
            plain = PlainVectorizer.of(self._vectorizer)
            state["_vectorizer"] = [plain.chains, plain.outputs]
            state["_skrub"] = _skrub_version()
        if "_dtypes" in state:
            state["_dtypes"] = {n: plain_dtype(d) for n, d in self._dtypes.items()}
        return state

    @classmethod
    def from_plain(cls, state: dict[str, Any]) -> FoldPreparation:
        """Return the preparation that `plain_state` wrote down.

        Parameters
        ----------
        state : dict
            From `plain_state`.

        Returns
        -------
        FoldPreparation
            Transforms rows to the same numbers.
        """
        made = cls.__new__(cls)
        made.__dict__.update(state)
        written_by = state.get("_skrub", "")
        if written_by and written_by != _skrub_version():
            raise BadInputError(
                f"the columns were encoded by skrub {written_by}, and skrub "
                f"{_skrub_version()} is installed, whose encoders may differ"
            )
        if made._vectorizer is not None:
            made._vectorizer = PlainVectorizer(*made._vectorizer)
        if "_dtypes" in state:
            written = state["_dtypes"]
            made._dtypes = {n: dtype_from_plain(d) for n, d in written.items()}
        return made

    def _fill(self, values: np.ndarray) -> np.ndarray:
        """Put the medians into holes, and indicators of them beside the columns."""
        holes = np.isnan(values)
        if not holes.any() and not self._holed.any():
            return values
        filled = np.where(holes, self._medians, values)
        return np.concatenate([filled, holes[:, self._holed]], axis=1)

    def _fit_scale(self, values: np.ndarray) -> None:
        from sklearn.preprocessing import StandardScaler

        with np.errstate(over="ignore", invalid="ignore"):
            self._scaler = StandardScaler().fit(values)
        # An overflowing variance divides the whole column to zero.
        self._refuse_kept(~np.isfinite(self._scaler.var_))

    def _scale(self, values: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = self._scaler.transform(values)
        self._refuse_kept(~np.isfinite(scaled).all(axis=0))
        return np.ascontiguousarray(scaled)

    def _leave_out(self, names: list[str]) -> None:
        if names:
            one = len(names) == 1
            shown = ", ".join(map(repr, names[:8])) + (", ..." if names[8:] else "")
            self.notes.append(
                f"The {'column' if one else 'columns'} {shown} "
                f"{'has' if one else 'have'} no value in the training rows of a fold "
                f"and {'was' if one else 'were'} left out there."
            )

    def _nothing_left(self) -> BadInputError:
        return BadInputError(
            f"No column of the table {self.table_name!r} has a value in the training "
            "rows of a fold; take fewer folds or columns with fewer missing values."
        )

    def _refuse_kept(self, bad: np.ndarray) -> None:
        """Refuse kept columns; indicators, which come behind them, are never bad."""
        self._refuse(bad[: self._kept.sum()], np.flatnonzero(self._kept))

    def _refuse(self, bad: np.ndarray, places: np.ndarray | None = None) -> None:
        if bad.any():
            first = int(np.argmax(bad))
            name = self._names[first if places is None else places[first]]
            raise BadInputError(
                f"The column {name!r} of the table {self.table_name!r} holds values "
                "that are infinite or too large to be standardized; rescale it or "
                f"leave it out with {drop_option([name])}."
            )


def _skrub_version() -> str:
    """Return major and minor version of the library whose encoders are rebuilt."""
    return ".".join(version("skrub").split(".")[:2])


def _numbers(columns: pd.DataFrame) -> np.ndarray:
    return columns.to_numpy(dtype=np.float64, na_value=np.nan)


def _vectorizer(random_state: int) -> Any:
    from sklearn.preprocessing import OneHotEncoder
    from skrub import TableVectorizer

    from skoverfit.bench._text import BoundedStringEncoder

    return TableVectorizer(
        # skrub's own drops a column of two values, and an unseen third value then
        # looks like the dropped one.
        low_cardinality=OneHotEncoder(
            handle_unknown="ignore", sparse_output=False, dtype=np.float32
        ),
        high_cardinality=BoundedStringEncoder(
            n_components=TEXT_COMPONENTS, random_state=random_state
        ),
    )
