# SPDX-License-Identifier: BSD-3-Clause
"""A search whose winner comes with an upper bound of its true error."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.model_selection import ParameterGrid, train_test_split
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils._tags import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skoverfit.calibration._inputs import checked_rows
from skoverfit.metrics._inputs import wrong_rows
from skoverfit.metrics._risk_certificate import (
    binomial_certificate,
    loss_certificate,
)

__all__ = ["CertifiedSearchCV"]


def _has(method: str) -> Callable[[Any], bool]:
    def check(search: Any) -> bool:
        found = getattr(search, "best_estimator_", search.estimator)
        getattr(found, method)
        return True

    return check


class CertifiedSearchCV(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Search a grid and bound the true error of what was found.

    The rows are split once. Every candidate is trained on the first part and makes its
    errors on the second. Since the candidates and their prior probabilities are fixed
    before the second part is looked at, the bounds of all of them hold at once, and the
    best may be chosen by them. What is certified is the winner as it was trained on the
    first part; `refit_estimator_` is trained on all rows and has no certificate.

    The bound is for independent rows of one population. Rows that belong together
    (groups, time) break it, and so does preparation that saw all rows: put it into a
    pipeline.

    Parameters
    ----------
    estimator : classifier
        What is searched; cloned.
    param_grid : dict or list of dict
        As in `sklearn.model_selection.GridSearchCV`.
    validation_fraction : float, default=0.5
        Share of the rows on which the errors are counted.
    log_prior : callable, default=None
        Maps the parameters of a candidate to a log weight, for instance minus its
        complexity; the weights are normalised. None weighs all candidates evenly. It
        must not look at the data.
    delta : float, default=0.05
        Probability with which any of the bounds may fail.
    method : {"binomial", "kl", "mcallester", "hoeffding"}, default="binomial"
        As in `skoverfit.metrics.risk_certificate`.
    select : {"bound", "error"}, default="bound"
        Choose the least bound, which is structural risk minimisation, or the least
        error. They differ where the prior is not even. The first of equals wins.
    refit : bool, default=True
        Whether a clone of the winner is also trained on all rows.
    n_jobs : int, default=None
        Candidates that are trained at once, as in joblib.
    random_state : int, RandomState instance or None, default=None
        Draws the split, which is stratified.

    Attributes
    ----------
    best_estimator_ : classifier
        The certified winner, trained on the first part; it predicts.
    best_params_ : dict
        Its parameters.
    best_index_ : int
        Its place in `params_`.
    certificate_ : float
        Upper bound of its true error.
    certificates_ : ndarray of shape (n_candidates,)
        Bounds of all candidates, which hold at once.
    errors_ : ndarray of shape (n_candidates,)
        Shares of errors on the second part.
    log_prior_ : ndarray of shape (n_candidates,)
        Normalised log weights.
    params_ : list of dict
        The candidates.
    refit_estimator_ : classifier
        The winner trained on all rows, **not certified**; only with ``refit``.
    train_indices_ : ndarray of shape (n_train,)
        Rows of the first part.
    validation_indices_ : ndarray of shape (n_validation,)
        Rows of the second part.
    classes_ : ndarray of shape (n_classes,)
        The classes.
    n_features_in_ : int
        Columns seen; where the estimator knows them.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names; where the estimator knows them.

    See Also
    --------
    skoverfit.metrics.risk_certificate : The bound of one model.

    Notes
    -----
    A class that has one row alone can't be split; it is refused.

    References
    ----------
    .. [1] V. Akinwande, Y. Jiang, D. Sam and J. Z. Kolter (2024). "Understanding
       prompt engineering may not require rethinking generalization". ICLR.
       arXiv:2310.03957.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skoverfit.model_selection import CertifiedSearchCV
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> search = CertifiedSearchCV(
    ...     DecisionTreeClassifier(random_state=0),
    ...     {"max_depth": [1, 2, 3, 5, None]},
    ...     random_state=0,
    ... ).fit(X, y)
    >>> search.best_params_
    {'max_depth': 5}
    >>> print(f"{search.errors_.min():.3f} seen, at most {search.certificate_:.3f}")
    0.063 seen, at most 0.105
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit", "predict"])],
        "param_grid": [dict, list],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "log_prior": [callable, None],
        "delta": [Interval(Real, 0, 1, closed="neither")],
        "method": [StrOptions({"binomial", "kl", "mcallester", "hoeffding"})],
        "select": [StrOptions({"bound", "error"})],
        "refit": ["boolean"],
        "n_jobs": [None, int],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any,
        param_grid: Any,
        *,
        validation_fraction: float = 0.5,
        log_prior: Callable[[Mapping[str, Any]], float] | None = None,
        delta: float = 0.05,
        method: str = "binomial",
        select: str = "bound",
        refit: bool = True,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.param_grid = param_grid
        self.validation_fraction = validation_fraction
        self.log_prior = log_prior
        self.delta = delta
        self.method = method
        self.select = select
        self.refit = refit
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: Any, **fit_params: Any) -> CertifiedSearchCV:
        """Train every candidate on one part, and choose by its errors on the other.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Independent rows.
        y : array-like of shape (n_samples,)
            Their labels.
        **fit_params : dict
            Handed to the estimator's `fit`; what has one value a row is split with the
            rows.

        Returns
        -------
        self
            The fitted search.

        Raises
        ------
        ValueError
            A parameter out of its range, an empty grid, weights of ``log_prior`` that
            are no numbers, a class with one row.
        """
        self._validate_params()
        X, labels, _ = checked_rows(type(self).__name__, X, y, None)
        classes, codes = np.unique(labels, return_inverse=True)
        if "groups" in fit_params and fit_params["groups"] is not None:
            raise ValueError(
                "groups: rows that belong together are not independent, and the "
                "certificate would not hold. Keep one row a group."
            )
        candidates = list(ParameterGrid(self.param_grid))
        if not candidates:
            raise ValueError("param_grid has no candidate.")
        log_prior = self._log_weights(candidates)
        counts = np.bincount(codes, minlength=len(classes))
        if counts.min() < 2:
            rare = classes[int(counts.argmin())]
            raise ValueError(
                f"Class {rare} has 1 sample; it can't be split in two parts."
            )
        train, held = train_test_split(
            np.arange(len(codes)),
            test_size=self.validation_fraction,
            stratify=codes,
            random_state=self.random_state,
        )
        train, held = np.sort(train), np.sort(held)
        parts = _safe_indexing(X, train), labels[train], _safe_indexing(X, held)
        kept = {k: _of_rows(v, train, len(codes)) for k, v in fit_params.items()}
        fitted = Parallel(n_jobs=self.n_jobs)(
            delayed(_fit_and_count)(
                clone(self.estimator).set_params(**clone(parameters, safe=False)),
                *parts,
                labels[held],
                kept,
            )
            for parameters in candidates
        )
        errors = np.array([n_errors for _, n_errors in fitted])
        bounds = np.array(
            [
                self._bound(int(k), len(held), float(w))
                for k, w in zip(errors, log_prior, strict=True)
            ]
        )
        best = int(np.argmin(bounds if self.select == "bound" else errors))
        whole = None
        if self.refit:
            whole = clone(fitted[best][0]).fit(X, labels, **fit_params)
        # Nothing is set before everything went well.
        self.classes_ = classes
        self.params_, self.log_prior_ = candidates, log_prior
        self.train_indices_, self.validation_indices_ = train, held
        self.errors_, self.certificates_ = errors / len(held), bounds
        self.best_index_, self.best_params_ = best, candidates[best]
        self.best_estimator_, self.certificate_ = fitted[best][0], float(bounds[best])
        if whole is not None:
            self.refit_estimator_ = whole
        elif hasattr(self, "refit_estimator_"):
            del self.refit_estimator_
        return self

    def _log_weights(self, candidates: list[dict[str, Any]]) -> np.ndarray:
        if self.log_prior is None:
            return np.full(len(candidates), -math.log(len(candidates)))
        weights = np.array([float(self.log_prior(c)) for c in candidates])
        if not np.isfinite(weights).all():
            wrong = candidates[int(np.flatnonzero(~np.isfinite(weights))[0])]
            raise ValueError(f"log_prior must be a finite number; it isn't at {wrong}.")
        weights -= weights.max()
        return weights - math.log(np.exp(weights).sum())

    def _bound(self, n_errors: int, n_rows: int, log_prior: float) -> float:
        log_level = math.log(self.delta) + log_prior
        if self.method == "binomial":
            return binomial_certificate(n_errors, n_rows, log_level)
        return loss_certificate(n_errors / n_rows, n_rows, log_level, self.method)

    @property
    def n_features_in_(self) -> int:
        """Columns seen."""
        check_is_fitted(self)
        return self.best_estimator_.n_features_in_

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the columns seen."""
        check_is_fitted(self)
        return self.best_estimator_.feature_names_in_

    def predict(self, X: Any) -> np.ndarray:
        """Predict with the certified winner.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            New rows.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels.
        """
        check_is_fitted(self)
        return self.best_estimator_.predict(X)

    @available_if(_has("predict_proba"))
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the winner's probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            New rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities in the order of `classes_`.
        """
        check_is_fitted(self)
        return self.best_estimator_.predict_proba(X)

    @available_if(_has("decision_function"))
    def decision_function(self, X: Any) -> np.ndarray:
        """Return the winner's decision values.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            New rows.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Decision values.
        """
        check_is_fitted(self)
        return self.best_estimator_.decision_function(X)

    def __sklearn_tags__(self) -> Any:
        """Take what the estimator takes."""
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.input_tags.sparse = inner.input_tags.sparse
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        tags.input_tags.string = inner.input_tags.string
        tags.input_tags.categorical = inner.input_tags.categorical
        if inner.classifier_tags is not None:
            tags.classifier_tags.multi_class = inner.classifier_tags.multi_class
        return tags


def _of_rows(value: Any, rows: np.ndarray, n_rows: int) -> Any:
    """Return the part of a fit parameter that has one value a row."""
    if value is None or np.isscalar(value) or not hasattr(value, "__len__"):
        return value
    return _safe_indexing(value, rows) if len(value) == n_rows else value


def _fit_and_count(
    estimator: Any, X: Any, y: Any, X_held: Any, y_held: Any, fit_params: dict[str, Any]
) -> tuple[Any, int]:
    estimator.fit(X, y, **fit_params)
    return estimator, int(wrong_rows(y_held, estimator.predict(X_held)).sum())
