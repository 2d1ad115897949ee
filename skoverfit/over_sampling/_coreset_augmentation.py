# SPDX-License-Identifier: BSD-3-Clause
"""Augment only rows that stand for the others."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Literal

import numpy as np
from imblearn.base import BaseSampler
from imblearn.utils import check_sampling_strategy
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from skoverfit._core._arrays import take_rows, to_numpy
from skoverfit._core._facility_location import facility_location
from skoverfit._core._random import derive_generator
from skoverfit._core._rebuild import concatenate_rows, restore
from skoverfit._core._resampling import Resampled, ResamplerMixin, ResamplingData
from skoverfit._core._resampling._chooser import known_table
from skoverfit._core._resampling._representation import dense_rows, points_of
from skoverfit._core._resampling._strategy import plain
from skoverfit.exceptions import BadInputError
from skoverfit.over_sampling._gaussian_columns import rounded

__all__ = ["CoresetAugmentation"]


class CoresetAugmentation(ResamplerMixin, BaseSampler):
    """Add augmented copies of the rows that stand for the others.

    To augment every row multiplies the work. A coreset whose gradients stand for those
    of all rows is enough to carry most of what augmentation does to the training (Liu
    and Mirzasoleiman). See :doc:`/user_guide/inspection`.

    .. versionadded:: 0.1

    Parameters
    ----------
    augment : {"noise"} or callable, default="noise"
        "noise" adds Gaussian noise of ``strength`` standard deviations of each column.
        A callable gets ``(X, y, generator)``, some rows as an array, and returns as
        many changed ones.
    representation : {"input"}, callable or classifier, default="input"
        What stands for what, as in
        `skoverfit.under_sampling.FacilityLocationSampler`. The paper's is a classifier.
    sampling_strategy : str, list or callable, default="all"
        Classes that are augmented.
    fraction : float, default=0.3
        Share of each class that is augmented.
    n_copies : int, default=1
        Changed copies of each such row.
    base : {"full", "coreset"}, default="full"
        Whether all rows stay beside the copies, or the coreset only.
    strength : float, default=0.1
        Of "noise".
    random_state : int, RandomState, Generator or None, default=None
        Seed.

    Attributes
    ----------
    coreset_indices_ : ndarray of int
        Rows of the input that were augmented, ascending.
    sampling_strategy_ : dict
        Class -> rows made.
    n_generated_ : dict
        Class -> rows made.
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    class_prior_before_ : ndarray of shape (n_classes,)
        Share of each class before, of the weight where rows have one.
    class_prior_after_ : ndarray of shape (n_classes,)
        The same after.
    sample_indices_ : ndarray of shape (n_out,)
        Row of the input that each output row is, or is a changed copy of.
    is_synthetic_ : ndarray of shape (n_out,)
        Which rows were made; they follow the others.
    parents_ : ndarray of shape (n_out, 1)
        The same as ``sample_indices_``.
    weights_ : ndarray of shape (n_out, 1)
        1.
    sample_weight_ : ndarray of shape (n_out,) or None
        Weights of the rows, copies have that of their row; where weights were given.
    groups_ : ndarray of shape (n_out,) or None
        Groups of the rows, where they were given.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns; only where X has string names.

    See Also
    --------
    skoverfit.under_sampling.FacilityLocationSampler : The coreset alone.
    skoverfit.neural_network.CoresetAugmentationStep : Chooses anew while a net learns.
    RandomOverSampler : Copies of random rows, smoothed or not.

    Notes
    -----
    The paper chooses anew every few epochs of the training; here the choice is made
    once, before it, for any estimator.

    References
    ----------
    .. [1] T. Y. Liu and B. Mirzasoleiman (2022), Data-efficient augmentation for
       training neural networks, NeurIPS, arXiv:2210.08363.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skoverfit.over_sampling import CoresetAugmentation
    >>> X, y = load_iris(return_X_y=True)
    >>> sampler = CoresetAugmentation(fraction=0.1, n_copies=3, random_state=0)
    >>> X_more, y_more = sampler.fit_resample(X, y)
    >>> X_more.shape, len(sampler.coreset_indices_)
    ((195, 4), 15)
    """

    _sampling_type = "bypass"
    _allow_sparse = False

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "augment": [StrOptions({"noise"}), callable],
        "representation": [
            StrOptions({"input"}), HasMethods(["fit", "predict_proba"]), callable
        ],
        "sampling_strategy": [
            StrOptions({"all", "not minority", "not majority", "majority", "auto"}),
            list, callable,
        ],
        "fraction": [Interval(Real, 0, 1, closed="right")],
        "n_copies": [Interval(Integral, 1, None, closed="left")],
        "base": [StrOptions({"full", "coreset"})],
        "strength": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state", np.random.Generator],
    }  # fmt: skip

    def __init__(
        self,
        augment: Any = "noise",
        *,
        representation: Any = "input",
        sampling_strategy: Any = "all",
        fraction: float = 0.3,
        n_copies: int = 1,
        base: Literal["full", "coreset"] = "full",
        strength: float = 0.1,
        random_state: Any = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.augment = augment
        self.representation = representation
        self.fraction = fraction
        self.n_copies = n_copies
        self.base = base
        self.strength = strength
        self.random_state = random_state

    def _size(self, n: int) -> int:
        return max(1, round(self.fraction * n))

    def _wanted(self, data: ResamplingData) -> dict[Any, int]:
        labels = data.classes[data.codes]
        chosen = check_sampling_strategy(
            self.sampling_strategy, labels, "clean-sampling"
        )
        return {
            label: self.n_copies * self._size(int(data.counts[data.position(label)]))
            for label in chosen
        }

    def _resample(self, data: ResamplingData) -> Resampled:
        points = points_of(self.representation, data)
        chosen = []
        for label in data.targets:
            rows = data.rows_of(label)
            weight = data.sample_weight
            found = facility_location(
                dense_rows(points, rows),
                self._size(len(rows)),
                weight=None if weight is None else weight[rows],
            )[0]
            chosen.append(np.sort(rows[found]))
        base = np.concatenate([np.tile(rows, self.n_copies) for rows in chosen])
        made = self._augmented(data, base)
        kept = None
        X = take_rows(known_table(data), np.arange(data.n))
        core = np.sort(np.concatenate(chosen))
        if self.base == "coreset":
            spared = ~np.isin(data.classes, list(data.targets))[data.codes]
            kept = np.sort(np.concatenate([core, np.flatnonzero(spared)]))
            X = take_rows(known_table(data), kept)
        X = concatenate_rows([X, restore(rounded(made, data), data.spec)])
        self._core = core
        return Resampled(X=X, kept=kept, base=base, n_parents=1)

    def _finish(self, data: ResamplingData, result: Resampled, y: Any) -> Any:
        out = super()._finish(data, result, y)
        self.coreset_indices_ = self._core
        del self._core
        return out

    def _augmented(self, data: ResamplingData, base: np.ndarray) -> np.ndarray:
        table = np.asarray(to_numpy(data.values), dtype=np.float64)
        generator = derive_generator(data.entropy, "augment")
        rows = table[base]
        if isinstance(self.augment, str):
            spread = table.std(axis=0) * self.strength
            return rows + generator.normal(size=rows.shape) * spread
        labels = np.array([plain(k) for k in data.classes])[data.codes[base]]
        made = np.asarray(to_numpy(self.augment(rows, labels, generator)))
        if made.shape != rows.shape or made.dtype.kind not in "biuf":
            raise BadInputError(
                f"The 'augment' function must return numbers of shape {rows.shape}. "
                f"Got an array of dtype {made.dtype} and shape {made.shape} instead."
            )
        if not np.isfinite(made).all():
            raise BadInputError(
                "The 'augment' function returned a number that is not finite."
            )
        return made.astype(np.float64)
