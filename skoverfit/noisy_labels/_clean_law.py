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

# Largest and least logarithm of the inverse temperature, and size of an offset.
_LOG_POWER = 5.0
_LARGEST_OFFSET = 10.0
_MOST_BACKGROUND = 0.95
# Likelihood ratio statistic below which a background is none: two standard errors.
_UNSURE = 4.0


@dataclass(frozen=True)
class CleanLaw:
    """``cumulated`` are the sums along each row of the clean probabilities.

    ``alone`` and ``both`` are where the fits ended without and with a background.
    """

    inverse_temperature: float
    background: float
    cumulated: np.ndarray
    alone: np.ndarray
    both: np.ndarray


def clean_law(
    proba: np.ndarray, codes: np.ndarray, near: CleanLaw | None = None
) -> CleanLaw:
    """Fit ``(1 - e) softmax(b log p + a) + e q`` to the labels, and leave out ``e q``.

    q are the shares of the labels. Temperature scaling alone is e = 0 and a = 0; the
    offsets a let the classes be as common as they are, which a sharper temperature
    alone would not. A positive e means that even where p is surest some labels are
    others. With ``near``, the law of about the same rows, fits start there.
    """
    logs = _logs(proba)
    shares = np.bincount(codes, minlength=proba.shape[1]) / len(codes)
    alone, both = _with_and_without(logs, codes, shares, near)
    ratio = 2 * len(codes) * (alone.fun - both.fun)
    best = alone
    if ratio > _UNSURE:
        # Shrunk as by the non-negative garrote: continuous where it becomes none.
        background = float(both.x[1]) * (1 - _UNSURE / ratio)
        at = [both.x[0], background, *both.x[2:]]
        best = _fitted(logs, codes, shares, [at], free=False)
    clean = softmax(np.exp(best.x[0]) * logs + best.x[2:], axis=1)
    return CleanLaw(
        inverse_temperature=float(np.exp(best.x[0])),
        background=float(best.x[1]),
        cumulated=np.cumsum(clean, axis=1),
        alone=alone.x,
        both=both.x,
    )


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
    alone, both = _with_and_without(logs, codes, shares)
    best = min(float(both.fun), float(alone.fun))
    background = float(both.x[1]) if both.fun < alone.fun else 0.0
    limit = float(chi2.ppf(confidence, 1))

    def beyond(e: float) -> float:
        """Return how far e lies outside of the interval; at most 0 inside of it."""
        starts = [[at.x[0], e, *at.x[2:]] for at in (both, alone)]
        fixed = _fitted(logs, codes, shares, starts, free=False)
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


def _with_and_without(
    logs: np.ndarray,
    codes: np.ndarray,
    shares: np.ndarray,
    near: CleanLaw | None = None,
) -> tuple[Any, Any]:
    """Return the fits without and with a background."""
    none = np.zeros(logs.shape[1])
    first = np.array([0.0, 0.0, *none]) if near is None else near.alone
    alone = _fitted(logs, codes, shares, [first], free=False)
    start = float(alone.x[0])
    starts: list[Any] = [[start, 0.02, *alone.x[2:]]]
    if near is None:
        starts.append([min(start + 0.7, _LOG_POWER), 0.2, *none])
    elif near.both[1] > 0:
        starts = [near.both]
    return alone, _fitted(logs, codes, shares, starts)


def _fitted(
    logs: np.ndarray,
    codes: np.ndarray,
    shares: np.ndarray,
    starts: list[Any],
    *,
    free: bool = True,
) -> Any:
    """Return the best minimum of the mean log-loss over [log b, e, a].

    Without ``free`` e stays where it starts.
    """
    n, n_classes = logs.shape
    rows = np.arange(n)
    given, marginal = logs[rows, codes], shares[codes]
    # A row a class: sums over few columns are slow along short rows.
    columns = np.ascontiguousarray(logs.T)

    def loss(at: np.ndarray) -> tuple[float, np.ndarray]:
        power, background = np.exp(at[0]), at[1]
        clean = power * columns
        clean += at[2:, None]
        clean -= clean.max(axis=0)
        np.exp(clean, out=clean)
        clean /= clean.sum(axis=0)
        own = clean[codes, rows]
        mixed = np.maximum((1 - background) * own + background * marginal, 1e-300)
        # What the loss falls by for a rise of the label's logit.
        pull = (1 - background) * own / mixed
        slope = power * np.mean(pull * (given - np.einsum("ki,ki->i", clean, columns)))
        offsets = np.bincount(codes, pull, minlength=n_classes) - clean @ pull
        parts = [-slope, -np.mean((marginal - own) / mixed), *(-offsets / n)]
        return float(-np.mean(np.log(mixed))), np.array(parts)

    found = []
    for start in starts:
        fixed = (float(start[1]), float(start[1]))
        bounds = [
            (-_LOG_POWER, _LOG_POWER),
            (0.0, _MOST_BACKGROUND) if free else fixed,
            *[(-_LARGEST_OFFSET, _LARGEST_OFFSET)] * n_classes,
        ]
        found.append(
            minimize(
                loss,
                start,
                jac=True,
                method="L-BFGS-B",
                bounds=bounds,
                options={"ftol": 1e-8},
            )
        )
    return min(found, key=lambda one: one.fun)
