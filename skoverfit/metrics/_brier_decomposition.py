# SPDX-License-Identifier: BSD-3-Clause
"""What a Brier score or log-loss consists of."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import xlogy
from sklearn.isotonic import isotonic_regression
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from skoverfit.metrics._binning import Groups, bin_forecasts, group_forecasts
from skoverfit.metrics._inputs import probability_inputs, require_pairs

__all__ = ["BrierDecomposition", "brier_decomposition"]


@dataclass(frozen=True)
class BrierDecomposition:
    """Result of :func:`brier_decomposition`; the attributes are described there."""

    score: float
    miscalibration: float
    discrimination: float
    uncertainty: float
    remainder: float


@validate_params(
    {
        "y_true": ["array-like"],
        "y_prob": ["array-like"],
        "labels": ["array-like", None],
        "sample_weight": ["array-like", None],
        "method": [StrOptions({"corp", "binned"})],
        "score": [StrOptions({"brier", "log_loss"})],
        "n_bins": [Interval(Integral, 1, None, closed="left")],
        "bias_correction": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def brier_decomposition(
    y_true: ArrayLike,
    y_prob: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    method: str = "corp",
    score: str = "brier",
    n_bins: int = 15,
    bias_correction: bool = True,
) -> BrierDecomposition:
    """Split a Brier score (or log-loss) into calibration, discrimination and the rest.

    ``score = miscalibration - discrimination + uncertainty + remainder``. The
    miscalibration is what a repair of the probabilities could win back; the
    discrimination is what the order of the forecasts is worth.

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
        Integer weights equal repeated rows, except in the bias correction, where the
        number of rows counts, (sum w)^2 / sum w^2.
    method : {"corp", "binned"}, default="corp"
        ``"corp"`` recalibrates by isotonic regression [1]_: no bins to choose, parts
        never negative, remainder 0. ``"binned"`` is Murphy's decomposition [2]_ over
        bins of equal weight.
    score : {"brier", "log_loss"}, default="brier"
        ``"log_loss"`` needs ``method="corp"``. Probabilities are then kept away from
        0 and 1 by the machine epsilon, as scikit-learn's ``log_loss`` does.
    n_bins : int, default=15
        Bins of ``"binned"``.
    bias_correction : bool, default=True
        In ``"binned"``, remove the bias of small bins [3]_; the parts can then be
        slightly negative. Bins of fewer than two rows join a neighbour.

    Returns
    -------
    BrierDecomposition
        Frozen dataclass with the attributes

        - ``score``: for two classes the mean of (p - y)^2, 0 to 1, or the log-loss.
          For more classes the *sum over classes* of the one-against-rest score, so
          the Brier score goes from 0 to 2, and the log-loss is not the multinomial
          one;
        - ``miscalibration`` (MCB, or reliability REL);
        - ``discrimination`` (DSC, or resolution RES);
        - ``uncertainty``: score of the class shares themselves;
        - ``remainder``: 0 for ``"corp"``; for ``"binned"`` what forecasts vary
          within bins (variance minus twice the covariance with the outcome).

    Raises
    ------
    ValueError
        If probabilities are outside [0, 1] or don't sum to 1, if columns and classes
        don't match, for a binned log-loss, and for a bias correction of one row.

    Warns
    -----
    SkoverfitWarning
        If column numbers had to be assumed.

    Notes
    -----
    A class without rows keeps its term: its uncertainty and discrimination are 0.

    References
    ----------
    .. [1] T. Dimitriadis, T. Gneiting and A. I. Jordan (2021). "Stable reliability
       diagrams for probabilistic classifiers". PNAS 118(8).
    .. [2] A. H. Murphy (1973). "A new vector partition of the probability score".
       Journal of Applied Meteorology 12, 595-600.
    .. [3] C. A. T. Ferro and T. E. Fricker (2012). "A bias-corrected decomposition of
       the Brier score". Quarterly Journal of the Royal Meteorological Society 138.

    Examples
    --------
    >>> from skoverfit.metrics import brier_decomposition
    >>> parts = brier_decomposition([0, 0, 1, 1], [0.4, 0.4, 0.4, 0.8])
    >>> round(parts.score, 3), round(parts.uncertainty, 3)
    (0.18, 0.25)
    >>> round(parts.miscalibration, 4), round(parts.discrimination, 4)
    (0.0133, 0.0833)
    """
    if method == "binned" and score != "brier":
        raise ValueError("score='log_loss' needs method='corp'. Got method='binned'.")
    codes, prob, weights = probability_inputs(y_true, y_prob, labels, sample_weight)
    if method == "binned" and bias_correction:
        require_pairs(weights, "bias_correction=True")
    if score == "log_loss":
        dtype = np.asarray(y_prob).dtype
        eps = np.finfo(dtype if dtype.kind == "f" else np.float64).eps
        prob = np.clip(prob, eps, 1.0 - eps)
    classes = [1] if prob.shape[1] == 2 else range(prob.shape[1])
    total = np.zeros(5)
    for k in classes:
        groups = group_forecasts((codes == k).astype(np.float64), prob[:, k], weights)
        if method == "corp":
            total += _corp(groups, score)
        else:
            total += _binned(groups, n_bins, bias_correction)
    return BrierDecomposition(*map(float, total))


def _mean_score(groups: Groups, forecast: np.ndarray | float, score: str) -> float:
    """Mean score of new forecasts for the groups' rows."""
    negative = np.maximum(groups.weight - groups.positive, 0.0)
    if score == "brier":
        loss = groups.positive * (1.0 - forecast) ** 2 + negative * forecast**2
    else:
        loss = -xlogy(groups.positive, forecast) - xlogy(negative, 1.0 - forecast)
    return float(loss.sum() / groups.weight.sum())


def _corp(groups: Groups, score: str) -> np.ndarray:
    observed = np.clip(groups.positive / groups.weight, 0.0, 1.0)
    repaired = isotonic_regression(observed, sample_weight=groups.weight)
    # An average of shares; rounding can put it 1e-16 beyond a border.
    repaired = np.clip(repaired, 0.0, 1.0)
    base = min(1.0, groups.positive.sum() / groups.weight.sum())
    raw = _mean_score(groups, groups.value, score)
    best = _mean_score(groups, repaired, score)
    uncertainty = _mean_score(groups, float(base), score)
    # Both are >= 0 but for rounding: a repair and a constant are monotone too.
    parts = [max(0.0, raw - best), max(0.0, uncertainty - best)]
    return np.array([raw, *parts, uncertainty, 0.0])


def _binned(groups: Groups, n_bins: int, correct: bool) -> np.ndarray:
    bins = bin_forecasts(groups, n_bins=n_bins, strategy="quantile", pairs=correct)
    weight = groups.weight.sum()
    base = float(bins.share @ bins.observed)
    raw = _mean_score(groups, groups.value, "brier")
    reliability = float(bins.share @ (bins.predicted - bins.observed) ** 2)
    resolution = float(bins.share @ (bins.observed - base) ** 2)
    uncertainty = base * (1.0 - base)
    remainder = raw - (reliability - resolution + uncertainty)
    if correct:
        n_rows = weight**2 / groups.squared_weight.sum()
        within = float(bins.share @ bins.variance)
        between = uncertainty / (n_rows - 1.0)
        reliability -= within
        resolution += between - within
        uncertainty += between
    return np.array([raw, reliability, resolution, uncertainty, remainder])
