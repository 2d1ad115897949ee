# SPDX-License-Identifier: BSD-3-Clause
"""Drop the rows that are answered right only if they were seen."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Literal

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from skoverfit._core._neighbors import NeighborTable, find_neighbors
from skoverfit._core._resampling._chooser import (
    ChosenRows,
    RowChooser,
    check_scores,
    fit_weights,
    known_table,
)
from skoverfit._core._resampling._data import ResamplingData
from skoverfit.exceptions import BadInputError
from skoverfit.noisy_labels._detection import spared
from skoverfit.noisy_labels._memorization_scores import memorization_scores

__all__ = ["MemorizationFilter"]


class MemorizationFilter(RowChooser):
    """Drop memorized rows.

    `memorization_scores` says which rows are answered right only by models that were
    trained on them. Where labels are wrong these are mostly the wrong ones; where they
    are right these are the rare kinds, and to drop them does harm: ``mode="tail_safe"``
    drops a memorized row only where its neighbours have another label. See
    :doc:`/user_guide/inspection`.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator : classifier, default=None
        What is trained on subsets; it has to be able to fit single rows. None is 20
        extremely randomized trees.
    sampling_strategy : str, list or callable, default="all"
        Classes whose rows may be dropped, as in imbalanced-learn's cleaning samplers.
    threshold : float, default=0.5
        Rows with at least this memorization are dropped; the paper calls rows memorized
        from 0.25 on.
    mode : {"all", "tail_safe"}, default="all"
        "tail_safe" keeps those of which at least half of ``n_neighbors`` neighbours
        have the label; it needs columns of numbers.
    scores : array-like of shape (n,) or callable, default=None
        Ready memorizations, or ``scores(X, y)`` that returns them.
    n_runs : int, default=100
        Trainings.
    subset_ratio : float, default=0.7
        Share of the rows that each is trained on.
    scoring : {"correct", "proba"}, default="correct"
        As in `memorization_scores`.
    n_neighbors : int, default=5
        For "tail_safe". Columns count as they are.
    n_jobs : int, default=None
        Processes; None is 1.
    random_state : int, RandomState, Generator or None, default=None
        Seed.

    Attributes
    ----------
    memorization_ : ndarray of shape (n,)
        Of each row of the input.
    result_ : MemorizationResult or None
        All outcomes; None where ``scores`` were given.
    sampling_strategy_ : dict
        Classes whose rows may be dropped.
    n_generated_ : dict
        Class -> rows made: 0.
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    class_prior_before_ : ndarray of shape (n_classes,)
        Share of each class before, of the weight where rows have one.
    class_prior_after_ : ndarray of shape (n_classes,)
        The same after.
    sample_indices_ : ndarray of shape (n_out,)
        Row of the input that each output row is, ascending.
    is_synthetic_ : ndarray of shape (n_out,)
        False: no row is made.
    parents_ : ndarray of shape (n_out, 1)
        The same as ``sample_indices_``.
    weights_ : ndarray of shape (n_out, 1)
        1.
    sample_weight_ : ndarray of shape (n_out,) or None
        Weights of the kept rows, where weights were given.
    groups_ : ndarray of shape (n_out,) or None
        Groups of the kept rows, where they were given.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns; only where X has string names.

    See Also
    --------
    memorization_scores : The scores.
    skoverfit.inspection.removal_curve : What dropping does to a test score.

    Notes
    -----
    A class whose rows are all memorized keeps the least memorized one.

    References
    ----------
    .. [1] V. Feldman and C. Zhang (2020), What neural networks memorize and why:
       discovering the long tail via influence estimation, NeurIPS, arXiv:2008.03703.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skoverfit.noisy_labels import MemorizationFilter
    >>> X = np.arange(40.0).reshape(-1, 1)
    >>> y = np.repeat(["low", "high"], 20)
    >>> y[7] = "high"
    >>> cleaner = MemorizationFilter(
    ...     KNeighborsClassifier(n_neighbors=1), threshold=0.9, n_runs=60,
    ...     random_state=0)
    >>> X_clean, y_clean = cleaner.fit_resample(X, y)
    >>> sorted(set(range(40)) - set(cleaner.sample_indices_.tolist()))
    [7]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **RowChooser._parameter_constraints,
        "estimator": [HasMethods(["fit", "predict"]), None],
        "threshold": [Interval(Real, 0, 1, closed="right")],
        "mode": [StrOptions({"all", "tail_safe"})],
        "scores": ["array-like", callable, None],
        "n_runs": [Interval(Integral, 2, None, closed="left")],
        "subset_ratio": [Interval(Real, 0, 1, closed="neither")],
        "scoring": [StrOptions({"correct", "proba"})],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state", np.random.Generator],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        sampling_strategy: Any = "all",
        threshold: float = 0.5,
        mode: Literal["all", "tail_safe"] = "all",
        scores: Any = None,
        n_runs: int = 100,
        subset_ratio: float = 0.7,
        scoring: Literal["correct", "proba"] = "correct",
        n_neighbors: int = 5,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.estimator = estimator
        self.threshold = threshold
        self.mode = mode
        self.scores = scores
        self.n_runs = n_runs
        self.subset_ratio = subset_ratio
        self.scoring = scoring
        self.n_neighbors = n_neighbors
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _reads_any_table(self) -> bool:
        chosen = self.estimator is not None or self.scores is not None
        return chosen and self.mode == "all"

    def _choose(self, data: ResamplingData) -> ChosenRows:
        if self.mode == "tail_safe" and data.n <= self.n_neighbors:
            raise BadInputError(
                f"n_neighbors={self.n_neighbors} needs more than {data.n} rows."
            )
        labels, result = data.classes[data.codes], None
        if self.scores is None:
            estimator = self.estimator or ExtraTreesClassifier(20)
            result = memorization_scores(
                estimator,
                known_table(data),
                labels,
                sample_weight=fit_weights(estimator, data),
                groups=data.groups,
                n_runs=self.n_runs,
                subset_ratio=self.subset_ratio,
                scoring=self.scoring,
                n_jobs=self.n_jobs,
                random_state=data.entropy,
            )
            scores = result.memorization
        else:
            scores = check_scores(self.scores, known_table(data), labels, data.n)
        dropped = self._targeted(data) & (scores >= self.threshold)
        if self.mode == "tail_safe":
            dropped[dropped] = self._strangers(data, np.flatnonzero(dropped))
        kept = np.flatnonzero(~spared(dropped, -scores, data.codes))
        return self.chosen(data, kept, memorization_=scores, result_=result)

    def _strangers(self, data: ResamplingData, rows: np.ndarray) -> np.ndarray:
        """Return which rows have mostly neighbours of another label."""
        if not len(rows):
            return np.zeros(0, dtype=bool)
        values = data.values
        if hasattr(values, "toarray"):
            values = values.toarray()
        table = NeighborTable(numeric=np.asarray(values, dtype=np.float64))
        _, found = find_neighbors(table, self.n_neighbors, rows=rows)
        same = data.codes[np.asarray(found)] == data.codes[rows][:, None]
        strange: np.ndarray = 2 * same.sum(axis=1) < self.n_neighbors
        return strange
