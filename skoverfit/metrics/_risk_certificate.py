# SPDX-License-Identifier: BSD-3-Clause
"""Upper bounds of the true risk of a model that was chosen among many."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import betainc, betaln, hyp2f1
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from skoverfit.metrics._inputs import as_weights, wrong_rows

__all__ = ["binomial_certificate", "kl_inverse", "loss_certificate", "risk_certificate"]

# Below this level the Beta quantile of scipy has no digits left.
_SMALLEST_LEVEL = 1e-290


@validate_params(
    {
        "q": [Interval(Real, 0, 1, closed="both")],
        "c": [Interval(Real, 0, None, closed="left")],
        "upper": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def kl_inverse(q: float, c: float, *, upper: bool = True) -> float:
    """Invert the binary relative entropy in its second argument.

    Parameters
    ----------
    q : float
        Observed rate, in [0, 1].
    c : float
        Bound of the relative entropy in nats, not negative.
    upper : bool, default=True
        The largest rate with ``kl(q || p) <= c``; False gives the smallest.

    Returns
    -------
    float
        The rate p, in [0, 1].

    Raises
    ------
    ValueError
        If ``q`` lies outside of [0, 1] or ``c`` is negative or not finite.

    References
    ----------
    .. [1] J. Langford and R. Caruana (2001). "(Not) bounding the true error".
       Advances in Neural Information Processing Systems 14.

    Examples
    --------
    >>> from skoverfit.metrics import kl_inverse
    >>> round(kl_inverse(0.0, 1.0), 6)  # 1 - exp(-1)
    0.632121
    >>> round(kl_inverse(0.1, 0.05), 4), round(kl_inverse(0.1, 0.05, upper=False), 4)
    (0.2201, 0.0313)
    """
    if not upper:
        return 1.0 - kl_inverse(1.0 - q, c)
    if c == 0.0 or q == 1.0:
        return float(q)
    if q == 0.0:
        return -math.expm1(-c)

    return float(-math.expm1(_log_complement(q, c)))


def _log_complement(q: float, c: float) -> float:
    """Return log(1 - p) for the largest p with kl(q || p) <= c, where 0 < q < 1.

    The logarithm keeps its digits where p is next to 1, or so near that it rounds to 1.
    """

    def excess(log_rest: float) -> float:
        log_p = math.log(-math.expm1(log_rest))
        divergence = q * (math.log(q) - log_p)
        return divergence + (1.0 - q) * (math.log1p(-q) - log_rest) - c

    # (1-q) (log(1-q) - t) - H >= c surely holds at this t.
    entropy = -q * math.log(q) - (1.0 - q) * math.log1p(-q)
    lowest = -(c + entropy + 1.0) / (1.0 - q)
    return brentq(excess, lowest, math.log1p(-q), xtol=1e-14, rtol=1e-14)


def binomial_certificate(n_errors: float, n_rows: int, log_level: float) -> float:
    """Return the p at which so few errors have the probability ``exp(log_level)``."""
    if n_errors >= n_rows or log_level >= 0.0:
        return 1.0 if n_errors >= n_rows else n_errors / n_rows
    if n_errors == 0:
        return -math.expm1(log_level / n_rows)

    a, b = float(n_rows - n_errors), n_errors + 1.0

    # P(Binomial(n, p) <= k) = I_{1-p}(n - k, k + 1), as a logarithm.
    def excess(log_rest: float) -> float:
        rest = math.exp(log_rest)
        value = betainc(a, b, rest)
        if value > _SMALLEST_LEVEL:
            return math.log(value) - log_level
        series = hyp2f1(a + b, 1.0, a + 1.0, rest)
        log_value = (
            a * log_rest
            + b * math.log1p(-rest)
            - math.log(a)
            - float(betaln(a, b))
            + math.log(series)
        )
        return log_value - log_level

    # Chernoff: the probability is at most exp(-n kl(k/n || p)), so that the root lies
    # below the rate at which this bound has fallen to the level.
    lower = _log_complement(n_errors / n_rows, -log_level / n_rows) - 1e-9
    upper = math.log1p(-n_errors / n_rows)
    if excess(upper) < 0.0:  # a level above one half: below the observed rate
        lower, upper = upper, -1e-300
    return float(-math.expm1(brentq(excess, lower, upper, xtol=1e-14, rtol=1e-14)))


def loss_certificate(
    mean_loss: float, n_rows: float, log_level: float, method: str
) -> float:
    """Return the bound of ``method`` for a mean of losses in [0, 1]."""
    complexity = -log_level
    if method == "kl":
        return kl_inverse(mean_loss, complexity / n_rows)
    if method == "mcallester":
        if n_rows <= 0.5:
            return 1.0
        slack = math.sqrt((complexity + 2.0) / (2.0 * n_rows - 1.0))
    else:
        slack = math.sqrt(complexity / (2.0 * n_rows))
    return min(1.0, mean_loss + slack)


@validate_params(
    {
        "y_true": ["array-like"],
        "y_pred": ["array-like"],
        "log_prior": [Interval(Real, None, 0, closed="right")],
        "delta": [Interval(Real, 0, 1, closed="neither")],
        "method": [StrOptions({"binomial", "kl", "mcallester", "hoeffding"})],
        "sample_weight": ["array-like", None],
    },
    prefer_skip_nested_validation=True,
)
def risk_certificate(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    log_prior: float = 0.0,
    delta: float = 0.05,
    method: str = "binomial",
    sample_weight: ArrayLike | None = None,
) -> float:
    """Bound the true error of a model that was chosen among many.

    With probability ``1 - delta`` over the drawing of the rows, the bounds of *all*
    models of a family hold at once, if each model h has a prior probability P(h) that
    was fixed before these rows were looked at. So the chosen one may be the best on
    these very rows. None of the rows may have been used to train the model.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Labels of independent rows that no model of the family was trained on.
    y_pred : array-like of shape (n_samples,)
        What the chosen model predicted for them.
    log_prior : float, default=0.0
        Natural logarithm of P(h): ``-log(n_candidates)`` for the winner of a search
        that weighed its candidates evenly, ``-log(2) * bits`` for a model that a
        prefix code describes. 0 is for a single model that was fixed beforehand.
    delta : float, default=0.05
        Probability with which the bound may fail.
    method : {"binomial", "kl", "mcallester", "hoeffding"}, default="binomial"
        The exact inversion of the binomial distribution [2]_, which is the tightest;
        the relative entropy; or the paper's PAC-Bayes form [1]_ and Occam's bound.
    sample_weight : array-like of shape (n_samples,), default=None
        0 or 1: rows that count. Other weights have no bound and are refused.

    Returns
    -------
    float
        Upper bound of the probability of an error on a new row.

    Raises
    ------
    ValueError
        Labels and predictions of different lengths, a positive ``log_prior``, a
        ``delta`` outside of (0, 1), weights that are neither 0 nor 1.

    References
    ----------
    .. [1] V. Akinwande, Y. Jiang, D. Sam and J. Z. Kolter (2024). "Understanding
       prompt engineering may not require rethinking generalization". ICLR.
       arXiv:2310.03957.
    .. [2] J. Langford (2005). "Tutorial on practical prediction theory for
       classification". Journal of Machine Learning Research 6, 273-306.

    Examples
    --------
    23 errors among 1000 rows, by the best of 50 candidates:

    >>> import numpy as np
    >>> from skoverfit.metrics import risk_certificate
    >>> y_true = np.zeros(1000, dtype=int)
    >>> y_pred = np.r_[np.ones(23, dtype=int), np.zeros(977, dtype=int)]
    >>> round(risk_certificate(y_true, y_pred, log_prior=-np.log(50)), 4)
    0.0416
    """
    n_errors, n_rows = _errors(y_true, y_pred, sample_weight)
    log_level = math.log(delta) + log_prior
    if method == "binomial":
        return binomial_certificate(n_errors, n_rows, log_level)
    return loss_certificate(n_errors / n_rows, n_rows, log_level, method)


def _errors(y_true: Any, y_pred: Any, sample_weight: Any) -> tuple[int, int]:
    """Return the errors among the rows that count, and the number of these."""
    wrong = wrong_rows(y_true, y_pred)
    weights = as_weights(sample_weight, wrong.size)
    if weights is not None:
        other = weights[~np.isin(weights, (0.0, 1.0))]
        if other.size:
            raise ValueError(
                "sample_weight must be 0 or 1 here: an error that counts "
                f"{other[0]:g} times is no draw of its own, and the bound would not "
                "hold."
            )
        wrong = wrong[weights > 0]
    return int(wrong.sum()), wrong.size
