# SPDX-License-Identifier: BSD-3-Clause
"""Out-of-fold probabilities of an inner cross-validation."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.model_selection import (
    StratifiedKFold,
    StratifiedShuffleSplit,
    check_cv,
)
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _check_method_params

__all__ = ["checked_probabilities", "fit_fold", "inner_splits"]

Split = tuple[np.ndarray, np.ndarray]


def inner_splits(
    cv: Any,
    X: Any,
    y: np.ndarray,
    classes: np.ndarray,
    params: Mapping[str, Any],
    seed: int,
) -> list[Split]:
    """Return (training rows, validation rows) of each fold.

    None is min(5, rows of the rarest class) stratified folds, an integer that many, a
    float one stratified split with this share for validation, "prefit" all rows twice.
    """
    rows = np.arange(len(y))
    if isinstance(cv, str):
        return [(rows, rows)]
    if cv is None or isinstance(cv, Integral):
        counts = np.array([np.count_nonzero(y == c) for c in classes])
        rarest, needed = int(counts.argmin()), 2 if cv is None else int(cv)
        if counts[rarest] < needed:
            raise ValueError(
                f"cv={cv} needs at least {needed} rows of every class, but class "
                f"{classes[rarest]!s} has {counts[rarest]}."
            )
        n_splits = int(min(5, counts[rarest])) if cv is None else needed
        splitter = StratifiedKFold(n_splits, shuffle=True, random_state=seed)
    elif isinstance(cv, float):
        splitter = StratifiedShuffleSplit(1, test_size=cv, random_state=seed)
    else:
        splitter = check_cv(cv, y=y, classifier=True)
    # Indexing turns the masks of a hand-made cv into row numbers.
    return [(rows[train], rows[test]) for train, test in splitter.split(X, y, **params)]


def fit_fold(
    estimator: Any,
    X: Any,
    y: np.ndarray,
    classes: np.ndarray,
    split: Split,
    fit_params: Mapping[str, Any],
) -> tuple[Any, np.ndarray]:
    """Fit on the training rows; return the classifier and validation probabilities."""
    train, test = split
    missing = np.setdiff1d(classes, y[train])
    if len(missing):
        raise ValueError(
            f"A training fold of cv has no row of class {missing[0]!s}; use a "
            "stratified cv, fewer folds, or cv=None."
        )
    params = _check_method_params(X, fit_params, indices=train)
    estimator.fit(_safe_indexing(X, train), y[train], **params)
    p = checked_probabilities(estimator, _safe_indexing(X, test), classes)
    return estimator, p


def checked_probabilities(estimator: Any, X: Any, classes: np.ndarray) -> np.ndarray:
    """Return float64 probabilities whose columns are `classes`, or say what is wrong.

    Raises
    ------
    ValueError
        If the classifier knows other classes, or a row is not finite, negative or
        all zero.
    """
    name = type(estimator).__name__
    if not np.array_equal(estimator.classes_, classes):
        raise ValueError(
            f"{name} knows the classes {list(map(str, estimator.classes_))}, but the "
            f"training data have {list(map(str, classes))}."
        )
    p = np.asarray(estimator.predict_proba(X), dtype=np.float64)
    if not (np.isfinite(p).all() and (p >= 0).all() and (p.max(axis=1) > 0).all()):
        raise ValueError(
            f"{name}.predict_proba must return finite, non-negative rows with a "
            "positive entry; thresholds can't be tuned on what it returned."
        )
    return p
