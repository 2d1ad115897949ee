# SPDX-License-Identifier: BSD-3-Clause
"""Detectors that vote."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.metaestimators import _BaseComposition

from skoverfit._core._arrays import ContainerSpec
from skoverfit._core._random import derive_seed
from skoverfit._core._resampling._data import ResamplingData
from skoverfit._core._resampling._random import check_any_table
from skoverfit.noisy_labels._detection import BaseDetector, Issues
from skoverfit.noisy_labels._detectors import detector_for, fit_detector

__all__ = ["DetectorEnsemble"]


class DetectorEnsemble(BaseDetector, _BaseComposition):
    """Let several detectors vote on each row.

    Detectors fail in different ways; what most of them suspect is rarely right. Read
    more in the :doc:`user guide </user_guide/label_noise>`.

    .. versionadded:: 0.1

    Parameters
    ----------
    detectors : list of (str, detector)
        Names and detectors of this room; a detector may be the name of one. What they
        leave None among ``estimator``, ``cv``, ``random_state`` and ``n_jobs`` is
        taken from here.
    voting : {"majority", "any", "all"} or int, default="majority"
        Votes that make a suspect: more than half, one, all, or a number.
    sampling_strategy : str, list or callable, default="all"
        Labels whose rows may be suspects, as in imbalanced-learn.
    estimator : classifier, default=None
        For detectors that train one. Inside `CleanedClassifier` it is the classifier
        that is cleaned for.
    cv : int, splitter, iterable or None, default=None
        Folds, for detectors that have some.
    random_state : int, RandomState instance or None, default=None
        For detectors that draw.
    n_jobs : int, default=None
        For detectors that work in parallel.

    Attributes
    ----------
    issue_mask_ : ndarray of shape (n_samples,), bool
        True for suspects.
    label_quality_ : ndarray of shape (n_samples,)
        Mean of the detectors' qualities, each by rank: detectors have scales of their
        own. NaN where none could judge.
    predicted_label_ : ndarray of shape (n_samples,) or None
        The label that most of the detectors propose that suspect the row; the label
        itself where none does. None if no detector proposes any.
    votes_ : ndarray of shape (n_samples,)
        Detectors that suspect the row.
    detectors_ : list of detectors
        As they were fitted.
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
    CleanedClassifier : Trains on what they leave.

    References
    ----------
    C. E. Brodley, M. A. Friedl (1999). Identifying mislabeled training data. JAIR 11,
    131-167. Majority and consensus filters.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skoverfit.datasets import make_label_noise
    >>> from skoverfit.noisy_labels import DetectorEnsemble
    >>> X, y = load_digits(return_X_y=True)
    >>> y, wrong = make_label_noise(y, rate=0.2, return_mask=True, random_state=0)
    >>> voters = DetectorEnsemble(
    ...     [("model", "confident_learning"), ("near", "neighbors"), ("lof", "lof")],
    ...     random_state=0,
    ... ).fit(X, y)
    >>> print(f"{wrong[voters.issue_mask_].mean():.2f}")
    0.97
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "detectors": [list],
        "voting": [
            StrOptions({"majority", "any", "all"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        **BaseDetector._parameter_constraints,
        "estimator": [HasMethods(["fit", "predict"]), None],
        "cv": ["cv_object"],
        "random_state": ["random_state", np.random.Generator],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        detectors: Any,
        *,
        voting: Any = "majority",
        sampling_strategy: Any = "all",
        estimator: Any = None,
        cv: Any = None,
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.detectors = detectors
        self.voting = voting
        self.estimator = estimator
        self.cv = cv
        self.random_state = random_state
        self.n_jobs = n_jobs

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters, those of the detectors by ``name__parameter``.

        Parameters
        ----------
        deep : bool, default=True
            Whether those of the detectors are among them.

        Returns
        -------
        dict
            Name -> value.
        """
        return self._get_params("detectors", deep=deep)

    def set_params(self, **params: Any) -> DetectorEnsemble:
        """Set parameters, those of the detectors by ``name__parameter``.

        Parameters
        ----------
        **params : dict
            Name -> value; a detector's name replaces the detector.

        Returns
        -------
        self : object
            The ensemble.
        """
        self._set_params("detectors", **params)
        return self

    def _check_parameters(self) -> None:
        pairs = self.detectors
        if not pairs or not all(isinstance(p, tuple) and len(p) == 2 for p in pairs):
            raise ValueError(
                "detectors must be a list of (name, detector) with at least one entry. "
                f"Got {pairs!r:.80}."
            )
        self._validate_names([name for name, _ in pairs])
        if not isinstance(self.voting, str) and self.voting > len(pairs):
            raise ValueError(
                f"voting={self.voting} asks for more votes than the {len(pairs)} "
                "detectors have."
            )
        for _, detector in pairs:
            detector_for(detector)

    def _check_table(self, X: Any) -> tuple[ContainerSpec, Any, bool]:
        # What is in the columns is for the detectors to judge.
        return *check_any_table(self, X), False

    def _detect(self, data: ResamplingData) -> Issues:
        labels = data.classes[data.codes]
        fitted = []
        for name, detector in self.detectors:
            made = detector_for(
                detector,
                estimator=self.estimator,
                cv=self.cv,
                random_state=derive_seed(data.entropy, "detector", name),
                n_jobs=self.n_jobs,
            )
            fit_detector(made, data.X, labels, data.sample_weight, data.groups)
            fitted.append(made)
        masks = np.array([made.issue_mask_ for made in fitted])
        votes = masks.sum(axis=0)
        needed = {"any": 1, "all": len(fitted), "majority": len(fitted) // 2 + 1}
        least = needed.get(self.voting, self.voting)
        return Issues(
            _mean_rank([made.label_quality_ for made in fitted]),
            votes >= least,
            self._proposed(fitted, masks, data),
            {"votes_": votes, "detectors_": fitted},
        )

    def _proposed(
        self, fitted: list[Any], masks: np.ndarray, data: ResamplingData
    ) -> np.ndarray | None:
        ballots = np.zeros((data.n, len(data.classes)))
        anyone = False
        for made, mask in zip(fitted, masks, strict=True):
            if made.predicted_label_ is not None:
                anyone = True
                proposed = np.searchsorted(data.classes, made.predicted_label_)
                ballots[np.flatnonzero(mask), proposed[mask]] += 1
        if not anyone:
            return None
        silent = ballots.sum(axis=1) == 0
        return np.where(silent, data.codes, ballots.argmax(axis=1))


def _mean_rank(qualities: list[np.ndarray]) -> np.ndarray:
    """Return the mean of the ranks from 0 to 1, over those that are known."""
    ranks = np.full((len(qualities), len(qualities[0])), np.nan)
    for rank, quality in zip(ranks, qualities, strict=True):
        known = ~np.isnan(quality)
        _, place, counts = np.unique(
            quality[known], return_inverse=True, return_counts=True
        )
        middle = np.cumsum(counts) - (counts + 1) / 2
        rank[known] = middle[place] / max(known.sum() - 1, 1)
    told = (~np.isnan(ranks)).sum(axis=0)
    return np.where(told > 0, np.nansum(ranks, axis=0) / np.maximum(told, 1), np.nan)
