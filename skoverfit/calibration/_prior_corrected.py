# SPDX-License-Identifier: BSD-3-Clause
"""Probabilities and decisions for other class shares than those of training."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    _fit_context,
    clone,
)
from sklearn.frozen import FrozenEstimator
from sklearn.utils._param_validation import HasMethods, StrOptions
from sklearn.utils.metadata_routing import (
    UNUSED,
    _raise_for_params,
)
from sklearn.utils.validation import check_is_fitted

from skoverfit._core._wrapping import WrappingMixin, remember_columns
from skoverfit.calibration._inputs import checked_rows, estimator_params
from skoverfit.calibration._priors import given_prior, positive, seen_prior, shares

__all__ = ["PriorCorrectedClassifier"]

# Smaller probabilities are taken for this, so that an overconfident 0 can be corrected.
_SMALLEST = 1e-12


class PriorCorrectedClassifier(WrappingMixin, ClassifierMixin, BaseEstimator):
    r"""Correct probabilities for the class shares where the model is used.

    A classifier that was trained on re-sampled or re-weighted classes gives
    probabilities for *those* shares. With the shares seen in training and those of
    the use they are repaired without training again:

    .. math:: p'(c | x) \propto p(c | x) \, t_c / \pi_c.

    With ``target_prior="uniform"`` it is the thresholding of Buda et al.: decide for
    the class with the largest :math:`p(c|x) / \pi_c`, which raises the recall of rare
    classes at no cost. See :doc:`/user_guide/calibration`.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator : estimator instance
        Classifier with `predict_proba`, often a pipeline that re-samples. A fitted one
        is used as it is if wrapped in :class:`sklearn.frozen.FrozenEstimator`.

    train_prior : "auto", array-like of shape (n_classes,) or dict, default="auto"
        Class shares (or counts) that the classifier was trained on. ``"auto"`` follows
        pipelines and searches to the last estimator: the labels given to `fit`, with
        their weights, then what samplers made of them, then its ``class_prior_`` if it
        has one, as nets and `RCALClassifier` do, or its ``class_weight``
        (``"balanced"`` makes them even). For a frozen one without ``class_prior_`` the
        labels given to `fit` must have the shares of its training rows.

    target_prior : {"empirical", "uniform"}, array-like or dict, default="empirical"
        Class shares where the model is used: those of the labels given to `fit`, even
        ones, or numbers.

    Attributes
    ----------
    estimator_ : estimator instance
        The fitted classifier.

    classes_ : ndarray of shape (n_classes,)
        Class labels.

    train_prior_ : ndarray of shape (n_classes,)
        Class shares that the classifier was trained on, of sum 1.

    target_prior_ : ndarray of shape (n_classes,)
        Class shares that the probabilities are corrected to, of sum 1.

    thresholds_ : ndarray of shape (n_classes,)
        ``train_prior_ / target_prior_``, scaled to sum 1: `predict` decides for the
        class with the largest ratio of the classifier's probability to its threshold.
        With two classes ``thresholds_[1]`` is the threshold of the second one.

    n_features_in_ : int
        Number of features, if the classifier tells.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Feature names, if the classifier tells.

    See Also
    --------
    MulticlassTunedThresholdClassifierCV : Tunes thresholds by cross-validation.

    Notes
    -----
    Exact where training changed the shares of the classes only, not the rows within
    them: for random over- and under-sampling and weights, approximately for SMOTE.
    The classifier's own miscalibration stays. Probabilities below 1e-12 are taken for
    1e-12. With equal priors the probabilities are returned unchanged.

    Of imbalanced-learn's samplers those with ``sample_indices_`` are followed exactly;
    for other over-samplers the planned numbers count; any other sampler needs
    ``train_prior``. ``class_weight="balanced"`` together with `sample_weight` counts
    as even. scikit-learn's ``CalibratedClassifierCV`` around a sampler is calibrated on
    rows that were not re-sampled, hence counts as trained on the labels given.

    References
    ----------
    M. Buda, A. Maki, M. A. Mazurowski (2018). A systematic study of the class
    imbalance problem in convolutional neural networks. Neural Networks 106, 249-259.
    arXiv:1710.05381.

    M. Saerens, P. Latinne, C. Decaestecker (2002). Adjusting the outputs of a
    classifier to new a priori probabilities. Neural Computation 14, 21-41.

    Examples
    --------
    >>> from imblearn.pipeline import make_pipeline
    >>> from imblearn.under_sampling import RandomUnderSampler
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skoverfit.calibration import PriorCorrectedClassifier
    >>> X, y = make_classification(2000, weights=[0.9], random_state=0)
    >>> even = make_pipeline(RandomUnderSampler(random_state=0), LogisticRegression())
    >>> model = PriorCorrectedClassifier(even).fit(X, y)
    >>> model.train_prior_, model.target_prior_.round(1)
    (array([0.5, 0.5]), array([0.9, 0.1]))
    >>> for each in model.estimator_, model:
    ...     print(f"{each.predict_proba(X)[:, 1].mean():.1f}")
    0.2
    0.1
    """

    _parameter_constraints: ClassVar[dict] = {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "train_prior": [StrOptions({"auto"}), "array-like", dict],
        "target_prior": [StrOptions({"empirical", "uniform"}), "array-like", dict],
    }

    # Weights and groups go to the classifier where it asks for them.
    __metadata_request__fit: ClassVar[dict] = {
        "sample_weight": UNUSED,
        "groups": UNUSED,
    }

    def __init__(
        self,
        estimator: Any,
        *,
        train_prior: Literal["auto"] | ArrayLike | dict = "auto",
        target_prior: Literal["empirical", "uniform"] | ArrayLike | dict = "empirical",
    ) -> None:
        self.estimator = estimator
        self.train_prior = train_prior
        self.target_prior = target_prior

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        **fit_params: Any,
    ) -> PriorCorrectedClassifier:
        """Fit the classifier and find the priors.

        Parameters
        ----------
        X : array-like, dataframe or sparse matrix of shape (n_samples, n_features)
            Training rows, as the classifier takes them.

        y : array-like of shape (n_samples,)
            Class labels of any type.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, for the classifier and the priors.

        groups : array-like of shape (n_samples,), default=None
            Groups of the rows, for a classifier that takes them.

        **fit_params : dict
            With metadata routing enabled: what the classifier's `fit` requests.

        Returns
        -------
        self : object
            The fitted instance.

        Raises
        ------
        ValueError
            If a prior is zero or can't be found, or the classifier doesn't take the
            weights or groups.
        """
        _raise_for_params(fit_params, self, "fit")
        X, y, weights = checked_rows(type(self).__name__, X, y, sample_weight)
        frozen = isinstance(self.estimator, FrozenEstimator)
        if frozen:
            check_is_fitted(self.estimator)
            estimator = self.estimator
        else:
            params = estimator_params(self, weights, groups, fit_params)
            estimator = clone(self.estimator).fit(X, y, **params)
        classes = np.asarray(estimator.classes_)
        unknown = np.setdiff1d(y, classes)
        if len(unknown):
            raise ValueError(
                f"y has the class {unknown[0]!s}, which the fitted 'estimator' does "
                "not know."
            )
        train, target = self._priors(estimator, y, weights, classes)
        remember_columns(self, estimator)
        self.estimator_, self.classes_ = estimator, classes
        self.train_prior_, self.target_prior_ = train, target
        self.thresholds_ = train / target / (train / target).sum()
        return self

    def _priors(
        self, estimator: Any, y: np.ndarray, weights: Any, classes: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        if isinstance(self.train_prior, str):
            seen = seen_prior(estimator, y, weights, classes)
            train = positive(seen, classes, "train_prior='auto'")
        else:
            train = given_prior(self.train_prior, classes, "train_prior")
        if not isinstance(self.target_prior, str):
            return train, given_prior(self.target_prior, classes, "target_prior")
        if self.target_prior == "uniform":
            return train, np.full(len(classes), 1 / len(classes))
        empirical = shares(y, weights, classes)
        return train, positive(empirical, classes, "target_prior='empirical'")

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the corrected probabilities.

        Parameters
        ----------
        X : array-like, dataframe or sparse matrix of shape (n_samples, n_features)
            Rows to classify.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities; rows sum to 1.
        """
        check_is_fitted(self, "thresholds_")
        p = self.estimator_.predict_proba(X)
        if np.ptp(self.thresholds_) <= 1e-14:
            return p
        corrected = np.clip(p, _SMALLEST, None).astype(np.float64) / self.thresholds_
        return corrected / corrected.sum(axis=1, keepdims=True)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return the logarithms of the corrected probabilities.

        Parameters
        ----------
        X : array-like, dataframe or sparse matrix of shape (n_samples, n_features)
            Rows to classify.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Log-probabilities.
        """
        return np.log(self.predict_proba(X))

    def predict(self, X: Any) -> np.ndarray:
        """Predict the class of the largest corrected probability.

        Parameters
        ----------
        X : array-like, dataframe or sparse matrix of shape (n_samples, n_features)
            Rows to classify.

        Returns
        -------
        ndarray of shape (n_samples,)
            Class labels.
        """
        decided = self.predict_proba(X).argmax(axis=1)
        return self.classes_[decided]
