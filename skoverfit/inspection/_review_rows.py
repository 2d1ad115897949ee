# SPDX-License-Identifier: BSD-3-Clause
"""Which rows a person should look at, and which rows they are to be compared with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skoverfit._core._neighbors import NeighborTable, find_neighbors
from skoverfit.inspection._found_issues import FoundIssues
from skoverfit.inspection._measured import Measured

__all__ = ["Near", "Review", "encoded", "neighbor_table", "review"]

# Votes that propose a label where nothing else does.
_VOTERS = 10
# Levels of a column that a model gets as columns of their own.
_MOST_LEVELS = 50
# Rows without a suspicion that are shown where there is no suspect.
_LEAST = 10


@dataclass(frozen=True)
class Near:
    """Rows to compare with, the nearest first."""

    rows: np.ndarray
    distances: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Review:
    """The worst rows in order, with proposals as codes and rows of either class."""

    rows: np.ndarray
    suggested: np.ndarray
    of_suggested: list[Near]
    of_given: list[Near]


def scaled(table: Measured) -> np.ndarray:
    """Return the numeric columns with mean 0 and deviation 1; NaN stays."""
    values = table.numeric
    there = ~np.isnan(values)
    counts = np.maximum(there.sum(axis=0), 1)
    mean = np.where(there, values, 0.0).sum(axis=0) / counts
    spread = np.sqrt(np.where(there, (values - mean) ** 2, 0.0).sum(axis=0) / counts)
    return (values - mean) / np.where(spread > 0, spread, 1.0)


def neighbor_table(table: Measured) -> NeighborTable:
    """Return what the search takes: scaled numbers; a differing category adds 1."""
    codes = np.minimum(table.codes, 65_535).astype(np.uint16)
    return NeighborTable(numeric=scaled(table), codes=codes if codes.shape[1] else None)


def encoded(table: Measured) -> np.ndarray:
    """Return numbers for a linear model: missing ones are the mean, levels columns."""
    parts = [np.nan_to_num(scaled(table), nan=0.0)]
    for column in table.codes.T:
        counts = np.bincount(column)
        common = np.argsort(-counts, kind="stable")[:_MOST_LEVELS]
        parts.append((column[:, None] == common).astype(np.float64))
    return np.concatenate(parts, axis=1)


def review(
    found: FoundIssues, table: NeighborTable, n_rows: int, n_neighbors: int
) -> Review:
    """Choose the worst rows, what they may be instead, and rows to compare with.

    Rows that are suspect themselves are no comparison, as long as there are others.
    """
    n = len(found.codes)
    quality = np.full(n, np.nan) if found.quality is None else found.quality
    order = np.lexsort((np.nan_to_num(quality, nan=np.inf), ~found.mask))
    suspects = int(found.mask.sum())
    rows = order[: min(n_rows, suspects if suspects else _LEAST)]
    suggested = _suggested(found, table, rows)
    given = found.codes[rows]
    return Review(
        rows=rows,
        suggested=suggested,
        of_suggested=_nearest(found, table, rows, suggested, n_neighbors),
        of_given=_nearest(found, table, rows, given, n_neighbors),
    )


def _suggested(
    found: FoundIssues, table: NeighborTable, rows: np.ndarray
) -> np.ndarray:
    given = found.codes[rows]
    out = np.full(len(rows), -1)
    if found.predicted is not None:
        out = np.where(found.predicted[rows] == given, -1, found.predicted[rows])
    if found.proba is not None:
        others = found.proba[rows].copy()
        others[np.arange(len(rows)), given] = -1.0
        out = np.where(out < 0, others.argmax(axis=1), out)
    for i in np.flatnonzero(out < 0):
        k = min(_VOTERS, len(table) - 1)
        near = np.asarray(find_neighbors(table, k, rows=[rows[i]])[1])[0]
        votes = np.bincount(found.codes[near], minlength=len(found.classes))
        votes[given[i]] = -1
        # Nothing is proposed where all neighbours have the row's own label.
        out[i] = votes.argmax() if votes.max() > 0 else -1
    return out


def _nearest(
    found: FoundIssues,
    table: NeighborTable,
    rows: np.ndarray,
    wanted: np.ndarray,
    n_neighbors: int,
) -> list[Near]:
    out = [Near(np.empty(0, dtype=np.intp), np.empty(0))] * len(rows)
    for k in np.unique(wanted[wanted >= 0]):
        of_class = np.flatnonzero(found.codes == k)
        clean = of_class[~found.mask[of_class]]
        pool = clean if len(clean) else of_class
        asking = np.flatnonzero(wanted == k)
        # One more, because a row may meet itself.
        most = min(n_neighbors + 1, len(pool))
        if not most:
            continue
        distances, found_rows = find_neighbors(
            table.take(pool), most, queries=table.take(rows[asking])
        )
        for i, far, near in zip(
            asking, np.asarray(distances), np.asarray(found_rows), strict=True
        ):
            other = pool[near] != rows[i]
            out[i] = Near(pool[near][other][:n_neighbors], far[other][:n_neighbors])
    return out
