# SPDX-License-Identifier: BSD-3-Clause
"""Labels that the neighbours do not share."""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from skoverfit._core._neighbors import NeighborTable, find_neighbors
from skoverfit._core._resampling._data import ResamplingData
from skoverfit.noisy_labels._detection import BaseDetector, Issues
from skoverfit.noisy_labels._find_label_issues import CONSTRAINTS, judge
from skoverfit.noisy_labels._group_neighbors import neighbors_of_other_groups
from skoverfit.noisy_labels._judged import spread, warn_of_unjudged

__all__ = ["NeighborDisagreementFilter"]


class NeighborDisagreementFilter(BaseDetector):
    """Find and drop rows whose nearest neighbours have another label.

    The share of neighbours with another label is known as k-disagreeing neighbours
    [1]_; suspects are rows whose label is not the most frequent one around them. No
    model is trained. Columns count as they are: scale them first. Read more in the
    :doc:`user guide </user_guide/label_noise>`.

    .. versionadded:: 0.1

    Parameters
    ----------
    n_neighbors : int, default=10
        Neighbours that are asked; fewer where there are fewer rows. With groups those
        of a row's own group are not asked.
    sampling_strategy : str, list or callable, default="all"
        Labels whose rows may be suspects, as in imbalanced-learn.
    tail_guard : bool, default=True
        Whether rare classes are spared: votes are divided by the label shares to the
        power ``tau``, and at most ``max_class_fraction`` of a label is flagged.
    tau : float, default=0.5
        Power of the label shares by which the guard divides.
    max_class_fraction : float, default=0.5
        Largest share of the rows with one label that the guard lets be flagged.
    n_jobs : int, default=None
        Threads of the search.

    Attributes
    ----------
    issue_mask_ : ndarray of shape (n_samples,), bool
        True for suspects.
    label_quality_ : ndarray of shape (n_samples,)
        Share of the neighbours with the same label (adjusted by the guard); NaN for
        rows that could not be judged: no row that they may ask has their label.
    predicted_label_ : ndarray of shape (n_samples,)
        The most frequent label around the row.
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
    ForestDisagreementFilter : Asks trees instead of neighbours.
    ConfidentLearningFilter : Asks any classifier.

    References
    ----------
    .. [1] M. R. Smith, T. Martinez, C. Giraud-Carrier (2014). An instance level
       analysis of data complexity. Machine Learning 95, 225-256.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skoverfit.datasets import make_label_noise
    >>> from skoverfit.noisy_labels import NeighborDisagreementFilter
    >>> X, y = load_digits(return_X_y=True)
    >>> y, wrong = make_label_noise(y, rate=0.2, return_mask=True, random_state=0)
    >>> mask = NeighborDisagreementFilter().fit(X, y).issue_mask_
    >>> print(f"{wrong[mask].mean():.2f} {mask[wrong].mean():.2f}")
    0.93 1.00
    """

    _allow_nan: ClassVar[bool] = True

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        **BaseDetector._parameter_constraints,
        **{k: CONSTRAINTS[k] for k in ("tail_guard", "tau", "max_class_fraction")},
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        n_neighbors: int = 10,
        *,
        sampling_strategy: Any = "all",
        tail_guard: bool = True,
        tau: float = 0.5,
        max_class_fraction: float = 0.5,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.n_neighbors = n_neighbors
        self.tail_guard = tail_guard
        self.tau = tau
        self.max_class_fraction = max_class_fraction
        self.n_jobs = n_jobs

    def _detect(self, data: ResamplingData) -> Issues:
        votes = self._votes(data)
        total = votes.sum(axis=1, keepdims=True)
        if not total.all():
            raise ValueError(
                f"Row {int(np.flatnonzero(total == 0)[0])} has no neighbour outside "
                "its group; give more rows, or smaller groups."
            )
        judged = _others_with_the_label(data)[data.codes]
        if not judged.any():
            raise ValueError(
                "No row can be judged: no two rows that may ask each other have the "
                "same label. Give more rows, or groups that don't hold whole classes."
            )
        why = "no row that they may ask has their label"
        warn_of_unjudged(judged, data.codes, data.classes, why)
        found = judge(
            (votes / total)[judged],
            data.codes[judged],
            filter_by="predicted_neq_given",
            tail_guard=self.tail_guard,
            tau=self.tau,
            max_class_fraction=self.max_class_fraction,
        )
        return replace(spread(found, judged, data.codes, votes), extra={})

    def _votes(self, data: ResamplingData) -> np.ndarray:
        """Return how many neighbours of each row have each label."""
        n_classes = len(data.classes)
        votes = np.zeros((data.n, n_classes))

        def count(rows: np.ndarray, near: np.ndarray, asked: Any = None) -> None:
            flat = np.arange(len(rows))[:, None] * n_classes + data.codes[near]
            weights = None if asked is None else asked.ravel().astype(float)
            found = np.bincount(flat.ravel(), weights, minlength=votes[rows].size)
            votes[rows] = found.reshape(-1, n_classes)

        k = self.n_neighbors
        if data.group_codes is None:
            table = NeighborTable(numeric=data.values)
            found = find_neighbors(table, min(k, data.n - 1), n_jobs=self.n_jobs)
            count(np.arange(data.n), np.asarray(found[1]))
            return votes
        for part in neighbors_of_other_groups(
            data.values, k, data.group_codes, self.n_jobs
        ):
            count(*part)
        return votes


def _others_with_the_label(data: ResamplingData) -> np.ndarray:
    """Return for each class whether its rows can ask another row of it."""
    if data.group_codes is None:
        return data.counts > 1
    pairs = np.unique(np.stack([data.codes, data.group_codes]), axis=1)
    return np.bincount(pairs[0], minlength=len(data.classes)) > 1
