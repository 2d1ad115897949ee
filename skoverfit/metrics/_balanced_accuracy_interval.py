# SPDX-License-Identifier: BSD-3-Clause
"""Balanced accuracy with its uncertainty."""

from __future__ import annotations

from numbers import Real

import numpy as np
from numpy.typing import ArrayLike
from scipy.signal import fftconvolve
from scipy.special import betainc, betaincinv, ndtri
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from skoverfit.metrics._inputs import recall_counts

__all__ = ["balanced_accuracy_interval"]

# Cells of the widest posterior; its cells are then 0.006 standard deviations wide.
_N_CELLS = 2000
_TAIL = 1e-10


@validate_params(
    {
        "y_true": ["array-like"],
        "y_pred": ["array-like"],
        "labels": ["array-like", None],
        "sample_weight": ["array-like", None],
        "confidence": [Interval(Real, 0, 1, closed="neither")],
        "method": [StrOptions({"beta", "normal"})],
        "adjusted": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def balanced_accuracy_interval(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    confidence: float = 0.95,
    method: str = "beta",
    adjusted: bool = False,
) -> tuple[float, float, float]:
    """Compute balanced accuracy (the mean recall) and an interval for it.

    The interval is about the rows: how the score of this fixed model would vary on
    other test sets. It says nothing about other training sets.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels: numbers or strings.
    y_pred : array-like of shape (n_samples,)
        Predicted labels.
    labels : array-like of shape (n_classes,), default=None
        All classes. None: the values of ``y_true`` and ``y_pred``.
    sample_weight : array-like of shape (n_samples,), default=None
        Numbers of repetitions: integer weights equal repeated rows, and doubling all
        of them narrows the interval.
    confidence : float, default=0.95
        Level of the interval.
    method : {"beta", "normal"}, default="beta"
        ``"beta"``: equal-tailed interval of the posterior of the mean recall, where
        the recall of each class has the posterior Beta(hits + 1, misses + 1) [1]_,
        their sum by numerical convolution. It is widened to hold the score itself,
        which matters where nearly all rows of the small classes are right, or wrong.
        The flat prior pulls the recall of a class of n rows towards 1/2 by the share
        2 / (n + 2): a merit for two classes, but a bias that adds up over dozens of
        classes of few rows; prefer ``"normal"`` there.
        ``"normal"``: the score +- z standard errors, cut at 0 and 1; too narrow for
        classes of few rows, and of width 0 if every row is right.
    adjusted : bool, default=False
        Rescale the three numbers with K classes to (value - 1/K) / (1 - 1/K), so
        that chance is 0.

    Returns
    -------
    score : float
        As :func:`sklearn.metrics.balanced_accuracy_score`.
    lower, upper : float
        Ends of the interval.

    Raises
    ------
    ValueError
        If the inputs don't fit together, a label is not in ``labels``, or
        ``adjusted`` meets rows of one class only.

    Warns
    -----
    SkoverfitWarning
        If a class has no row in ``y_true``; the mean is over the others.

    References
    ----------
    .. [1] K. H. Brodersen, C. S. Ong, K. E. Stephan and J. M. Buhmann (2010). "The
       balanced accuracy and its posterior distribution". ICPR, 3121-3124.

    Examples
    --------
    >>> from skoverfit.metrics import balanced_accuracy_interval
    >>> y_true = [0] * 90 + [1] * 10
    >>> y_pred = [0] * 85 + [1] * 5 + [1] * 8 + [0] * 2
    >>> score, lower, upper = balanced_accuracy_interval(y_true, y_pred)
    >>> print(f"{score:.2f} [{lower:.2f}, {upper:.2f}]")
    0.87 [0.71, 0.94]
    """
    hits, totals = recall_counts(y_true, y_pred, labels, sample_weight)
    n_classes = hits.size
    if adjusted and n_classes == 1:
        raise ValueError("adjusted=True needs rows of at least two classes.")
    recalls = hits / totals
    score = float(recalls.mean())
    tail = 0.5 * (1.0 - confidence)
    if method == "normal":
        variance = float(np.sum(recalls * (1.0 - recalls) / totals)) / n_classes**2
        half = float(ndtri(1.0 - tail)) * np.sqrt(variance)
        lower, upper = score - half, score + half
    else:
        ends = _mean_posterior_quantiles(hits, totals, np.array([tail, 1.0 - tail]))
        lower, upper = min(score, ends[0]), max(score, ends[1])
    values = np.clip([score, lower, upper], 0.0, 1.0)
    if adjusted:
        values = (values - 1.0 / n_classes) / (1.0 - 1.0 / n_classes)
    return float(values[0]), float(values[1]), float(values[2])


def _mean_posterior_quantiles(
    hits: np.ndarray, totals: np.ndarray, levels: np.ndarray
) -> list[float]:
    """Quantiles of the mean of independent Beta(hits + 1, misses + 1) variables."""
    a, b = hits + 1.0, np.maximum(totals - hits, 0.0) + 1.0
    if hits.size == 1:
        return [float(q) for q in betaincinv(a[0], b[0], levels)]
    start = betaincinv(a, b, _TAIL)
    cell = float((betaincinv(a, b, 1.0 - _TAIL) - start).max()) / _N_CELLS
    # Centre of the sum's first cell, and the mass in its cells.
    first, mass = 0.0, np.ones(1)
    for alpha, beta, left in zip(a, b, start, strict=True):
        right = betaincinv(alpha, beta, 1.0 - _TAIL)
        n_cells = max(1, int(np.ceil((right - left) / cell)))
        edges = np.clip(left + cell * np.arange(n_cells + 1), 0.0, 1.0)
        mass = np.maximum(fftconvolve(mass, np.diff(betainc(alpha, beta, edges))), 0.0)
        first += left + 0.5 * cell
        # Cut what is far out in the tails, or a thousand classes make it endless.
        inside = np.flatnonzero(mass > 1e-15)
        first += cell * inside[0]
        mass = mass[inside[0] : inside[-1] + 1]
    cumulated = np.concatenate([[0.0], np.cumsum(mass)])
    edges = first + cell * (np.arange(mass.size + 1) - 0.5)
    quantiles = np.interp(levels * cumulated[-1], cumulated, edges)
    return [float(q) / hits.size for q in quantiles]
