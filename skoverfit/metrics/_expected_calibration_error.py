# SPDX-License-Identifier: BSD-3-Clause
"""Calibration error in bins, with the upward bias of small bins removed."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import trapezoid
from scipy.special import ndtr
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from skoverfit.metrics._binning import Bins, bin_forecasts, group_forecasts
from skoverfit.metrics._inputs import probability_inputs, require_pairs

__all__ = ["expected_calibration_error"]


@validate_params(
    {
        "y_true": ["array-like"],
        "y_prob": ["array-like"],
        "labels": ["array-like", None],
        "sample_weight": ["array-like", None],
        "n_bins": [Interval(Integral, 1, None, closed="left")],
        "strategy": [StrOptions({"quantile", "uniform", "sweep"})],
        "norm": [StrOptions({"l1", "l2", "l2_squared", "max"})],
        "kind": [StrOptions({"auto", "top_label", "classwise", "binary"})],
        "debias": ["boolean", StrOptions({"auto"})],
    },
    prefer_skip_nested_validation=True,
)
def expected_calibration_error(
    y_true: ArrayLike,
    y_prob: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    n_bins: int = 15,
    strategy: str = "quantile",
    norm: str = "l1",
    kind: str = "auto",
    debias: bool | str = "auto",
) -> float:
    """Compute how far probabilities are from the observed frequencies.

    Forecasts are put into bins; in each the mean forecast is compared with the
    observed share. Because observed shares are noisy, the plain ("plug-in") error is
    too large, most where rows are few: perfectly calibrated forecasts of 200 rows
    get about 0.08. The default removes most of this bias.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels: numbers or strings.
    y_prob : array-like of shape (n_samples, n_classes) or (n_samples,)
        Probabilities; rows sum to 1. One-dimensional: of the second of two classes.
    labels : array-like of shape (n_classes,), default=None
        The class of each column, in any order. None: the sorted values of
        ``y_true``; if these are fewer than the columns, integers in
        0..n_classes-1 are taken as column numbers, with a warning.
    sample_weight : array-like of shape (n_samples,), default=None
        Integer weights equal repeated rows without debiasing. With debiasing the
        number of rows in a bin counts, (sum w)^2 / sum w^2.
    n_bins : int, default=15
        Number of bins; not used by ``"sweep"``. 15 is customary since [1]_.
    strategy : {"quantile", "uniform", "sweep"}, default="quantile"
        Bins of equal weight, of equal width, or of equal weight and as many as keep
        the observed shares in rising order [3]_. Rows of equal forecast stay in one
        bin.
    norm : {"l1", "l2", "l2_squared", "max"}, default="l1"
        Weighted mean of the absolute differences, root of the weighted mean square,
        that mean square itself, or the largest absolute difference.
        ``"l2_squared"`` keeps its sign when debiased, so that it can be averaged over
        folds before the root is taken; the others end at 0.
    kind : {"auto", "top_label", "classwise", "binary"}, default="auto"
        What is a forecast: the largest probability of a row (of equal ones the
        first, as in ``predict``) and whether it was right; each class for
        itself, averaged (``"l2"``: mean of the squares; ``"max"``: the largest); or
        the second of two classes. ``"auto"`` is ``"binary"`` for two classes,
        otherwise ``"top_label"``.
    debias : bool or "auto", default="auto"
        Remove the bias [2]_. Needs two rows at least; bins with fewer than two join
        a neighbour. ``"auto"`` is True except for ``strategy="sweep"``, whose
        choice of bins is a remedy of its own: with both the square is
        under-estimated.

    Returns
    -------
    float
        0 is perfect; at most 1. Only ``"l2_squared"`` can be negative.

    Raises
    ------
    ValueError
        If probabilities are outside [0, 1] or don't sum to 1, if columns and classes
        don't match, or if ``debias=True`` meets a single row.

    Warns
    -----
    SkoverfitWarning
        If column numbers had to be assumed.

    Notes
    -----
    With pbar and ybar of a bin of n_b rows, the debiased square subtracts
    ybar (1 - ybar) / (n_b - 1) in each bin. For ``"l1"`` and ``"max"`` the result is
    twice the plug-in minus the expected plug-in when ybar is redrawn from
    N(ybar, ybar (1 - ybar) / n_b); [2]_ averages 1000 draws, here the expectation is
    computed (``"max"`` is not in [2]_; the same idea). A class without rows stays
    part of ``"classwise"``: probability given to it is an error like any other.

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger (2017). "On calibration of
       modern neural networks". ICML.
    .. [2] A. Kumar, P. Liang and T. Ma (2019). "Verified uncertainty calibration".
       NeurIPS. arXiv:1909.10155.
    .. [3] R. Roelofs, N. Cain, J. Shlens and M. C. Mozer (2022). "Mitigating bias in
       calibration error estimation". AISTATS. arXiv:2012.08668.

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit.metrics import expected_calibration_error
    >>> rng = np.random.default_rng(0)
    >>> p = rng.uniform(size=500)
    >>> y = rng.uniform(size=500) < p  # calibrated: the truth is 0
    >>> print(f"{expected_calibration_error(y, p, debias=False):.2f}")
    0.04
    >>> print(f"{expected_calibration_error(y, p):.2f}")
    0.02
    """
    codes, prob, weights = probability_inputs(y_true, y_prob, labels, sample_weight)
    n_classes = prob.shape[1]
    if kind == "binary" and n_classes != 2:
        raise ValueError(
            f"kind='binary' needs two classes. Got y_prob with {n_classes} columns."
        )
    if kind == "auto":
        kind = "binary" if n_classes == 2 else "top_label"
    if debias == "auto":
        debias = strategy != "sweep"
    if debias:
        require_pairs(weights, "debias=True")
    if kind == "top_label":
        top = prob.argmax(axis=1)
        forecasts = [(top == codes, prob[np.arange(codes.size), top])]
    elif kind == "binary":
        forecasts = [(codes == 1, prob[:, 1])]
    else:
        forecasts = [(codes == k, prob[:, k]) for k in range(n_classes)]
    errors = []
    for outcome, forecast in forecasts:
        groups = group_forecasts(outcome.astype(np.float64), forecast, weights)
        bins = bin_forecasts(
            groups, n_bins=n_bins, strategy=strategy, pairs=bool(debias)
        )
        errors.append(_error(bins, norm, bool(debias)))
    if norm == "max":
        return max(errors)
    mean = float(np.mean(errors))
    return float(np.sqrt(max(mean, 0.0))) if norm == "l2" else mean


def _error(bins: Bins, norm: str, debias: bool) -> float:
    """Return the error of one kind of event; of "l2" the square."""
    difference = bins.predicted - bins.observed
    if norm in ("l2", "l2_squared"):
        squares = difference**2
        if debias:
            squares = squares - bins.variance
        return float(bins.share @ squares)
    distance = np.abs(difference)
    plugin = float(bins.share @ distance) if norm == "l1" else float(distance.max())
    if not debias:
        return plugin
    spread = np.sqrt(bins.observed * (1.0 - bins.observed) / bins.n_rows)
    if norm == "l1":
        expected = float(bins.share @ _mean_distance(distance, spread))
    else:
        expected = _mean_largest(distance, spread)
    return max(0.0, 2.0 * plugin - expected)


def _mean_distance(mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Return E|X| of X ~ N(mean, spread^2), mean >= 0: the folded normal's mean."""
    ratio = mean / np.where(spread > 0, spread, 1.0)
    folded = spread * np.sqrt(2.0 / np.pi) * np.exp(-0.5 * ratio**2) + mean * (
        1.0 - 2.0 * ndtr(-ratio)
    )
    return np.where(spread > 0, folded, mean)


def _mean_largest(mean: np.ndarray, spread: np.ndarray) -> float:
    """Return E max_b |X_b| of independent X_b ~ N(mean_b, spread_b^2).

    The integral of P(max > t) over t, by the trapezoidal rule.
    """
    fixed = float(mean[spread == 0].max(initial=0.0))
    mean, spread = mean[spread > 0], spread[spread > 0]
    if mean.size == 0:
        return fixed
    # Below `fixed` the probability is 1; beyond 9 spreads it is 0.
    t = np.linspace(fixed, max(fixed, float((mean + 9.0 * spread).max())), 1001)
    below = np.ones_like(t)
    for m, s in zip(mean, spread, strict=True):
        below *= ndtr((t - m) / s) - ndtr((-t - m) / s)
    return fixed + float(trapezoid(1.0 - below, t))
