# SPDX-License-Identifier: BSD-3-Clause
"""SMOTE for tables of numeric and nominal columns, with the nominal ones named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import StrOptions

from skoverfit._core._resampling import Resampled, ResamplingData
from skoverfit.over_sampling._mixed import MixedTable
from skoverfit.over_sampling._smote import SMOTE

__all__ = ["SMOTENC"]


class SMOTENC(SMOTE):
    """Add rows to a table whose nominal columns are named: SMOTE-NC.

    The name that users of imbalanced-learn know; it is `SMOTE`, which also takes
    tables without nominal or without numeric columns. See
    :doc:`/user_guide/over_sampling`.

    .. versionadded:: 0.1

    Parameters
    ----------
    categorical_features : "auto" or array-like of int, str or bool
        Nominal columns: numbers, names or a mask. ``"auto"`` takes string, object,
        category and boolean columns. Required, as in imbalanced-learn.
    sampling_strategy : float, str, dict or callable, default="auto"
        As in `SMOTE`.
    k_neighbors : int or object, default=5
        As in `SMOTE`.
    gap : {"segment", "box"}, default="segment"
        As in `SMOTE`.
    integer : {"stochastic", "round"}, default="stochastic"
        As in `SMOTE`.
    missing : {"propagate", "present", "raise"}, default="propagate"
        As in `SMOTE`.
    scaling : {"standard"}, default=None
        As in `SMOTE`.
    fallback : {"jitter", "duplicate", "raise"}, default="jitter"
        As in `SMOTE`.
    group_policy : {"within", "any"}, default="within"
        As in `SMOTE`.
    keep_class_weight : bool, default=False
        As in `SMOTE`.
    variance_preserving : bool, default=False
        As in `SMOTE`.
    filter : {"enn", "ipf", "lee", "tomek"} or callable, default=None
        As in `SMOTE`.
    n_jobs : int, default=None
        As in `SMOTE`.
    random_state : int, RandomState, Generator or None, default=None
        As in `SMOTE`.

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
        Their shares, as in `SMOTE`.
    sample_weight_ : ndarray of shape (n_out,) or None
        Weights of all rows, where weights were given or are kept.
    groups_ : ndarray of shape (n_out,) or None
        Groups of all rows, where they were given.
    categorical_features_ : ndarray of int
        Positions of the nominal columns.
    continuous_features_ : ndarray of int
        Positions of the others.
    median_std_ : dict
        Class -> median standard deviation of its numeric columns: a differing level
        adds its square to the squared distance (1 where it is 0).
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns; only where X has string names.

    See Also
    --------
    SMOTE : The same class; it finds the nominal columns itself.

    References
    ----------
    .. [1] N. V. Chawla, K. W. Bowyer, L. O. Hall and W. P. Kegelmeyer (2002), SMOTE:
       Synthetic Minority Over-sampling Technique, JAIR 16, 321-357, section 6.1.

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit.over_sampling import SMOTENC
    >>> X = np.array([[0.1, 7], [0.3, 7], [0.2, 9], [5.0, 8], [6.0, 9], [5.5, 8],
    ...               [5.2, 7]])
    >>> y = np.array([1, 1, 1, 0, 0, 0, 0])
    >>> sampler = SMOTENC([1], k_neighbors=2, random_state=0)
    >>> X_more, y_more = sampler.fit_resample(X, y)
    >>> sorted(set(X_more[y_more == 1, 1].tolist()))
    [7.0, 9.0]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **SMOTE._parameter_constraints,
        "categorical_features": [StrOptions({"auto"}), "array-like"],
    }

    def __init__(
        self,
        categorical_features: Literal["auto"] | ArrayLike,
        *,
        sampling_strategy: Any = "auto",
        k_neighbors: int | BaseEstimator = 5,
        gap: Literal["segment", "box"] = "segment",
        integer: Literal["stochastic", "round"] = "stochastic",
        missing: Literal["propagate", "present", "raise"] = "propagate",
        scaling: Literal["standard"] | None = None,
        fallback: Literal["jitter", "duplicate", "raise"] = "jitter",
        group_policy: Literal["within", "any"] = "within",
        keep_class_weight: bool = False,
        variance_preserving: bool = False,
        filter: Literal["enn", "ipf", "lee", "tomek"]
        | Callable[..., Any]
        | None = None,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        super().__init__(
            sampling_strategy=sampling_strategy,
            k_neighbors=k_neighbors,
            categorical_features=categorical_features,
            gap=gap,
            integer=integer,
            missing=missing,
            scaling=scaling,
            fallback=fallback,
            group_policy=group_policy,
            keep_class_weight=keep_class_weight,
            variance_preserving=variance_preserving,
            filter=filter,
            n_jobs=n_jobs,
            random_state=random_state,
        )

    def _resample(self, data: ResamplingData) -> Resampled:
        table, options = self._prepared(data)
        result = self._over_sample(data, table, options)
        nominal = np.empty(0, dtype=np.intp)
        spread: dict[Any, float] = {}
        if isinstance(table, MixedTable):
            nominal = table.columns.nominal_columns
            spread = {
                label: table.median_std(label) for label, m in data.targets.items() if m
            }
        self.categorical_features_ = nominal
        self.continuous_features_ = np.setdiff1d(
            np.arange(self.n_features_in_), nominal
        )
        self.median_std_ = spread
        return result
