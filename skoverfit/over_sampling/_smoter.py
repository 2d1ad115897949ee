# SPDX-License-Identifier: BSD-3-Clause
"""SMOTE for a number as target."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import StrOptions

from skoverfit.over_sampling._segment_sampler import SegmentSampler

__all__ = ["SMOTER"]


class SMOTER(SegmentSampler):
    """Add rows with rare values of a number, between neighbours: SMOTE for regression.

    The target is cut into segments of rare and of common values. A new row lies
    between a row of a rare segment and one of its nearest neighbours in it, as in
    `SMOTE`, and its target between theirs: with distances ``d1`` and ``d2`` to the two
    it is ``(d2 y1 + d1 y2) / (d1 + d2)``. See :doc:`/user_guide/over_sampling`.

    .. versionadded:: 0.1

    Parameters
    ----------
    sampling_strategy : {"balance", "extreme"}, float or dict, default="balance"
        How many rows the segments of y get. ``"balance"`` gives each the same share of
        the rows, ``"extreme"`` shares inverse to what they have; rare segments are
        filled up to it, and common ones stay as they are unless ``under_sampling``. A
        float gives each rare segment that share of the rows of the largest common
        one. A dict maps numbers of segments, in the order of y from 0, to rows.
    relevance : "boxplot", array-like or callable, default="boxplot"
        How much a value matters, from 0 to 1. ``"boxplot"`` is 0 at the median and 1
        from the whiskers of a box plot on, where y has values beyond them. Control
        points are pairs (value, relevance), between which monotone cubics (PCHIP)
        run. A callable gets the values and returns their relevance.
    threshold : float, default=0.8
        From which relevance on a value is rare.
    tail : {"both", "high", "low"}, default="both"
        Which extremes ``relevance="boxplot"`` takes.
    under_sampling : bool, default=False
        Whether segments of more rows than their share lose random ones, as in the
        paper.
    k_neighbors : int or object, default=5
        As in `SMOTE`, within the segment.
    categorical_features : {"auto"}, None or array-like, default="auto"
        As in `SMOTE`.
    gap : {"segment", "box"}, default="segment"
        ``"segment"`` draws one step a row, ``"box"`` one for each column.
    integer : {"stochastic", "round"}, default="stochastic"
        As in `SMOTE`; also for a y of whole numbers.
    missing : {"propagate", "present", "raise"}, default="propagate"
        As in `SMOTE`.
    scaling : {"standard"}, default=None
        As in `SMOTE`.
    fallback : {"jitter", "duplicate", "raise"}, default="jitter"
        As in `SMOTE`; jitter also moves y, by the standard deviation that it has
        within segments.
    group_policy : {"within", "any"}, default="within"
        As in `SMOTE`.
    n_jobs : int, default=None
        As in `SMOTE`.
    random_state : int, RandomState, Generator or None, default=None
        Seed. Each segment has a stream of its own.

    Attributes
    ----------
    control_points_ : ndarray of shape (n_points, 2) or None
        Values and their relevance; None where ``relevance`` is a callable.
    segment_bounds_ : ndarray of shape (n_segments, 2)
        Smallest and largest y of each segment.
    segment_is_rare_ : ndarray of shape (n_segments,)
        Which segments are rare.
    sampling_strategy_ : dict
        Segment -> rows to add.
    n_generated_ : dict
        Segment -> rows made.
    sample_indices_ : ndarray of shape (n_out,)
        Source row of each output row; the base row of a made one.
    is_synthetic_ : ndarray of shape (n_out,)
        Which rows were made.
    parents_ : ndarray of shape (n_out, 2)
        Base and neighbour, -1 for none.
    weights_ : ndarray of shape (n_out, 2)
        Their shares, as in `SMOTE`.
    sample_weight_ : ndarray of shape (n_out,) or None
        Weights of all rows, where weights were given.
    groups_ : ndarray of shape (n_out,) or None
        Groups of all rows, where they were given.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns; only where X has string names.

    See Also
    --------
    SMOGN : Noise instead of a row between two that are far apart.
    SMOTE : For classes.

    Notes
    -----
    Everything that `SMOTE` says of mixed tables, missing values, weights, groups and
    copies holds here; read "segment" for "class". Which values are rare is decided on
    the rows without their weights.

    Differences from the paper and its R package: bases are drawn at random instead of
    each equally often, a row takes one step for all columns (``gap="box"`` is the
    paper's), a nominal column the most frequent level among the neighbours instead of
    one of two parents', equal rows are no neighbours, and common rows are only dropped
    on demand. Distances are Euclidean on columns as they are, or standardized ones.

    References
    ----------
    .. [1] L. Torgo, R. P. Ribeiro, B. Pfahringer and P. Branco (2013), SMOTE for
       Regression, EPIA 2013, LNCS 8154, 378-389.

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit.over_sampling import SMOTER
    >>> y = np.append(np.arange(12.0), [30.0, 32.0, 35.0])
    >>> X = np.column_stack([y, y**2])
    >>> sampler = SMOTER(k_neighbors=2, random_state=0)
    >>> X_more, y_more = sampler.fit_resample(X, y)
    >>> sampler.segment_bounds_.tolist(), list(sampler.n_generated_.values())
    ([[0.0, 9.0], [10.0, 35.0]], [0, 2])
    >>> bool(np.isclose(y_more[-1], sampler.weights_[-1] @ y[sampler.parents_[-1]]))
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **SegmentSampler._parameter_constraints,
        "fallback": [StrOptions({"jitter", "duplicate", "raise"})],
    }

    def __init__(
        self,
        *,
        sampling_strategy: Any = "balance",
        relevance: Any = "boxplot",
        threshold: float = 0.8,
        tail: Literal["both", "high", "low"] = "both",
        under_sampling: bool = False,
        k_neighbors: int | BaseEstimator = 5,
        categorical_features: Literal["auto"] | ArrayLike | None = "auto",
        gap: Literal["segment", "box"] = "segment",
        integer: Literal["stochastic", "round"] = "stochastic",
        missing: Literal["propagate", "present", "raise"] = "propagate",
        scaling: Literal["standard"] | None = None,
        fallback: Literal["jitter", "duplicate", "raise"] = "jitter",
        group_policy: Literal["within", "any"] = "within",
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.relevance = relevance
        self.threshold = threshold
        self.tail = tail
        self.under_sampling = under_sampling
        self.k_neighbors = k_neighbors
        self.categorical_features = categorical_features
        self.gap = gap
        self.integer = integer
        self.missing = missing
        self.scaling = scaling
        self.fallback = fallback
        self.group_policy = group_policy
        self.n_jobs = n_jobs
        self.random_state = random_state
