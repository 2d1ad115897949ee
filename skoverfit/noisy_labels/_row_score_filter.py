# SPDX-License-Identifier: BSD-3-Clause
"""Any score of rows as a detector of wrong labels."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from inspect import signature
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.utils import get_tags
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from skoverfit._core._arrays import ContainerSpec, to_numpy
from skoverfit._core._names import suggest
from skoverfit._core._random import derive_seed
from skoverfit._core._resampling._data import ResamplingData, check_table
from skoverfit._core._resampling._random import check_any_table
from skoverfit.noisy_labels._confident_learning import _lowest
from skoverfit.noisy_labels._confident_learning_filter import default_model
from skoverfit.noisy_labels._detection import BaseDetector, Issues
from skoverfit.noisy_labels._mixture import upper_share
from skoverfit.noisy_labels._out_of_fold import (
    checked_splits,
    out_of_fold_proba,
    refuse_fitted,
)

__all__ = ["ROW_SCORES", "RowScoreFilter"]


def _loss_scores(
    estimator: Any,
    X: Any,
    y: np.ndarray,
    *,
    groups: np.ndarray | None = None,
    random_state: int,
    n_jobs: int | None,
) -> np.ndarray:
    """Return the out-of-fold log-loss of each row, NaN where it can't be judged."""
    classes, codes = np.unique(y, return_inverse=True)
    splits = checked_splits(None, X, codes, groups, random_state)
    proba, judged = out_of_fold_proba(
        estimator, X, classes, codes, splits, n_jobs=n_jobs
    )
    given = np.where(judged, proba[np.arange(len(codes)), codes], np.nan)
    return np.asarray(-np.log(np.maximum(given, 1e-12)))


# Name -> function ``(estimator, X, y, **options)``, or its name in this room, which is
# looked up on use.
ROW_SCORES: dict[str, str | Callable[..., Any]] = {
    "loss": _loss_scores,
    "el2n": "el2n_scores",
    "forgetting": "forgetting_scores",
    "grand": "grand_scores",
    "memorization": "memorization_scores",
}


def _learner(score: str) -> Any:
    """Return what a score trains where nobody says: one that can fit single rows.

    A logistic regression can't, so nothing is memorized by it; gradients and forgetting
    are those of a net, without anything that keeps it from the rows.
    """
    if score == "loss":
        return default_model()
    if score == "memorization":
        return ExtraTreesClassifier(20)
    from skoverfit.neural_network import TabularMLPClassifier

    return TabularMLPClassifier(
        (64,), n_estimators=1, max_epochs=60, linear_start=False, dropout=0.0,
        numeric_embedding=None,
    )  # fmt: skip


# How far the two distributions of a class are apart that has wrong labels
# (Ashman, Bird & Zepf 1994: 2 separates two normal ones).
_APART = 2.0
# Where a score has a natural least value of a suspect, this is the condition instead:
# counts lie on few whole numbers, whose distances in standard deviations say nothing.
# Once a net and row: most nets forgot it (Toneva et al. call a row without any event
# unforgettable).
_LEAST = {"forgetting": 1.0}


