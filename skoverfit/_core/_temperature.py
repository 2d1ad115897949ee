# SPDX-License-Identifier: BSD-3-Clause
"""Shares of groups at a temperature: the one place that has the formula."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from skoverfit.exceptions import BadInputError

__all__ = ["check_tau", "group_shares", "tempered_counts"]


def check_tau(owner: str, name: str, tau: Any) -> None:
    """Refuse what is no temperature, in one sentence."""
    number = isinstance(tau, Real) and not isinstance(tau, (bool, np.bool_))
    if not number or not tau > 0:
        raise BadInputError(
            f"The '{name}' parameter of {owner} must be a float above 0, or infinity. "
            f"Got {tau!r} instead."
        )


def group_shares(counts: ArrayLike, tau: float) -> np.ndarray:
    """Return ``n_g ** (1 / tau) / sum``; a group without rows has the share 0.

    Examples
    --------
    >>> from skoverfit._core._temperature import group_shares
    >>> group_shares([90, 10], 1.0), group_shares([90, 10], float("inf"))
    (array([0.9, 0.1]), array([0.5, 0.5]))
    """
    sizes = np.asarray(counts, dtype=np.float64)
    wanted = np.where(sizes > 0, sizes ** (1 / tau), 0.0)
    return wanted / wanted.sum()


def tempered_counts(counts: ArrayLike, largest: ArrayLike, tau: float) -> np.ndarray:
    """Return ``n (m / n) ** (1 - 1 / tau)``: from n at 1 to m at infinity.

    Where m is the size of the largest group, the groups have the shares of
    `group_shares`.
    """
    n, m = (np.asarray(part, dtype=np.float64) for part in (counts, largest))
    ratio = np.divide(m, n, out=np.ones_like(n), where=n > 0)
    return n * ratio ** (1 - 1 / tau)
