# SPDX-License-Identifier: BSD-3-Clause
"""Probabilities as they would be if no label were wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq, minimize
from scipy.special import softmax
from scipy.stats import chi2

__all__ = ["CleanLaw", "WrongShare", "clean_law", "redrawn", "wrong_share"]

# Largest and least logarithm of the inverse temperature.
_LOG_POWER = 5.0
_MOST_BACKGROUND = 0.95
# Likelihood ratio statistic below which a background is none: two standard errors.
_UNSURE = 4.0


@dataclass(frozen=True)
class CleanLaw:
    """``cumulated`` are the sums along each row of the clean probabilities."""

    inverse_temperature: float
    background: float
    cumulated: np.ndarray


def clean_law(proba: np.ndarray, codes: np.ndarray) -> CleanLaw:
    """Fit ``(1 - e) softmax(b log p) + e q`` to the labels, and leave out ``e q``.

    q are the shares of the labels. Temperature scaling alone is e = 0; a positive e
    means that even where p is surest some labels are others.
    """
    logs = _logs(proba)
    shares = np.bincount(codes, minlength=proba.shape[1]) / len(codes)
    alone = _fitted(logs, codes, shares, [[0.0]])
    start = float(alone.x[0])
    both = _fitted(
        logs, codes, shares, [[start, 0.02], [min(start + 0.7, _LOG_POWER), 0.2]]
    )
    ratio = 2 * len(codes) * (alone.fun - both.fun)
    background, power = 0.0, start
    if ratio > _UNSURE:
        # Shrunk as by the non-negative garrote: continuous where it becomes none.
        background = float(both.x[1]) * (1 - _UNSURE / ratio)
        power = float(
            _fitted(logs, codes, shares, [[float(both.x[0])]], background).x[0]
        )
    clean = softmax(np.exp(power) * logs, axis=1)
    return CleanLaw(float(np.exp(power)), background, np.cumsum(clean, axis=1))


@dataclass(frozen=True, kw_only=True)
class WrongShare:
    """Share of labels that are drawn without regard to the row and are others.

    ``lower`` and ``upper`` are ends of the profile likelihood's interval; ``p_value``
    is of "there is none".
    """

    value: float
    lower: float
    upper: float
    p_value: float


def wrong_share(
    proba: np.ndarray, codes: np.ndarray, confidence: float = 0.95
) -> WrongShare:
    """Fit the law of `clean_law` by maximum likelihood, with the interval of e.

    A background that draws from the shares q hits the label itself with the
    probability ``sum q^2``: the share of wrong labels is ``e (1 - sum q^2)``.
    """
    logs = _logs(proba)
    n = len(codes)
    shares = np.bincount(codes, minlength=proba.shape[1]) / n
    alone = _fitted(logs, codes, shares, [[0.0]])
    start = float(alone.x[0])
    both = _fitted(
        logs, codes, shares, [[start, 0.02], [min(start + 0.7, _LOG_POWER), 0.2]]
    )
    best = min(float(both.fun), float(alone.fun))
    background = float(both.x[1]) if both.fun < alone.fun else 0.0
    starts = [[float(both.x[0])], [start]]
    limit = float(chi2.ppf(confidence, 1))

    def beyond(e: float) -> float:
        """Return how far e lies outside of the interval; at most 0 inside of it."""
        fixed = _fitted(logs, codes, shares, starts, e)
        return float(2 * n * (fixed.fun - best) - limit)

    if background > 0 and beyond(0.0) > 0:
        lower = brentq(beyond, 0.0, background, xtol=1e-4)
    else:
        lower = 0.0
    if beyond(_MOST_BACKGROUND) > 0:
        upper = brentq(beyond, background, _MOST_BACKGROUND, xtol=1e-4)
    else:
        upper = _MOST_BACKGROUND
    others = float(1 - shares @ shares)
    ratio = 2 * n * (float(alone.fun) - best)
    return WrongShare(
        value=background * others,
        lower=lower * others,
        upper=upper * others,
        # At the border of what e may be half of the draws have none.
        p_value=0.5 * float(chi2.sf(ratio, 1)) if background > 0 else 1.0,
    )


def redrawn(cumulated: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw a label for each row."""
    level = rng.random((len(cumulated), 1)) * cumulated[:, -1:]
    return (cumulated < level).sum(axis=1)


def _logs(proba: np.ndarray) -> np.ndarray:
    """Return logarithms; an answer in few steps is taken for sure to half a step.

    A vote of ten neighbours that all agree says at least .95, not 1.
    """
    positive = proba[proba > 0]
    least = max(0.5 / len(proba), 0.5 * float(positive.min()))
    raised = np.maximum(proba, min(least, 0.5 / proba.shape[1]))
    return np.log(raised / raised.sum(axis=1, keepdims=True))


def _fitted(
    logs: np.ndarray,
    codes: np.ndarray,
    shares: np.ndarray,
    starts: list[list[float]],
    fixed: float = 0.0,
) -> Any:
    """Return the best minimum of the mean log-loss; a start of one has e fixed."""
    given = logs[np.arange(len(codes)), codes]
    marginal = shares[codes]

    def loss(at: np.ndarray) -> tuple[float, np.ndarray]:
        power = np.exp(at[0])
        background = at[1] if len(at) > 1 else fixed
        clean = softmax(power * logs, axis=1)
        own = clean[np.arange(len(codes)), codes]
        mixed = np.maximum((1 - background) * own + background * marginal, 1e-300)
        slope = power * own * (given - np.einsum("ij,ij->i", clean, logs))
        parts = [-np.mean((1 - background) * slope / mixed)]
        if len(at) > 1:
            parts.append(-np.mean((marginal - own) / mixed))
        return float(-np.mean(np.log(mixed))), np.array(parts)

    bounds = [(-_LOG_POWER, _LOG_POWER), (0.0, _MOST_BACKGROUND)]
    found = [
        minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds[: len(start)])
        for start in starts
    ]
    return min(found, key=lambda one: one.fun)
