# SPDX-License-Identifier: BSD-3-Clause
"""The transition matrix of the labels of a table, as a fitted object."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils import get_tags
from sklearn.utils.validation import _check_feature_names, _check_n_features

from skoverfit._core._validation import refuse_missing
from skoverfit.calibration._inputs import checked_rows
from skoverfit.noisy_labels._estimate_transition_matrix import CONSTRAINTS, estimate

__all__ = ["TransitionMatrixEstimator"]


class TransitionMatrixEstimator(BaseEstimator):
    """Estimate how the labels of a table are confused, and how many are wrong.

    `estimate_transition_matrix` as an object: it keeps the classes, the shares of the
    clean classes and the noise rate beside the matrix. Read more in the
    :doc:`User Guide </user_guide/label_noise>`.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator : classifier, default=None
        Makes out-of-fold probabilities; None is a small `TabularMLPClassifier`.
    method : {"anchor", "confident_joint", "dual_t", "em", "hoc", "volmin"}, \
default="confident_joint"
        See `estimate_transition_matrix`.
    cv : int, splitter, iterable or None, default=None
        Folds of the probabilities; None is five, or as many as the rarest label has
        rows.
    percentile : float, default=None
        Which row is the anchor, from 0 to 100; None is 100.
    prior : {"proportional", "symmetric"}, array-like or None, default=None
        What rows are pulled to, see `estimate_transition_matrix`.
    prior_strength : float, default=20.0
        Rows that the prior counts for.
    random_state : int, RandomState instance or None, default=None
        Source of the folds and nets.
    n_jobs : int, default=None
        Threads of the search for neighbours.

    Attributes
    ----------
    transition_matrix_ : ndarray of shape (n_classes, n_classes)
        Row-stochastic; rows are clean classes.
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    clean_prior_ : ndarray of shape (n_classes,)
        Shares of the clean classes.
    noise_rate_ : float
        Share of all labels that are wrong.
    n_features_in_ : int
        Columns of X, if it has a shape.
    feature_names_in_ : ndarray of str
        Names of the columns; only where all of them are texts.

    See Also
    --------
    estimate_transition_matrix : The function.

    References
    ----------
    Northcutt, Jiang & Chuang (2021), "Confident learning: estimating uncertainty in
    dataset labels", JAIR 70, arXiv:1911.00068.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skoverfit.datasets import make_label_noise
    >>> from skoverfit.noisy_labels import TransitionMatrixEstimator
    >>> X, y = load_digits(n_class=3, return_X_y=True)
    >>> y_noisy = make_label_noise(y, rate=0.2, kind="pair", random_state=0)
    >>> found = TransitionMatrixEstimator(LogisticRegression(C=1e-4), random_state=0)
    >>> round(found.fit(X, y_noisy).noise_rate_, 1)
    0.2
    """

    _parameter_constraints: ClassVar[dict] = CONSTRAINTS

    def __init__(
        self,
        estimator: Any = None,
        *,
        method: str = "confident_joint",
        cv: Any = None,
        percentile: float | None = None,
        prior: Any = None,
        prior_strength: float = 20.0,
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.method = method
        self.cv = cv
        self.percentile = percentile
        self.prior = prior
        self.prior_strength = prior_strength
        self.random_state = random_state
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, groups: Any = None) -> TransitionMatrixEstimator:
        """Estimate the matrix.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            The rows, as the estimator takes them.
        y : array-like of shape (n_samples,)
            Labels of any type, some of them wrong.
        groups : array-like of shape (n_samples,), default=None
            As in `estimate_transition_matrix`.

        Returns
        -------
        TransitionMatrixEstimator
            The estimator itself.

        Raises
        ------
        ValueError
            Where labels are missing, a label has a single row, or the prior is no
            transition matrix.
        """
        refuse_missing(y)
        X, y, _ = checked_rows(type(self).__name__, X, y, None)
        found = estimate(
            y,
            X=X,
            estimator=self.estimator,
            method=self.method,
            cv=self.cv,
            groups=groups,
            percentile=self.percentile,
            prior=self.prior,
            prior_strength=self.prior_strength,
            random_state=self.random_state,
            n_jobs=self.n_jobs,
        )
        if hasattr(X, "shape"):
            _check_n_features(self, X, reset=True)
        _check_feature_names(self, X, reset=True)
        self.transition_matrix_ = found.matrix
        self.classes_ = found.classes
        self.clean_prior_ = np.asarray(found.clean_shares)
        self.noise_rate_ = found.noise_rate
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        if self.estimator is not None:
            tags.input_tags = get_tags(self.estimator).input_tags
        return tags
