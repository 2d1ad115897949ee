# SPDX-License-Identifier: BSD-3-Clause
"""Labels with a large loss, class by class."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.utils import get_tags
from sklearn.utils._param_validation import HasMethods, Interval

from skoverfit._core._arrays import ContainerSpec
from skoverfit._core._resampling._data import ResamplingData
from skoverfit._core._resampling._random import check_any_table
from skoverfit.noisy_labels._confident_learning_filter import default_model
from skoverfit.noisy_labels._detection import BaseDetector, Issues
from skoverfit.noisy_labels._judged import spread
from skoverfit.noisy_labels._mixture import upper_share
from skoverfit.noisy_labels._out_of_fold import (
    checked_splits,
    out_of_fold_proba,
    refuse_fitted,
)

__all__ = ["SmallLossFilter"]

_SMALLEST = 1e-4


class SmallLossFilter(BaseDetector):
    """Find and drop rows whose out-of-fold loss is large for their class.

    Two normal distributions are fitted to the losses of the rows with one label, as
    for nets in [1]_, class by class as in [2]_, so that rare classes, whose losses are
    larger, are measured by themselves. Suspects are the rows of the upper distribution
    whose label the model does not say (the second condition is ours: a class without
    wrong labels has two halves too). Read more in the :doc:`user guide
    </user_guide/label_noise>`.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator : classifier, default=None
        Makes the probabilities. None is a logistic regression on scaled columns; inside
        `CleanedClassifier` it is the classifier that is cleaned for.
    sampling_strategy : str, list or callable, default="all"
        Labels whose rows may be suspects, as in imbalanced-learn.
    threshold : float, default=0.5
        Least probability of the upper distribution.
    cv : int, splitter, iterable or None, default=None
        Folds of the probabilities. None is 5 stratified folds, which keep groups
        together where there are any; an integer that many.
    random_state : int, RandomState instance or None, default=None
        Deals the folds.
    n_jobs : int, default=None
        Folds that are fitted at the same time.

    Attributes
    ----------
    issue_mask_ : ndarray of shape (n_samples,), bool
        True for suspects.
    label_quality_ : ndarray of shape (n_samples,)
        Probability of the lower distribution, times that of the label where two are
        equal; NaN for rows that could not be judged.
    predicted_label_ : ndarray of shape (n_samples,)
        The most probable label.
    pred_proba_ : ndarray of shape (n_samples, n_classes)
        Out-of-fold probabilities.
    classes_ : ndarray of shape (n_classes,)
        Labels.
    sample_indices_ : ndarray of shape (n_kept,)
        Rows that `fit_resample` kept. A class whose rows are all suspects keeps the
        best one.
    sampling_strategy_ : dict
        Labels whose rows may be suspects.
    n_generated_ : dict
        Class -> rows made: 0.
    class_prior_before_ : ndarray of shape (n_classes,)
        Share of each class before, of the weight where rows have one.
    class_prior_after_ : ndarray of shape (n_classes,)
        The same after `fit_resample`.
    sample_weight_ : ndarray of shape (n_kept,) or None
        Weights of the kept rows, where weights were given to `fit_resample`.
    groups_ : ndarray of shape (n_kept,) or None
        Groups of the kept rows, where they were given to `fit_resample`.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features, if X had names that are all strings.

    See Also
    --------
    ConfidentLearningFilter : Counts classes that are confident of a row.

    References
    ----------
    .. [1] E. Arazo, D. Ortego, P. Albert, N. O'Connor, K. McGuinness (2019).
       Unsupervised label noise modeling and loss correction. ICML. arXiv:1904.11238.
    .. [2] T. Wei, J.-X. Shi, W.-W. Tu, Y.-F. Li (2021). Robust long-tailed learning
       under label noise. arXiv:2108.11569.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skoverfit.datasets import make_label_noise
    >>> from skoverfit.noisy_labels import SmallLossFilter
    >>> X, y = load_digits(return_X_y=True)
    >>> y, wrong = make_label_noise(y, rate=0.2, return_mask=True, random_state=0)
    >>> mask = SmallLossFilter(random_state=0).fit(X, y).issue_mask_
    >>> print(f"{wrong[mask].mean():.2f} {mask[wrong].mean():.2f}")
    0.72 0.98
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit", "predict_proba"]), None],
        **BaseDetector._parameter_constraints,
        "threshold": [Interval(Real, 0, 1, closed="neither")],
        "cv": ["cv_object"],
        "random_state": ["random_state", np.random.Generator],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        sampling_strategy: Any = "all",
        threshold: float = 0.5,
        cv: Any = None,
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.estimator = estimator
        self.threshold = threshold
        self.cv = cv
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _model(self) -> Any:
        return default_model() if self.estimator is None else self.estimator

    def _check_parameters(self) -> None:
        refuse_fitted(self.estimator, "estimator")

    def _check_table(self, X: Any) -> tuple[ContainerSpec, Any, bool]:
        if self.estimator is None:  # the default wants numbers
            return super()._check_table(X)
        # What is in the columns is for the classifier to judge.
        return *check_any_table(self, X), False

    def _detect(self, data: ResamplingData) -> Issues:
        splits = checked_splits(self.cv, data.X, data.codes, data.groups, data.entropy)
        proba, judged = out_of_fold_proba(
            self._model(),
            data.X,
            data.classes,
            data.codes,
            splits,
            data.sample_weight,
            self.n_jobs,
        )
        known, codes = proba[judged], data.codes[judged]
        given = known[np.arange(len(codes)), codes]
        # Beyond this a loss is large whatever it is; a forest's zeros are no outliers.
        loss = -np.log(np.maximum(given, _SMALLEST))
        upper = upper_share(loss, codes, len(data.classes))
        predicted = known.argmax(axis=1)
        mask = (upper >= self.threshold) & (predicted != codes)
        # The share of the lower one is 0 or 1 for most rows: the loss orders those.
        quality = 0.5 * (1 - upper) + 0.5 * given
        return spread(Issues(quality, mask, predicted), judged, data.codes, proba)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self._model()).input_tags
        for name in ("sparse", "allow_nan", "string", "categorical"):
            setattr(tags.input_tags, name, getattr(inner, name))
        return tags
