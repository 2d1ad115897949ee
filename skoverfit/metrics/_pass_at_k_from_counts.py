# SPDX-License-Identifier: BSD-3-Clause
"""Chance that one of k answers is right, estimated from more answers than k."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln
from sklearn.utils._param_validation import Interval, validate_params

__all__ = ["pass_at_k_from_counts"]


@validate_params(
    {
        "n": ["array-like", Interval(Integral, 1, None, closed="left")],
        "c": ["array-like", Interval(Integral, 0, None, closed="left")],
        "k": [Interval(Integral, 1, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def pass_at_k_from_counts(n: ArrayLike, c: ArrayLike, k: int = 1) -> float:
    """Estimate the chance that one of ``k`` answers is right, without bias.

    ``mean(1 - C(n - c, k) / C(n, k))`` over questions that were answered ``n`` times,
    ``c`` times right: the share of all choices of ``k`` of the answers that have a
    right one. ``1 - (1 - c / n) ** k`` instead is too small on average.

    Parameters
    ----------
    n : int or array-like of int, shape (n_questions,)
        Answers to each question; ``k`` at least.
    c : int or array-like of int, shape (n_questions,)
        How many of them are right, 0 to ``n``.
    k : int, default=1
        Answers that are allowed.

    Returns
    -------
    float
        Mean over the questions, in [0, 1].

    Raises
    ------
    ValueError
        If a count is no whole number, ``c`` is not in 0 to ``n``, there are fewer
        than ``k`` answers, or the lengths differ.

    See Also
    --------
    pass_at_n_score : The same from probabilities.

    References
    ----------
    Chen et al. (2021), "Evaluating Large Language Models Trained on Code",
    arXiv:2107.03374.

    Examples
    --------
    >>> from skoverfit.metrics import pass_at_k_from_counts
    >>> round(pass_at_k_from_counts(n=[4, 4], c=[1, 0], k=1), 6)
    0.125
    >>> round(pass_at_k_from_counts(n=[4, 4], c=[1, 0], k=2), 6)
    0.25
    """
    total, right = _whole(n, "n"), _whole(c, "c")
    if total.shape != right.shape and total.ndim and right.ndim:
        raise ValueError(
            f"n has {len(total)} numbers, but c has {len(right)}: one a question."
        )
    total, right = (np.atleast_1d(part) for part in np.broadcast_arrays(total, right))
    for position in np.flatnonzero((right < 0) | (right > total)):
        raise ValueError(
            f"c must lie between 0 and n, but question {position} has "
            f"c={right[position]:g} of n={total[position]:g}."
        )
    for position in np.flatnonzero(total < k):
        raise ValueError(
            f"k={k} answers can't be chosen from the n={total[position]:g} of question "
            f"{position}."
        )
    wrong = total - right
    # C(wrong, k) / C(total, k); where wrong < k there is no choice without a right one.
    some = wrong >= k
    safe = np.where(some, wrong, k)
    log_missed = (
        gammaln(safe + 1)
        - gammaln(safe - k + 1)
        - gammaln(total + 1)
        + gammaln(total - k + 1)
    )
    passed = np.where(some, -np.expm1(np.minimum(log_missed, 0)), 1.0)
    return float(np.where(right == 0, 0.0, passed).mean())


def _whole(counts: ArrayLike, name: str) -> np.ndarray:
    values = np.asarray(counts)
    if values.ndim > 1 or not values.size or values.dtype.kind not in "iuf":
        raise ValueError(
            f"{name} must be a whole number, or one a question. Got {counts!r} instead."
        )
    values = values.astype(np.float64)
    if not np.isfinite(values).all() or (values != np.floor(values)).any():
        raise ValueError(f"{name} must hold whole numbers. Got {counts!r} instead.")
    return values
