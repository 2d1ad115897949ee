# SPDX-License-Identifier: BSD-3-Clause
"""Rows as a population: bootstrap samples of them, and who is near whom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp

from skoverfit._core._neighbors import NeighborTable, find_neighbors
from skoverfit.inspection._report._problem import Problem

__all__ = ["bootstrap_counts", "neighbors_of_rows", "row_interval"]


def bootstrap_counts(problem: Problem, n: int, *path: str) -> Iterator[np.ndarray]:
    """Return how often each row is in each of n bootstrap samples.

    Rows of a group come together.
    """
    rng = problem.generator("rows", *path)
    groups = problem.groups
    size = problem.n_samples if groups is None else int(groups.max()) + 1
    for _ in range(n):
        counts = np.bincount(rng.integers(size, size=size), minlength=size)
        yield counts if groups is None else counts[groups]


def row_interval(
    problem: Problem, values: np.ndarray, *path: str, n_bootstrap: int = 400
) -> tuple[float, float]:
    """Return the bootstrap interval of the mean of one value a row."""
    means = [
        float(counts @ values) / max(int(counts.sum()), 1)
        for counts in bootstrap_counts(problem, n_bootstrap, *path)
    ]
    low, high = np.quantile(means, [problem.alpha / 2, 1 - problem.alpha / 2])
    return float(low), float(high)


def neighbors_of_rows(problem: Problem, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return distances and numbers of the k rows nearest to each row, but itself.

    Numbers are in standard deviations; a differing category counts as one.
    """
    distances, indices = find_neighbors(_table(problem), k, n_jobs=problem.n_jobs)
    return np.asarray(distances), np.asarray(indices)


def _table(problem: Problem) -> NeighborTable:
    X: Any = problem.X
    if sp.issparse(X):
        X = sp.csr_matrix(X, dtype=np.float64)
        spread = np.sqrt(
            np.maximum(
                np.asarray(X.multiply(X).mean(axis=0)).ravel()
                - np.asarray(X.mean(axis=0)).ravel() ** 2,
                0.0,
            )
        )
        return NeighborTable(
            numeric=X @ sp.diags(1.0 / np.where(spread > 0, spread, 1.0))
        )
    plan = problem.columns
    numeric = np.asarray(plan.numeric, dtype=np.float64)
    present = np.isfinite(numeric)
    count = np.maximum(present.sum(axis=0), 1)
    centre = np.where(present, numeric, 0.0).sum(axis=0) / count
    gaps = np.where(present, numeric - centre, 0.0)
    spread = np.sqrt((gaps**2).sum(axis=0) / count)
    scaled = (numeric - centre) / np.where(spread > 0, spread, 1.0)
    codes = plan.codes if plan.codes.shape[1] else None
    return NeighborTable(numeric=scaled, codes=codes)
