# SPDX-License-Identifier: BSD-3-Clause
"""A search predicts with the estimator that it kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.utils._tags import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

__all__ = ["BestEstimatorMixin"]


def _has(method: str) -> Callable[[Any], bool]:
    def check(search: Any) -> bool:
        getattr(getattr(search, "best_estimator_", search.estimator), method)
        return True

    return check


class BestEstimatorMixin:
    """What a search with ``best_estimator_`` and ``scorer_`` is to its users."""

    estimator: Any
    scorer_: Any

    @property
    def n_features_in_(self) -> int:
        """Columns seen."""
        return self._fitted().n_features_in_

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the columns seen."""
        return self._fitted().feature_names_in_

    def __sklearn_is_fitted__(self) -> bool:
        """Whether `fit` went well."""
        return hasattr(self, "scorer_")

    def _fitted(self) -> Any:
        check_is_fitted(self)
        if not hasattr(self, "best_estimator_"):
            raise AttributeError(
                f"This {type(self).__name__} was fitted with refit=False, and there is "
                "no best_estimator_ to predict with."
            )
        return self.best_estimator_

    def predict(self, X: Any) -> np.ndarray:
        """Predict with the estimator that was kept.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            New rows.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels, or numbers.
        """
        return np.asarray(self._fitted().predict(X))

    @available_if(_has("predict_proba"))
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities by the estimator that was kept.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            New rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of `classes_`.
        """
        return np.asarray(self._fitted().predict_proba(X))

    @available_if(_has("decision_function"))
    def decision_function(self, X: Any) -> np.ndarray:
        """Return decision values by the estimator that was kept.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            New rows.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Decision values.
        """
        return np.asarray(self._fitted().decision_function(X))

    def score(self, X: Any, y: Any) -> float:
        """Return the score that decided in the search, on other rows.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows that were not in the search.
        y : array-like of shape (n_samples,)
            Their labels, or numbers.

        Returns
        -------
        float
            ``scorer_(best_estimator_, X, y)``.
        """
        return float(self.scorer_(self._fitted(), X, y))

    def __sklearn_tags__(self) -> Any:
        """Be what the estimator is."""
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        inner = get_tags(self.estimator)
        tags.estimator_type = inner.estimator_type
        tags.classifier_tags = inner.classifier_tags
        tags.regressor_tags = inner.regressor_tags
        tags.target_tags.required = True
        tags.target_tags.one_d_labels = inner.target_tags.one_d_labels
        tags.input_tags.sparse = inner.input_tags.sparse
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        tags.input_tags.string = inner.input_tags.string
        tags.input_tags.categorical = inner.input_tags.categorical
        tags.input_tags.pairwise = False
        return tags
