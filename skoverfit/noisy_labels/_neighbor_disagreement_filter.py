# SPDX-License-Identifier: BSD-3-Clause
"""Labels that the neighbours do not share."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from skoverfit._core._neighbors import NeighborTable, find_neighbors
from skoverfit._core._resampling._data import ResamplingData
from skoverfit.noisy_labels._detection import BaseDetector, Issues
from skoverfit.noisy_labels._find_label_issues import CONSTRAINTS, judge

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
        Share of the neighbours with the same label (adjusted by the guard).
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
        near, asked = self._asked(data)
        n, n_classes = data.n, len(data.classes)
        rows = np.repeat(np.arange(n), near.shape[1])
        flat = rows * n_classes + data.codes[near.ravel()]
        votes = np.bincount(flat, asked.ravel(), minlength=n * n_classes)
        votes = votes.reshape(n, n_classes)
        total = votes.sum(axis=1, keepdims=True)
        if not total.all():
            raise ValueError(
                f"Row {int(np.flatnonzero(total == 0)[0])} has no neighbour outside "
                "its group; give more rows, or smaller groups."
            )
        return judge(
            votes / total,
            data.codes,
            filter_by="predicted_neq_given",
            tail_guard=self.tail_guard,
            tau=self.tau,
            max_class_fraction=self.max_class_fraction,
        )

    def _asked(self, data: ResamplingData) -> tuple[np.ndarray, np.ndarray]:
        """Return neighbours and whether each has a vote."""
        k, extra = self.n_neighbors, 0
        if data.group_codes is not None:
            # The largest group may be all around a row.
            extra = int(np.bincount(data.group_codes).max()) - 1
        table = NeighborTable(numeric=data.values)
        wanted = min(k + extra, data.n - 1)
        near = np.asarray(find_neighbors(table, wanted, n_jobs=self.n_jobs)[1])
        asked = np.ones(near.shape, dtype=bool)
        if data.group_codes is not None:
            asked = data.group_codes[near] != data.group_codes[:, None]
            asked &= np.cumsum(asked, axis=1) <= k
        return near, asked
