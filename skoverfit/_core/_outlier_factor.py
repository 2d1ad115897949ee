# SPDX-License-Identifier: BSD-3-Clause
"""The local outlier factor (Breunig et al. 2000), read off a neighbour graph."""

from __future__ import annotations

import numpy as np

from skoverfit._core._neighbors import NeighborTable, find_neighbors

__all__ = ["FEWEST", "inliers", "negative_outlier_factor", "pass_as_inliers"]

# scikit-learn's offset of contamination="auto": a row half as dense again as its
# neighbours is an outlier.
_OFFSET = -1.5
# Fewer rows have no neighbourhood to be compared with.
FEWEST = 6


def negative_outlier_factor(
    rows: np.ndarray, n_neighbors: int, n_jobs: int | None = None
) -> np.ndarray:
    """Return minus the factor of each row: near -1 for inliers, lower for outliers.

    The numbers are those of scikit-learn's ``LocalOutlierFactor``.
    """
    k = min(n_neighbors, rows.shape[0] - 1)
    distance, near = find_neighbors(NeighborTable(numeric=rows), k, n_jobs=n_jobs)
    reach = np.maximum(distance, distance[near, k - 1])
    density = 1.0 / (reach.mean(axis=1) + 1e-10)
    return -(density[near] / density[:, None]).mean(axis=1)


def inliers(
    rows: np.ndarray,
    n_neighbors: int,
    contamination: float | None,
    n_jobs: int | None = None,
) -> np.ndarray:
    """Return a mask of the rows that are no outliers; all of a class of up to 5 rows.

    ``contamination`` is the share of outliers; None compares with a fixed offset.
    """
    if len(rows) < FEWEST or contamination == 0:
        return np.ones(len(rows), dtype=bool)
    factor = negative_outlier_factor(rows, n_neighbors, n_jobs)
    return pass_as_inliers(factor, contamination)


def pass_as_inliers(factor: np.ndarray, contamination: float | None) -> np.ndarray:
    """Return which of the factors are those of inliers, as scikit-learn decides."""
    if contamination == 0:
        return np.ones(len(factor), dtype=bool)
    if contamination is None:
        return factor >= _OFFSET
    return factor >= np.percentile(factor, 100.0 * contamination)
