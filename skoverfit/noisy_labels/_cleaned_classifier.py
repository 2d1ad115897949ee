# SPDX-License-Identifier: BSD-3-Clause
"""A classifier that is trained on cleaned labels."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    _fit_context,
    clone,
)
from sklearn.utils._param_validation import HasMethods, StrOptions
from sklearn.utils.metadata_routing import (
    UNUSED,
    _raise_for_params,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skoverfit._core._arrays import take_rows
from skoverfit._core._resampling._data import check_groups
from skoverfit._core._resampling._strategy import plain
from skoverfit._core._validation import check_labels, refuse_missing
from skoverfit._core._wrapping import WrappingMixin, remember_columns
from skoverfit.calibration._inputs import checked_rows
from skoverfit.noisy_labels._detection import issues_table, spared
from skoverfit.noisy_labels._detectors import (
    DETECTORS,
    detector_for,
    fit_detector,
)
from skoverfit.noisy_labels._issues_input import GivenIssues, as_issues
from skoverfit.noisy_labels._out_of_fold import refuse_fitted
from skoverfit.noisy_labels._repair import (
    MODES,
    checked_proposals,
    estimator_params,
    suspect_weights,
)

__all__ = ["CleanedClassifier"]


def _has(method: str) -> Any:
    """Whether the classifier has a method, asked of the fitted one if there is one."""

    def check(self: CleanedClassifier) -> bool:
        getattr(getattr(self, "estimator_", self.estimator), method)
        return True

    return available_if(check)


class CleanedClassifier(WrappingMixin, ClassifierMixin, BaseEstimator):
    """Find wrong labels, repair the training rows, then fit the classifier.

    Any *detector* goes with any *mode*. The default is confident learning with the
    tail guard, on out-of-fold probabilities of the classifier itself. Read more in
    the :doc:`user guide </user_guide/label_noise>`.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator : classifier
        It is cloned, not changed.
    detector : str or detector, default="confident_learning"
        A detector of this room or its name. What the detector leaves None among
        ``estimator``, ``cv``, ``random_state`` and ``n_jobs`` is taken from here.
    mode : {"drop", "weight", "relabel"}, default="drop"
        What happens to suspects: they are left out, but for the best row of a class
        that would lose all; their weight is multiplied by their quality, but for the
        best row of a class that would have none; or they get the label that the
        detector proposes.
    cv : int, splitter, iterable or None, default=None
        Folds of the detector's probabilities.
    random_state : int, RandomState instance or None, default=None
        Given to the detector.
    n_jobs : int, default=None
        Given to the detector.

    Attributes
    ----------
    estimator_ : classifier
        Fitted on the repaired rows.
    detector_ : detector or None
        As it was fitted; None where ``issues`` were given.
    issue_mask_ : ndarray of shape (n_samples,), bool, or None
        True for suspects; None where only qualities were given.
    label_quality_ : ndarray of shape (n_samples,) or None
        From 0, wrong, to 1; NaN where it is not known.
    predicted_label_ : ndarray of shape (n_samples,) or None
        Labels that the detector proposes.
    classes_ : ndarray of shape (n_classes,)
        Labels.
    n_features_in_ : int
        Number of features, if the classifier tells.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Feature names, if the classifier tells.

    See Also
    --------
    ConfidentLearningFilter : The default detector, as a step of a pipeline.
    CleanedRegressor : The same for numbers.

    Notes
    -----
    One fit costs one more than the detector's folds. Scores by cross-validation are on
    labels of the same quality as the training labels: judge on clean ones.

    References
    ----------
    C. Northcutt, L. Jiang, I. Chuang (2021). Confident Learning: Estimating
    Uncertainty in Dataset Labels. JAIR 70, 1373-1411. arXiv:1911.00068.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skoverfit.datasets import make_label_noise
    >>> from skoverfit.noisy_labels import CleanedClassifier
    >>> X, X_test, y, y_test = train_test_split(
    ...     *load_digits(return_X_y=True), random_state=0
    ... )
    >>> y = make_label_noise(y, rate=0.3, random_state=0)
    >>> model = KNeighborsClassifier(3)
    >>> print(f"{model.fit(X, y).score(X_test, y_test):.2f}")
    0.81
    >>> cleaned = CleanedClassifier(model, random_state=0).fit(X, y)
    >>> print(f"{cleaned.score(X_test, y_test):.2f}")
    0.97
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit", "predict"])],
        "detector": [StrOptions(set(DETECTORS)), HasMethods(["fit", "issues_frame"])],
        "mode": [StrOptions(set(MODES))],
        "cv": ["cv_object"],
        "random_state": ["random_state", np.random.Generator],
        "n_jobs": [Integral, None],
    }
    # Weights and groups go to the classifier where it asks for them.
    __metadata_request__fit: ClassVar[dict[str, str]] = {
        "sample_weight": UNUSED,
        "groups": UNUSED,
        "issues": UNUSED,
    }

    def __init__(
        self,
        estimator: Any,
        detector: Any = "confident_learning",
        *,
        mode: Literal["drop", "weight", "relabel"] = "drop",
        cv: Any = None,
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.detector = detector
        self.mode = mode
        self.cv = cv
        self.random_state = random_state
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: Any,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        issues: Any = None,
        **fit_params: Any,
    ) -> Self:
        """Find wrong labels and fit the classifier on what is made of them.

        Parameters
        ----------
        X : array-like, dataframe or sparse matrix of shape (n_samples, n_features)
            Training rows, as detector and classifier take them.
        y : array-like of shape (n_samples,)
            Class labels of any type, some of them wrong.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, for detector and classifier.
        groups : array-like of shape (n_samples,), default=None
            Rows of one group are kept on one side of each fold.
        issues : object, default=None
            What is known already, instead of the detector: a boolean mask (True:
            suspect), row numbers of suspects, qualities in [0, 1] (for
            ``mode="weight"``), a frame with ``is_label_issue``, ``label_quality`` and
            ``predicted_label``, a fitted detector, or cleanlab's Datalab or
            CleanLearning.
        **fit_params : dict
            With metadata routing enabled: what the classifier's `fit` requests.

        Returns
        -------
        self : object
            The fitted instance.

        Raises
        ------
        ValueError
            If labels are missing, ``issues`` can't be read, the classifier takes no
            weights, or the detector proposes no labels for ``mode="relabel"``.
        """
        _raise_for_params(fit_params, self, "fit")
        refuse_fitted(self.estimator, "estimator")
        refuse_missing(y)
        X, y, weights = checked_rows(type(self).__name__, X, y, sample_weight)
        classes, codes = check_labels(y)
        if len(classes) < 2:
            raise ValueError(
                f"y has only 1 class ({plain(classes[0])!r}); with one class no label "
                "can be wrong."
            )
        groups, _ = check_groups(groups, len(codes))
        if self.mode == "weight":  # refused before the folds are fitted
            estimator_params(self, np.ones(len(codes)), groups, fit_params)
        detector, found = None, None
        if issues is None:
            detector = detector_for(
                self.detector,
                estimator=self.estimator,
                cv=self.cv,
                random_state=self.random_state,
                n_jobs=self.n_jobs,
            )
            fit_detector(detector, X, y, weights, groups)
            issues = detector
        found = as_issues(issues, len(codes))
        rows, labels, weights = self._repaired(
            found, detector, y, classes, codes, weights
        )
        params = {"groups": groups, **fit_params}
        params = {
            name: take_rows(value, rows)
            if value is not None and np.shape(value)[:1] == (len(codes),)
            else value
            for name, value in params.items()
        }
        groups = params.pop("groups")
        if len(rows) < len(codes):
            X = take_rows(X, rows)
        params = estimator_params(self, weights, groups, params)
        estimator = clone(self.estimator).fit(X, labels, **params)
        remember_columns(self, estimator)
        self.estimator_, self.detector_ = estimator, detector
        self.classes_ = np.asarray(estimator.classes_)
        self.issue_mask_, self.label_quality_ = found.mask, found.quality
        self.predicted_label_ = found.predicted
        self._given_label = y
        return self

    def _repaired(
        self,
        found: GivenIssues,
        detector: Any,
        y: np.ndarray,
        classes: np.ndarray,
        codes: np.ndarray,
        weights: np.ndarray | None,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Return the rows to train on, their labels and their weights."""
        rows = np.arange(len(codes))
        if self.mode == "weight":
            quality = found.quality
            if quality is None:
                assert found.mask is not None
                quality = (~found.mask).astype(np.float64)
            factor = suspect_weights(found.mask, quality)
            # A class without any weight would be lost: its best row stays.
            nothing = factor == 0
            factor[nothing & ~spared(nothing, quality, codes)] = 1.0
            return rows, y, factor if weights is None else weights * factor
        if found.mask is None:
            raise ValueError(
                f"issues holds qualities only, and mode={self.mode!r} needs a mask; "
                "use mode='weight', or pass for example quality < 0.5."
            )
        if self.mode == "relabel":
            owner = "issues" if detector is None else "the detector"
            proposed = checked_proposals(found, owner, "labels")
            labels = y.copy()
            strangers = ~np.isin(proposed, classes)
            if strangers.any():
                raise ValueError(
                    f"predicted_label proposes {plain(proposed[strangers][0])!r}, "
                    "which is no class of y."
                )
            labels[found.mask] = proposed
            lost = np.setdiff1d(classes, labels)
            if len(lost):  # the classes of a fit don't depend on the noise
                back = np.isin(y, lost)
                labels[back] = y[back]
            return rows, labels, weights
        quality = np.zeros(len(codes)) if found.quality is None else found.quality
        rows = np.flatnonzero(~spared(found.mask, quality, codes))
        return rows, y[rows], None if weights is None else weights[rows]

    def issues_frame(self) -> Any:
        """Return what was found, with the column names of cleanlab.

        Returns
        -------
        pandas.DataFrame
            Columns ``is_label_issue``, ``label_quality``, ``given_label`` and, where
            labels are proposed, ``predicted_label``; one row a training row.
        """
        check_is_fitted(self)
        return issues_table(
            self._given_label,
            self.issue_mask_,
            self.label_quality_,
            self.predicted_label_,
        )

    def _ask(self, method: str, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return getattr(self.estimator_, method)(X)

    @_has("predict")
    def predict(self, X: Any) -> np.ndarray:
        """Predict class labels.

        Parameters
        ----------
        X : array-like, dataframe or sparse matrix of shape (n_samples, n_features)
            Rows to classify.

        Returns
        -------
        ndarray of shape (n_samples,)
            Class labels.
        """
        return self._ask("predict", X)

    @_has("predict_proba")
    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict class probabilities.

        Parameters
        ----------
        X : array-like, dataframe or sparse matrix of shape (n_samples, n_features)
            Rows to classify.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities by the classifier of the repaired rows.
        """
        return self._ask("predict_proba", X)

    @_has("predict_log_proba")
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Predict logarithms of class probabilities.

        Parameters
        ----------
        X : array-like, dataframe or sparse matrix of shape (n_samples, n_features)
            Rows to classify.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Log-probabilities.
        """
        return self._ask("predict_log_proba", X)

    @_has("decision_function")
    def decision_function(self, X: Any) -> np.ndarray:
        """Return the classifier's scores.

        Parameters
        ----------
        X : array-like, dataframe or sparse matrix of shape (n_samples, n_features)
            Rows to classify.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            As the classifier gives them.
        """
        return self._ask("decision_function", X)
