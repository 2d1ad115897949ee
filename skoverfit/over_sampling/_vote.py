# SPDX-License-Identifier: BSD-3-Clause
"""Nominal columns: the most frequent level among the neighbours, ties at random.

Levels are counted once for each base row that was drawn, on integer codes; a new row
only draws among the tied ones.
"""

from __future__ import annotations

import numpy as np

from skoverfit.over_sampling._plan import Plan
from skoverfit.over_sampling._segments import copied_share

__all__ = ["vote"]

# Cells of the table of pairs of neighbours that are compared at once.
_CELLS = 4_000_000


def vote(
    codes: np.ndarray, plan: Plan, *, with_itself: bool, missing: str
) -> np.ndarray:
    """Return the levels of the rows of a plan.

    Parameters
    ----------
    codes : ndarray of shape (n, c)
        Levels of the input from 1 on; 0 is missing.
    plan : Plan
        Bases and their neighbours.
    with_itself : bool
        Whether the base has a vote too, as in SMOTE-N.
    missing : {"propagate", "present", "raise"}
        What becomes of a cell that one of the two parents lacks.

    Returns
    -------
    ndarray of shape (m, c)
        dtype of ``codes``.
    """
    m, c = len(plan.base), codes.shape[1]
    out = np.empty((m, c), dtype=codes.dtype)
    at = np.searchsorted(plan.seeds, plan.base)
    voters = plan.near
    if with_itself:
        voters = np.column_stack([plan.seeds, voters])
    absent = voters < 0
    for j in range(c):
        tied, count = _most_frequent(codes[:, j], voters, absent)
        own = codes[plan.base, j]
        chosen = tied[at, 0]
        several = np.flatnonzero(count[at] > 1)
        if len(several):
            pick = plan.cells.random(len(several)) * count[at[several]]
            chosen[several] = tied[at[several], pick.astype(np.intp)]
        # Nobody near has a level: the base keeps its own.
        np.copyto(chosen, own, where=count[at] == 0)
        alone = plan.partner < 0
        np.copyto(chosen, own, where=alone)
        _keep_missing(chosen, own, codes[:, j], plan, missing)
        out[:, j] = chosen
    return out


def _most_frequent(
    levels: np.ndarray, voters: np.ndarray, absent: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the levels with most votes first, and how many entries they take.

    Tied levels have equally many entries, so that a random entry is a random level.
    """
    s, v = voters.shape
    tied = np.zeros((s, max(v, 1)), dtype=levels.dtype)
    count = np.zeros(s, dtype=np.intp)
    step = max(1, _CELLS // max(v * v, 1))
    for start in range(0, s if v else 0, step):
        part = slice(start, start + step)
        met = levels[voters[part]]
        met[absent[part]] = 0
        votes = (met[:, :, None] == met[:, None, :]).sum(axis=2, dtype=np.int32)
        votes[met == 0] = 0
        top = votes.argmax(axis=1)[:, None]
        best = np.take_along_axis(votes, top, axis=1)
        tied[part, :1] = np.take_along_axis(met, top, axis=1)
        count[part] = best[:, 0] > 0
        winners = (votes == best) & (best > 0)
        # One level has as many entries as votes; more entries are more levels.
        entries = winners.sum(axis=1)
        even = np.flatnonzero(entries > best[:, 0])
        order = np.argsort(~winners[even], axis=1, kind="stable")
        tied[start + even] = np.take_along_axis(met[even], order, axis=1)
        count[start + even] = entries[even]
    return tied, count


def _keep_missing(
    chosen: np.ndarray, own: np.ndarray, levels: np.ndarray, plan: Plan, missing: str
) -> None:
    """Leave cells empty that both parents lack, and a share of those one lacks."""
    if levels.all():
        return
    other = levels[np.where(plan.partner < 0, plan.base, plan.partner)]
    share = copied_share((levels == 0)[:, None], plan, missing)
    one = (own == 0) ^ (other == 0)
    empty = (own == 0) & (other == 0)
    empty |= one & (plan.cells.random(len(own)) >= share)
    chosen[empty] = 0
