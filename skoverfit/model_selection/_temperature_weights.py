# SPDX-License-Identifier: BSD-3-Clause
"""Weights of rows that give groups the shares of a temperature."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from skoverfit._core._temperature import check_tau, group_shares
from skoverfit._core._validation import check_labels

__all__ = ["temperature_weights"]


def temperature_weights(groups: ArrayLike, tau: float = 5.0) -> np.ndarray:
    """Weigh rows so that group i has the share ``n_i ** (1 / tau)`` of the loss.

    For the ``sample_weight`` of any estimator: what the paper calls upweighting. With
    all rows in a batch it is the same as sampling them by
    :class:`~skoverfit.neural_network.TemperatureSampler`; in small batches its
    gradients have more variance, so that nets learn rare groups more slowly.

    Parameters
    ----------
    groups : array-like of shape (n,)
        Group of each row: a class, a domain.
    tau : float, default=5.0
        1 weighs all rows alike, infinity gives all groups the same weight.

    Returns
    -------
    ndarray of shape (n,)
        Weights of mean 1.

    Raises
    ------
    BadInputError
        If ``tau`` is not above 0.
    ValueError
        If groups are missing, or there are none.

    See Also
    --------
    skoverfit.over_sampling.TemperatureOverSampler : Copies rows instead.

    References
    ----------
    Li, Xu, Tan, Murray & Khashabi (2025), "Upsample or Upweight? Balanced Training on
    Heavily Imbalanced Datasets", NAACL, arXiv:2410.04579.

    Examples
    --------
    >>> from skoverfit.model_selection import temperature_weights
    >>> temperature_weights(["a", "a", "a", "b"], tau=float("inf")).round(2)
    array([0.67, 0.67, 0.67, 2.  ])
    """
    check_tau("temperature_weights", "tau", tau)
    _, codes = check_labels(groups, "groups")
    counts = np.bincount(codes)
    return (group_shares(counts, tau) * len(codes) / counts)[codes]
