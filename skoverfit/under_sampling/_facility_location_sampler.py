# SPDX-License-Identifier: BSD-3-Clause
"""Keep rows that stand for the others."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar, Literal

import numpy as np
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from skoverfit._core._facility_location import facility_location
from skoverfit._core._random import derive_generator
from skoverfit._core._resampling._chooser import ChosenRows, RowChooser
from skoverfit._core._resampling._data import ResamplingData
from skoverfit._core._resampling._representation import dense_rows, points_of
from skoverfit._core._resampling._strategy import plain
from skoverfit.exceptions import BadInputError

__all__ = ["FacilityLocationSampler"]


class FacilityLocationSampler(RowChooser):
    """Keep rows that stand for the others: a coreset by facility location.

    Rows are chosen one after the other so that the distances of all rows of the class
    to the nearest chosen one shrink most. By inputs it is a thinning that keeps the
    sparse regions; by errors of a classifier it keeps rows whose gradients stand for
    those of the class (CRAIG; Liu and Mirzasoleiman). See
    :doc:`/user_guide/inspection`.

    .. versionadded:: 0.1

    Parameters
    ----------
    representation : {"input"}, callable or classifier, default="input"
        What distances are taken of. "input": the columns as they are, so scale them
        before. A callable gets ``(X, y)`` and returns an array with one row each. A
        classifier is cloned and fitted; ``p - onehot(y)`` is taken, the gradient by
        its last layer but for a factor.
    sampling_strategy : str, list or callable, default="all"
        Classes whose rows may be dropped, as in imbalanced-learn's cleaning samplers.
    fraction : float, default=0.3
        Share of the rows that stays.
    per_class : bool, default=True
        Whether each class is thinned by itself, to at least one row. Otherwise all
        rows stand for each other, and a class may lose all.
    metric : str, default="euclidean"
        As in ``scipy.spatial.distance.cdist``.
    method : {"lazy", "stochastic"}, default="lazy"
        "lazy" is the greedy choice, which gets at least 1 - 1/e of the best.
        "stochastic" looks at a random part of the rows in each step; for large classes.
    weighted : bool, default=True
        Whether ``sample_weight_`` has the rows (or their weights) that each kept row
        stands for, scaled to mean 1.
    random_state : int, RandomState, Generator or None, default=None
        Seed of "stochastic" and of the classifier.

    Attributes
    ----------
    coverage_ : dict
        Class (None for all together) -> how much of the distances to the best single
        row is gone, between 0 and 1.
    representatives_ : ndarray of shape (n,)
        Row of the input that stands for each row; itself where it was kept.
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
        See ``weighted``; otherwise the weights of the kept rows, where weights were
        given.
    groups_ : ndarray of shape (n_out,) or None
        Groups of the kept rows, where they were given.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns; only where X has string names.

    See Also
    --------
    EL2NPruner : Keeps hard rows.
    skoverfit.over_sampling.CoresetAugmentation : Augments such a choice.

    Notes
    -----
    Costs the distances of all pairs of rows of a class, in blocks; they are kept up to
    4000 rows.

    References
    ----------
    .. [1] B. Mirzasoleiman, J. Bilmes and J. Leskovec (2020), Coresets for
       data-efficient training of machine learning models, ICML, arXiv:1906.01827.
    .. [2] T. Y. Liu and B. Mirzasoleiman (2022), Data-efficient augmentation for
       training neural networks, NeurIPS, arXiv:2210.08363.

    Examples
    --------
    One row of each clump:

    >>> import numpy as np
    >>> from skoverfit.under_sampling import FacilityLocationSampler
    >>> X = np.array([0, 0.1, 0.2, 5, 5.1, 9, 0, 0.1, 0.2, 5, 5.1, 9]).reshape(-1, 1)
    >>> y = np.repeat(["a", "b"], 6)
    >>> sampler = FacilityLocationSampler(fraction=0.5)
    >>> sampler.fit_resample(X, y)[0].ravel()
    array([0.2, 5.1, 9. , 0.2, 5.1, 9. ])
    >>> sampler.sample_weight_
    array([1.5, 1. , 0.5, 1.5, 1. , 0.5])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **RowChooser._parameter_constraints,
        "representation": [
            StrOptions({"input"}), HasMethods(["fit", "predict_proba"]), callable
        ],
        "fraction": [Interval(Real, 0, 1, closed="right")],
        "per_class": ["boolean"],
        "metric": [str],
        "method": [StrOptions({"lazy", "stochastic"})],
        "weighted": ["boolean"],
        "random_state": ["random_state", np.random.Generator],
    }  # fmt: skip

    def __init__(
        self,
        representation: Any = "input",
        *,
        sampling_strategy: Any = "all",
        fraction: float = 0.3,
        per_class: bool = True,
        metric: str = "euclidean",
        method: Literal["lazy", "stochastic"] = "lazy",
        weighted: bool = True,
        random_state: Any = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.representation = representation
        self.fraction = fraction
        self.per_class = per_class
        self.metric = metric
        self.method = method
        self.weighted = weighted
        self.random_state = random_state

    def _reads_any_table(self) -> bool:
        return not isinstance(self.representation, str)

    def _judging_estimator(self) -> Any:
        return self.representation

    def _choose(self, data: ResamplingData) -> ChosenRows:
        points = points_of(self.representation, data)
        targeted = self._targeted(data)
        kept = ~targeted
        stands = np.arange(data.n)
        parts: list[tuple[Any, np.ndarray]] = [(None, np.flatnonzero(targeted))]
        if self.per_class:
            parts = [(label, data.rows_of(label)) for label in data.targets]
        coverage = {}
        for label, rows in parts:
            own = dense_rows(points, rows)
            name = "all" if label is None else str(plain(label))
            try:
                found, nearest, _, covered = facility_location(
                    own,
                    max(1, round(self.fraction * len(rows))),
                    weight=None
                    if data.sample_weight is None
                    else data.sample_weight[rows],
                    metric=self.metric,
                    method=self.method,
                    generator=derive_generator(data.entropy, "class", name),
                )
            except ValueError as error:
                if "metric" not in str(error).lower():
                    raise
                raise BadInputError(
                    "The 'metric' parameter must be one of scipy's cdist. Got "
                    f"{self.metric!r} instead."
                ) from error
            kept[rows[found]] = True
            stands[rows] = rows[found[nearest]]
            coverage[label if label is None else plain(label)] = covered
        kept_rows = np.flatnonzero(kept)
        return self.chosen(
            data,
            kept_rows,
            self._weights(data, stands, kept_rows),
            coverage_=coverage,
            representatives_=stands,
        )

    def _weights(
        self, data: ResamplingData, stands: np.ndarray, kept: np.ndarray
    ) -> np.ndarray | None:
        if not self.weighted:
            return None
        made = np.bincount(stands, weights=data.sample_weight, minlength=data.n)[kept]
        made = made.astype(np.float64)
        if data.sample_weight is None:
            return made / made.mean()
        return made.astype(data.sample_weight.dtype, copy=False)
