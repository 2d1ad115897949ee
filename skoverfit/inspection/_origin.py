# SPDX-License-Identifier: BSD-3-Clause
"""Which rows of a resampled table are kept ones, which are made, and from what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from skoverfit._core._arrays import to_numpy
from skoverfit.exceptions import BadInputError
from skoverfit.inspection._measured import Measured

__all__ = ["Origin", "trace"]


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where the rows of a resampled table come from.

    Attributes
    ----------
    kept : ndarray of shape (n,), bool
        Whether an original row is in the resampled table.
    made : ndarray of shape (n_res,), bool
        Whether a resampled row is none of the original rows (a copy is made, too).
    parents : ndarray of shape (n_made, p) or None
        Original rows of each made row, -1 padded; None where nobody wrote them down.
    """

    kept: np.ndarray
    made: np.ndarray
    parents: np.ndarray | None


def trace(
    sampler: Any,
    original: Measured,
    labels: np.ndarray,
    resampled: Measured,
    labels_res: np.ndarray,
) -> Origin:
    """Read the sampler's record of its last call; without one, compare the rows.

    ``is_synthetic_`` and ``parents_`` are those of our samplers. A sampler with
    ``sample_indices_`` alone selects rows: the first occurrence is the row itself,
    another one a copy. Where there is no record, a resampled row that equals an
    original one of its class, not yet found, is that row.
    """
    n_res = len(resampled)
    sources = _rows_of(sampler, "sample_indices_", n_res, len(original))
    made = _record(sampler, "is_synthetic_", n_res)
    if sources is None or made is None:
        keys, keys_res = original.row_keys(), resampled.row_keys()
        if sources is None or np.any(keys[sources] != keys_res):
            sources = _match(keys, labels, keys_res, labels_res)
        made = _is_repeat(sources)
    kept = np.zeros(len(original), dtype=bool)
    kept[sources[~made]] = True
    parents = _rows_of(sampler, "parents_", n_res, len(original))
    return Origin(
        kept=kept, made=made, parents=None if parents is None else parents[made]
    )


def _rows_of(sampler: Any, name: str, n_res: int, n: int) -> np.ndarray | None:
    """Return a record that names rows of the original table."""
    rows = _record(sampler, name, n_res)
    if rows is not None and rows.size and rows.max() >= n:
        raise BadInputError(
            f"The sampler's {name} names row {rows.max()}, but X has {n} rows: pass "
            "the table that went into the sampler."
        )
    return rows


def _record(sampler: Any, name: str, n_res: int) -> np.ndarray | None:
    found = getattr(sampler, name, None)
    if found is None:
        return None
    values = to_numpy(found)
    if len(values) != n_res:
        raise BadInputError(
            f"The sampler's {name} has {len(values)} rows, but X_res has {n_res}: pass "
            "what its last fit_resample returned."
        )
    return values.astype(bool) if name == "is_synthetic_" else values.astype(np.intp)


def _is_repeat(sources: np.ndarray) -> np.ndarray:
    """Return True where a source was there before, or there is none (-1)."""
    repeat = np.ones(len(sources), dtype=bool)
    found, first = np.unique(sources, return_index=True)
    repeat[first[found >= 0]] = False
    return repeat


def _match(
    keys: np.ndarray, labels: np.ndarray, keys_res: np.ndarray, labels_res: np.ndarray
) -> np.ndarray:
    """Return the original row of each resampled one, -1 for none; each used once."""
    free: dict[tuple[bytes, int], list[int]] = {}
    for row in range(len(keys) - 1, -1, -1):
        free.setdefault((keys[row].tobytes(), int(labels[row])), []).append(row)
    sources = np.full(len(keys_res), -1, dtype=np.intp)
    for row, (key, label) in enumerate(zip(keys_res, labels_res, strict=True)):
        rows = free.get((key.tobytes(), int(label)))
        if rows:
            sources[row] = rows.pop()
    return sources
