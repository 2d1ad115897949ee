# SPDX-License-Identifier: BSD-3-Clause
"""Draw rows, choose on those that were drawn, and judge on those that were not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

__all__ = [
    "Draws",
    "Judge",
    "draw_counts",
    "first_best",
    "one_se_rule",
    "select_in_draws",
]

# Counts of rows (n_draws, n_rows) -> scores (n_draws, n_candidates) and the scores of
# the folds (n_draws, n_folds, n_candidates); NaN where a draw has no score.
Judge = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
# Both of them -> the index of the candidate that is chosen in each draw.
Select = Callable[[np.ndarray, np.ndarray], np.ndarray]

# Counts of so many rows are held at once.
_MOST_COUNTS = 2_000_000


@dataclass(frozen=True)
class Draws:
    """What each draw in which all scores exist chose, and what that was worth.

    Parameters
    ----------
    chosen : ndarray of shape (n_draws,)
        Index of the candidate.
    outside : ndarray of shape (n_draws, n_candidates)
        Scores on the rows that were not drawn.
    """

    chosen: np.ndarray
    outside: np.ndarray

    @property
    def scores(self) -> np.ndarray:
        """Scores of what was chosen."""
        return self.outside[np.arange(len(self.chosen)), self.chosen]

    def gains(self, baseline: int) -> np.ndarray:
        """Return the scores of what was chosen less the baseline's."""
        return self.scores - self.outside[:, baseline]


def first_best(scores: np.ndarray) -> np.ndarray:
    """Return the first of those that are best up to rounding, along the last axis."""
    return np.asarray(scores.round(12).argmax(axis=-1))


def one_se_rule(
    costs: np.ndarray, test_train_ratio: float, baseline: int | None = None
) -> Select:
    """Return the rule: of those within one standard error of the best, the cheapest.

    The error is that of the difference to the best over the folds, with the correction
    of Nadeau and Bengio for training sets that overlap. Of equally cheap ones the best
    is taken, and of equals the first.

    Parameters
    ----------
    costs : ndarray of shape (n_candidates,)
        Of the candidates.
    test_train_ratio : float
        Rows tested / rows trained on in a fold.
    baseline : int, default=None
        A candidate that is chosen where it is the best, and never for its cost.

    Returns
    -------
    callable
        ``select(scores, fold_scores)`` for many draws at once.
    """

    def select(scores: np.ndarray, folds: np.ndarray) -> np.ndarray:
        draws = np.arange(len(scores))
        best = first_best(scores)
        lead = scores[draws, best][:, None] - scores
        behind = folds[draws, :, best][:, :, None] - folds
        there = np.isfinite(behind)
        n = there.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(there, behind, 0.0).sum(axis=1) / n
            squares = np.where(there, (behind - mean[:, None]) ** 2, 0.0).sum(axis=1)
            error = np.sqrt((1.0 / n + test_train_ratio) * squares / (n - 1))
        near = (lead <= np.where(n > 1, error, 0.0)) | (lead.round(12) <= 0)
        if baseline is not None:
            near[:, baseline] = False
            near[best == baseline] = np.arange(len(costs)) == baseline
        cost = np.where(near, costs, np.inf)
        cheap = near & (cost <= cost.min(axis=1, keepdims=True))
        return first_best(np.where(cheap, scores, -np.inf))

    return select


def draw_counts(
    units: np.ndarray, n_draws: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Yield how often each row is drawn, in blocks of draws.

    Parameters
    ----------
    units : ndarray of shape (n_rows,) of int
        The unit of each row, from 0; units are drawn, with all their rows.
    n_draws : int
        Number of draws.
    rng : Generator
        Draws.

    Yields
    ------
    ndarray of shape (n_block, n_rows) of int
        Counts.
    """
    n_units = int(units.max()) + 1
    block = max(1, min(n_draws, _MOST_COUNTS // max(1, len(units))))
    for start in range(0, n_draws, block):
        size = min(block, n_draws - start)
        drawn = rng.integers(n_units, size=(size, n_units))
        drawn += np.arange(size)[:, None] * n_units
        counts = np.bincount(drawn.ravel(), minlength=size * n_units)
        yield counts.reshape(size, n_units)[:, units]


def select_in_draws(
    judge: Judge,
    units: np.ndarray,
    *,
    select: Select,
    n_draws: int,
    rng: np.random.Generator,
) -> Draws:
    """Repeat the selection on drawn rows and judge it on the others.

    Parameters
    ----------
    judge : callable
        Scores the candidates on weighted rows.
    units : ndarray of shape (n_rows,) of int
        What is drawn as a whole.
    select : callable
        The complete rule of selection.
    n_draws : int
        Number of draws.
    rng : Generator
        Draws.

    Returns
    -------
    Draws
        Those in which all scores exist.
    """
    chosen, outside = [], []
    for counts in draw_counts(units, n_draws, rng):
        inside, inside_folds = judge(counts)
        held, _ = judge((counts == 0).astype(np.int64))
        good = np.isfinite(inside).all(axis=1) & np.isfinite(held).all(axis=1)
        chosen.append(select(inside[good], inside_folds[good]))
        outside.append(held[good])
    return Draws(np.concatenate(chosen), np.concatenate(outside))
