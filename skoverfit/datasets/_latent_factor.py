# SPDX-License-Identifier: BSD-3-Clause
"""Many columns that a few hidden factors drive, and a target of the factors."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from skoverfit._core._random import derive_generator, root_entropy

__all__ = ["make_latent_factor"]


@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "n_features": [Interval(Integral, 1, None, closed="left")],
        "n_factors": [Interval(Integral, 1, None, closed="left")],
        "loading_scale": [Interval(Real, 0, None, closed="left")],
        "noise": [StrOptions({"heteroscedastic", "homoscedastic"})],
        "target_noise": [Interval(Real, 0, None, closed="left")],
        "random_state": "no_validation",
    },
    prefer_skip_nested_validation=True,
)
def make_latent_factor(
    n_samples: int = 1000,
    n_features: int = 100,
    *,
    n_factors: int = 5,
    loading_scale: float = 0.2,
    noise: str = "heteroscedastic",
    target_noise: float = 0.1,
    random_state: Any = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Make rows of a factor model, and a target that is linear in the factors.

    ``x = B z + e`` with normal factors ``z`` and loadings ``B`` of standard deviation
    ``loading_scale``; ``y = z . beta`` with ``beta`` of length 1, and noise. The rows
    alone show the factors up to a rotation, which a linear model of ``y`` undoes: what
    unlabeled rows are good for.

    Parameters
    ----------
    n_samples : int, default=1000
        Rows.
    n_features : int, default=100
        Columns.
    n_factors : int, default=5
        Hidden factors.
    loading_scale : float, default=0.2
        Standard deviation of the loadings. With 0.4 the signal is nearly visible
        without further rows.
    noise : {"heteroscedastic", "homoscedastic"}, default="heteroscedastic"
        Whether the standard deviation of each column's noise is ``exp(u)`` with ``u``
        uniform in [-1.5, 1.5], or 1: then PCA is the right model, too.
    target_noise : float, default=0.1
        Standard deviation of the noise of ``y``, whose variance is 1 without.
    random_state : int, RandomState, Generator or None, default=None
        Source of all numbers.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
        Rows.
    y : ndarray of shape (n_samples,)
        Targets.
    z : ndarray of shape (n_samples, n_factors)
        The factors.

    References
    ----------
    Ge, Tang, Fan & Jin (2024), "On the provable advantage of unsupervised
    pretraining", ICLR, arXiv:2303.01566, factor models.

    Examples
    --------
    >>> from skoverfit.datasets import make_latent_factor
    >>> X, y, z = make_latent_factor(200, 30, n_factors=2, random_state=0)
    >>> X.shape, y.shape, z.shape
    ((200, 30), (200,), (200, 2))
    """
    entropy = root_entropy(random_state)
    model = derive_generator(entropy, "latent factor", "model")
    loadings = loading_scale * model.normal(size=(n_factors, n_features))
    beta = model.normal(size=n_factors)
    scale = np.ones(n_features)
    if noise == "heteroscedastic":
        scale = np.exp(model.uniform(-1.5, 1.5, size=n_features))
    rows = derive_generator(entropy, "latent factor", "rows")
    z = rows.normal(size=(n_samples, n_factors))
    X = z @ loadings + scale * rows.normal(size=(n_samples, n_features))
    y = z @ beta / np.linalg.norm(beta)
    return X, y + target_noise * rows.normal(size=n_samples), z
