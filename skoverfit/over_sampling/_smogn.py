# SPDX-License-Identifier: BSD-3-Clause
"""SMOTE for a number as target, with noise where neighbours are far."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar, Literal

from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval

from skoverfit.over_sampling._segment_sampler import SegmentSampler

__all__ = ["SMOGN"]


class SMOGN(SegmentSampler):
    """Add rows with rare values of a number, between near neighbours or with noise.

    As `SMOTER` where the neighbour drawn is nearer than half the median distance of
    the base to the rows of its segment. Otherwise the new row is the base with normal
    noise, in the numeric columns and in the target. See
    :doc:`/user_guide/over_sampling`.

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
        papers.
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
    perturbation : float, default=0.02
        Width of the noise in standard deviations that columns and y have in the
        segment, at most half the median distance.
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
        Base and neighbour, -1 for none, as where noise was added.
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
    SMOTER : Always between two rows.
    SMOTE : For classes.

    Notes
    -----
    Everything that `SMOTE` says of mixed tables, missing values, weights, groups and
    copies holds here; read "segment" for "class". Which values are rare is decided on
    the rows without their weights. The median distance is that to other, different
    rows of the segment and costs O(n_segment^2); memory stays bounded. The only row of
    a segment gets noise in standard deviations of all rows. In sparse tables noise
    only moves cells that are not 0.

    Differences from the paper and its R package: those of `SMOTER`, and a row with
    noise keeps the levels of its base, where the paper draws them by their frequency.

    References
    ----------
    .. [1] P. Branco, L. Torgo and R. P. Ribeiro (2017), SMOGN: a Pre-processing
       Approach for Imbalanced Regression, PMLR 74, 36-50.
    .. [2] L. Torgo, R. P. Ribeiro, B. Pfahringer and P. Branco (2013), SMOTE for
       Regression, EPIA 2013, LNCS 8154, 378-389.

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit.over_sampling import SMOGN
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 3))
    >>> y = np.exp(X[:, 0] + X[:, 1])
    >>> sampler = SMOGN(random_state=0)
    >>> X_more, y_more = sampler.fit_resample(X, y)
    >>> sampler.segment_is_rare_.tolist(), len(y_more)
    ([False, True], 268)
    >>> noisy = sampler.is_synthetic_ & (sampler.parents_[:, 1] < 0)
    >>> bool(0 < noisy.sum() < 68)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **SegmentSampler._parameter_constraints,
        "perturbation": [Interval(Real, 0, None, closed="left")],
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
        perturbation: float = 0.02,
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
        self.perturbation = perturbation
        self.group_policy = group_policy
        self.n_jobs = n_jobs
        self.random_state = random_state
