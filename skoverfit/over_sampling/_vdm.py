# SPDX-License-Identifier: BSD-3-Clause
"""The Value Difference Metric: levels are near where they mean the same classes.

``delta(v, w) = sum_c |P(c | v) - P(c | w)|`` for a column, and the squared distance of
two rows is the sum of the squared deltas over the columns (kappa = 1, r = 2 in the
paper). With two classes ``delta = 2 |P(first | v) - P(first | w)|``: an ordinary
Euclidean search on one number a column. With more, tables of levels by levels are
summed in chunks, and never the distances of all pairs at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from skoverfit.over_sampling._spaces import EngineSpace

__all__ = ["TableSpace", "class_shares", "embedding_space"]

_CELLS = 8_000_000


def class_shares(
    codes: np.ndarray, labels: np.ndarray, n_classes: int
) -> list[np.ndarray]:
    """Return P(class | level) of each column; missing (0) is a level of its own."""
    shares = []
    for column in codes.T:
        n_levels = int(column.max()) + 1
        flat = column.astype(np.int64) * n_classes + labels
        counts = np.bincount(flat, minlength=n_levels * n_classes).reshape(n_levels, -1)
        total = np.maximum(counts.sum(axis=1, keepdims=True), 1)
        shares.append(counts / total)
    return shares


def embedding_space(
    codes: np.ndarray, shares: list[np.ndarray], n_jobs: int | None
) -> EngineSpace:
    """Return the search for two classes."""
    values = np.empty(codes.shape)
    for j, share in enumerate(shares):
        values[:, j] = 2.0 * share[codes[:, j], 0]
    space = EngineSpace(values, n_jobs=n_jobs)
    # Equal rows are each other's votes: with nominal columns only they are no defect.
    space.collapses, space.votes = False, True
    return space


class TableSpace:
    """The search for more than two classes."""

    collapses, votes = False, True

    def __init__(self, codes: np.ndarray, shares: list[np.ndarray]) -> None:
        self.codes = codes
        self.squares = [
            np.abs(share[:, None, :] - share[None, :, :]).sum(axis=2) ** 2
            for share in shares
        ]

    def k(self, asked: int) -> int:
        """Return ``k_neighbors``."""
        return asked

    def search(
        self, rows: np.ndarray, k: int, seeds: np.ndarray | None, label: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """Search in chunks of rows; ties go to the lowest row number."""
        codes = self.codes[rows]
        asked = np.arange(len(rows)) if seeds is None else seeds
        distances = np.empty((len(asked), k))
        nearest = np.empty((len(asked), k), dtype=np.intp)
        step = max(1, _CELLS // len(rows))
        for start in range(0, len(asked), step):
            part = asked[start : start + step]
            total = np.zeros((len(part), len(rows)))
            for j, squares in enumerate(self.squares):
                total += squares[codes[part, j]][:, codes[:, j]]
            total[np.arange(len(part)), part] = np.inf
            found = np.argpartition(total, k - 1, axis=1)[:, :k]
            found.sort(axis=1)
            values = np.take_along_axis(total, found, axis=1)
            order = np.argsort(values, axis=1, kind="stable")
            found = np.take_along_axis(found, order, axis=1)
            nearest[start : start + len(part)] = found
            values = np.take_along_axis(values, order, axis=1)
            distances[start : start + len(part)] = np.sqrt(values)
        return distances, nearest

    def identity(self, rows: np.ndarray) -> np.ndarray:
        """Compare rows by their levels."""
        return np.unique(self.codes[rows], axis=0, return_inverse=True)[1].ravel()
