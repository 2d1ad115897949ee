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
from skoverfit.model_selection._bootstrap_selection import (
    Judge,
    first_best,
    select_in_draws,
)

__all__ = ["BBCResult", "bbc_cv_score", "tibshirani_bias"]

Score = Callable[[Any, Any], float]
Selection = Callable[[np.ndarray, np.ndarray], int]


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
        "select": [callable, None],
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
    select: Selection | None = None,
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
    select : callable, default=None
        The rule by which the winner is chosen, applied anew to the rows of each draw:
        ``select(scores, fold_scores)`` gets arrays of shape (n_candidates,) and
        (n_folds, n_candidates) and returns the index of a candidate. Without ``folds``
        there is one fold. None chooses the best score, the first of equals. Who prefers
        the cheaper of nearly equal candidates must say so here, or the correction is
        that of another rule.
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
        - ``naive_score``: the chosen candidate's score on all rows, which is
          optimistic;
        - ``gain``, ``gain_lower``, ``gain_upper``: the winner less the baseline on the
          same rows;
        - ``best_index``: the candidate that is chosen on all rows;
        - ``selection_shares``: how often each candidate won;
        - ``n_bootstrap``: draws in which all scores existed.

    Raises
    ------
    ValueError
        Candidates of different lengths, a baseline that is none of them, a ``select``
        that returns none of them, scores that are no numbers in more than half of the
        draws.

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
    whole, whole_folds = judge(np.ones((1, n), dtype=np.int64))
    if not np.isfinite(whole).all():
        wrong = int(np.flatnonzero(~np.isfinite(whole[0]))[0])
        raise ValueError(f"The score of candidate {wrong} is {whole[0, wrong]}.")
    rule = _rule(select, len(candidates))
    best = int(rule(whole, whole_folds)[0])
    draws = select_in_draws(
        judge,
        units,
        select=rule,
        n_draws=n_bootstrap,
        rng=derive_generator(root_entropy(random_state), "bbc"),
    )
    n_used = len(draws.chosen)
    if 2 * n_used < n_bootstrap:
        raise ValueError(
            f"The score exists in {n_used} of {n_bootstrap} draws only: there are "
            "too few rows (of a class, or in a fold) for it."
        )
    tails = np.array([0.5 - confidence / 2, 0.5 + confidence / 2])
    lower, upper = np.quantile(draws.scores, tails)
    gains = draws.gains(baseline)
    gain_lower, gain_upper = np.quantile(gains, tails)
    return BBCResult(
        score=float(np.mean(draws.scores)),
        lower=float(lower),
        upper=float(upper),
        naive_score=float(whole[0, best] if select else whole.max()),
        gain=float(np.mean(gains)),
        gain_lower=float(gain_lower),
        gain_upper=float(gain_upper),
        best_index=best,
        selection_shares=np.bincount(draws.chosen, minlength=len(candidates)) / n_used,
        n_bootstrap=n_used,
    )


def _rule(
    select: Selection | None, n_candidates: int
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Apply the rule to one draw after the other."""
    if select is None:
        return lambda scores, folds: first_best(scores)

    def rule(scores: np.ndarray, folds: np.ndarray) -> np.ndarray:
        found = [select(*draw) for draw in zip(scores, folds, strict=True)]
        for index in found:
            if not (isinstance(index, Integral) and 0 <= index < n_candidates):
                raise ValueError(
                    f"select returned {index!r}, which is none of the {n_candidates} "
                    "candidates."
                )
        return np.asarray(found, dtype=np.int64)

    return rule


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
) -> Judge:
    """Return what maps counts of rows to the scores of all candidates."""
    n = len(candidates[0])
    n_folds = 1 if folds is None else int(folds.max()) + 1
    part = np.zeros(n, dtype=np.int64) if folds is None else folds
    if score_func is None:
        rows = np.array(candidates, dtype=float)
        if rows.ndim != 2:
            raise ValueError("Without score_func, oof must have one score a row.")

        def score(counts: np.ndarray, fold: int) -> np.ndarray:
            inside = part == fold
            total = counts[inside].sum()
            if not total:
                return np.full(len(rows), np.nan)
            # Not by a product of matrices, which rounds equal rows unequally.
            found = (rows[:, inside] * counts[inside]).sum(axis=1) / total
            return np.asarray(found)
    else:

        def score(counts: np.ndarray, fold: int) -> np.ndarray:
            assert y is not None
            chosen = np.repeat(np.arange(n), np.where(part == fold, counts, 0))
            found = np.full(len(candidates), np.nan)
            for k, predictions in enumerate(candidates if len(chosen) else []):
                try:
                    found[k] = score_func(y[chosen], predictions[chosen])
                except ValueError:  # a draw without one of the classes
                    found[k] = np.nan
            return found

    def judge(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        by_fold = np.array(
            [[score(draw, fold) for fold in range(n_folds)] for draw in counts]
        )
        return by_fold.mean(axis=1), by_fold

    return judge


@validate_params(
    {
        "fold_losses": ["array-like"],
        "chosen": [Interval(Integral, 0, None, closed="left"), None],
    },
    prefer_skip_nested_validation=True,
)
def tibshirani_bias(fold_losses: ArrayLike, *, chosen: int | None = None) -> float:
    """Estimate by how much the best of many candidates looks better than it is.

    The mean over folds of the chosen candidate's loss less the least loss of the fold.
    It needs no more than the losses, and is erratic where folds are small; with one
    row a fold it doubles the error [1]_. `bbc_cv_score` is better where predictions
    are at hand.

    Parameters
    ----------
    fold_losses : array-like of shape (n_folds, n_candidates)
        Losses of the candidates on each fold; lower is better.
    chosen : int, default=None
        Index of the candidate that was chosen; None is the one of the least mean loss.

    Returns
    -------
    float
        What to add to the mean loss of the chosen candidate; not negative.

    Raises
    ------
    ValueError
        If the losses are no table of finite numbers, or ``chosen`` is none of them.

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
    if chosen is not None and chosen >= losses.shape[1]:
        raise ValueError(f"chosen={chosen} is none of {losses.shape[1]} candidates.")
    best = int(losses.mean(axis=0).argmin()) if chosen is None else chosen
    return float(np.mean(losses[:, best] - losses.min(axis=1)))
