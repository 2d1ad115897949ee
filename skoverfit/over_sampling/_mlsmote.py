# SPDX-License-Identifier: BSD-3-Clause
"""SMOTE for rows that have several labels."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions

from skoverfit._core._resampling import Resampled, ResamplingData
from skoverfit._core._resampling._strategy import resolve_strategy
from skoverfit._core._validation import warn
from skoverfit.over_sampling._between import BetweenNeighbors
from skoverfit.over_sampling._oversample import oversample
from skoverfit.over_sampling._targets import BagData, LabelRule, check_labels_of_rows

__all__ = ["MLSMOTE"]


class MLSMOTE(BetweenNeighbors):
    """Add rows for the rarer ones of several labels.

    A label is rare if ``IRLbl``, how many times more rows the most frequent label has,
    is above the mean of all labels (``MeanIR``). A new row of a rare label lies between
    a row that has it and one of its nearest neighbours among those rows, as in `SMOTE`.
    It gets the labels that more than half of the base and its neighbours have, the
    rare one always among them. See :doc:`/user_guide/over_sampling`.

    .. versionadded:: 0.1

    Parameters
    ----------
    sampling_strategy : "auto", float or dict, default="auto"
        ``"auto"`` makes as many rows for each rare label as have it (the paper's
        amount), a float that share of them. A dict maps numbers of labels to the rows
        that have it afterwards, not counting those made for other labels.
    k_neighbors : int or object, default=5
        As in `SMOTE`, among the rows of the label.
    categorical_features : {"auto"}, None or array-like, default="auto"
        As in `SMOTE`.
    gap : {"segment", "box"}, default="segment"
        ``"segment"`` draws one step a row, ``"box"`` one for each column.
    integer : {"stochastic", "round"}, default="stochastic"
        As in `SMOTE`.
    missing : {"propagate", "present", "raise"}, default="propagate"
        As in `SMOTE`.
    scaling : {"standard"}, default=None
        As in `SMOTE`.
    fallback : {"jitter", "duplicate", "raise"}, default="jitter"
        As in `SMOTE`; jitter takes the standard deviation of all rows.
    group_policy : {"within", "any"}, default="within"
        As in `SMOTE`.
    n_jobs : int, default=None
        As in `SMOTE`.
    random_state : int, RandomState, Generator or None, default=None
        Seed. Each label has a stream of its own.

    Attributes
    ----------
    imbalance_ratios_ : ndarray of shape (n_labels,)
        IRLbl: rows of the most frequent label divided by those of the label; infinite
        where no row has it.
    mean_imbalance_ratio_ : float
        MeanIR: their mean over the labels that occur.
    sampling_strategy_ : dict
        Label number -> rows to add.
    n_generated_ : dict
        Label number -> rows made for it.
    sample_indices_ : ndarray of shape (n_out,)
        Source row of each output row; the base row of a made one.
    is_synthetic_ : ndarray of shape (n_out,)
        Which rows were made.
    parents_ : ndarray of shape (n_out, 2)
        Base and neighbour, -1 for none.
    weights_ : ndarray of shape (n_out, 2)
        Their shares, as in `SMOTE`.
    sample_weight_ : ndarray of shape (n_out,) or None
        Weights of all rows, where weights were given; a made row gets the mean weight
        of its label's rows.
    groups_ : ndarray of shape (n_out,) or None
        Groups of all rows, where they were given.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns; only where X has string names.

    See Also
    --------
    SMOTE : For one label a row.

    Notes
    -----
    Everything that `SMOTE` says of mixed tables, missing values, weights, groups and
    copies holds here; read "rows of the label" for "class". Which labels are rare is
    decided on the rows without their weights. A table of nominal columns only is
    measured by the number of levels that differ.

    Differences from the paper: the ratios are those of the input for all labels,
    whatever was made for an earlier label; bases are drawn at random instead of each
    once; and distances of levels are those of SMOTE-NC.

    References
    ----------
    .. [1] F. Charte, A. J. Rivera, M. J. del Jesus and F. Herrera (2015), MLSMOTE:
       Approaching imbalanced multilabel learning through synthetic instance
       generation, Knowledge-Based Systems 89, 385-397.

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit.over_sampling import MLSMOTE
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 3))
    >>> Y = np.column_stack([X[:, 0] > -1, X[:, 1] > 0, X[:, 2] > 1.3]).astype(int)
    >>> sampler = MLSMOTE(random_state=0)
    >>> X_more, Y_more = sampler.fit_resample(X, Y)
    >>> Y.sum(axis=0).tolist(), list(sampler.n_generated_.values())
    ([78, 45, 9], [0, 0, 9])
    >>> int(Y_more[100:, 2].sum())
    9
    """

    _data_type = BagData

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BetweenNeighbors._shared_constraints,
        "sampling_strategy": [
            StrOptions({"auto"}),
            Interval(Real, 0, None, closed="neither"),
            Mapping,
        ],
        "fallback": [StrOptions({"jitter", "duplicate", "raise"})],
    }

    def __init__(
        self,
        *,
        sampling_strategy: Any = "auto",
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

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        return tags

    def fit_resample(
        self, X: Any, y: Any, *, sample_weight: Any = None, groups: Any = None
    ) -> tuple[Any, Any]:
        """Resample the table.

        Parameters
        ----------
        X : container of shape (n_samples, n_features)
            Table: numpy array, list of rows, pandas or polars frame, scipy sparse
            matrix or array, or torch tensor.
        y : container of shape (n_samples, n_labels)
            Indicators: 1 where a row has a label, otherwise 0.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights of the rows; ``sample_weight_`` has those of the
            resampled rows.
        groups : array-like of shape (n_samples,), default=None
            Groups that must not be mixed; ``groups_`` has those of the resampled rows.

        Returns
        -------
        X_resampled : container of shape (n_out, n_features)
            Of the kind, dtypes and column names of X; a pandas index is 0..n_out-1.
        y_resampled : container of shape (n_out, n_labels)
            Of the kind and dtype of y.

        Raises
        ------
        ValueError
            Where a parameter or the input is refused; the sentence says which.
        """
        return super().fit_resample(X, y, sample_weight=sample_weight, groups=groups)

    def _check_target(self, y: Any) -> dict[str, Any]:
        labels = check_labels_of_rows(y)
        return {
            "classes": np.arange(labels.shape[1]),
            "codes": np.zeros(len(labels), dtype=np.int64),
            "counts": labels.sum(axis=0),
            "labels": labels,
        }

    def _wanted(self, data: ResamplingData) -> dict[Any, int]:
        strategy, counts = self.sampling_strategy, data.counts
        if isinstance(strategy, Mapping):
            added = resolve_strategy(strategy, data.classes, counts, "over-sampling")
            for label, m in added.items():
                if m > 0 and counts[label] == 0:
                    raise ValueError(
                        f"sampling_strategy asks for rows of label {label}, which no "
                        "row has."
                    )
            return {int(label): m for label, m in added.items()}
        ratios, mean = _imbalance(counts)
        share = 1.0 if isinstance(strategy, str) else float(strategy)
        rare = np.flatnonzero((ratios > mean) & (counts > 0))
        return {int(label): round(share * int(counts[label])) for label in rare}

    def _resample(self, data: ResamplingData) -> Resampled:
        assert isinstance(data, BagData)
        table, options = self._prepared(data)
        options.keep_neighbors = True  # they rank the labels
        if not any(data.targets.values()):
            warn(
                f"No row was made: sampling_strategy={self.sampling_strategy!r} asks "
                "for none; labels that are equally frequent have no rare one."
            )
        rule = LabelRule(data)
        return oversample(data, table, options, n_jobs=self.n_jobs, rule=rule)

    def _remember_classes(self, data: ResamplingData) -> None:
        self.sampling_strategy_ = data.targets
        self.imbalance_ratios_, self.mean_imbalance_ratio_ = _imbalance(data.counts)

    def _remember_shares(self, data: ResamplingData, result: Resampled) -> None:
        """Labels that overlap have no shares that sum to one."""


def _imbalance(counts: np.ndarray) -> tuple[np.ndarray, float]:
    """Return IRLbl of each label and MeanIR."""
    occurs = counts > 0
    ratios = np.full(len(counts), np.inf)
    ratios[occurs] = counts.max() / counts[occurs]
    return ratios, float(ratios[occurs].mean())