class RowScoreFilter(BaseDetector):
    """Find and drop rows by a score that is large for wrong labels.

    The seam between scores of rows and everything that is done with detectors: a
    score from a function, ready numbers, or the name of one of this room's functions.
    Read more in the :doc:`user guide </user_guide/label_noise>`.

    .. versionadded:: 0.1

    Parameters
    ----------
    scores : array-like of shape (n_samples,), callable or str
        Ready numbers; ``scores(X, y)`` that returns them; or the name of a score that
        trains ``estimator``: "loss" (out of fold), "el2n", "forgetting", "grand" or
        "memorization". Large is suspect.
    estimator : classifier, default=None
        What a named score trains. None is a logistic regression on scaled columns for
        "loss", twenty extremely randomized trees for "memorization" and a small net
        for the others; inside `CleanedClassifier` it is the classifier that is cleaned
        for, and a stiff one has nothing memorized.
    sampling_strategy : str, list or callable, default="all"
        Labels whose rows may be suspects, as in imbalanced-learn.
    contamination : "auto" or float, default="auto"
        Share of all rows that are suspects: those with the largest scores. With
        ``"auto"`` two normal distributions are fitted to the scores of each label,
        and suspects are the rows of the upper one, where the two lie apart. For
        "forgetting" they need not, but a suspect is forgotten at least once a net;
        where classes overlap, that is true of many rows with right labels, too.
    random_state : int, RandomState instance or None, default=None
        Given to a named score.
    n_jobs : int, default=None
        Given to a named score.

    Attributes
    ----------
    issue_mask_ : ndarray of shape (n_samples,), bool
        True for suspects.
    label_quality_ : ndarray of shape (n_samples,)
        1 for the least score, 0 for the largest, by rank; NaN for rows that a named
        score can't judge, such as the only one of a class.
    predicted_label_ : None
        There is no proposal.
    scores_ : ndarray of shape (n_samples,)
        Scores of the rows.
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
    SmallLossFilter : Two distributions of the out-of-fold loss.

    References
    ----------
    K. M. Ashman, C. M. Bird, S. E. Zepf (1994). Detecting bimodality in astronomical
    datasets. The Astronomical Journal 108, 2348-2361. The condition that the two
    distributions lie apart.

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit.noisy_labels import RowScoreFilter
    >>> X, y = np.arange(8.0).reshape(-1, 1), np.repeat(["low", "high"], 4)
    >>> y[1] = "high"  # wrong
    >>> def far_from_its_class(X, y):
    ...     means = {label: np.median(X[y == label]) for label in np.unique(y)}
    ...     return [abs(x[0] - means[label]) for x, label in zip(X, y)]
    >>> found = RowScoreFilter(far_from_its_class, contamination=0.125).fit(X, y)
    >>> np.flatnonzero(found.issue_mask_)
    array([1])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "scores": [str, callable, "array-like"],
        "estimator": [HasMethods(["fit", "predict"]), None],
        **BaseDetector._parameter_constraints,
        "contamination": [
            StrOptions({"auto"}),
            Interval(Real, 0, 1, closed="left"),
        ],
        "random_state": ["random_state", np.random.Generator],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        scores: Any,
        estimator: Any = None,
        *,
        sampling_strategy: Any = "all",
        contamination: Any = "auto",
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.scores = scores
        self.estimator = estimator
        self.contamination = contamination
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _check_parameters(self) -> None:
        refuse_fitted(self.estimator, "estimator")
        if isinstance(self.scores, str):
            named_score(self.scores)

    def _check_table(self, X: Any) -> tuple[ContainerSpec, Any, bool]:
        # But the learners of two scores want numbers, the trees with gaps or without.
        named = self.scores if isinstance(self.scores, str) else ""
        if self.estimator is None and named in ("loss", "memorization"):
            gaps = named == "memorization"
            return check_table(self, X, allow_nan=gaps, allow_mixed=False)
        # What is in the columns is for the score to judge.
        return *check_any_table(self, X), False

    def _detect(self, data: ResamplingData) -> Issues:
        scores = self._scored(data)
        known = ~np.isnan(scores)
        # Equal scores share the mean of their ranks.
        _, place, counts = np.unique(
            scores[known], return_inverse=True, return_counts=True
        )
        rank = (np.cumsum(counts) - (counts + 1) / 2)[place]
        quality = np.full(data.n, np.nan)
        quality[known] = 1 - rank / max(len(rank) - 1, 1)
        mask = np.zeros(data.n, dtype=bool)
        if self.contamination == "auto":
            mask[known] = self._apart(scores[known], data.codes[known], data)
        else:
            ranked = np.where(known, -scores, np.inf)
            wanted = min(round(self.contamination * data.n), len(rank))
            mask[_lowest(ranked, wanted)] = True
        return Issues(quality, mask, None, {"scores_": scores})

    def _apart(
        self, scores: np.ndarray, codes: np.ndarray, data: ResamplingData
    ) -> np.ndarray:
        """Return which scores are of the upper of two distributions."""
        named = self.scores if isinstance(self.scores, str) else ""
        least = _LEAST.get(named)
        finite = np.isfinite(scores)
        largest = scores[finite].max() if finite.any() else 0.0
        bounded = np.where(finite, scores, largest)
        apart = _APART if least is None else 0.0
        upper = upper_share(bounded, codes, len(data.classes), apart)
        return (upper > 0.5) & (scores >= (-np.inf if least is None else least))

    def _scored(self, data: ResamplingData) -> np.ndarray:
        scores = self.scores
        labels = data.classes[data.codes]
        if isinstance(scores, str):
            function = named_score(scores)
            options: dict[str, Any] = {
                "random_state": derive_seed(data.entropy, "scores"),
                "n_jobs": self.n_jobs,
                "sample_weight": data.sample_weight,
                "groups": data.groups,
            }
            known = signature(function).parameters
            options = {k: v for k, v in options.items() if k in known}
            model = self.estimator
            if model is None:
                model = _learner(scores)
            found = function(model, data.X, labels, **options)
            # A result with more to tell has the scores under the name of the score.
            scores = getattr(found, scores, found)
        elif callable(scores):
            scores = scores(data.X, labels)
        values = np.asarray(to_numpy(scores), dtype=np.float64)
        missing = np.isnan(values)
        if isinstance(self.scores, str):  # it has said which rows it can't judge
            return values
        if values.shape != (data.n,) or missing.any():
            raise ValueError(
                f"scores must be {data.n} numbers, one a row and none missing. Got "
                f"shape {values.shape} with {int(np.isnan(values).sum())} missing."
            )
        return values

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if isinstance(self.scores, str) and self.estimator is not None:
            tags.input_tags.sparse = get_tags(self.estimator).input_tags.sparse
        return tags


def named_score(name: str) -> Callable[..., Any]:
    """Return the function behind a name, or say which names there are."""
    room = importlib.import_module("skoverfit.noisy_labels")
    there = {
        key: getattr(room, found, None) if isinstance(found, str) else found
        for key, found in ROW_SCORES.items()
    }
    known = {key: function for key, function in there.items() if function is not None}
    if name not in known:
        raise ValueError(f"There is no score {name!r}. {suggest(name, known)}")
    return known[name]
