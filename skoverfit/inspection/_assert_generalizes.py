# SPDX-License-Identifier: BSD-3-Clause
"""A check for test-suites: a model scores on new rows nearly as on its own."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, is_classifier
from sklearn.model_selection import check_cv, cross_validate
from sklearn.utils._param_validation import Interval, validate_params

from skoverfit.metrics._generalization_gap import GeneralizationGap, generalization_gap

__all__ = ["assert_generalizes"]


@validate_params(
    {
        "estimator": [BaseEstimator],
        "max_gap": [Interval(Real, 0, None, closed="left")],
        "scoring": [str, callable, None],
        "cv": ["cv_object"],
        "confidence": [Interval(Real, 0, 1, closed="neither")],
        "n_jobs": [Integral, None],
    },
    prefer_skip_nested_validation=True,
)
def assert_generalizes(
    estimator: Any,
    X: Any,
    y: ArrayLike,
    *,
    max_gap: float = 0.1,
    scoring: str | Callable[..., float] | None = None,
    cv: Any = 5,
    groups: ArrayLike | None = None,
    confidence: float = 0.95,
    n_jobs: int | None = None,
) -> GeneralizationGap:
    """Raise AssertionError if training scores exceed test scores by too much.

    The estimator is cloned for each fold and not changed. The mean gap decides; its
    interval is in the text of the failure. A gap alone is no harm: forests and
    nearest neighbours always show one, so choose ``max_gap`` for the model.

    Parameters
    ----------
    estimator : estimator object
        Classifier or regressor.
    X : array-like of shape (n_samples, n_features)
        Rows.
    y : array-like of shape (n_samples,)
        Target.
    max_gap : float, default=0.1
        Largest mean of training score minus test score that passes.
    scoring : str or callable, default=None
        One scorer, higher is better; None takes the estimator's ``score``.
    cv : int, cross-validation splitter or iterable, default=5
        How rows are split; a number means stratified folds for classifiers.
    groups : array-like of shape (n_samples,), default=None
        Groups for a splitter that keeps them together, such as ``GroupKFold``.
    confidence : float, default=0.95
        Level of the interval.
    n_jobs : int, default=None
        Folds fitted at a time.

    Returns
    -------
    GeneralizationGap
        The measured gap, as :func:`skoverfit.metrics.generalization_gap` gives it.

    Raises
    ------
    AssertionError
        If the mean gap exceeds ``max_gap``.
    ValueError
        If a parameter is not allowed, if ``groups`` come with a number of folds,
        which would ignore them, or if a score is not finite. Errors of the estimator
        and the scorer are passed on.

    References
    ----------
    .. [1] C. Nadeau and Y. Bengio (2003). "Inference for the generalization error".
       Machine Learning 52, 239-281.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skoverfit.inspection import assert_generalizes
    >>> X, y = load_iris(return_X_y=True)
    >>> model = LogisticRegression(max_iter=1000)
    >>> assert_generalizes(model, X, y, max_gap=0.05).n_folds
    5
    """
    if groups is not None and (cv is None or isinstance(cv, Integral)):
        raise ValueError(
            f"cv={cv!r} would ignore groups; pass a splitter that keeps them together, "
            "such as GroupKFold(5)."
        )
    splitter = check_cv(cv, y, classifier=is_classifier(estimator))
    folds = [
        (np.asarray(train), np.asarray(test))
        for train, test in splitter.split(X, y, groups)
    ]
    scores = cross_validate(
        estimator,
        X,
        y,
        scoring=scoring,
        cv=folds,
        return_train_score=True,
        error_score="raise",
        n_jobs=n_jobs,
    )
    result = generalization_gap(
        scores["train_score"],
        scores["test_score"],
        [len(train) for train, _ in folds],
        [len(test) for _, test in folds],
        confidence=confidence,
    )
    if result.gap > max_gap:
        raise AssertionError(
            f"{type(estimator).__name__} does not generalize within "
            f"max_gap={max_gap:g}: it scores {result.train_score:.3f} on its training "
            f"rows and {result.test_score:.3f} on new ones, a gap of {result.gap:.3f} "
            f"({confidence:.0%} interval {result.lower:.3f} to {result.upper:.3f}, "
            f"{result.n_folds} folds)."
        )
    return result
