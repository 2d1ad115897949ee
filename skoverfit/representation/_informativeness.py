# SPDX-License-Identifier: BSD-3-Clause
"""Whether rows alone identify the features: two halves of them are asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.linear_model import RidgeCV

from skoverfit._core._arrays import n_rows, take_rows
from skoverfit._core._random import derive_generator, derive_seed
from skoverfit._core._validation import warn
from skoverfit.representation._pretraining import features_of

__all__ = ["informativeness", "reseeded"]

_ENOUGH = 0.8
_LEAST_ROWS = 20
_TOO_FEW = (
    "The informativeness of the features can't be measured on {n} rows and is NaN: "
    "{width} features need {least}, a linear map being fitted on half of them."
)
_STILL = (
    "The informativeness of the features is NaN, as an encoder of half of the rows "
    "gives every row the same features."
)
_LOW = (
    "The rows do not identify the features up to linear maps: those of one half of the "
    "rows tell only R^2 = {value:.2f} of those of the other half, below {enough}. More "
    "rows or fewer components may help (informativeness_)."
)


def informativeness(
    fit: Callable[[Any, int], Any], encoder: Any, X: Any, entropy: int
) -> float:
    """Return how well features of one half of the rows tell those of the other half.

    Parameters
    ----------
    fit : callable
        ``fit(rows, seed)`` returns an encoder of these rows, like ``encoder``.
    encoder : estimator
        Fitted on all rows; only the number of its features is asked.
    X : table
        All rows.
    entropy : int
        Source of the halves.

    Returns
    -------
    float
        Mean R^2 of the linear maps in both directions, on rows that did not fit the
        map; NaN where there are too few rows, or features that never vary.
    """
    n = n_rows(X)
    width = _features(encoder, take_rows(X, np.arange(1))).shape[1]
    least = 2 * max(_LEAST_ROWS, 2 * width)
    if n < least:
        warn(_TOO_FEW.format(n=n, width=width, least=least))
        return np.nan
    order = derive_generator(entropy, "informativeness").permutation(n)
    halves = (np.sort(order[: n // 2]), np.sort(order[n // 2 :]))
    # Seeds of their own: what a shared start makes equal, the rows have not shown.
    first, second = (
        _features(
            fit(take_rows(X, half), derive_seed(entropy, "informativeness", part)), X
        )
        for part, half in enumerate(halves)
    )
    # Each part of the rows has as many of either half, so that none is at home.
    fold = np.zeros(n, dtype=bool)
    for half in halves:
        fold[half[::2]] = True
    told = [
        _told(a, b, part)
        for a, b in ((first, second), (second, first))
        for part in (fold, ~fold)
    ]
    value = float(np.mean(told))
    if np.isnan(value):
        warn(_STILL)
    elif value < _ENOUGH:
        warn(_LOW.format(value=value, enough=_ENOUGH))
    return value


def reseeded(encoder: Any, seed: int) -> Any:
    """Return a clone whose seeds are drawn from one number."""
    made = clone(encoder)
    seeds = {
        name: derive_seed(seed, name)
        for name in sorted(made.get_params(deep=True))
        if name == "random_state" or name.endswith("__random_state")
    }
    return made.set_params(**seeds) if seeds else made


def _features(encoder: Any, X: Any) -> np.ndarray:
    found = features_of(encoder, X)
    found = found.toarray() if issparse(found) else np.asarray(found)
    return found.reshape(len(found), -1).astype(np.float64)


def _told(source: np.ndarray, target: np.ndarray, fold: np.ndarray) -> float:
    """Return the R^2 of a linear map, fitted on the fold and judged on the rest.

    All features together, by their variance: turning them changes nothing.
    """
    middle, around = source[fold].mean(axis=0), target[fold].mean(axis=0)
    spread = np.sqrt(source[fold].var(axis=0).mean())
    whole = np.sum((target[~fold] - around) ** 2)
    still = 1e-9 * np.abs(target).max()
    if spread <= 1e-9 * np.abs(source).max() or whole <= still**2 * target[~fold].size:
        return np.nan
    # The penalty is chosen on the fold; it is for features that depend on each other,
    # such as shares, and is told in their unit.
    source = (source - middle) / spread
    line = RidgeCV(fold.sum() * np.logspace(-9, 0, 10))
    line.fit(source[fold], target[fold])
    guess = line.predict(source[~fold]).reshape(target[~fold].shape)
    return float(1 - np.sum((target[~fold] - guess) ** 2) / whole)
