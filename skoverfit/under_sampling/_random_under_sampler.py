# SPDX-License-Identifier: BSD-3-Clause
"""Random under-sampling."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from imblearn.under_sampling.base import BaseUnderSampler
from sklearn.utils._param_validation import StrOptions

from skoverfit._core._arrays import ContainerSpec, take_rows
from skoverfit._core._resampling import Resampled, ResamplerMixin, ResamplingData
from skoverfit._core._resampling._random import (
    check_any_table,
    mean_weights,
    row_chances,
)
from skoverfit._core._resampling._strategy import plain

__all__ = ["RandomUnderSampler"]


class RandomUnderSampler(ResamplerMixin, BaseUnderSampler):
    """Keep random rows of the frequent classes.

    A table of any content is kept cell by cell. It is the cheapest remedy for unequal
    classes, and the right one where the frequent class has more rows than are needed.
    See :doc:`/user_guide/over_sampling`.

    .. versionadded:: 0.1

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        How many rows of which class to keep: as in imbalanced-learn. ``"auto"`` brings
        all classes down to the smallest one.
    replacement : bool, default=False
        Whether a row can be kept more than once.
    draw : {"uniform", "weight"}, default="uniform"
        Only where ``sample_weight`` is given. ``"uniform"`` keeps rows with the same
        chance and with their weights; ``"weight"`` in proportion to their weights, and
        each gets the mean weight of its class.
    random_state : int, RandomState, Generator or None, default=None
        Seed. Each class has a stream of its own.

    Attributes
    ----------
    sampling_strategy_ : dict
        Class -> rows to keep.
    n_generated_ : dict
        Class -> rows made: 0.
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    class_prior_before_ : ndarray of shape (n_classes,)
        Share of each class before, of the weight where rows have one.
    class_prior_after_ : ndarray of shape (n_classes,)
        The same after.
    sample_indices_ : ndarray of shape (n_out,)
        Row of the input that each output row is, class after class.
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
    skoverfit.over_sampling.RandomOverSampler : Adds rows instead.

    References
    ----------
    .. [1] M. Buda, A. Maki and M. A. Mazurowski (2018), A systematic study of the class
       imbalance problem in convolutional neural networks, Neural Networks 106, 249-259.

    Examples
    --------
    >>> from skoverfit.under_sampling import RandomUnderSampler
    >>> sampler = RandomUnderSampler(random_state=0)
    >>> X, y = sampler.fit_resample(
    ...     [[1, "a"], [2, "b"], [3, "c"]], ["rare", "often", "often"]
    ... )
    >>> y
    ['often', 'rare']
    """

    _allow_nan = True
    _allow_mixed = True

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseUnderSampler._parameter_constraints,
        "replacement": ["boolean"],
        "draw": [StrOptions({"uniform", "weight"})],
        "random_state": ["random_state", np.random.Generator],
    }

    def __init__(
        self,
        *,
        sampling_strategy: Any = "auto",
        replacement: bool = False,
        draw: Literal["uniform", "weight"] = "uniform",
        random_state: Any = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.replacement = replacement
        self.draw = draw
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        return tags

    def _check_table(self, X: Any) -> tuple[ContainerSpec, Any, bool]:
        return *check_any_table(self, X), False

    def _resample(self, data: ResamplingData) -> Resampled:
        by_weight = self.draw == "weight" and data.sample_weight is not None
        kept = [
            self._kept_rows_of(data, label, by_weight)
            if label in data.targets
            else data.rows_of(label)
            for label in data.classes
        ]
        rows = np.concatenate(kept)
        weights = None
        if by_weight:
            touched = np.isin(data.classes, list(data.targets))[data.codes[rows]]
            assert data.sample_weight is not None
            weights = np.where(
                touched, mean_weights(data)[rows], data.sample_weight[rows]
            ).astype(data.sample_weight.dtype, copy=False)
        X = data.X if data.values is None else data.values
        return Resampled(
            X=take_rows(X, rows), kept=rows, n_parents=1, sample_weight=weights
        )

    def _kept_rows_of(
        self, data: ResamplingData, label: Any, by_weight: bool
    ) -> np.ndarray:
        rows, n_kept = data.rows_of(label), data.targets[label]
        chances = row_chances(data, rows) if by_weight else None
        if chances is not None and not self.replacement:
            drawable = np.count_nonzero(chances)
            if drawable < n_kept:
                raise ValueError(
                    f"Class {plain(label)!r} has {drawable} rows with a positive "
                    f"sample_weight, fewer than the {n_kept} to keep; use "
                    "draw='uniform' or replacement=True."
                )
        return data.generator(label).choice(
            rows, size=n_kept, replace=self.replacement, p=chances
        )
