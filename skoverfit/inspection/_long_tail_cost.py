# SPDX-License-Identifier: BSD-3-Clause
"""What it costs to refuse a row that was seen so many times."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp
from sklearn.utils._param_validation import Interval, validate_params

from skoverfit.exceptions import BadInputError

__all__ = ["long_tail_cost"]


@validate_params(
    {
        "frequencies": ["array-like"],
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "times_seen": "no_validation",
    },
    prefer_skip_nested_validation=True,
)
def long_tail_cost(
    frequencies: ArrayLike, n_samples: int, *, times_seen: Any = 1
) -> Any:
    r"""Return the test error that each kind of rows costs which a learner gets wrong.

    Of kinds of rows that were seen exactly ``times_seen`` times among ``n_samples``,
    this is the mean frequency:

    .. math:: \tau_\ell = \frac{\sum_x p_x^{\ell + 1} (1 - p_x)^{n - \ell}}
              {\sum_x p_x^\ell (1 - p_x)^{n - \ell}} .

    A learner that does not fit k of them has a test error that is larger by k times as
    much (Feldman [1]_, theorem 2.3). Where frequencies fall slowly a kind that was seen
    once costs about 1 / n: as much as a row of the table weighs, so that even single
    rows have to be learned by heart. Where all kinds are frequent it costs nothing. See
    :doc:`/user_guide/inspection`.

    .. versionadded:: 0.1

    Parameters
    ----------
    frequencies : array-like of shape (n_kinds,)
        Probability of each kind, or its count in a large sample; scaled to sum 1.
    n_samples : int
        Rows that are trained on.
    times_seen : int or array-like of int, default=1
        How often a kind is among them, from 0 on.

    Returns
    -------
    float or ndarray of shape of ``times_seen``
        The cost of one such kind.

    Raises
    ------
    BadInputError
        If frequencies are negative or all 0, or ``times_seen`` is none of 0 to
        ``n_samples``.

    See Also
    --------
    skoverfit.datasets.make_long_tail_subpopulations : Rows of such kinds.
    skoverfit.noisy_labels.memorization_scores : Which rows a model learned by heart.

    Notes
    -----
    "Is Memorization Actually Necessary for Generalization?" (a manuscript) finds that
    estimates of the gain on images are several times too high, for lack of convergence,
    near-duplicates and removed subpopulations: the formula is exact for its model, in
    which kinds tell nothing of each other.

    References
    ----------
    .. [1] V. Feldman (2020), Does learning require memorization? A short tale about a
       long tail, STOC, arXiv:1906.05271.

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit.inspection import long_tail_cost
    >>> zipf = 1 / np.arange(1, 3001)
    >>> print(f"{3000 * long_tail_cost(zipf, 3000):.2f} / n")
    0.53 / n
    >>> even = np.ones(20)  # of 3000 rows none is the only one of its kind
    >>> round(float(long_tail_cost(even, 3000)), 4)
    0.05
    """
    p = np.asarray(frequencies, dtype=np.float64)
    if p.ndim != 1 or not np.isfinite(p).all() or (p < 0).any() or not p.sum() > 0:
        raise BadInputError(
            "frequencies must be one-dimensional numbers from 0 on, not all of them 0. "
            f"Got {frequencies!r} instead."
        )
    seen = np.asarray(times_seen)
    if seen.dtype.kind not in "iu" or (seen < 0).any() or (seen > n_samples).any():
        raise BadInputError(
            f"times_seen must be whole numbers from 0 to n_samples={n_samples}. Got "
            f"{times_seen!r} instead."
        )
    p = p[p > 0] / p.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        log_p, log_q = np.log(p), np.log1p(-p)
        # 0 log 0 is 0: a kind that is all there is was seen n times.
        rest = np.where(
            n_samples == seen[..., None], 0.0, (n_samples - seen[..., None]) * log_q
        )
        weight = seen[..., None] * log_p + rest
        cost = np.exp(logsumexp(weight + log_p, axis=-1) - logsumexp(weight, axis=-1))
    return float(cost) if seen.ndim == 0 else cost
