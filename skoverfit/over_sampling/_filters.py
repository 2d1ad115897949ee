# SPDX-License-Identifier: BSD-3-Clause
"""Which made rows are good enough: rules that look at the original rows around them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from skoverfit._core._arrays import to_numpy
from skoverfit._core._neighbors import NeighborTable, find_neighbors
from skoverfit.over_sampling._partition_filter import ipf

__all__ = ["FILTERS", "accepted_by_callable"]


def lee(
    table: NeighborTable,
    made: NeighborTable,
    foreign: np.ndarray,
    n_jobs: int | None,
    rng: np.random.Generator,
) -> np.ndarray:
    """Accept rows with less than half foreign among the 5 nearest (Lee 2015)."""
    k = min(5, len(table))
    _, near = find_neighbors(table, k, queries=made, n_jobs=n_jobs)
    return foreign[to_numpy(near)].mean(axis=1) < 0.5


def enn(
    table: NeighborTable,
    made: NeighborTable,
    foreign: np.ndarray,
    n_jobs: int | None,
    rng: np.random.Generator,
) -> np.ndarray:
    """Accept rows whose 3 nearest are all of their class (Wilson 1972, strict)."""
    k = min(3, len(table))
    _, near = find_neighbors(table, k, queries=made, n_jobs=n_jobs)
    return ~foreign[to_numpy(near)].any(axis=1)


def tomek(
    table: NeighborTable,
    made: NeighborTable,
    foreign: np.ndarray,
    n_jobs: int | None,
    rng: np.random.Generator,
) -> np.ndarray:
    """Refuse rows that form a Tomek link with a foreign original row.

    The two are each other's nearest: the foreign row has no original one nearer.
    """
    distance, near = find_neighbors(table, 1, queries=made, n_jobs=n_jobs)
    nearest, distance = to_numpy(near)[:, 0], to_numpy(distance)[:, 0]
    suspects = np.flatnonzero(foreign[nearest])
    accepted = np.ones(len(nearest), dtype=bool)
    if len(suspects):
        others, at = np.unique(nearest[suspects], return_inverse=True)
        back = to_numpy(find_neighbors(table, 1, rows=others, n_jobs=n_jobs)[0])[:, 0]
        accepted[suspects] = distance[suspects] >= back[at]
    return accepted


FILTERS: dict[str, Callable[..., np.ndarray]] = {
    "enn": enn,
    "ipf": ipf,
    "lee": lee,
    "tomek": tomek,
}


def accepted_by_callable(
    function: Callable[..., Any], made: Any, m: int, label: Any, X: Any, y: Any
) -> np.ndarray:
    """Ask the user's function and check its answer."""
    said = function(made, np.full(m, label), X, y)
    answer = to_numpy(said) if hasattr(said, "__len__") else np.asarray(said)
    if answer.dtype != bool or answer.shape != (m,):
        raise ValueError(
            f"A callable filter must return one boolean a made row: shape ({m},). Got "
            f"shape {answer.shape} and dtype {answer.dtype} instead."
        )
    return answer
