# SPDX-License-Identifier: BSD-3-Clause
"""Labels that trees which did not see them do not guess."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.utils import get_tags
from sklearn.utils._param_validation import Interval

from skoverfit._core._random import derive_seed
from skoverfit._core._resampling._data import ResamplingData
from skoverfit.noisy_labels._detection import BaseDetector, Issues
from skoverfit.noisy_labels._find_label_issues import CONSTRAINTS
from skoverfit.noisy_labels._judged import judge_known, warn_of_unjudged
from skoverfit.noisy_labels._out_of_fold import checked_splits, out_of_fold_proba

__all__ = ["ForestDisagreementFilter"]


class ForestDisagreementFilter(BaseDetector):
    """Find and drop rows whose label is not what a forest says out of bag.

    Each row is judged by the trees that were not trained on it, so that one forest
    judges all rows. Rows of one group are judged by forests without the group. Read
    more in the :doc:`user guide </user_guide/label_noise>`.

    .. versionadded:: 0.1

    Parameters
    ----------
    n_estimators : int, default=200
        Trees.
    sampling_strategy : str, list or callable, default="all"
        Labels whose rows may be suspects, as in imbalanced-learn.
    tail_guard : bool, default=True
        Whether rare classes are spared: votes are divided by the label shares to the
        power ``tau``, and at most ``max_class_fraction`` of a label is flagged.
    tau : float, default=0.5
        Power of the label shares by which the guard divides.
    max_class_fraction : float, default=0.5
        Largest share of the rows with one label that the guard lets be flagged.
    min_samples_leaf : int, default=1
        Rows of a leaf.
    random_state : int, RandomState instance or None, default=None
        Source of the bags.
    n_jobs : int, default=None
        Trees that are grown at the same time.

    Attributes
    ----------
    issue_mask_ : ndarray of shape (n_samples,), bool
        True for suspects.
    label_quality_ : ndarray of shape (n_samples,)
        Share of the trees for the label (adjusted by the guard); NaN for rows that
        could not be judged: the only ones of their class.
    predicted_label_ : ndarray of shape (n_samples,)
        The label that most trees say.
    pred_proba_ : ndarray of shape (n_samples, n_classes)
        Shares of the trees that did not see the row.
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
    NeighborDisagreementFilter : Asks neighbours instead of trees.
    ConfidentLearningFilter : Asks any classifier.

    References
    ----------
    C. E. Brodley, M. A. Friedl (1999). Identifying mislabeled training data. JAIR 11,
    131-167.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skoverfit.datasets import make_label_noise
    >>> from skoverfit.noisy_labels import ForestDisagreementFilter
    >>> X, y = load_digits(return_X_y=True)
    >>> y, wrong = make_label_noise(y, rate=0.2, return_mask=True, random_state=0)
    >>> mask = ForestDisagreementFilter(random_state=0).fit(X, y).issue_mask_
    >>> print(f"{wrong[mask].mean():.2f} {mask[wrong].mean():.2f}")
    0.89 1.00
    """

    _allow_nan: ClassVar[bool] = True

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_estimators": [Interval(Integral, 10, None, closed="left")],
        **BaseDetector._parameter_constraints,
        **{k: CONSTRAINTS[k] for k in ("tail_guard", "tau", "max_class_fraction")},
        "min_samples_leaf": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state", np.random.Generator],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        n_estimators: int = 200,
        *,
        sampling_strategy: Any = "all",
        tail_guard: bool = True,
        tau: float = 0.5,
        max_class_fraction: float = 0.5,
        min_samples_leaf: int = 1,
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.n_estimators = n_estimators
        self.tail_guard = tail_guard
        self.tau = tau
        self.max_class_fraction = max_class_fraction
        self.min_samples_leaf = min_samples_leaf
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _detect(self, data: ResamplingData) -> Issues:
        forest = RandomForestClassifier(
            self.n_estimators,
            min_samples_leaf=self.min_samples_leaf,
            random_state=derive_seed(data.entropy, "forest"),
            n_jobs=self.n_jobs,
        )
        if data.groups is None:
            # Few trees leave rows without an answer: told here, in NaN.
            forest.set_params(oob_score=True)
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="Some inputs do not have OOB")
                forest.fit(data.values, data.codes, sample_weight=data.sample_weight)
            proba = forest.oob_decision_function_
            judged = ~np.isnan(proba).any(axis=1) & (proba.sum(axis=1) > 0)
            alone = data.counts[data.codes] == 1
            unseen = ~judged & ~alone
            judged &= ~alone
            warn_of_unjudged(~alone, data.codes, data.classes, "no other has its label")
            warn_of_unjudged(
                ~unseen,
                data.codes,
                data.classes,
                f"each of the {self.n_estimators} trees was trained on them, and more "
                "trees (n_estimators) leave rows out",
            )
        else:
            splits = checked_splits(
                None, data.values, data.codes, data.groups, data.entropy
            )
            proba, judged = out_of_fold_proba(
                forest,
                data.values,
                np.arange(len(data.classes)),
                data.codes,
                splits,
                data.sample_weight,
            )
        return judge_known(
            proba,
            judged,
            data.codes,
            filter_by="predicted_neq_given",
            tail_guard=self.tail_guard,
            tau=self.tau,
            max_class_fraction=self.max_class_fraction,
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(RandomForestClassifier()).input_tags
        tags.input_tags.allow_nan = inner.allow_nan
        return tags
