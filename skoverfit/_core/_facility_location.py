# SPDX-License-Identifier: BSD-3-Clause
"""Choose points that stand for all others: greedy facility location."""

from __future__ import annotations

import heapq

import numpy as np
from scipy.spatial.distance import cdist

__all__ = ["facility_location"]

# A table of all distances is made up to so many points; above, columns are made where
# they are asked for.
_DENSE = 4000
# Columns of distances that are made at once.
_COLUMNS = 256
# Stochastic greedy misses the guarantee of greedy by so much.
_EPSILON = 0.05


class _Distances:
    """Columns of the distances between points, kept where they fit the memory."""

    def __init__(self, points: np.ndarray, metric: str, dense: int) -> None:
        self.points, self.metric = points, metric
        self.kept = cdist(points, points, metric) if len(points) <= dense else None

    def __call__(self, columns: np.ndarray) -> np.ndarray:
        if self.kept is not None:
            return self.kept[:, columns]
        return cdist(self.points, self.points[columns], self.metric)


def facility_location(
    points: np.ndarray,
    k: int,
    *,
    weight: np.ndarray | None = None,
    metric: str = "euclidean",
    method: str = "lazy",
    generator: np.random.Generator | None = None,
    dense: int = _DENSE,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Choose k points, greedily, with the least sum of distances to the nearest one.

    The gain of a point is how much it shrinks that sum. With similarities ``c - d``
    the sum of the largest is submodular, so that greedy gets at least ``1 - 1/e`` of
    the best.

    Parameters
    ----------
    points : ndarray of shape (n, d)
        The points.
    k : int
        How many are chosen.
    weight : ndarray of shape (n,), optional
        How much each point counts.
    metric : str, default="euclidean"
        As in ``scipy.spatial.distance.cdist``.
    method : {"lazy", "naive", "stochastic"}, default="lazy"
        "lazy" and "naive" choose the same, "stochastic" looks at a random part of the
        points in every step.
    generator : numpy.random.Generator, optional
        For "stochastic".
    dense : int
        Points up to which all distances are kept.

    Returns
    -------
    chosen : ndarray of int of shape (k,)
        In the order in which they were chosen; of equal ones the first.
    nearest : ndarray of int of shape (n,)
        Place in ``chosen`` that stands for each point.
    distance : ndarray of shape (n,)
        To it.
    coverage : float
        Share of the distances to the first one that the others took away; 1 where
        there were none.
    """
    n = len(points)
    own = np.ones(n) if weight is None else np.asarray(weight, dtype=np.float64)
    columns = _Distances(points, metric, dense)
    start = _sums(columns, own, n)
    first = int(start.argmin())
    chosen = [first]
    distance = columns(np.array([first]))[:, 0]
    alone = float(own @ distance)
    nearest = np.zeros(n, dtype=np.intp)
    if method == "stochastic":
        assert generator is not None
        size = min(n, max(1, int(np.ceil(n / k * np.log(1 / _EPSILON)))))
    # Nothing is known of gains but that they only shrink; these are bounds.
    bounds = _gains(columns, np.arange(n), own, distance)
    heap = [(-gain, j) for j, gain in enumerate(bounds.tolist()) if j != first]
    heapq.heapify(heap)
    free = np.ones(n, dtype=bool)
    free[first] = False
    for place in range(1, k):
        if method == "lazy":
            best = _lazy(heap, columns, own, distance)
        else:
            part = np.flatnonzero(free)
            if method == "stochastic" and generator is not None:
                part = np.sort(generator.choice(part, min(size, len(part)), False))
            best = int(part[_gains(columns, part, own, distance).argmax()])
        free[best] = False
        chosen.append(best)
        column = columns(np.array([best]))[:, 0]
        closer = column < distance
        nearest[closer] = place
        nearest[best] = place  # not its copy that came before
        distance = np.where(closer, column, distance)
    coverage = 1.0 - float(own @ distance) / alone if alone > 0 else 1.0
    return np.array(chosen, dtype=np.intp), nearest, distance, coverage


def _sums(columns: _Distances, weight: np.ndarray, n: int) -> np.ndarray:
    parts = [
        weight @ columns(np.arange(a, min(a + _COLUMNS, n)))
        for a in range(0, n, _COLUMNS)
    ]
    return np.concatenate(parts)


def _gains(
    columns: _Distances, part: np.ndarray, weight: np.ndarray, distance: np.ndarray
) -> np.ndarray:
    made = np.empty(len(part))
    for a in range(0, len(part), _COLUMNS):
        there = slice(a, a + _COLUMNS)
        gap = distance[:, None] - columns(part[there])
        made[there] = weight @ np.maximum(gap, 0.0, out=gap)
    return made


def _lazy(
    heap: list[tuple[float, int]],
    columns: _Distances,
    weight: np.ndarray,
    distance: np.ndarray,
) -> int:
    """Return the point of the largest gain; most bounds are never looked at again."""
    while True:
        _, j = heapq.heappop(heap)
        gain = float(_gains(columns, np.array([j]), weight, distance)[0])
        if not heap or (-gain, j) <= heap[0]:
            return j
        heapq.heappush(heap, (-gain, j))
