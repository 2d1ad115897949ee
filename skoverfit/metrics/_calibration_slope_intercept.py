# SPDX-License-Identifier: BSD-3-Clause
"""Cox's calibration slope and intercept."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, softmax
from sklearn.utils._param_validation import validate_params

from skoverfit.metrics._inputs import probability_inputs

__all__ = ["calibration_slope_intercept"]

_MAX_ITER = 200


@validate_params(
    {
        "y_true": ["array-like"],
        "y_prob": ["array-like"],
        "labels": ["array-like", None],
        "sample_weight": ["array-like", None],
    },
    prefer_skip_nested_validation=True,
)
def calibration_slope_intercept(
    y_true: ArrayLike,
    y_prob: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> tuple[float, float]:
    """Fit the slope and intercept that would recalibrate probabilities.

    On rows the model was not trained on, a slope below 1 means that its forecasts are
    too extreme, which is the cleanest single sign of harmful overfitting; above 1
    they are too timid, as after too much regularization [2]_.

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
        Integer weights equal repeated rows (but see Notes).

    Returns
    -------
    slope : float
        For two classes b of the unpenalized logistic regression
        P(y = 1) = expit(a + b logit(p)) [1]_. For more classes beta of
        softmax(beta log p), which is 1 / temperature.
    intercept : float
        The a of the same fit; for more than two classes 0.0, since that model has none.

    Raises
    ------
    ValueError
        If the slope is not defined: one class only, equal forecasts in all rows, or
        forecasts that separate the classes perfectly (it would be infinite). And for
        values that are no probabilities.

    Warns
    -----
    SkoverfitWarning
        If column numbers had to be assumed.

    Notes
    -----
    Where a probability is exactly 0 or 1, as those of forests are, all of them are
    first shrunk to (n p + 1 / n_classes) / (n + 1), with n the number of rows of
    positive weight.

    References
    ----------
    .. [1] D. R. Cox (1958). "Two further applications of a model for binary
       regression". Biometrika 45, 562-565.
    .. [2] B. Van Calster et al. (2019). "Calibration: the Achilles heel of predictive
       analytics". BMC Medicine 17, 230.

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit.metrics import calibration_slope_intercept
    >>> rng = np.random.default_rng(0)
    >>> logit = rng.normal(size=2000)
    >>> y = rng.uniform(size=2000) < 1 / (1 + np.exp(-logit))
    >>> slope, intercept = calibration_slope_intercept(y, 1 / (1 + np.exp(-2 * logit)))
    >>> print(f"{slope:.1f}")  # forecasts twice as extreme as they should be
    0.5
    """
    codes, prob, weights = probability_inputs(y_true, y_prob, labels, sample_weight)
    n_rows, n_classes = prob.shape
    if np.all(codes == codes[0]):
        raise ValueError("The calibration slope needs rows of at least two classes.")
    if prob.min() <= 0.0:
        prob = (n_rows * prob + 1.0 / n_classes) / (n_rows + 1.0)
    logs = np.log(prob)
    if n_classes == 2:
        return _binary(codes == 1, logs[:, 1] - logs[:, 0], weights)
    return _multiclass(codes, logs, weights), 0.0


def _binary(
    positive: np.ndarray, logit: np.ndarray, weights: np.ndarray
) -> tuple[float, float]:
    if logit.min() == logit.max():
        raise ValueError(
            "The calibration slope is not defined: all forecasts are equal."
        )
    ones, zeros = logit[positive], logit[~positive]
    if ones.min() >= zeros.max() or zeros.min() >= ones.max():
        raise _separated()
    # Standardized, so that the two parameters are on one scale.
    centre = float(np.average(logit, weights=weights))
    spread = float(np.sqrt(np.average((logit - centre) ** 2, weights=weights)))
    design = np.column_stack([np.ones_like(logit), (logit - centre) / spread])
    sign = np.where(positive, 1.0, -1.0)
    share = weights / weights.sum()

    def oracle(theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        eta = design @ theta
        p = expit(eta)
        loss = float(share @ np.logaddexp(0.0, -sign * eta))
        gradient = design.T @ (share * (p - positive))
        hessian = (design.T * (share * p * (1.0 - p))) @ design
        return loss, gradient, hessian

    base = float(share @ positive)
    start = np.array([np.log(base / (1.0 - base)), 0.0])
    intercept, slope = _newton(oracle, start)
    return float(slope / spread), float(intercept - slope / spread * centre)


def _multiclass(codes: np.ndarray, logs: np.ndarray, weights: np.ndarray) -> float:
    own = logs[np.arange(codes.size), codes]
    if np.all(logs == logs[:, :1]):
        raise ValueError(
            "The calibration slope is not defined: all forecasts are uniform."
        )
    if np.all(own >= logs.max(axis=1)) or np.all(own <= logs.min(axis=1)):
        raise _separated()
    share = weights / weights.sum()
    # In units of their spread, so that the gradient has one scale.
    spread = float(np.sqrt(share @ logs.var(axis=1)))
    logs, own = logs / spread, own / spread

    def oracle(theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        scaled = theta[0] * logs
        p = softmax(scaled, axis=1)
        top = scaled.max(axis=1)
        normalizer = top + np.log(np.exp(scaled - top[:, None]).sum(axis=1))
        mean = (p * logs).sum(axis=1)
        variance = (p * (logs - mean[:, None]) ** 2).sum(axis=1)
        loss = float(share @ (normalizer - theta[0] * own))
        return loss, np.array([share @ (mean - own)]), np.array([[share @ variance]])

    return float(_newton(oracle, np.array([spread]))[0] / spread)


def _newton(
    oracle: Callable[[np.ndarray], tuple[float, np.ndarray, np.ndarray]],
    theta: np.ndarray,
) -> np.ndarray:
    """Minimize a smooth strictly convex function by Newton steps, halved on a rise."""
    loss, gradient, hessian = oracle(theta)
    for _ in range(_MAX_ITER):
        if np.abs(gradient).max() < 1e-12:
            return theta
        # Far out the curvature vanishes: a floor keeps the step finite, and the cap
        # keeps it from leaping to where the loss is linear on the other side.
        curvature = hessian + 1e-14 * np.eye(theta.size)
        step = np.linalg.solve(curvature, gradient)
        longest = 3.0 * (1.0 + np.linalg.norm(theta))
        step *= min(1.0, longest / max(float(np.linalg.norm(step)), 1e-300))
        # The loss can't be told from its minimum any more; the last step, in the
        # region of quadratic convergence, needs no search.
        if float(gradient @ step) < 1e-14:
            return _settled(theta - step, gradient)
        size = 1.0
        while True:
            trial = theta - size * step
            new = oracle(trial)
            if new[0] <= loss - 1e-4 * size * float(gradient @ step):
                break
            size *= 0.5
            if size < 1e-10:  # nothing left to win but rounding errors
                return _settled(theta, gradient)
        theta, (loss, gradient, hessian) = trial, new
    return _settled(theta, gradient)


def _settled(theta: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    if np.abs(gradient).max() > 1e-6:
        raise ValueError(
            "The calibration slope could not be fitted: the gradient is still "
            f"{np.abs(gradient).max():.2g} at slope {theta[-1]:.3g}. The forecasts "
            "probably separate the classes almost perfectly."
        )
    return theta


def _separated() -> ValueError:
    return ValueError(
        "The calibration slope is infinite: the forecasts separate the classes "
        "perfectly."
    )
