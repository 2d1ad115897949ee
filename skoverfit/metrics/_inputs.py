# SPDX-License-Identifier: BSD-3-Clause
"""Input checks that the metrics share: labels, scores, probabilities, weights."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from skoverfit.exceptions import SkoverfitWarning

__all__ = [
    "as_scores",
    "as_weights",
    "binary_inputs",
    "encode_labels",
    "n_rows_of",
    "probability_inputs",
    "recall_counts",
    "require_pairs",
    "warn_missing",
    "wrong_rows",
]

# How far a row of float32 probabilities may be from the sum 1, and one from [0, 1].
_SUM_TOLERANCE = 1e-3
_BORDER_TOLERANCE = 1e-6


def _label_array(values: Any, name: str) -> np.ndarray:
    """Return labels as a 1-D array without missing values; str objects become U."""
    array = np.asarray(values)
    if array.dtype.kind in "US" and not hasattr(values, "__array__"):
        # numpy makes strings of all that a list holds: NaN would be the class "nan".
        array = np.asarray(values, dtype=object)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ValueError(f"{name} must be 1-dimensional. Got shape {array.shape}.")
    if array.dtype.kind == "O":
        if all(isinstance(value, str) for value in array):
            return array.astype(str)
        if any(_is_missing(value) for value in array):
            raise ValueError(f"{name} contains missing values.")
    elif array.dtype.kind == "f" and not np.all(np.isfinite(array)):
        raise ValueError(f"{name} contains NaN or infinity.")
    elif array.dtype.kind in "mM" and np.isnat(array).any():
        raise ValueError(f"{name} contains missing values.")
    return array


def _is_missing(value: Any) -> bool:
    try:
        return value is None or bool(value != value)
    except TypeError:  # pandas.NA has no truth value
        return True


def _unique(array: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    try:
        return np.unique(array, return_inverse=True)
    except TypeError as exc:
        raise ValueError(
            f"{name} mixes labels that can't be compared; make them all strings or "
            "all numbers."
        ) from exc


def encode_labels(
    y_true: Any, labels: Any, n_columns: int | None, stacklevel: int = 4
) -> tuple[np.ndarray, np.ndarray]:
    """Return the codes of ``y_true`` and the classes that they index.

    Without ``labels`` the classes are the sorted values of ``y_true``. If there are
    fewer than columns, integers 0..n_columns-1 are taken as column numbers, with a
    warning; anything else is refused.
    """
    y = _label_array(y_true, "y_true")
    if y.size == 0:
        raise ValueError("y_true is empty; at least one row is needed.")
    if labels is not None:
        classes = _label_array(labels, "labels")
        if n_columns is not None and classes.size != n_columns:
            raise ValueError(
                f"labels has {classes.size} entries, but there are scores of "
                f"{n_columns} classes."
            )
        return _look_up(y, classes, "y_true"), classes
    classes, codes = _unique(y, "y_true")
    if n_columns is None or classes.size == n_columns:
        return codes, classes
    if (
        classes.size < n_columns
        and y.dtype.kind in "biu"
        and classes[0] >= 0
        and classes[-1] < n_columns
    ):
        warnings.warn(
            f"y_true has {classes.size} of {n_columns} classes; its integers are "
            "taken as column numbers. Pass labels to say which class each column "
            "belongs to.",
            SkoverfitWarning,
            stacklevel=stacklevel,
        )
        return y.astype(np.int64), np.arange(n_columns)
    raise ValueError(
        f"y_true has {classes.size} classes, but there are scores of {n_columns}. "
        "Pass labels to say which class each column belongs to."
    )


def _look_up(y: np.ndarray, classes: np.ndarray, name: str) -> np.ndarray:
    """Return the position of each ``y`` in ``classes``; refuse strangers."""
    numeric = {array.dtype.kind in "biuf" for array in (y, classes)}
    if len(numeric) == 2 and "O" not in (y.dtype.kind, classes.dtype.kind):
        raise ValueError(
            f"{name} and labels have different types: {y.dtype} and {classes.dtype}."
        )
    try:
        order = np.argsort(classes, kind="stable")
        ordered = classes[order]
        if np.any(ordered[1:] == ordered[:-1]):
            raise ValueError("labels contains a class twice.")
        position = np.searchsorted(ordered, y)
    except TypeError as exc:
        raise ValueError(f"{name} and labels can't be compared.") from exc
    position[position == classes.size] = 0
    strangers = ordered[position] != y
    if np.any(strangers):
        raise ValueError(
            f"{name} has a class that is not in labels: {y[strangers].tolist()[0]!r}."
        )
    return order[position]


def as_scores(values: Any, n_rows: int, name: str = "y_score") -> np.ndarray:
    """Return scores of shape (n_rows,) or (n_rows, n_classes), without NaN."""
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        if array.dtype.kind == "c":
            raise ValueError(f"{name} must not be complex.")
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as exc:
            raise ValueError(f"{name} must be a dense array of numbers.") from exc
    if array.ndim not in (1, 2) or (array.ndim == 2 and array.shape[1] < 2):
        raise ValueError(
            f"{name} must have shape (n_samples,) for two classes, or (n_samples, "
            f"n_classes) with at least two columns. Got shape {array.shape}."
        )
    if array.shape[0] != n_rows:
        raise ValueError(f"y_true has {n_rows} rows, but {name} has {array.shape[0]}.")
    if array.dtype.kind == "f" and np.isnan(array).any():
        raise ValueError(f"{name} contains NaN.")
    return array


def as_weights(sample_weight: ArrayLike | None, n_rows: int) -> np.ndarray | None:
    """Return float64 weights, or None for none."""
    if sample_weight is None:
        return None
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.shape != (n_rows,):
        raise ValueError(
            f"sample_weight must have shape ({n_rows},). Got {weights.shape}."
        )
    if not np.all(np.isfinite(weights)) or np.any(weights < 0) or not weights.any():
        raise ValueError(
            "sample_weight must be finite, not negative, and not all zero."
        )
    return weights


def n_rows_of(y_true: Any) -> int:
    """Return the number of rows, for messages that come before the encoding."""
    return int(np.shape(y_true)[0]) if np.ndim(y_true) else 0


def probability_inputs(
    y_true: Any, y_prob: Any, labels: Any, sample_weight: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return codes, float64 probabilities (n_samples, n_classes) and weights.

    A 1-D ``y_prob`` is the probability of the second class. Rows of weight 0 go.
    """
    n_rows = n_rows_of(y_true)
    prob = as_scores(y_prob, n_rows, "y_prob").astype(np.float64)
    n_columns = 2 if prob.ndim == 1 else prob.shape[1]
    codes, _ = encode_labels(y_true, labels, n_columns, stacklevel=5)
    if prob.min() < -_BORDER_TOLERANCE or prob.max() > 1 + _BORDER_TOLERANCE:
        raise ValueError(
            "y_prob must lie in [0, 1]. Got values from "
            f"{prob.min():.6g} to {prob.max():.6g}."
        )
    prob = np.clip(prob, 0.0, 1.0)
    if prob.ndim == 1:
        prob = np.column_stack([1.0 - prob, prob])
    else:
        worst = float(np.abs(prob.sum(axis=1) - 1.0).max())
        if worst > _SUM_TOLERANCE:
            raise ValueError(
                f"The rows of y_prob must sum to 1; one is away from it by {worst:.3g}."
            )
    weights = as_weights(sample_weight, n_rows)
    if weights is None:
        return codes, prob, np.ones(n_rows)
    kept = weights > 0
    return codes[kept], prob[kept], weights[kept]


