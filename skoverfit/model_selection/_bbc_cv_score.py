# SPDX-License-Identifier: BSD-3-Clause
"""What the winner of a search is worth, without the luck of having been chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, validate_params

from skoverfit._core._random import derive_generator, root_entropy

__all__ = ["BBCResult", "bbc_cv_score", "tibshirani_bias"]

Score = Callable[[Any, Any], float]


@dataclass(frozen=True)
class BBCResult:
    """Result of :func:`bbc_cv_score`; its attributes are described there."""

    score: float
    lower: float
    upper: float
    naive_score: float
    gain: float
    gain_lower: float
    gain_upper: float
    best_index: int
    selection_shares: np.ndarray
    n_bootstrap: int


@validate_params(
    {
        "y": ["array-like", None],
        "oof": ["array-like"],
        "score_func": [callable, None],
        "folds": ["array-like", None],
        "groups": ["array-like", None],
        "baseline": [Interval(Integral, 0, None, closed="left")],
        "n_bootstrap": [Interval(Integral, 2, None, closed="left")],
        "confidence": [Interval(Real, 0, 1, closed="neither")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def bbc_cv_score(
    y: ArrayLike | None,
    oof: Sequence[ArrayLike],
    score_func: Score | None,
    *,
    folds: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    baseline: int = 0,
    n_bootstrap: int = 1000,
    confidence: float = 0.95,
    random_state: Any = None,
) -> BBCResult:
    """Correct the score of the best of many candidates for its selection.

    The best of 50 candidates in a cross-validation looks better than it is. Here the
    rows are resampled: the winner is chosen on the rows that were drawn and judged on
    those that were not, by predictions that exist already. Nothing is fitted again.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or None
        Labels or numbers; None where ``score_func`` is.
    oof : sequence of array-like, each of shape (n_samples,) or (n_samples, n_classes)
        Out-of-fold predictions of each candidate, in the form that ``score_func``
        takes; without it the scores of the rows, whose mean is a candidate's score.
    score_func : callable or None
        ``score_func(y, predictions)``, higher is better. None is much faster and does
        for every score that is a mean over rows (accuracy, minus log-loss).
    folds : array-like of shape (n_samples,), default=None
        Fold of each row. Scores are then taken in each fold and averaged, as AUC needs
        it, since models of different folds are not on one scale.
    groups : array-like of shape (n_samples,), default=None
        Groups are drawn as a whole.
    baseline : int, default=0
        The candidate that ``gain`` is measured against: doing nothing.
    n_bootstrap : int, default=1000
        How often rows are drawn.
    confidence : float, default=0.95
        Level of the percentile intervals.
    random_state : int, RandomState instance or None, default=None
        Draws the rows.

    Returns
    -------
    BBCResult
        Frozen dataclass with the attributes

        - ``score``, ``lower``, ``upper``: of the winner on rows that did not choose it;
        - ``naive_score``: the best candidate's score on all rows, which is optimistic;
        - ``gain``, ``gain_lower``, ``gain_upper``: the winner less the baseline on the
          same rows;
        - ``best_index``: the best candidate on all rows; the first of equals;
        - ``selection_shares``: how often each candidate won;
        - ``n_bootstrap``: draws in which all scores existed.

    Raises
    ------
    ValueError
        Candidates of different lengths, a baseline that is none of them, scores that
        are no numbers in more than half of the draws.

    References
    ----------
    .. [1] I. Tsamardinos, E. Greasidou and G. Borboudakis (2018). "Bootstrapping the
       out-of-sample predictions for efficient and accurate cross-validation". Machine
       Learning 107, 1895-1922.

    Examples
    --------
    Fifty candidates that guess:

    >>> import numpy as np
    >>> from skoverfit.model_selection import bbc_cv_score
    >>> right = np.random.default_rng(0).integers(2, size=(50, 100))
    >>> found = bbc_cv_score(None, right, None, random_state=0)
    >>> print(f"{found.naive_score:.2f} {found.score:.2f}")
    0.62 0.50
    """
    candidates = [np.asarray(candidate) for candidate in oof]
    if not candidates or candidates[0].ndim == 0 or not len(candidates[0]):
        raise ValueError("oof must have at least one candidate with one row.")
    n = len(candidates[0])
    lengths = {len(candidate) for candidate in candidates}
    if len(lengths) > 1:
        raise ValueError(f"oof has candidates of different lengths: {sorted(lengths)}.")
    if baseline >= len(candidates):
        raise ValueError(
            f"baseline={baseline} is none of the {len(candidates)} candidates."
        )
    if (y is None) != (score_func is None):
        raise ValueError("y and score_func go together; give both or neither.")
    labels = None if y is None else np.asarray(y)
    parts = _codes(folds, n, "folds")
    units = np.arange(n) if groups is None else _codes(groups, n, "groups")
    assert units is not None
    if labels is not None and len(labels) != n:
        raise ValueError(f"y has {len(labels)} rows, but oof has {n}.")
    judge = _judge(candidates, labels, score_func, parts)
    whole = judge(np.ones(n, dtype=np.int64))
    if not np.isfinite(whole).all():
        wrong = int(np.flatnonzero(~np.isfinite(whole))[0])
        raise ValueError(f"The score of candidate {wrong} is {whole[wrong]}.")
    rng = derive_generator(root_entropy(random_state), "bbc")
    n_units = int(units.max()) + 1
    scores, gains, won = [], [], np.zeros(len(candidates))
    for _ in range(n_bootstrap):
        drawn = np.bincount(rng.integers(n_units, size=n_units), minlength=n_units)[
            units
        ]
        inside, outside = judge(drawn), judge((drawn == 0).astype(np.int64))
        if not (np.isfinite(inside).all() and np.isfinite(outside).all()):
            continue
        best = _first_best(inside)
        won[best] += 1
        scores.append(outside[best])
        gains.append(outside[best] - outside[baseline])
    if 2 * len(scores) < n_bootstrap:
        raise ValueError(
            f"The score exists in {len(scores)} of {n_bootstrap} draws only: there are "
            "too few rows (of a class, or in a fold) for it."
        )
    tails = np.array([0.5 - confidence / 2, 0.5 + confidence / 2])
    lower, upper = np.quantile(scores, tails)
    gain_lower, gain_upper = np.quantile(gains, tails)
    return BBCResult(
        score=float(np.mean(scores)),
        lower=float(lower),
        upper=float(upper),
        naive_score=float(whole.max()),
        gain=float(np.mean(gains)),
        gain_lower=float(gain_lower),
        gain_upper=float(gain_upper),
        best_index=_first_best(whole),
        selection_shares=won / won.sum(),
        n_bootstrap=len(scores),
    )


def _first_best(scores: np.ndarray) -> int:
    """Return the first of those that are best up to rounding."""
    return int(scores.round(12).argmax())


def _codes(values: Any, n: int, name: str) -> np.ndarray | None:
    if values is None:
        return None
    codes = np.unique(np.asarray(values), return_inverse=True)[1]
    if codes.shape != (n,):
        raise ValueError(f"{name} must have one value for each of the {n} rows.")
    return codes


def _judge(
    candidates: list[np.ndarray],
    y: np.ndarray | None,
    score_func: Score | None,
    folds: np.ndarray | None,
) -> Callable[[np.ndarray], np.ndarray]:
    """Return what maps counts of rows to the scores of all candidates."""
    n = len(candidates[0])
    n_folds = 1 if folds is None else int(folds.max()) + 1
    part = np.zeros(n, dtype=np.int64) if folds is None else folds
    if score_func is None:
        rows = np.array(candidates, dtype=float)
        if rows.ndim != 2:
            raise ValueError("Without score_func, oof must have one score a row.")

        def by_rows(counts: np.ndarray) -> np.ndarray:
            total = np.bincount(part, weights=counts, minlength=n_folds)
            if not total.all():
                return np.full(len(rows), np.nan)
            means = np.zeros(len(rows))
            # Not by a product of matrices, which rounds equal rows unequally.
            for fold in range(n_folds):
                inside = part == fold
                means += (rows[:, inside] * counts[inside]).sum(axis=1) / total[fold]
            return means / n_folds

        return by_rows

    def by_calls(counts: np.ndarray) -> np.ndarray:
        found = np.zeros(len(candidates))
        for fold in range(n_folds):
            chosen = np.repeat(np.arange(n), np.where(part == fold, counts, 0))
            if not len(chosen):
                return np.full(len(candidates), np.nan)
            assert y is not None
            for k, predictions in enumerate(candidates):
                try:
                    found[k] += score_func(y[chosen], predictions[chosen]) / n_folds
                except ValueError:  # a draw without one of the classes
                    found[k] = np.nan
        return found

    return by_calls


@validate_params({"fold_losses": ["array-like"]}, prefer_skip_nested_validation=True)
def tibshirani_bias(fold_losses: ArrayLike) -> float:
    """Estimate by how much the best of many candidates looks better than it is.

    The mean over folds of the chosen candidate's loss less the least loss of the fold.
    It needs no more than the losses, and is erratic where folds are small; with one
    row a fold it doubles the error [1]_. `bbc_cv_score` is better where predictions
    are at hand.

    Parameters
    ----------
    fold_losses : array-like of shape (n_folds, n_candidates)
        Losses of the candidates on each fold; lower is better.

    Returns
    -------
    float
        What to add to the mean loss of the best candidate; not negative.

    Raises
    ------
    ValueError
        If the losses are no table of finite numbers.

    References
    ----------
    .. [1] R. J. Tibshirani and R. Tibshirani (2009). "A bias correction for the
       minimum error rate in cross-validation". Annals of Applied Statistics 3,
       822-829. arXiv:0908.2904.

    Examples
    --------
    >>> from skoverfit.model_selection import tibshirani_bias
    >>> print(f"{tibshirani_bias([[0.1, 0.3], [0.3, 0.2], [0.1, 0.2]]):.3f}")
    0.033
    """
    losses = np.asarray(fold_losses, dtype=float)
    if losses.ndim != 2 or not losses.size or not np.isfinite(losses).all():
        raise ValueError(
            "fold_losses must be a table of finite numbers of shape (n_folds, "
            f"n_candidates). Got shape {losses.shape}."
        )
    best = int(losses.mean(axis=0).argmin())
    return float(np.mean(losses[:, best] - losses.min(axis=1)))
