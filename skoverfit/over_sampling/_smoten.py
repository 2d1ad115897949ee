# SPDX-License-Identifier: BSD-3-Clause
"""SMOTE for tables of nominal columns only."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any, ClassVar, Literal

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from sklearn.utils._param_validation import Interval, StrOptions

from skoverfit._core._resampling import Resampled, ResamplerMixin, ResamplingData
from skoverfit.over_sampling._mixed import MixedTable, mixed_columns
from skoverfit.over_sampling._oversample import oversample
from skoverfit.over_sampling._plan import Options

__all__ = ["SMOTEN"]


class SMOTEN(ResamplerMixin, BaseOverSampler):
    """Add rows to a table of nominal columns: SMOTE-N.

    Every column is nominal, whatever its dtype. Neighbours are those of the Value
    Difference Metric, and each cell of a new row is the most frequent level among the
    base and its neighbours, ties at random. See :doc:`/user_guide/over_sampling`.

    .. versionadded:: 0.1

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        How many rows of which class to have: as in imbalanced-learn.
    k_neighbors : int, default=5
        Nearest neighbours that vote beside the base (5 in the paper).
    missing : {"propagate", "present", "raise"}, default="propagate"
        A missing cell of the base or of the drawn neighbour: left empty so often that
        the share of missing cells stays, filled by the vote, or refused.
    fallback : {"jitter", "duplicate", "raise"}, default="jitter"
        What the only row of a class does; levels can't be jittered, so that the first
        two copy it.
    group_policy : {"within", "any"}, default="within"
        Whether neighbours must be of the same group, where groups are given.
    keep_class_weight : bool, default=False
        Scale ``sample_weight_`` so that each class keeps its total weight.
    filter : {"enn", "ipf", "lee", "tomek"} or callable, default=None
        Which made rows are kept, as in `SMOTE`; distances count differing levels.
    n_jobs : int, default=None
        Threads of the neighbour search; None is 1 unless joblib's context says
        otherwise.
    random_state : int, RandomState, Generator or None, default=None
        Seed. Each class has a stream of its own.

    Attributes
    ----------
    sampling_strategy_ : dict
        Class -> rows asked for.
    n_generated_ : dict
        Class -> rows made.
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    class_prior_before_ : ndarray of shape (n_classes,)
        Share of each class before, of the weight where rows have one.
    class_prior_after_ : ndarray of shape (n_classes,)
        The same after.
    sample_indices_ : ndarray of shape (n_out,)
        Source row of each output row; the base row of a made one.
    is_synthetic_ : ndarray of shape (n_out,)
        Which rows were made.
    parents_ : ndarray of shape (n_out, 2)
        Base and neighbour, -1 for none.
    weights_ : ndarray of shape (n_out, 2)
        Their shares as in `SMOTE`; of no use for levels, which are voted.
    sample_weight_ : ndarray of shape (n_out,) or None
        Weights of all rows, where weights were given or are kept.
    groups_ : ndarray of shape (n_out,) or None
        Groups of all rows, where they were given.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns; only where X has string names.

    See Also
    --------
    SMOTE : For any mix of columns.

    Notes
    -----
    With two classes the metric is a Euclidean distance of one number a column, and the
    search an ordinary one; with more, tables of levels are summed in chunks. The
    distances of all pairs are never held at once. Equal rows are neighbours of each
    other, since their levels are votes.

    References
    ----------
    .. [1] N. V. Chawla, K. W. Bowyer, L. O. Hall and W. P. Kegelmeyer (2002), SMOTE:
       Synthetic Minority Over-sampling Technique, JAIR 16, 321-357, section 6.2.

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit.over_sampling import SMOTEN
    >>> X = np.array([["red", "s"], ["red", "m"], ["blue", "s"]] + [["green", "l"]] * 5)
    >>> y = np.array([1] * 3 + [0] * 5)
    >>> sampler = SMOTEN(k_neighbors=2, random_state=0)
    >>> X_more, y_more = sampler.fit_resample(X, y)
    >>> X_more[-1].tolist()
    ['red', 's']
    """

    _allow_nan = True
    _allow_mixed = True

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseOverSampler._parameter_constraints,
        "k_neighbors": [Interval(Integral, 1, None, closed="left")],
        "missing": [StrOptions({"propagate", "present", "raise"})],
        "fallback": [StrOptions({"jitter", "duplicate", "raise"})],
        "group_policy": [StrOptions({"within", "any"})],
        "keep_class_weight": ["boolean"],
        "filter": [StrOptions({"enn", "ipf", "lee", "tomek"}), callable, None],
        "n_jobs": [Integral, None],
        "random_state": ["random_state", np.random.Generator],
    }

    def __init__(
        self,
        *,
        sampling_strategy: Any = "auto",
        k_neighbors: int = 5,
        missing: Literal["propagate", "present", "raise"] = "propagate",
        fallback: Literal["jitter", "duplicate", "raise"] = "jitter",
        group_policy: Literal["within", "any"] = "within",
        keep_class_weight: bool = False,
        filter: Literal["enn", "ipf", "lee", "tomek"]
        | Callable[..., Any]
        | None = None,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.k_neighbors = k_neighbors
        self.missing = missing
        self.fallback = fallback
        self.group_policy = group_policy
        self.keep_class_weight = keep_class_weight
        self.filter = filter
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _resample(self, data: ResamplingData) -> Resampled:
        options = Options(
            k=self.k_neighbors,
            missing=self.missing,
            fallback=self.fallback,
            within_groups=self.group_policy == "within",
        )
        columns = mixed_columns(data, np.ones(self.n_features_in_, dtype=bool))
        table = MixedTable(data, options, columns, n_jobs=self.n_jobs)
        if self.missing == "raise" and not table.complete:
            raise ValueError(
                "Input X contains NaN, and missing='raise'. Use missing='propagate', "
                "or fill the missing values."
            )
        return oversample(
            data,
            table,
            options,
            filter=self.filter,
            keep_class_weight=self.keep_class_weight,
            n_jobs=self.n_jobs,
        )