def binary_inputs(
    y_true: Any, y_prob: Any, labels: Any, sample_weight: ArrayLike | None, name: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return 0/1 outcomes, probabilities of the second class, and weights."""
    codes, prob, weights = probability_inputs(y_true, y_prob, labels, sample_weight)
    if prob.shape[1] != 2:
        raise ValueError(
            f"{name} is defined for two classes. Got y_prob with "
            f"{prob.shape[1]} columns."
        )
    return codes.astype(np.float64), prob[:, 1], weights


def require_pairs(weights: np.ndarray, option: str) -> None:
    """Refuse rows that are too few, or weigh too unequally, to estimate a variance."""
    if weights.sum() ** 2 <= (1.0 + 1e-6) * np.sum(weights**2):
        raise ValueError(
            f"{option} needs at least two rows whose weights are comparable. Got "
            f"{weights.size} row(s) of positive weight."
        )


def warn_missing(classes: np.ndarray, totals: np.ndarray, stacklevel: int = 4) -> None:
    """Warn if a class has no row, because an average then leaves it out."""
    if np.all(totals > 0):
        return
    missing = classes[totals == 0].tolist()
    more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
    warnings.warn(
        f"y_true has no row of class {', '.join(map(repr, missing[:5]))}{more}; the "
        "score is over the other classes.",
        SkoverfitWarning,
        stacklevel=stacklevel,
    )


def wrong_rows(y_true: Any, y_pred: Any) -> np.ndarray:
    """Return where labels and predictions differ."""
    truth, predicted = _comparable_labels(y_true, y_pred)
    if truth.size == 0:
        raise ValueError("y_true is empty; at least one row is needed.")
    return truth != predicted


def _comparable_labels(y_true: Any, y_pred: Any) -> tuple[np.ndarray, np.ndarray]:
    truth = _label_array(y_true, "y_true")
    predicted = _label_array(y_pred, "y_pred")
    if truth.size != predicted.size:
        raise ValueError(
            f"y_true has {truth.size} rows, but y_pred has {predicted.size}."
        )
    text = {array.dtype.kind == "U" for array in (truth, predicted)}
    if len(text) == 2 and "O" not in (truth.dtype.kind, predicted.dtype.kind):
        raise ValueError(
            "y_true and y_pred have different types: "
            f"{truth.dtype} and {predicted.dtype}."
        )
    return truth, predicted


def recall_counts(
    y_true: Any, y_pred: Any, labels: Any, sample_weight: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the (weighted) hits and rows of each class that has rows."""
    truth, predicted = _comparable_labels(y_true, y_pred)
    if labels is None:
        # The classes of both: a class that is only ever predicted must be noticed.
        labels = _unique(np.concatenate([truth, predicted]), "y_true with y_pred")[0]
    codes, classes = encode_labels(truth, labels, None)
    hits = _look_up(predicted, classes, "y_pred") == codes
    weights = as_weights(sample_weight, truth.size)
    totals = np.bincount(codes, weights=weights, minlength=classes.size)
    warn_missing(classes, totals, stacklevel=5)
    right = np.bincount(
        codes[hits],
        weights=None if weights is None else weights[hits],
        minlength=classes.size,
    )
    present = totals > 0
    # Sums of the same weights in another order may differ by a rounding error.
    right = np.minimum(right, totals)
    return right[present].astype(np.float64), totals[present].astype(np.float64)
