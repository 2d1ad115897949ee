# SPDX-License-Identifier: BSD-3-Clause
"""Over-sampling part of the way to even classes."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval

from skoverfit._core._resampling import ResamplingData
from skoverfit._core._temperature import tempered_counts
from skoverfit.over_sampling._random_over_sampler import RandomOverSampler

__all__ = ["TemperatureOverSampler"]


class TemperatureOverSampler(RandomOverSampler):
    """Copy random rows of the rare classes, part of the way to even classes.

    A temperature says how far: class c gets the share ``n_c ** (1 / tau)``, from the
    shares of the rows at 1 to even ones at infinity. Each copy of a rare row is seen
    once more in training, so full balance over-fits very rare classes where half the
    way does not. See :doc:`/user_guide/imbalance`.

    .. versionadded:: 0.1

    Parameters
    ----------
    tau : float, default=5.0
        Temperature, 1 or more; the paper uses 5.
    sampling_strategy : float, str, dict or callable, default="auto"
        Rows of each class at infinite temperature: as in `RandomOverSampler`, of
        which this is a part, ``n_c (m_c / n_c) ** (1 - 1 / tau)`` where it asks for
        ``m_c``.
    shrinkage : float, dict of class -> float, or None, default=None
        Width of noise around copies, see `RandomOverSampler`. None and 0 copy.
    categorical_features : {"auto"}, None or array-like, default="auto"
        Nominal columns, to which noise does nothing, see `RandomOverSampler`.
    integer : {"stochastic", "round"}, default="stochastic"
        How whole-number columns are rounded after the noise.
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
    skoverfit.model_selection.temperature_weights : Weights instead of copies.
    skoverfit.neural_network.Cooldown : Another temperature later in training.
    skoverfit.calibration.PriorCorrectedClassifier : Probabilities for the real shares.

    Notes
    -----
    The paper's groups are domains of a text; they are the classes here. Numbers of
    rows are rounded to the nearest.

    References
    ----------
    Li, Xu, Tan, Murray & Khashabi (2025), "Upsample or Upweight? Balanced Training on
    Heavily Imbalanced Datasets", NAACL, arXiv:2410.04579.

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit.over_sampling import TemperatureOverSampler
    >>> X, y = np.arange(1010).reshape(-1, 1), np.repeat([0, 1], [1000, 10])
    >>> for tau in (1, 2, np.inf):
    ...     sampler = TemperatureOverSampler(tau, random_state=0)
    ...     print(np.bincount(sampler.fit_resample(X, y)[1]))
    [1000   10]
    [1000  100]
    [1000 1000]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **RandomOverSampler._parameter_constraints,
        "tau": [Interval(Real, 1, None, closed="both")],
    }

    def __init__(
        self,
        tau: float = 5.0,
        *,
        sampling_strategy: Any = "auto",
        shrinkage: float | dict[Any, float] | None = None,
        categorical_features: Literal["auto"] | ArrayLike | None = "auto",
        integer: Literal["stochastic", "round"] = "stochastic",
        random_state: Any = None,
    ) -> None:
        super().__init__(
            sampling_strategy=sampling_strategy,
            shrinkage=shrinkage,
            categorical_features=categorical_features,
            integer=integer,
            random_state=random_state,
        )
        self.tau = tau

    def _wanted(self, data: ResamplingData) -> dict[Any, int]:
        whole = super()._wanted(data)
        counts = {c: int(n) for c, n in zip(data.classes, data.counts, strict=True)}
        there = np.array([counts[label] for label in whole], dtype=np.float64)
        asked = there + np.array(list(whole.values()), dtype=np.float64)
        part = np.rint(tempered_counts(there, asked, self.tau)) - there
        return {label: int(n) for label, n in zip(whole, part, strict=True)}
