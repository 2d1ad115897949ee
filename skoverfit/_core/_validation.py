# SPDX-License-Identifier: BSD-3-Clause
"""Checks that several rooms share; each failure is one clear sentence."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np

from skoverfit._core._arrays import missing_values, n_rows, to_numpy, torch_of
from skoverfit.exceptions import SkoverfitWarning

__all__ = [
    "check_labels",
    "check_same_length",
    "has_label",
    "refuse_missing",
    "refuse_other_columns",
    "warn",
]


def warn(message: str, category: type[Warning] = SkoverfitWarning) -> None:
    """Warn at the line of the first caller outside the library."""
    # scikit-learn wraps `fit`; its frames are not the caller's.
    inside = ("skoverfit.", "sklearn.base", "sklearn.callback", "sklearn.utils._param")
    level, frame = 1, sys._getframe(0)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(
        inside
    ):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def check_same_length(X: Any, y: Any) -> None:
    """Refuse features and labels of different length."""
    if n_rows(X) != n_rows(y):
        raise ValueError(f"X has {n_rows(X)} rows, but y has {n_rows(y)} labels.")


def refuse_other_columns(proba: Any, classes: Any, name: str) -> None:
    """Refuse a frame whose columns name the classes in another order.

    Columns are read by place: each would be taken for another class, and nothing in
    the numbers tells. Other names than those of the classes are let alone.
    """
    names = getattr(proba, "columns", None)
    if names is None:
        return
    there = [str(label) for label in names]  # polars has texts only
    wanted = [str(label) for label in to_numpy(classes).tolist()]
    if there != wanted and sorted(there) == sorted(wanted):
        raise ValueError(
            f"The columns of {name} are named {_few(there)}, but they are read as "
            f"{_few(wanted)}, in this order; reorder them, or pass the classes in the "
            "order of the columns."
        )


def _few(names: list[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


def check_labels(y: Any, name: str = "y") -> tuple[np.ndarray, np.ndarray]:
    """Check class labels and code them.

    Parameters
    ----------
    y : container of shape (n,) or (n, 1)
        Class labels: strings, integers, booleans, categories or whole floats; any
        container of the arrays bridge.
    name : str, default="y"
        How the messages call it.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        Sorted distinct labels, as estimators have them in ``classes_``.
    codes : ndarray of shape (n,), int64
        ``classes[codes]`` are the labels.

    Raises
    ------
    ValueError
        Where there are no labels, more than one column of them, missing values or
        fractional numbers.
    TypeError
        Where strings and numbers are mixed, or labels are not scalars.

    Examples
    --------
    >>> from skoverfit._core._validation import check_labels
    >>> check_labels(["b", "a", "b"])
    (array(['a', 'b'], dtype='<U1'), array([1, 0, 1]))
    """
    if isinstance(y, (str, bytes)) or not hasattr(y, "__len__"):
        raise TypeError(f"{name} must hold one class label a row. Got {y!r} instead.")
    values = _label_array(y, name)
    gone = missing_values(values)
    if gone.any():
        row = int(np.flatnonzero(gone)[0])
        raise ValueError(
            f"{name} has {int(gone.sum())} missing labels, the first in row {row} "
            f"({_plain(values[row])!r}). Drop these rows, or label them."
        )
    if values.dtype.kind not in "biufOSUTM":
        raise TypeError(f"{name} can't hold class labels of dtype {values.dtype}.")
    if values.dtype == object:
        _refuse_mixed(values, name)
    _refuse_continuous(values, name)
    return _coded(values)


# Labels that span at most so many whole numbers are coded by a table of all of them.
_TABLE = 1 << 16


def _coded(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return classes and codes; ``np.unique`` would sort all labels for the codes."""
    if values.dtype.kind in "iu":
        low, high = int(values.min()), int(values.max())
        if high - low < _TABLE and high < 2**63:
            offset = values.astype(np.int64) - low
            present = np.bincount(offset, minlength=high - low + 1) > 0
            classes = (np.flatnonzero(present) + low).astype(values.dtype)
            return classes, (np.cumsum(present) - 1)[offset].astype(
                np.int64, copy=False
            )
    elif values.dtype.kind in "bfU":
        classes = np.unique(values)
        return classes, np.searchsorted(classes, values).astype(np.int64, copy=False)
    classes, codes = np.unique(values, return_inverse=True)
    return classes, codes.astype(np.int64, copy=False)


