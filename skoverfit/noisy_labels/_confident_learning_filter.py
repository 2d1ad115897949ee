# SPDX-License-Identifier: BSD-3-Clause
"""Confident learning as a cleaning sampler."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils._param_validation import HasMethods

from skoverfit._core._arrays import ContainerSpec
from skoverfit._core._resampling._data import ResamplingData
from skoverfit._core._resampling._random import check_any_table
from skoverfit.noisy_labels._detection import BaseDetector, Issues
from skoverfit.noisy_labels._find_label_issues import CONSTRAINTS
from skoverfit.noisy_labels._judged import judge_known
from skoverfit.noisy_labels._out_of_fold import (
    checked_splits,
    out_of_fold_proba,
    refuse_fitted,
)

__all__ = ["ConfidentLearningFilter", "default_model"]


def default_model() -> Any:
    """Return what makes probabilities where no classifier was given."""
    return make_pipeline(
        StandardScaler(with_mean=False), LogisticRegression(max_iter=1000)
    )


class ConfidentLearningFilter(BaseDetector):
    """Find and drop wrong labels by confident learning, sparing the rare classes.

    Every row gets probabilities by a model that did not train on it. Rows that are
    confidently of another class than their label says are suspects [1]_; the tail
    guard, which is ours, keeps clean rows of rare classes from being among them.
    Read more in the :doc:`user guide </user_guide/label_noise>`.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator : classifier, default=None
        Makes the probabilities. None is a logistic regression on scaled columns; inside
        `CleanedClassifier` it is the classifier that is cleaned for.
    sampling_strategy : str, list or callable, default="all"
        Labels whose rows may be suspects, as in imbalanced-learn.
    filter_by : {"prune_by_noise_rate", "prune_by_class", "both", \
"confident_learning", "predicted_neq_given", "low_self_confidence", \
"low_normalized_margin"}, default="prune_by_noise_rate"
        Which rows are suspects; see `find_label_issues`.
    tail_guard : bool, default=True
        Whether rare classes are spared.
    tau : float, default=0.5
        Power of the label shares by which the guard divides probabilities.
    max_class_fraction : float, default=0.5
        Largest share of the rows with one label that the guard lets be flagged.
    frac_noise : float, default=1.0
        Share of the counted rows that the pruning rules take.
    num_to_remove_per_class : array-like of shape (n_classes,), default=None
        Rows to take from each label instead of those counted; pruning rules only.
    min_examples_per_class : int, default=1
        Rows that the pruning rules leave each label.
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
        Probability of the label (adjusted by the guard); NaN for rows that could not
        be judged because no other fold has their class.
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
    find_label_issues : The same from probabilities that are there already.
    CleanedClassifier : Drops, weighs or relabels the suspects and trains.

    References
    ----------
    .. [1] C. Northcutt, L. Jiang, I. Chuang (2021). Confident Learning: Estimating
       Uncertainty in Dataset Labels. JAIR 70, 1373-1411. arXiv:1911.00068.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skoverfit.datasets import make_label_noise
    >>> from skoverfit.noisy_labels import ConfidentLearningFilter
    >>> X, y = load_digits(return_X_y=True)
    >>> y, wrong = make_label_noise(y, rate=0.2, return_mask=True, random_state=0)
    >>> cleaner = ConfidentLearningFilter(random_state=0).fit(X, y)
    >>> print(f"{wrong.mean():.2f} {wrong[cleaner.issue_mask_].mean():.2f}")
    0.20 0.83
    >>> X_clean, y_clean = cleaner.fit_resample(X, y)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseDetector._parameter_constraints,
        "estimator": [HasMethods(["fit", "predict_proba"]), None],
        **CONSTRAINTS,
        "cv": ["cv_object"],
        "random_state": ["random_state", np.random.Generator],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        sampling_strategy: Any = "all",
        filter_by: str = "prune_by_noise_rate",
        tail_guard: bool = True,
        tau: float = 0.5,
        max_class_fraction: float = 0.5,
        frac_noise: float = 1.0,
        num_to_remove_per_class: Any = None,
        min_examples_per_class: int = 1,
        cv: Any = None,
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.estimator = estimator
        self.filter_by = filter_by
        self.tail_guard = tail_guard
        self.tau = tau
        self.max_class_fraction = max_class_fraction
        self.frac_noise = frac_noise
        self.num_to_remove_per_class = num_to_remove_per_class
        self.min_examples_per_class = min_examples_per_class
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
        return judge_known(
            proba,
            judged,
            data.codes,
            filter_by=self.filter_by,
            tail_guard=self.tail_guard,
            tau=self.tau,
            max_class_fraction=self.max_class_fraction,
            frac_noise=self.frac_noise,
            num_to_remove_per_class=self.num_to_remove_per_class,
            min_examples_per_class=self.min_examples_per_class,
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self._model()).input_tags
        for name in ("sparse", "allow_nan", "string", "categorical"):
            setattr(tags.input_tags, name, getattr(inner, name))
        return tags
