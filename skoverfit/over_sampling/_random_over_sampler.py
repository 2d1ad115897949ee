# SPDX-License-Identifier: BSD-3-Clause
"""Random over-sampling, plain or smoothed."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any, ClassVar, Literal

import numpy as np
import scipy.sparse as sp
from imblearn.over_sampling.base import BaseOverSampler
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.sparsefuncs import mean_variance_axis

from skoverfit._core._arrays import ContainerSpec, take_rows
from skoverfit._core._columns import analyse_columns
from skoverfit._core._rebuild import concatenate_rows
from skoverfit._core._resampling import Resampled, ResamplerMixin, ResamplingData
from skoverfit._core._resampling._random import (
    check_any_table,
    mean_weights,
    row_chances,
)
from skoverfit.over_sampling._segments import round_to

__all__ = ["RandomOverSampler"]


class RandomOverSampler(ResamplerMixin, BaseOverSampler):
    """Copy random rows of the rare classes, as they are or with a little noise.

    Without ``shrinkage`` a table of any content is copied cell by cell. With it the
    numeric columns of each copy are drawn from a normal kernel around the row, known as
    smoothed bootstrap or ROSE [1]_, and nominal columns are copied. Use it as the
    baseline that every other over-sampler has to beat. See
    :doc:`/user_guide/over_sampling`.

    .. versionadded:: 0.1

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        How many rows of which class to have: as in imbalanced-learn. ``"auto"`` fills
        all classes up to the largest one.
    shrinkage : float, dict of class -> float, or None, default=None
        Width of the kernel as a multiple of Silverman's rule
        ``(4 / ((d + 2) n)) ** (1 / (d + 4))`` times the standard deviation of the class
        in each of the ``d`` numeric columns, with ``n`` the rows of the table; 1 is
        the value of the paper. None and 0 copy.
    categorical_features : {"auto"}, None or array-like, default="auto"
        Nominal columns, copied by the smoothed bootstrap: numbers, names or a mask.
        ``"auto"`` takes string, object, category and boolean columns; None takes none.
    integer : {"stochastic", "round"}, default="stochastic"
        How whole-number columns are rounded after the noise: up with the probability
        of the fraction, which keeps the mean, or to the nearest.
    random_state : int, RandomState, Generator or None, default=None
        Seed. Each class has a stream of its own.

    Attributes
    ----------
    sampling_strategy_ : dict
        Class -> rows asked for.
    shrinkage_ : dict or None
        Class -> multiple of the kernel width; None where rows are copied.
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
    parents_ : ndarray of shape (n_out, 1)
        Row that each row is a copy of; -1 for smoothed ones.
    weights_ : ndarray of shape (n_out, 1)
        1 for rows of the input and copies, 0 for smoothed ones.
    sample_weight_ : ndarray of shape (n_out,) or None
        Weights of all rows, where weights were given.
    groups_ : ndarray of shape (n_out,) or None
        Groups of all rows, where they were given; a made row has that of its base.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns; only where X has string names.

    See Also
    --------
    SMOTE : Makes rows between neighbours.

    Notes
    -----
    With ``sample_weight``, rows are drawn in proportion to their weight and a made row
    gets the mean weight of its class; carried weights would count a weight twice.

    A missing cell stays missing. imbalanced-learn refuses strings and missing values
    where ``shrinkage`` is given, and truncates integers towards zero.

    References
    ----------
    .. [1] G. Menardi and N. Torelli (2014), Training and assessing classification
       rules with imbalanced data, Data Mining and Knowledge Discovery 28, 92-122.

    Examples
    --------
    >>> import pandas as pd
    >>> from skoverfit.over_sampling import RandomOverSampler
    >>> X = pd.DataFrame({"age": [30, 40, 50], "job": ["cook", "smith", "smith"]})
    >>> sampler = RandomOverSampler(random_state=0)
    >>> X_more, y_more = sampler.fit_resample(X, ["rare", "often", "often"])
    >>> X_more
       age    job
    0   30   cook
    1   40  smith
    2   50  smith
    3   30   cook
    """

    _allow_nan = True
    _allow_mixed = True

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseOverSampler._parameter_constraints,
        "shrinkage": [Interval(Real, 0, None, closed="left"), dict, None],
        "categorical_features": [StrOptions({"auto"}), "array-like", None],
        "integer": [StrOptions({"stochastic", "round"})],
        "random_state": ["random_state", np.random.Generator],
    }

    def __init__(
        self,
        *,
        sampling_strategy: Any = "auto",
        shrinkage: float | dict[Any, float] | None = None,
        categorical_features: Literal["auto"] | ArrayLike | None = "auto",
        integer: Literal["stochastic", "round"] = "stochastic",
        random_state: Any = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.shrinkage = shrinkage
        self.categorical_features = categorical_features
        self.integer = integer
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        return tags

    def _check_table(self, X: Any) -> tuple[ContainerSpec, Any, bool]:
        return *check_any_table(self, X), False

    def _resample(self, data: ResamplingData) -> Resampled:
        shrinkage = self._shrinkage(data)
        X = data.X if data.values is None else data.values
        streams = {label: data.generator(label) for label in data.targets}
        bases = {}
        for label, n_made in data.targets.items():
            rows = data.rows_of(label)
            chances = row_chances(data, rows)
            bases[label] = streams[label].choice(rows, size=n_made, p=chances)
        base = np.concatenate([np.empty(0, dtype=np.intp), *bases.values()])
        smooth = shrinkage is not None and any(
            shrinkage[label] > 0 for label, n_made in data.targets.items() if n_made
        )
        if not smooth:
            X = take_rows(X, np.concatenate([np.arange(data.n), base]))
        elif data.spec.kind == "sparse":
            X = self._smooth_sparse(X, data, bases, streams, shrinkage)
        else:
            X = self._smooth(X, data, bases, streams, shrinkage)
        weights = None
        if data.sample_weight is not None:
            made = mean_weights(data)[base]
            weights = np.concatenate([data.sample_weight, made])
            weights = weights.astype(data.sample_weight.dtype, copy=False)
        self.shrinkage_ = shrinkage
        return Resampled(
            X=X, base=base, n_parents=0 if smooth else 1, sample_weight=weights
        )

    def _shrinkage(self, data: ResamplingData) -> dict[Any, float] | None:
        given = self.shrinkage
        if given is None:
            return None
        if not isinstance(given, Mapping):
            return dict.fromkeys(data.targets, given)
        missing = [label for label in data.targets if label not in given]
        if missing:
            raise ValueError(
                "`shrinkage` should contain a shrinkage factor for each class that "
                f"will be resampled. The missing classes are: {missing}."
            )
        for label, factor in given.items():
            if not (isinstance(factor, Real) and 0 <= factor < np.inf):
                raise ValueError(
                    f"The shrinkage factor needs to be >= 0. Got {factor!r} for class "
                    f"{label!r}."
                )
        return dict(given)

    def _smooth(
        self, X: Any, data: ResamplingData, bases: Any, streams: Any, shrinkage: Any
    ) -> Any:
        """Add noise to the numbers of the bases; codes are copied."""
        plan = analyse_columns(X, self.categorical_features, allow_all_missing=True)
        parts = [np.empty((0, plan.numeric.shape[1]), plan.numeric.dtype)]
        for label, base in bases.items():
            spread = _nan_std(plan.numeric[data.rows_of(label)])
            width = shrinkage[label] * _silverman(*plan.numeric.shape)
            made = plan.numeric[base] + self._noise(
                streams[label], len(base), width * spread, plan.numeric.dtype
            )
            whole = plan.is_integer
            made[:, whole] = round_to(made[:, whole], self.integer, streams[label])
            parts.append(made)
        base = np.concatenate(list(bases.values()))
        return plan.assemble(np.concatenate(parts), plan.codes[base])

    def _smooth_sparse(
        self, X: Any, data: ResamplingData, bases: Any, streams: Any, shrinkage: Any
    ) -> Any:
        """Do the same with sparse rows; the noise fills all columns that vary."""
        table = sp.csr_array(X)
        if not np.isfinite(table.data).all():
            raise ValueError(
                "Input X contains NaN or infinity, which a sparse X can't have where "
                "shrinkage is given; make X dense (X.toarray())."
            )
        parts = [X]
        for label, base in bases.items():
            rows = table[data.rows_of(label)].astype(np.float64)
            spread = np.sqrt(mean_variance_axis(sp.csr_matrix(rows), axis=0)[1])
            width = shrinkage[label] * _silverman(*table.shape)
            made = table[base].toarray() + self._noise(
                streams[label], len(base), width * spread, np.dtype(np.float64)
            )
            if table.dtype.kind in "biu":
                made = round_to(made, self.integer, streams[label])
                if table.dtype.kind != "b":
                    info = np.iinfo(table.dtype)
                    made = made.clip(info.min, info.max)
            parts.append(type(X)(made.astype(table.dtype)))
        return concatenate_rows(parts)

    @staticmethod
    def _noise(
        rng: np.random.Generator, n: int, width: np.ndarray, dtype: np.dtype
    ) -> np.ndarray:
        return (rng.standard_normal((n, len(width))) * width).astype(dtype)


def _silverman(n: int, d: int) -> float:
    """Return the width of a normal kernel for a normal sample of unit variance."""
    return float((4 / ((d + 2) * n)) ** (1 / (d + 4)))


def _nan_std(values: np.ndarray) -> np.ndarray:
    """Return the standard deviations of the present values, 0 where there is none."""
    there = ~np.isnan(values)
    counts = there.sum(axis=0).clip(min=1)
    mean = np.where(there, values, 0).sum(axis=0, dtype=np.float64) / counts
    squares = np.where(there, values - mean, 0) ** 2
    return np.sqrt(squares.sum(axis=0, dtype=np.float64) / counts)