def _plain(value: Any) -> Any:
    """Return a Python scalar, whose repr people know."""
    return value.item() if isinstance(value, np.generic) else value


def _label_array(y: Any, name: str) -> np.ndarray:
    """Return one-dimensional labels; lists keep the types of their elements."""
    if isinstance(y, (list, tuple)):
        # np.asarray would turn [1, "a"] into strings before anyone could see it.
        values = np.asarray(y, dtype=object)
        if not any(isinstance(item, (list, str)) for item in values.ravel()):
            values = to_numpy(y)
        elif all(isinstance(item, str) for item in values.ravel()):
            values = np.asarray(y, dtype=str)
    else:
        values = to_numpy(y)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values.ravel()
    if values.ndim != 1:
        raise ValueError(
            f"{name} must hold one label a row: shape (n,) or (n, 1). Got shape "
            f"{values.shape} instead; multi-label and one-hot targets are not allowed."
        )
    if len(values) == 0:
        raise ValueError(f"{name} is empty: there are 0 labels.")
    return values


def _refuse_mixed(values: np.ndarray, name: str) -> None:
    first: dict[str, tuple[int, Any]] = {}
    for row, value in enumerate(values):
        if isinstance(value, (str, bytes)):
            family = "strings"
        elif isinstance(value, (bool, np.bool_)):
            family = "booleans"
        elif isinstance(value, (int, float, np.integer, np.floating)):
            family = "numbers"
        elif isinstance(value, (list, dict, set, np.ndarray)):
            raise TypeError(
                f"{name} must hold scalars as labels. Got {value!r} in row {row}."
            )
        else:
            family = f"objects of type {type(value).__name__}"
        first.setdefault(family, (row, value))
    if len(first) > 1:
        met = " and ".join(f"{f} ({v!r} in row {r})" for f, (r, v) in first.items())
        raise TypeError(
            f"{name} mixes {met}. Convert all labels to one type, for example to str."
        )


def _refuse_continuous(values: np.ndarray, name: str) -> None:
    numbers = values
    if values.dtype == object and isinstance(
        values[0], (int, float, np.integer, np.floating)
    ):
        numbers = values.astype(float)
    if numbers.dtype.kind != "f":
        return
    bad = ~np.isfinite(numbers) | (numbers != np.floor(numbers))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise ValueError(
            f"Unknown label type: {name} looks continuous: {_plain(values[row])!r} in "
            f"row {row}. Class labels must be strings, booleans or whole numbers."
        )


def has_label(labels: np.ndarray, unlabeled_label: Any) -> np.ndarray:
    """Return where labels differ from what stands for none; texts and numbers do.

    Parameters
    ----------
    labels : ndarray
        Labels of any kind.
    unlabeled_label : int, float, str or None
        What stands for no label. NaN is any missing value, and None stands nowhere.
    """
    if unlabeled_label is None:
        return np.ones(labels.shape, dtype=bool)
    if isinstance(unlabeled_label, (float, np.floating)) and np.isnan(unlabeled_label):
        return ~missing_values(labels)
    if labels.dtype.kind in "OUST":
        known = labels.ravel().tolist()
        # A missing value is equal to nothing; pandas.NA would not even say so.
        absent = missing_values(labels).ravel()
        equal = [
            not none and type(v) is not bool and v == unlabeled_label
            for v, none in zip(known, absent, strict=True)
        ]
        return ~np.array(equal, dtype=bool).reshape(labels.shape)
    if labels.dtype.kind == "b" or isinstance(unlabeled_label, str):
        return np.ones(labels.shape, dtype=bool)
    return np.asarray(labels != unlabeled_label)


def refuse_missing(y: Any) -> None:
    """Refuse None and the like among texts and objects, in one sentence.

    Numbers are left to scikit-learn, whose words for NaN its checks demand.
    """
    if y is None or torch_of(y) is not None:
        return
    values = np.asarray(y)
    if values.dtype == object and values.ndim == 1 and missing_values(values).any():
        check_labels(values)  # says which
