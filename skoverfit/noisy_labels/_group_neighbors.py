# SPDX-License-Identifier: BSD-3-Clause
"""The nearest rows of other groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from skoverfit._core._arrays import take_rows
from skoverfit._core._neighbors import NeighborTable, find_neighbors
from skoverfit.exceptions import BadInputError

__all__ = ["neighbors_of_other_groups", "two_of_other_groups"]

# Rows of larger groups ask a table without the group, those of smaller ones ask for so
# many neighbours more; and how many neighbours are looked at together.
_LARGE_GROUP = 256
_NUMBERS_AT_ONCE = 1 << 22

Found = tuple[np.ndarray, np.ndarray, np.ndarray]


def neighbors_of_other_groups(
    values: Any, k: int, group_codes: np.ndarray, n_jobs: int | None = None
) -> Iterator[Found]:
    """Return rows, candidates from the nearest on, and which of these are asked.

    Parameters
    ----------
    values : ndarray, sparse or tensor of shape (n, d)
        Rows as the search takes them.
    k : int
        Neighbours of a row; fewer where there are fewer rows outside its group.
    group_codes : ndarray of int of shape (n,)
        Numbers of the groups from 0 on.
    n_jobs : int, default=None
        Threads.

    Yields
    ------
    rows : ndarray of int of shape (m,)
    near : ndarray of int of shape (m, c)
    asked : ndarray of bool of shape (m, c)
        At most k in each line, none of the row's group.
    """
    sizes = np.bincount(group_codes)
    for group in np.flatnonzero(sizes > _LARGE_GROUP):
        # Among all rows the own ones may be all around.
        inside = group_codes == group
        rows, others = np.flatnonzero(inside), np.flatnonzero(~inside)
        if not len(others):
            return
        found = find_neighbors(
            NeighborTable(numeric=take_rows(values, others)),
            min(k, len(others)),
            queries=NeighborTable(numeric=take_rows(values, rows)),
            n_jobs=n_jobs,
        )
        near = others[np.asarray(found[1])]
        yield rows, near, np.ones(near.shape, dtype=bool)
    small = np.flatnonzero(sizes[group_codes] <= _LARGE_GROUP)
    extra = int(sizes[sizes <= _LARGE_GROUP].max(initial=1)) - 1
    wanted = min(k + extra, len(group_codes) - 1)
    table = NeighborTable(numeric=values)
    step = max(1, _NUMBERS_AT_ONCE // max(wanted, 1))
    for start in range(0, len(small), step):
        rows = small[start : start + step]
        found = find_neighbors(table, wanted, rows=rows, n_jobs=n_jobs)
        near = np.asarray(found[1])
        asked = group_codes[near] != group_codes[rows][:, None]
        asked &= np.cumsum(asked, axis=1) <= k
        yield rows, near, asked


def two_of_other_groups(
    values: Any, groups: np.ndarray, n_jobs: int | None
) -> np.ndarray:
    """Return two neighbours of each row; the three are of three groups.

    Twins agree whether their label is right or wrong: they are one witness.
    """
    if len(np.unique(groups)) < 3:
        raise BadInputError(
            "method='hoc' asks neighbours of two other groups, and needs three groups "
            f"at least. Got {len(np.unique(groups))}."
        )
    two = np.full((len(groups), 2), -1)
    k = 4
    while (two < 0).any():  # the nearest ones may all be of one group
        for rows, near, asked in neighbors_of_other_groups(values, k, groups, n_jobs):
            line = np.arange(len(rows))
            one = asked.argmax(axis=1)
            first = near[line, one]
            other = asked & (groups[near] != groups[first][:, None])
            told = other.any(axis=1)
            second = near[line, other.argmax(axis=1)]
            two[rows[told]] = np.column_stack([first, second])[told]
        k *= 8
    return two
