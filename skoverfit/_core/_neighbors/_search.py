# SPDX-License-Identifier: BSD-3-Clause
"""The search that needs no compiled kernel: bounds, shortlist, proof, redo.

For a block of query rows every candidate gets a lower bound of its squared distance.
The k + 4 smallest are measured by direct differences in float64. If the k-th of them
is below the bound of everyone left out, the answer is proven; otherwise all candidates
whose bound does not exclude them are measured. So the result is the float64 truth, and
ties go to the lowest index.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import threadpoolctl
from sklearn.utils.parallel import Parallel, delayed

from skoverfit._core._neighbors._bounds import DenseSpace, SparseSpace, can_embed
from skoverfit._core._neighbors._direct import DirectSpace, pair_squared, rescale
from skoverfit._core._neighbors._table import NeighborTable

__all__ = ["search", "search_own_and_all"]

Answer = tuple[np.ndarray, np.ndarray]
_BLOCK = 2**21  # bounds held at a time and thread: 8 MB in float32
_EXTRA = 4
_SMALL = 2**21  # so many differences are quicker made than avoided
_DENSE = 2**22  # values of a sparse table that is made dense


def search(
    table: NeighborTable,
    k: int,
    queries: NeighborTable | None,
    rows: np.ndarray | None,
    n_jobs: int,
) -> Answer:
    """Return the distances and indices of the k nearest rows of the table."""
    asked = _asked(table, queries, rows)
    own = asked if queries is None else None
    return _run(table, queries or table, asked, own, [(None, k)], n_jobs)[0]


def search_own_and_all(
    table: NeighborTable,
    k_own: int,
    k_all: int,
    labels: np.ndarray,
    rows: np.ndarray,
    n_jobs: int,
) -> tuple[Answer, Answer]:
    """Return the nearest rows of the own class and of all, bounds made once."""
    out = [
        (np.empty((len(rows), k)), np.empty((len(rows), k), dtype=np.intp))
        for k in (k_own, k_all)
    ]
    for label in np.unique(labels[rows]):
        mine = np.flatnonzero(labels[rows] == label)
        asked, members = rows[mine], np.flatnonzero(labels == label)
        targets = [(members, k_own), (None, k_all)]
        found = _run(table, table, asked, asked, targets, n_jobs)
        for (distances, indices), (d, i) in zip(out, found, strict=True):
            distances[mine], indices[mine] = d, i
    return out[0], out[1]


def _asked(
    table: NeighborTable, queries: NeighborTable | None, rows: np.ndarray | None
) -> np.ndarray:
    if queries is not None:
        return np.arange(len(queries))
    return np.arange(len(table)) if rows is None else rows


def _run(
    base: NeighborTable,
    queries: NeighborTable,
    asked: np.ndarray,
    own: np.ndarray | None,
    targets: list[tuple[np.ndarray | None, int]],
    n_jobs: int,
) -> list[Answer]:
    """Search block after block, in threads where more than one is asked for."""
    base, queries, unit = rescale(*_dense_if_small(base, queries))
    space = _space(base, queries, len(asked))
    step = max(1, _BLOCK // max(1, len(base)))
    if n_jobs > 1:
        step = max(1, min(step, -(-len(asked) // n_jobs)))
    prepare = getattr(space, "precision", None)
    if prepare is not None:  # before threads would do it twice
        prepare(False)
    tasks = [
        (asked[s : s + step], None if own is None else own[s : s + step])
        for s in range(0, len(asked), step)
    ]

    def one(part: np.ndarray, mine: np.ndarray | None) -> list[Answer]:
        return _search_block(space, base, queries, part, mine, targets)

    with _controller().limit(limits=1, user_api="blas"):
        if n_jobs > 1 and len(tasks) > 1:
            parallel = Parallel(n_jobs=n_jobs, backend="threading")
            found = parallel(delayed(one)(*task) for task in tasks)
        else:
            found = [one(*task) for task in tasks]
    answers = []
    for position, (_, k) in enumerate(targets):
        empty = (np.empty((0, k)), np.empty((0, k), dtype=np.intp))
        parts = [block[position] for block in found] or [empty]
        distances = np.sqrt(np.concatenate([d for d, _ in parts]))
        distances *= unit
        answers.append((distances, np.concatenate([i for _, i in parts])))
    return answers


@lru_cache(maxsize=1)
def _controller() -> threadpoolctl.ThreadpoolController:
    return threadpoolctl.ThreadpoolController()


def _dense_if_small(
    base: NeighborTable, queries: NeighborTable
) -> tuple[NeighborTable, NeighborTable]:
    """Make small sparse tables dense, and a dense query of a sparse table sparse."""

    def dense(table: NeighborTable) -> NeighborTable:
        return table._unchecked(table.numeric.toarray(order="C"), table.codes)

    if not base.is_sparse and not queries.is_sparse:
        return base, queries
    same = queries is base
    values = base.n_columns * max(len(base), len(queries))
    if values <= _DENSE or base.codes is not None or not base.is_sparse:
        base = dense(base) if base.is_sparse else base
        if same:
            return base, base
        return base, dense(queries) if queries.is_sparse else queries
    if not queries.is_sparse:
        queries = NeighborTable(numeric=_sparse(queries.numeric))
    return base, queries


def _sparse(values: np.ndarray) -> Any:
    import scipy.sparse as sp

    return sp.csr_array(values)


def _space(base: NeighborTable, queries: NeighborTable, n_asked: int) -> Any:
    if base.is_sparse:
        return SparseSpace(base, queries)
    small = n_asked * len(base) * base.n_columns <= _SMALL
    missing = base.has_missing or queries.has_missing
    if small or missing or not can_embed(base) or not can_embed(queries):
        return DirectSpace(base, queries)
    return DenseSpace(base, queries)


def _search_block(
    space: Any,
    base: NeighborTable,
    queries: NeighborTable,
    asked: np.ndarray,
    own: np.ndarray | None,
    targets: list[tuple[np.ndarray | None, int]],
) -> list[Answer]:
    def measure(i: np.ndarray, j: np.ndarray) -> np.ndarray:
        return pair_squared(queries, base, i, j)

    bounds = _bounds(space, asked, own, False)
    answers = []
    for members, k in targets:
        mine = bounds if members is None else bounds[:, members]
        if space.exact:  # integers in a dense space, too
            answer = _smallest_exact(mine, k)
            answer[0][...] += space.offset(asked)[:, None]
        else:
            answer = _proven(space, mine, asked, own, members, k, measure)
        indices = answer[1] if members is None else members[answer[1]]
        answers.append((answer[0], indices))
    return answers


def _bounds(
    space: Any, asked: np.ndarray, own: np.ndarray | None, double: bool
) -> np.ndarray:
    """Return the bounds of a block; the own row of a query is behind all others."""
    bounds = space.block(asked, double)
    if own is not None:  # NaN sorts behind infinity
        bounds[np.arange(len(asked)), own] = np.nan if space.exact else np.inf
    return bounds


def _smallest_exact(squared: np.ndarray, k: int) -> Answer:
    """Return the k smallest of each row; ties by the lowest index."""
    order = np.argpartition(squared, k - 1, axis=1)[:, :k]
    values = np.take_along_axis(squared, order, axis=1)
    last = values.max(axis=1)
    tied = np.flatnonzero((squared <= last[:, None]).sum(axis=1) > k)
    if len(tied):
        order[tied] = np.argsort(squared[tied], axis=1, kind="stable")[:, :k]
    found = np.take_along_axis(squared, order, axis=1).astype(np.float64)
    return _sorted(found, order)


def _sorted(squared: np.ndarray, indices: np.ndarray) -> Answer:
    order = np.lexsort((indices, squared), axis=1)
    return (
        np.take_along_axis(squared, order, axis=1),
        np.take_along_axis(indices, order, axis=1),
    )


def _shortlist(bounds: np.ndarray, size: int) -> np.ndarray:
    """Return the columns of the smallest bounds of each row, in any order.

    They lie in the blocks of 64 with the smallest minima: one vectorised pass instead
    of a partition of whole rows.
    """
    n = bounds.shape[1]
    if size >= n:
        return np.broadcast_to(np.arange(n), bounds.shape)
    n_blocks = n // 64
    if n_blocks < 4 * size:
        return np.argpartition(bounds, size - 1, axis=1)[:, :size]
    body = bounds[:, : 64 * n_blocks].reshape(len(bounds), 64, n_blocks)
    minima = body.min(axis=1)
    blocks = np.argpartition(minima, size - 1, axis=1)[:, :size]
    columns = (blocks[:, :, None] + n_blocks * np.arange(64)).reshape(len(bounds), -1)
    rest = np.broadcast_to(np.arange(64 * n_blocks, n), (len(bounds), n % 64))
    columns = np.concatenate([columns, rest], axis=1)
    values = np.take_along_axis(bounds, columns, axis=1)
    best = np.argpartition(values, size - 1, axis=1)[:, :size]
    return np.take_along_axis(columns, best, axis=1)


def _proven(
    space: Any,
    bounds: np.ndarray,
    asked: np.ndarray,
    own: np.ndarray | None,
    members: np.ndarray | None,
    k: int,
    measure: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> Answer:
    """Return the k nearest of each row with the float64 truth as squared distances."""
    n = bounds.shape[1]
    size = min(n, k + _EXTRA + (own is not None))
    columns = _shortlist(bounds, size)
    last = np.take_along_axis(bounds, columns, axis=1).max(axis=1)
    true = columns if members is None else members[columns]
    squared = measure(np.repeat(asked, size), true.ravel()).reshape(-1, size)
    if own is not None:
        squared[true == own[:, None]] = np.inf
    squared, columns = _sorted(squared, columns)
    squared, columns = squared[:, :k].copy(), columns[:, :k].copy()
    worst = squared[:, -1]
    unsure = (space.limit(worst, asked, False) >= last) & (worst > 0) & (size < n)
    bad = np.flatnonzero(unsure)
    step = max(1, _BLOCK // 2 // max(1, len(bounds[0])))
    for start in range(0, len(bad), step):
        part = bad[start : start + step]
        exact = _bounds(space, asked[part], None if own is None else own[part], True)
        exact = exact if members is None else exact[:, members]
        limit = space.limit(worst[part], asked[part], True)
        for row, low, at_most in zip(part, exact, limit, strict=True):
            left = np.flatnonzero(low <= at_most)
            true_left = left if members is None else members[left]
            found = measure(np.full(len(left), asked[row]), true_left)
            order = np.lexsort((left, found))[:k]
            squared[row], columns[row] = found[order], left[order]
    return squared, columns
