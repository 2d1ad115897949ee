# SPDX-License-Identifier: BSD-3-Clause
"""Class priors: given ones, and those that a fitted estimator has really seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

__all__ = ["given_prior", "seen_prior", "shares"]


def _plain(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label


def shares(
    y: np.ndarray, weights: np.ndarray | None, classes: np.ndarray
) -> np.ndarray:
    """Return each class's share of the rows, or of their weight."""
    positions = np.searchsorted(classes, y)
    totals = np.bincount(positions, weights=weights, minlength=len(classes))
    return totals / totals.sum()


def given_prior(prior: Any, classes: np.ndarray, name: str) -> np.ndarray:
    """Return a prior that the user gave, scaled to sum 1.

    Raises
    ------
    ValueError
        Where there is not one finite positive number for each class.
    """
    if isinstance(prior, Mapping):
        named = {_plain(label): value for label, value in prior.items()}
        labels = [_plain(label) for label in classes]
        wrong = [c for c in labels if c not in named] + [
            c for c in named if c not in labels
        ]
        if wrong:
            raise ValueError(
                f"'{name}' must have one number for each of the classes {labels} and "
                f"for no other; see {wrong[0]!r}."
            )
        prior = [named[label] for label in labels]
    values = np.asarray(prior, dtype=np.float64)
    if values.shape != (len(classes),):
        raise ValueError(
            f"'{name}' must have one number for each of the {len(classes)} classes. "
            f"Got shape {values.shape}."
        )
    return positive(values, classes, f"'{name}'")


def positive(values: np.ndarray, classes: np.ndarray, what: str) -> np.ndarray:
    """Return the values scaled to sum 1, or say which class has no prior."""
    bad = ~(np.isfinite(values) & (values > 0))
    if bad.any():
        c = int(np.flatnonzero(bad)[0])
        raise ValueError(
            f"{what} gives class {_plain(classes[c])!r} the prior {values[c]:g}, but a "
            "correction needs finite positive priors: probabilities of a class that "
            "was never seen can't be repaired. Give the priors, or leave the class out."
        )
    return values / values.sum()


def seen_prior(
    estimator: Any, y: np.ndarray, weights: np.ndarray | None, classes: np.ndarray
) -> np.ndarray:
    """Return the class shares that the last estimator was fitted on.

    Follows pipelines and searches to the last estimator: what samplers made of the
    classes, then what ``class_weight`` makes of their weight.

    Raises
    ------
    ValueError
        Where a sampler doesn't tell what it made.
    """
    frozen = isinstance(estimator, FrozenEstimator)
    state = _Seen(y, weights, classes, known=not frozen)
    state.follow(estimator.estimator if frozen else estimator)
    return state.prior


class _Seen:
    """Rows on their way through a pipeline, as far as the samplers tell."""

    def __init__(
        self,
        y: np.ndarray,
        weights: np.ndarray | None,
        classes: np.ndarray,
        *,
        known: bool,
    ) -> None:
        self.y: np.ndarray | None = y if known else None
        self.weights, self.classes = weights, classes
        self.prior = shares(y, weights, classes)

    def follow(self, estimator: Any) -> None:
        if hasattr(estimator, "best_estimator_"):
            self.follow(estimator.best_estimator_)
        elif isinstance(estimator, FrozenEstimator):
            self.follow(estimator.estimator)
        elif isinstance(estimator, Pipeline):
            for _, step in estimator.steps:
                self.follow(step)
        elif hasattr(estimator, "fit_resample"):
            self._resampled(estimator)
        elif not self._told(estimator):
            self._weighted(getattr(estimator, "class_weight", None))

    def _told(self, estimator: Any) -> bool:
        """Take the shares from an estimator that tells what it learned from.

        It may have drawn rows of its own, or weighed them in its loss.
        """
        told = getattr(estimator, "class_prior_", None)
        labels = getattr(estimator, "classes_", None)
        if not isinstance(told, np.ndarray) or not isinstance(labels, np.ndarray):
            return False
        if told.shape != labels.shape or not np.isin(labels, self.classes).all():
            return False
        self.prior = np.zeros(len(self.classes))
        self.prior[np.searchsorted(self.classes, labels)] = told
        return True

    def _resampled(self, sampler: Any) -> None:
        source = getattr(sampler, "sample_indices_", None)
        told = getattr(sampler, "class_prior_after_", None)
        known = self.y
        if known is not None and source is not None:
            self.y = known[source]
            self.weights = None if self.weights is None else self.weights[source]
            self.prior = shares(self.y, self.weights, self.classes)
        elif known is not None and self._adds(sampler):
            counts = shares(known, None, self.classes) * len(known)
            for label, m in sampler.sampling_strategy_.items():
                counts[np.searchsorted(self.classes, label)] += m
            self.prior, self.y = counts / counts.sum(), None
        elif told is None:
            raise ValueError(
                f"{type(sampler).__name__} doesn't tell which class shares it made, so "
                "train_prior='auto' can't be found. Give 'train_prior'."
            )
        if told is not None:
            self.prior = np.zeros(len(self.classes))
            self.prior[np.searchsorted(self.classes, sampler.classes_)] = told
            kept = getattr(sampler, "sample_weight_", None)
            self.weights = kept if self.weights is not None else None

    @staticmethod
    def _adds(sampler: Any) -> bool:
        """Whether it tells how many rows it adds; combined samplers don't."""
        over = getattr(sampler, "_sampling_type", "") == "over-sampling"
        return over and isinstance(
            getattr(sampler, "sampling_strategy_", None), Mapping
        )

    def _weighted(self, class_weight: Any) -> None:
        """Weighting a class by w multiplies its share by w."""
        if isinstance(class_weight, str):  # "balanced", "balanced_subsample"
            self.prior = (self.prior > 0) / np.count_nonzero(self.prior)
        elif isinstance(class_weight, Mapping):
            factor = [class_weight.get(_plain(c), 1.0) for c in self.classes]
            self.prior = self.prior * factor / (self.prior * factor).sum()
