# SPDX-License-Identifier: BSD-3-Clause
"""A sampler and a classifier as one object."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    MetaEstimatorMixin,
    _fit_context,
    clone,
)
from sklearn.utils import get_tags
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.metadata_routing import UNUSED, MetadataRouter, MethodMapping
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_y, check_is_fitted, validate_data

from skoverfit.pipeline._pipeline import Pipeline

__all__ = ["ResampledClassifier"]

_UNUSED = {"sample_weight": UNUSED, "groups": UNUSED}


def _has(method: str) -> Any:
    """Whether the classifier has a method, asked of the fitted one if there is one."""

    def check(self: ResampledClassifier) -> bool:
        getattr(getattr(self, "estimator_", self.estimator), method)
        return True

    return available_if(check)


class ResampledClassifier(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Resample the training rows, then fit a classifier on what came out.

    The same as a `Pipeline` of the two, for where one estimator is wanted: inside
    ensembles, calibration, one-against-rest, or as a benchmark's candidate. Weights
    and groups pass through the sampler as they do in the pipeline.

    Read more in the :doc:`user guide </user_guide/pipeline>`.

    Parameters
    ----------
    sampler : object with ``fit_resample``
        A sampler, or a `Pipeline` that resamples. It is cloned, not changed.
    estimator : classifier
        It is cloned, not changed.

    Attributes
    ----------
    sampler_ : object
        The fitted sampler; those of this library tell where each row came from.
    estimator_ : classifier
        The classifier, fitted on the resampled rows.
    classes_ : ndarray of shape (n_classes,)
        Its labels.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, if X had names that are all strings.

    See Also
    --------
    Pipeline : Any number of transformers and samplers before the classifier.

    Notes
    -----
    Balanced training rows shift the predicted probabilities towards the classes that
    were added to. Calibrate them, or judge decisions only.

    Examples
    --------
    >>> from imblearn.under_sampling import RandomUnderSampler
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skoverfit.pipeline import ResampledClassifier
    >>> X, y = make_classification(weights=[0.9], random_state=0)
    >>> model = ResampledClassifier(
    ...     RandomUnderSampler(random_state=0), LogisticRegression()
    ... ).fit(X, y)
    >>> len(model.sampler_.sample_indices_), len(y)
    (18, 100)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "sampler": [HasMethods("fit_resample")],
        "estimator": [HasMethods(["fit", "predict"])],
    }
    # The two parts request; this class only passes on.
    __metadata_request__fit: ClassVar[dict[str, str]] = _UNUSED

    def __init__(self, sampler: Any, estimator: Any) -> None:
        self.sampler = sampler
        self.estimator = estimator

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        **params: Any,
    ) -> Self:
        """Resample the rows and fit the classifier.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows, of any kind that the sampler takes.
        y : array-like of shape (n_samples,)
            Class labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows; they reach the classifier as the sampler left them.
        groups : array-like of shape (n_samples,), default=None
            Groups of the rows, for samplers that take them.
        **params : dict
            ``sampler__parameter`` or ``estimator__parameter`` or, with metadata
            routing enabled, anything that the two request.

        Returns
        -------
        self : ResampledClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            As `Pipeline.fit`.
        """
        shape = np.asarray(y).shape
        if len(shape) == 2 and shape[1] > 1:
            raise ValueError(
                "Multilabel and multioutput targets are not supported. y should be a "
                f"1d array, got an array of shape {shape} instead."
            )
        y = _check_y(y, estimator=self)
        check_classification_targets(y)
        pipeline = Pipeline(
            [("sampler", clone(self.sampler)), ("estimator", clone(self.estimator))]
        )
        pipeline.fit(X, y, sample_weight=sample_weight, groups=groups, **params)
        # Last, so that nothing half-fitted is left behind an error. What is in the
        # columns is for the sampler to judge: it may take strings and missing values.
        validate_data(self, X, y, skip_check_array=True)
        self.sampler_ = pipeline.steps[0][1]
        self.estimator_ = pipeline.steps[1][1]
        self.classes_ = self.estimator_.classes_
        return self

    def _ask(self, method: str, X: ArrayLike) -> Any:
        check_is_fitted(self)
        steps = [("sampler", self.sampler_), ("estimator", self.estimator_)]
        return getattr(Pipeline(steps), method)(X)

    @_has("predict")
    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict class labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; they are not resampled.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            The classifier's predictions.
        """
        return self._ask("predict", X)

    @_has("predict_proba")
    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Predict class probabilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; they are not resampled.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes)
            The classifier's probabilities, which follow the resampled class shares.
        """
        return self._ask("predict_proba", X)

    @_has("predict_log_proba")
    def predict_log_proba(self, X: ArrayLike) -> np.ndarray:
        """Predict logarithms of class probabilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; they are not resampled.

        Returns
        -------
        log_p : ndarray of shape (n_samples, n_classes)
            The logarithms of `predict_proba`.
        """
        return self._ask("predict_log_proba", X)

    @_has("decision_function")
    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Return the classifier's scores.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; they are not resampled.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            As the classifier gives them.
        """
        return self._ask("decision_function", X)

    def get_metadata_routing(self) -> MetadataRouter:
        """Return which part gets which argument.

        Returns
        -------
        routing : MetadataRouter
            ``fit`` goes to the sampler's ``fit_resample`` and the estimator's ``fit``.
        """
        resample = MethodMapping().add(caller="fit", callee="fit_resample")
        return (
            MetadataRouter(owner=self)
            .add(method_mapping=resample, sampler=self.sampler)
            .add(
                method_mapping=MethodMapping().add(caller="fit", callee="fit"),
                estimator=self.estimator,
            )
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        parts = (get_tags(self.sampler), get_tags(self.estimator))
        for name in ("sparse", "allow_nan", "string", "categorical"):
            both = all(getattr(part.input_tags, name) for part in parts)
            setattr(tags.input_tags, name, both)
        if parts[1].classifier_tags is not None:
            tags.classifier_tags.multi_class = parts[1].classifier_tags.multi_class
            tags.classifier_tags.poor_score = parts[1].classifier_tags.poor_score
        return tags
