# SPDX-License-Identifier: BSD-3-Clause
"""The iterative partitioning filter of SMOTE-IPF, for made rows only."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.tree import DecisionTreeClassifier

from skoverfit._core._arrays import to_numpy
from skoverfit._core._neighbors import NeighborTable

__all__ = ["ipf"]

# The paper's: parts, quiet rounds before the end, share of the rows that is quiet.
PARTS, QUIET, SHARE = 9, 3, 0.01
# A bound that the paper leaves out; each round deletes rows, or is quiet.
ROUNDS = 50


def ipf(
    table: NeighborTable,
    made: NeighborTable,
    foreign: np.ndarray,
    n_jobs: int | None,
    rng: np.random.Generator,
) -> np.ndarray:
    """Refuse made rows that most trees of other parts take for foreign (Saez 2015).

    In each round all rows are split at random into disjoint parts, a tree is grown on
    *each part*, and the trees of the other parts vote on every made row that is left;
    those that the majority calls foreign go. It ends after three rounds that delete
    less than 1 %. In the paper the tree of a row's own part votes too, a pruned C4.5;
    the trees here are not pruned and remember their rows.
    """
    original, rows = _features(table, made)
    n, m = len(foreign), rows.shape[0]
    accepted, quiet = np.ones(m, dtype=bool), 0
    for _ in range(ROUNDS):
        left = np.flatnonzero(accepted)
        if len(left) == 0:
            break
        labels = np.concatenate([foreign, np.zeros(len(left), dtype=bool)])
        stacked = _stack([original, rows[left]])
        votes = np.zeros(len(left), dtype=np.intp)
        parts = np.array_split(rng.permutation(len(labels)), min(PARTS, n // 2))
        for part in parts:
            seed = int(rng.integers(2**31))
            tree = DecisionTreeClassifier(random_state=seed)
            tree.fit(stacked[part], labels[part])
            calls_foreign = tree.predict(rows[left])
            calls_foreign[part[part >= n] - n] = False  # no vote on its own rows
            votes += calls_foreign
        wrong = 2 * votes > len(parts) - 1
        accepted[left[wrong]] = False
        quiet = quiet + 1 if wrong.sum() < SHARE * n else 0
        if quiet == QUIET:
            break
    return accepted


def _features(table: NeighborTable, made: NeighborTable) -> tuple[Any, Any]:
    """Return original and made rows as trees take them: float32, centred before."""
    original, rows = table.numeric, made.numeric
    if sp.issparse(original):
        return (
            sp.csr_array(original).astype(np.float32),
            sp.csr_array(rows).astype(np.float32),
        )
    original, rows = (
        np.asarray(to_numpy(part), dtype=np.float64) for part in (original, rows)
    )
    there = ~np.isnan(original)
    count = np.maximum(there.sum(axis=0), 1)
    centre = np.where(there, original, 0.0).sum(axis=0) / count
    spread = np.abs(np.where(there, original - centre, 0.0)).max(axis=0, initial=0.0)
    spread[spread == 0] = 1.0
    joined = [
        ((part - centre) / spread).astype(np.float32) for part in (original, rows)
    ]
    if table.codes is not None:
        joined = [
            np.hstack([part, np.asarray(codes, dtype=np.float32)])
            for part, codes in zip(joined, (table.codes, made.codes), strict=True)
        ]
    return joined[0], joined[1]


def _stack(parts: list[Any]) -> Any:
    return sp.vstack(parts, format="csr") if sp.issparse(parts[0]) else np.vstack(parts)
