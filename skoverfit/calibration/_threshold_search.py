# SPDX-License-Identifier: BSD-3-Clause
"""Search class offsets b so that ``argmax_c log p_c + b_c`` maximises a score.

Everything happens on the log scale: a class weight ``w_c`` is ``exp(b_c)``, and moving
one offset while the others stand still changes the decision of row i at one known
point ``t_i``. Between two neighbouring points no decision changes, so one sorted pass
over the points sees every decision that this class can reach.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = [
    "SearchResult",
    "balanced_accuracy_values",
    "decide",
    "log_probabilities",
    "search_offsets",
]

# The logarithm of the smallest positive double stands for a probability of zero.
_SMALLEST = np.nextafter(0.0, 1.0)
# Offsets stay within +-(_BOUND + 1), so that they can't lift a zero over a maximum.
_BOUND = 300.0
# Switch points nearer than this are one: no midpoint between them is safe to round.
_GAP = 1e-9
# Scores nearer than this are equal; a step has to gain more.
_TOLERANCE = 1e-12
# Cut points a step tries where the score has no exact line search.
_MAX_CUTS_BINARY = 200
_MAX_CUTS = 50

Objective = Callable[[np.ndarray], float]


@dataclass(frozen=True)
class SearchResult:
    """Offsets, the score that they reach, and the number of sweeps over the classes."""

    offsets: np.ndarray
    score: float
    n_iter: int


def log_probabilities(probabilities: np.ndarray) -> np.ndarray:
    """Return finite logarithms, shape (n_samples, n_classes), in float64."""
    return np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), _SMALLEST))


def decide(log_p: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return the class code of each row: ``argmax_c log p_c + b_c``."""
    return np.argmax(log_p + offsets, axis=1)


