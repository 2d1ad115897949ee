# SPDX-License-Identifier: BSD-3-Clause
"""What SMOTER and SMOGN share: rows for the rare values of a number."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from skoverfit._core._arrays import take_rows, to_numpy
from skoverfit._core._resampling import Resampled, ResamplingData
from skoverfit._core._validation import warn
from skoverfit.over_sampling._between import BetweenNeighbors
from skoverfit.over_sampling._oversample import oversample
from skoverfit.over_sampling._relevance import (
    NoRareValueError,
    box_plot_points,
    check_points,
    relevance_at,
    segment,
    shares,
)
from skoverfit.over_sampling._targets import NumberRule, SegmentData, check_numbers

__all__ = ["SegmentSampler"]


class SegmentSampler(BetweenNeighbors):
    """Cuts the target into segments and adds rows to the rare ones."""

    _data_type = SegmentData

    relevance: Any
    threshold: float
    tail: str
    under_sampling: bool

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BetweenNeighbors._shared_constraints,
        "sampling_strategy": [
            StrOptions({"balance", "extreme"}),
            Interval(Real, 0, None, closed="neither"),
            Mapping,
        ],
        "relevance": [StrOptions({"boxplot"}), "array-like", callable],
        "threshold": [Interval(Real, 0, 1, closed="right")],
        "tail": [StrOptions({"both", "high", "low"})],
        "under_sampling": ["boolean"],
    }

    def fit_resample(
        self, X: Any, y: Any, *, sample_weight: Any = None, groups: Any = None
    ) -> tuple[Any, Any]:
        """Resample the table.

        Parameters
        ----------
        X : container of shape (n_samples, n_features)
            Table: numpy array, list of rows, pandas or polars frame, scipy sparse
            matrix or array, or torch tensor.
        y : array-like of shape (n_samples,)
            Numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights of the rows; ``sample_weight_`` has those of the
            resampled rows.
        groups : array-like of shape (n_samples,), default=None
            Groups that must not be mixed; ``groups_`` has those of the resampled rows.

        Returns
        -------
        X_resampled : container of shape (n_out, n_features)
            Of the kind, dtypes and column names of X; a pandas index is 0..n_out-1.
        y_resampled : container of shape (n_out,)
            Of the kind and dtype of y.

        Raises
        ------
        ValueError
            Where a parameter or the input is refused; the sentence says which.
        """
        return super().fit_resample(X, y, sample_weight=sample_weight, groups=groups)

    def _check_target(self, y: Any) -> dict[str, Any]:
        numbers, whole, column = check_numbers(y)
        if numbers.min() == numbers.max():
            raise NoRareValueError(
                f"y is constant: it is {numbers[0]:g} in each of the {len(numbers)} "
                "rows, and needs more than 1 class or value to have rare ones."
            )
        phi, points = self._phi(numbers)
        rare = phi >= self.threshold
        if not rare.any():
            raise NoRareValueError(
                "y has no rare value: none has a relevance of "
                f"threshold={self.threshold!r} or more (the largest is "
                f"{phi.max():.3g}) with tail={self.tail!r}; lower the threshold, take "
                "another tail, or give control points as relevance."
            )
        if rare.all():
            raise NoRareValueError(
                "y has rare values only: all have a relevance of "
                f"threshold={self.threshold!r} or more; raise the threshold, or give "
                "other control points as relevance."
            )
        codes, is_rare = segment(numbers, rare)
        counts = np.bincount(codes)
        return {
            "classes": np.arange(len(counts)),
            "codes": codes,
            "counts": counts,
            "y": numbers,
            "whole": whole,
            "column": column,
            "is_rare": is_rare,
            "points": points,
        }

    def _phi(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the relevance of each value, and the control points."""
        given = self.relevance
        if callable(given):
            phi = np.asarray(to_numpy(given(y)), dtype=np.float64)
            if phi.shape != y.shape or not ((phi >= 0) & (phi <= 1)).all():
                raise ValueError(
                    "A callable 'relevance' must return one number in [0, 1] for each "
                    f"of the {len(y)} values. Got {phi!r:.80} instead."
                )
            return phi, None
        named = isinstance(given, str)
        points = box_plot_points(y, self.tail) if named else check_points(given)
        return relevance_at(points, y), points

    def _wanted(self, data: ResamplingData) -> dict[Any, int]:
        assert isinstance(data, SegmentData)
        data.sizes = shares(self.sampling_strategy, data.counts, data.is_rare)
        more = data.sizes - data.counts
        rare = data.is_rare | (not isinstance(self.sampling_strategy, (str, Real)))
        return {int(s): int(more[s]) for s in np.flatnonzero(rare & (more > 0))}

    def _resample(self, data: ResamplingData) -> Resampled:
        assert isinstance(data, SegmentData)
        table, options = self._prepared(data)
        rule = NumberRule(data, table, options, self.n_jobs)
        result = oversample(data, table, options, n_jobs=self.n_jobs, rule=rule)
        if not data.targets:
            warn(
                "No row was made: each rare segment has the rows already that "
                f"sampling_strategy={self.sampling_strategy!r} asks for."
            )
        if self.under_sampling:
            self._thin(data, result)
        return result

    def _thin(self, data: SegmentData, result: Resampled) -> None:
        """Drop rows of segments that have more than their share."""
        kept = np.ones(data.n, dtype=bool)
        for s in np.flatnonzero(data.sizes < data.counts):
            rows, surplus = data.rows_of(s), int(data.counts[s] - data.sizes[s])
            rng = data.generator(s, "dropped")
            kept[rng.choice(rows, surplus, replace=False)] = False
        if kept.all():
            return
        result.kept = np.flatnonzero(kept)
        m = 0 if result.base is None else len(result.base)
        chosen = np.concatenate([result.kept, data.n + np.arange(m)])
        result.X = take_rows(result.X, chosen)
        if result.sample_weight is not None:
            result.sample_weight = result.sample_weight[chosen]

    def _remember_classes(self, data: ResamplingData) -> None:
        assert isinstance(data, SegmentData)
        self.sampling_strategy_ = data.targets
        self.control_points_ = data.points
        self.segment_is_rare_ = data.is_rare
        self.segment_bounds_ = np.array(
            [
                [y.min(), y.max()]
                for y in (data.y[data.codes == s] for s in data.classes)
            ]
        )

    def _remember_shares(self, data: ResamplingData, result: Resampled) -> None:
        """Segments have no prior that a classifier could be repaired by."""
