# SPDX-License-Identifier: BSD-3-Clause
"""A fitted model with what it takes to apply it to the rows of another table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from skoverfit.bench._columns import is_text, plain_column, text_dtype
from skoverfit.bench._tables import checked_frame, refuse_infinite
from skoverfit.bench._types import Table, Task
from skoverfit.exceptions import BadInputError

__all__ = ["TableModel"]


class TableModel:
    """A fitted pipeline, the columns it needs, its classes and its honest estimate.

    Parameters
    ----------
    model : estimator
        Fitted on ``table.X`` and ``table.y``.
    table : Table
        What it was fitted on; only names and kinds of columns are kept.
    target : str
        Name of the predicted column.
    estimate : dict
        What is known of its quality, as plain values.

    Attributes
    ----------
    columns : dict of str to str
        The columns that are needed, and their kinds.
    class_names : list of str
        The classes, none for a regression.
    """

    def __init__(
        self, model: Any, table: Table, *, target: str, estimate: dict[str, Any]
    ) -> None:
        self.model = model
        self.columns = {str(name): _kind(table.X[name]) for name in table.X.columns}
        self.target = target
        self.class_names = list(table.class_names)
        self.table_name = table.name
        self.estimate = estimate

    @property
    def task(self) -> Task:
        """What is predicted: "classification" or "regression"."""
        return "classification" if self.class_names else "regression"

    @property
    def text_columns(self) -> list[str]:
        """The columns that have to be read as text, also where they hold digits."""
        return [n for n, kind in self.columns.items() if kind in ("text", "category")]

    def rows(self, frame: Any) -> Any:
        """Return the columns that the model needs, in the types that it knows.

        Parameters
        ----------
        frame : DataFrame of shape (n_rows, n_columns)
            New rows; further columns are ignored.

        Returns
        -------
        DataFrame of shape (n_rows, n_features)
            For the model.

        Raises
        ------
        BadInputError
            If a column is missing or holds something else than in training.
        """
        import pandas as pd

        frame = checked_frame(frame)
        missing = [name for name in self.columns if name not in frame.columns]
        if missing:
            one = len(missing) == 1
            raise BadInputError(
                f"The table lacks the {'column' if one else 'columns'} "
                f"{_quoted(missing)}, which the model was trained with; its columns "
                f"are {_quoted(list(frame.columns))}."
            )
        if frame.empty:
            raise BadInputError("The table has no rows.")
        taken = {n: _as_kind(frame[n], n, kind) for n, kind in self.columns.items()}
        return pd.DataFrame(taken)

    def predict(self, frame: Any) -> np.ndarray:
        """Predict classes, by their names, or numbers.

        Parameters
        ----------
        frame : DataFrame of shape (n_rows, n_columns)
            New rows.

        Returns
        -------
        ndarray of shape (n_rows,)
            Predictions.
        """
        return self.named(self.model.predict(self.rows(frame)))

    def predict_proba(self, frame: Any) -> np.ndarray:
        """Predict probabilities of the classes, in the order of ``class_names``.

        Parameters
        ----------
        frame : DataFrame of shape (n_rows, n_columns)
            New rows.

        Returns
        -------
        ndarray of shape (n_rows, n_classes)
            Probabilities.
        """
        return self.in_order(self.model.predict_proba(self.rows(frame)))

    def named(self, predicted: Any) -> np.ndarray:
        """Return the names of predicted codes; numbers stay as they are."""
        predicted = np.asarray(predicted)
        if self.task == "regression":
            return predicted.astype(np.float64).reshape(len(predicted))
        return np.array(self.class_names, dtype=object)[predicted.astype(int)]

    def in_order(self, proba: Any) -> np.ndarray:
        """Return probabilities for all class names, 0 for one without training rows."""
        full = np.zeros((len(proba), len(self.class_names)))
        full[:, np.asarray(self.model.classes_, dtype=int)] = proba
        return full


def _kind(column: Any) -> str:
    """Return "number", "text", "category", "date", or "date" with its zone."""
    if is_text(column):
        return "text"
    if column.dtype.name == "category":
        return "category"
    if column.dtype.kind in "biuf":
        return "number"
    zone = getattr(column.dtype, "tz", None)
    return "date" if zone is None else f"date {zone}"


def _quoted(names: Sequence[str], limit: int = 8) -> str:
    text = ", ".join(map(repr, names[:limit]))
    return text + (f" and {len(names) - limit} more" if len(names) > limit else "")


def _as_kind(column: Any, name: str, kind: str) -> Any:
    """Return a column in the kind that it had in training, or refuse a value of it."""
    plain = plain_column(column, name)
    met = _kind(plain)
    if kind in ("text", "category"):
        if met == kind:
            return plain
        texts = plain.map(str, na_action="ignore").astype(object)
        return texts.where(plain.notna(), None).astype(text_dtype())
    if met == kind:
        made = plain
    elif kind == "number":
        made = _numbers(plain, met)
    else:
        made = _dates(plain, met, kind.partition(" ")[2])
    bad = np.flatnonzero((made.isna() & plain.notna()).to_numpy())
    if bad.size:
        raise BadInputError(
            f"The column {name!r} holds {plain.iloc[bad[0]]!s} in row {bad[0] + 1}, "
            f"and was a {kind.partition(' ')[0]} where the model was trained."
        )
    refuse_infinite(made, name)
    return made


def _numbers(plain: Any, met: str) -> Any:
    """Return what of a column are numbers; NaN for the rest."""
    import pandas as pd

    if met.startswith("date"):
        return pd.Series(np.nan, index=plain.index)
    made = pd.to_numeric(plain.astype(object), errors="coerce")
    return made.astype(np.float64)


def _dates(plain: Any, met: str, zone: str) -> Any:
    """Return what of a column are dates, in a zone or without one; NaT for the rest."""
    import pandas as pd

    if met == "number":
        made = pd.Series(pd.NaT, index=plain.index, dtype="datetime64[us, UTC]")
    elif met == "date" and zone:  # the zone is not said: it is that of the training
        return plain.dt.tz_localize(zone, ambiguous="NaT", nonexistent="shift_forward")
    elif met.startswith("date"):
        made = plain.dt.tz_convert("UTC")
    else:
        texts = plain.astype(object)
        made = pd.to_datetime(texts, errors="coerce", format="ISO8601", utc=True)
    return made.dt.tz_convert(zone) if zone else made.dt.tz_localize(None)
