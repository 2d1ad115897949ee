# SPDX-License-Identifier: BSD-3-Clause
"""Area under the ROC curve of several classes, in every usual average."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import StrOptions, validate_params

from skoverfit.metrics._inputs import (
    as_scores,
    as_weights,
    encode_labels,
    n_rows_of,
    warn_missing,
)

__all__ = ["multiclass_roc_auc"]

_AVERAGES = {
    "ovo_macro",
    "ovo_weighted",
    "ovr_macro",
    "ovr_weighted",
    "micro",
    "worst_pair",
}


@validate_params(
    {
        "y_true": ["array-like"],
        "y_score": ["array-like"],
        "average": [StrOptions(_AVERAGES)],
        "labels": ["array-like", None],
        "sample_weight": ["array-like", None],
    },
    prefer_skip_nested_validation=True,
)
def multiclass_roc_auc(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    average: str = "ovo_macro",
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Compute the area under the ROC curve for two or more classes.

    Unlike :func:`sklearn.metrics.roc_auc_score` it takes any scores (decision values
    need not sum to 1), accepts weights in every average, and still answers when a
    class has no row in ``y_true``: the average is then over the others, with a
    warning.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels: numbers or strings.
    y_score : array-like of shape (n_samples, n_classes) or (n_samples,)
        Higher means more of that class. One-dimensional scores are of the second of
        two classes; every ``average`` is then the binary area. Only the order of the
        values in a column counts, except in ``"micro"``.
    average : str, default="ovo_macro"
        With A(i|j) the probability that a random row of class i has a higher score i
        than a random row of class j (ties count one half):

        - ``"ovo_macro"``: mean of (A(i|j) + A(j|i)) / 2 over pairs of classes [1]_.
          Does not depend on how common the classes are.
        - ``"ovo_weighted"``: the same, pairs weighted by their number of rows.
        - ``"ovr_macro"``: mean over classes of each class against all other rows.
        - ``"ovr_weighted"``: the same, classes weighted by their number of rows.
        - ``"micro"``: one binary area over all (row, class) cells; dominated by the
          common classes, and it needs columns on one scale. It is defined when a
          class is missing, and then uses all columns.
        - ``"worst_pair"``: the smallest (A(i|j) + A(j|i)) / 2.
    labels : array-like of shape (n_classes,), default=None
        The class of each column, in any order. None: the sorted values of
        ``y_true``; if these are fewer than the columns, integers in
        0..n_classes-1 are taken as column numbers, with a warning.
    sample_weight : array-like of shape (n_samples,), default=None
        Integer weights equal repeated rows.

    Returns
    -------
    float
        In [0, 1]; 0.5 is chance, 1 is perfect.

    Raises
    ------
    ValueError
        If fewer than two classes have rows, if ``y_score`` contains NaN, or if
        columns and classes don't match.

    Warns
    -----
    SkoverfitWarning
        If a class has no row, or if column numbers had to be assumed.

    Notes
    -----
    O(n_classes n_samples log n_samples) time, without a loop over pairs of rows.

    References
    ----------
    .. [1] D. J. Hand and R. J. Till (2001). "A simple generalisation of the area
       under the ROC curve for multiple class classification problems". Machine
       Learning 45, 171-186.

    Examples
    --------
    >>> from skoverfit.metrics import multiclass_roc_auc
    >>> y_true = ["a", "a", "b", "b", "c"]
    >>> y_score = [[3, 1, 0], [2, 2, 0], [1, 2, 0], [1, 3, 2], [0, 2, 1]]
    >>> round(multiclass_roc_auc(y_true, y_score), 4)
    0.8542
    >>> multiclass_roc_auc(y_true, y_score, average="worst_pair")
    0.625
    """
    n_rows = n_rows_of(y_true)
    scores = as_scores(y_score, n_rows)
    n_classes = 2 if scores.ndim == 1 else scores.shape[1]
    codes, classes = encode_labels(y_true, labels, n_classes)
    weights = as_weights(sample_weight, n_rows)
    totals = np.bincount(codes, weights=weights, minlength=n_classes)
    present = np.flatnonzero(totals > 0)
    if present.size < 2:
        raise ValueError(
            "The area under the ROC curve needs rows of at least two classes. "
            f"y_true has only class {classes[present].tolist()[0]!r}."
        )
    if scores.ndim == 1 or average == "micro":
        positive = np.zeros((n_rows, n_classes), dtype=bool)
        positive[np.arange(n_rows), codes] = True
        if scores.ndim == 1:
            positive = positive[:, 1]
        elif weights is not None:
            weights = np.repeat(weights, n_classes)
        return _binary_area(positive.ravel(), scores.ravel(), weights)
    warn_missing(classes, totals)
    wins = _wins(codes, scores, weights, totals, present)
    return _average(wins, totals[present], average)


def _ahead(
    own: np.ndarray, own_weights: np.ndarray | None, others: np.ndarray
) -> np.ndarray:
    """Weight of ``own`` scores above each of ``others``, plus half that of ties."""
    if own_weights is None:
        own = np.sort(own)
        ties = np.searchsorted(own, others, "left").astype(np.float64)
        ties += np.searchsorted(own, others, "right")
        return own.size - 0.5 * ties
    order = np.argsort(own, kind="stable")
    own = own[order]
    below = np.concatenate([[0.0], np.cumsum(own_weights[order])])
    left = below[np.searchsorted(own, others, "left")]
    right = below[np.searchsorted(own, others, "right")]
    return below[-1] - 0.5 * (left + right)


def _binary_area(
    positive: np.ndarray, scores: np.ndarray, weights: np.ndarray | None
) -> float:
    negative = ~positive
    if weights is None:
        ahead = _ahead(scores[positive], None, scores[negative])
        return float(ahead.sum() / (ahead.size * (scores.size - ahead.size)))
    w_pos, w_neg = weights[positive], weights[negative]
    ahead = _ahead(scores[positive], w_pos, scores[negative])
    return float(np.clip(ahead @ w_neg / (w_pos.sum() * w_neg.sum()), 0.0, 1.0))


def _wins(
    codes: np.ndarray,
    scores: np.ndarray,
    weights: np.ndarray | None,
    totals: np.ndarray,
    present: np.ndarray,
) -> np.ndarray:
    """Return A(i|j) of the classes that have rows; the diagonal is 1/2."""
    wins = np.empty((present.size, present.size))
    for row, i in enumerate(present):
        own = codes == i
        column = scores[:, i]
        ahead = _ahead(column[own], None if weights is None else weights[own], column)
        if weights is not None:
            ahead *= weights
        summed = np.bincount(codes, weights=ahead, minlength=totals.size)[present]
        wins[row] = summed / (totals[i] * totals[present])
    return np.clip(wins, 0.0, 1.0)


def _average(wins: np.ndarray, totals: np.ndarray, average: str) -> float:
    totals = totals.astype(np.float64)
    if average.startswith("ovr"):
        others = np.broadcast_to(totals, wins.shape).copy()
        np.fill_diagonal(others, 0.0)
        areas = (wins * others).sum(axis=1) / others.sum(axis=1)
        weight = totals if average == "ovr_weighted" else None
        return float(np.average(areas, weights=weight))
    first, second = np.triu_indices(totals.size, k=1)
    pairs = 0.5 * (wins[first, second] + wins[second, first])
    if average == "worst_pair":
        return float(pairs.min())
    weight = totals[first] + totals[second] if average == "ovo_weighted" else None
    return float(np.average(pairs, weights=weight))