def balanced_accuracy_values(codes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return what each row adds to the balanced accuracy if it is decided rightly.

    Parameters
    ----------
    codes : ndarray of shape (n_samples,)
        True class codes.
    weights : ndarray of shape (n_samples,)
        Positive sample weights.

    Returns
    -------
    ndarray of shape (n_samples,)
        ``w_i / (K W_k)`` with K the number of classes met and W_k the weight of the
        row's class; they sum to 1.
    """
    totals = np.bincount(codes, weights=weights)
    return weights / (totals[codes] * np.count_nonzero(totals))


def _switch_points(
    log_p: np.ndarray, offsets: np.ndarray, c: int
) -> tuple[np.ndarray, np.ndarray]:
    """Row i is decided as class c exactly if b_c > t_i, else as its rival."""
    z = log_p + offsets
    z[:, c] = -np.inf
    rival = z.argmax(axis=1)
    t = z[np.arange(len(z)), rival] - log_p[:, c]
    t[t > _BOUND] = np.inf
    t[t < -_BOUND] = -np.inf
    return t, rival


@dataclass(frozen=True)
class _Cells:
    """Intervals of b_c on which no decision changes, from left to right."""

    left: np.ndarray
    right: np.ndarray
    order: np.ndarray  # rows with a finite switch point, sorted by it
    ends: np.ndarray  # how many of them lie left of each cell


def _cells(t: np.ndarray) -> _Cells:
    finite = np.flatnonzero(np.isfinite(t))
    order = finite[np.argsort(t[finite], kind="stable")]
    s = t[order]
    last = np.flatnonzero(np.diff(s) > _GAP)  # the last row of each group of equals
    if len(s) == 0:
        return _Cells(np.array([-np.inf]), np.array([np.inf]), order, np.array([0]))
    left = np.concatenate([[-np.inf], s[last], s[-1:]])
    right = np.concatenate([s[:1], s[last + 1], [np.inf]])
    ends = np.concatenate([[0], last + 1, [len(s)]])
    return _Cells(left, right, order, ends)


def _representative(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the midpoint, or one unit outside where the interval is open."""
    with np.errstate(invalid="ignore"):
        middle = (left + right) / 2
    middle = np.where(np.isinf(left), right - 1.0, middle)
    return np.where(np.isinf(right), left + 1.0, middle)


def _nearest_best_plateau(
    scores: np.ndarray, cells: _Cells, current: float
) -> float | None:
    """Return the midpoint of the best plateau that is nearest to the current offset."""
    if len(scores) == 1:
        return None
    best = scores >= scores.max() - _TOLERANCE
    edges = np.diff(np.concatenate([[0], best.astype(np.int8), [0]]))
    first, last = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1
    middles = _representative(cells.left[first], cells.right[last])
    middles = middles[np.isfinite(middles)]
    if len(middles) == 0:  # every cell is equally good
        return None
    return float(middles[np.argmin(np.abs(middles - current))])


def _exact_step(
    log_p: np.ndarray, codes: np.ndarray, values: np.ndarray, b: np.ndarray, c: int
) -> float | None:
    """Return the best offset of class c for balanced accuracy; O(n log n)."""
    t, rival = _switch_points(log_p, b, c)
    gain = np.where(codes == c, values, np.where(codes == rival, -values, 0.0))
    cells = _cells(t)
    running = np.concatenate([[0.0], np.cumsum(gain[cells.order])])
    return _nearest_best_plateau(running[cells.ends], cells, b[c])


def _grid_step(
    log_p: np.ndarray, objective: Objective, b: np.ndarray, c: int, max_cuts: int
) -> float | None:
    """Return the best of at most `max_cuts` offsets of class c, spaced by rank."""
    cells = _cells(_switch_points(log_p, b, c)[0])
    n_cells = len(cells.left)
    kept = np.unique(np.linspace(0, n_cells - 1, min(n_cells, max_cuts)).astype(int))
    cells = _Cells(cells.left[kept], cells.right[kept], cells.order, cells.ends[kept])
    scores = np.full(len(kept), -np.inf)
    trial = b.copy()
    for i, middle in enumerate(_representative(cells.left, cells.right)):
        if np.isfinite(middle):
            trial[c] = middle
            scores[i] = objective(decide(log_p, trial))
    if len(kept) < n_cells:  # neighbours in the list do not touch: no plateaus
        best = _representative(cells.left, cells.right)[
            scores >= scores.max() - _TOLERANCE
        ]
        return float(best[np.argmin(np.abs(best - b[c]))])
    return _nearest_best_plateau(scores, cells, b[c])


def _ascend(
    start: np.ndarray,
    order: np.ndarray,
    log_p: np.ndarray,
    objective: Objective,
    step: Callable[[np.ndarray, int], float | None],
    max_iter: int,
) -> SearchResult:
    offsets = start.copy()
    score = objective(decide(log_p, offsets))
    sweeps, improved = 0, True
    while improved and sweeps < max_iter:
        sweeps, improved = sweeps + 1, False
        for c in order:
            moved = step(offsets, c)
            if moved is None:
                continue
            trial = offsets.copy()
            trial[c] = moved
            reached = objective(decide(log_p, trial))
            if reached > score + _TOLERANCE:
                offsets, score, improved = trial, reached, True
    return SearchResult(offsets, score, sweeps)


def search_offsets(
    log_p: np.ndarray,
    codes: np.ndarray,
    prior: np.ndarray,
    objective: Objective,
    *,
    values: np.ndarray | None = None,
    max_iter: int = 20,
) -> SearchResult:
    """Maximise the objective over one offset a class.

    Two classes need one step: an exact scan. More classes are searched by cyclic
    coordinate ascent from b = 0 (the plain argmax) and from b = -log prior (Buda et
    al.); the better end wins, the first one in a tie. No step lowers the objective.

    Parameters
    ----------
    log_p : ndarray of shape (n_samples, n_classes)
        Finite log-probabilities.
    codes : ndarray of shape (n_samples,)
        True class codes.
    prior : ndarray of shape (n_classes,)
        Positive class shares.
    objective : callable
        Maps decided class codes to a score; higher is better.
    values : ndarray of shape (n_samples,), default=None
        What a rightly decided row adds to the objective, if it is such a sum; then
        line searches are exact. None means a grid of cut points.
    max_iter : int, default=20
        Sweeps over the classes, more than two classes only.

    Returns
    -------
    SearchResult
    """
    n_classes = log_p.shape[1]
    max_cuts = _MAX_CUTS_BINARY if n_classes == 2 else _MAX_CUTS

    def step(b: np.ndarray, c: int) -> float | None:
        if values is not None:
            return _exact_step(log_p, codes, values, b, c)
        return _grid_step(log_p, objective, b, c, max_cuts)

    zero = np.zeros(n_classes)
    if n_classes == 2:
        return _ascend(zero, np.array([1]), log_p, objective, step, 1)
    # The rarest class moves first. Equal shares are told apart by their mean
    # probability, so that the result does not hang on how classes are named.
    order = np.lexsort((np.exp(log_p).mean(axis=0), prior))
    from_plain = _ascend(zero, order, log_p, objective, step, max_iter)
    from_prior = _ascend(-np.log(prior), order, log_p, objective, step, max_iter)
    if from_prior.score > from_plain.score + _TOLERANCE:
        return from_prior
    return from_plain
