# SPDX-License-Identifier: BSD-3-Clause
"""Write the rows of a plan: points between a base and its partner.

Chunks that fit into a core's cache are gathered straight into the output and changed in
place; the limit is the bandwidth of the memory. Where nothing random is drawn a cell,
threads share the chunks.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import scipy.sparse as sp

from skoverfit._core import _kernel
from skoverfit.over_sampling._plan import Options, Plan

__all__ = [
    "copied_share",
    "copy_rows",
    "fill_rows",
    "make_sparse",
    "restoring_scale",
    "round_to",
]

# Bytes of a chunk of rows, two of which are worked on: they stay in the second cache.
CHUNK = 1 << 18
# Rows of a chunk of a sparse matrix.
SPARSE_ROWS = 4096


def chunk_rows(n_columns: int, itemsize: int, most: int = 4096) -> int:
    """Return how many rows a chunk has."""
    return max(16, min(most, CHUNK // max(n_columns * itemsize, 1)))


def copy_rows(out: np.ndarray, values: np.ndarray, n_threads: int = 1) -> None:
    """Copy a table, on threads where it is worth starting them."""
    rows = chunk_rows(values.shape[1], values.itemsize, most=1 << 14)

    def part(first: int, last: int) -> None:
        # Fresh pages are written while a cache still holds the system's zeros.
        for start in range(first, last, rows):
            stop = min(start + rows, last)
            out[start:stop] = values[start:stop]

    _share(part, len(values), n_threads, values.nbytes)


def _share(
    work: Callable[[int, int], None], n: int, n_threads: int, n_bytes: int
) -> None:
    """Call work(start, stop) for parts of n rows, on threads from a megabyte on."""
    if n_threads == 1 or n_bytes < 1 << 20:
        work(0, n)
        return
    edges = np.linspace(0, n, n_threads + 1).astype(int).tolist()
    with ThreadPoolExecutor(n_threads) as pool:
        list(pool.map(work, edges[:-1], edges[1:]))


def _fill_segments(
    out: np.ndarray, values: np.ndarray, plan: Plan, n_threads: int
) -> None:
    """Write base + step * (partner - base): nothing is missing, drawn or rounded."""
    packed = values.flags.c_contiguous and out.flags.c_contiguous
    if packed and values.dtype in (np.float32, np.float64) and _kernel.available():
        step = np.ascontiguousarray(plan.step, dtype=np.float64)
        _kernel.interpolate(values, plan.base, plan.partner, step, out, n_threads)
        return
    rows = chunk_rows(out.shape[1], out.itemsize)

    def part(first: int, last: int) -> None:
        other = np.empty((min(rows, last - first), out.shape[1]), dtype=out.dtype)
        for start in range(first, last, rows):
            here = slice(start, min(start + rows, last))
            base, partner = plan.base[here], plan.partner[here]
            made, neighbour = out[here], other[: len(base)]
            np.take(values, base, axis=0, out=made, mode="clip")
            np.take(
                values,
                np.where(partner < 0, base, partner),
                axis=0,
                out=neighbour,
                mode="clip",
            )
            neighbour -= made
            neighbour *= plan.step[here].astype(out.dtype, copy=False)[:, None]
            made += neighbour

    _share(part, len(plan.base), n_threads, out.nbytes)


def fill_rows(
    out: np.ndarray,
    values: np.ndarray,
    plan: Plan,
    options: Options,
    *,
    complete: bool,
    spread: Callable[[], np.ndarray],
    whole: np.ndarray | None = None,
    n_threads: int = 1,
) -> None:
    """Write the rows of a plan into ``out``.

    Parameters
    ----------
    out : ndarray of shape (m, d)
        Where to write; its dtype may be an integer.
    values : ndarray of shape (n, d)
        The input.
    plan : Plan
        Bases, partners and steps; ``plan.step`` gets the mean step for boxes.
    options : Options
        How.
    complete : bool
        Whether no value is missing.
    spread : callable
        Returns the standard deviation of each column, for jitter.
    whole : ndarray of shape (d,), bool, default=None
        Columns of whole numbers in a float table.
    n_threads : int, default=1
        Threads that share the work where no cell needs a random number.
    """
    m = len(plan.base)
    if out.shape[1] == 0:
        return  # nominal columns only: no mean of no steps
    noisy = options.fallback == "jitter" and bool((plan.partner < 0).any())
    drawn = options.gap == "box" or options.variance_preserving or whole is not None
    if (
        complete
        and values.dtype == out.dtype
        and out.dtype.kind == "f"
        and not (noisy or drawn)
    ):
        _fill_segments(out, values, plan, n_threads)
        return
    integers = out.dtype.kind in "iu"
    work = np.float64 if integers else out.dtype
    source = values if values.dtype == work else None
    affine = restoring_scale(values, plan) if options.variance_preserving else None
    share = 0.5
    if not complete:
        share = copied_share(np.isnan(values), plan, options.missing)
    rows = chunk_rows(out.shape[1], np.dtype(work).itemsize)
    other = np.empty((min(rows, m), out.shape[1]), dtype=work)
    scratch = np.empty_like(other) if integers else None
    for start in range(0, m, rows):
        part = slice(start, min(start + rows, m))
        base, partner = plan.base[part], plan.partner[part]
        alone = partner < 0
        if alone.any():
            partner = np.where(alone, base, partner)
        size = len(base)
        made = out[part] if scratch is None else scratch[:size]
        neighbour = other[:size]
        if source is None:
            made[...] = values[base]
            neighbour[...] = values[partner]
        else:
            np.take(source, base, axis=0, out=made, mode="clip")
            np.take(source, partner, axis=0, out=neighbour, mode="clip")
        gone = None if complete else (np.isnan(made), np.isnan(neighbour))
        kept = None if gone is None else (made.copy(), neighbour.copy())
        neighbour -= made
        if options.gap == "box":
            steps = plan.cells.random(made.shape)
            plan.step[part] = np.where(alone, 0.0, steps.mean(axis=1))
            neighbour *= steps
        else:
            neighbour *= plan.step[part].astype(work, copy=False)[:, None]
        made += neighbour
        if gone is not None and kept is not None:
            _fill_missing(made, gone, kept, share, plan.cells)
        if alone.any() and options.fallback == "jitter":
            noise = plan.cells.standard_normal((int(alone.sum()), out.shape[1]))
            if plan.noise is not None:
                noise *= plan.noise[part][alone, None]
            made[alone] += spread() * noise
        if affine is not None:
            made -= affine[0]
            made *= affine[1]
            made += affine[0]
        if whole is not None:
            made[:, whole] = round_to(made[:, whole], options.integer, plan.cells)
        if integers:
            info = np.iinfo(out.dtype)
            rounded = round_to(made, options.integer, plan.cells)
            # float64 can't hold the largest int64: the next smaller one is taken.
            top = np.nextafter(float(info.max), 0) if info.bits == 64 else info.max
            out[part] = np.clip(rounded, float(info.min), top)


def round_to(values: np.ndarray, how: str, rng: np.random.Generator) -> np.ndarray:
    """Round to whole numbers: to the nearest, or up with the fraction's probability."""
    if how == "round":
        return np.rint(values)
    return np.floor(values + rng.random(values.shape))


def copied_share(gone: np.ndarray, plan: Plan, how: str) -> Any:
    """Return how often a cell that one parent lacks gets the other's value, by column.

    With parents that lack cells alike one half keeps the share of missing cells:
    p * p + 2 p (1 - p) / 2 = p. But rows that lack cells are nearer to others by the
    partial distance, and are neighbours more often; the share makes up for that.
    """
    if how != "propagate":
        return 1.0
    base = gone[plan.base]
    partner = gone[np.where(plan.partner < 0, plan.base, plan.partner)]
    one = (base ^ partner).mean(axis=0)
    empty = base.mean(axis=0) - (base & partner).mean(axis=0)
    return 1.0 - np.divide(empty, one, out=np.full(one.shape, 0.5), where=one > 0)


def _fill_missing(
    made: np.ndarray,
    gone: tuple[np.ndarray, np.ndarray],
    kept: tuple[np.ndarray, np.ndarray],
    share: Any,
    rng: np.random.Generator,
) -> None:
    """Give a share of the cells that one parent lacks the other's value."""
    copied = (gone[0] ^ gone[1]) & (rng.random(made.shape) < share)
    np.copyto(made, kept[0], where=copied & gone[1])
    np.copyto(made, kept[1], where=copied & gone[0])


def restoring_scale(
    values: np.ndarray, plan: Plan
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the centre and the factors that give the class its variance back.

    A point x + u (z - x) with u uniform has second moment E(x x + x z + z z) / 3.
    """
    pairs = plan.partner >= 0
    if not pairs.any():
        return None
    base, partner = plan.base[pairs], plan.partner[pairs]
    d = values.shape[1]
    first, second, moment = np.zeros(d), np.zeros(d), np.zeros(d)
    count = np.zeros(d)
    centre = _mean(values[plan.seeds].astype(np.float64))
    rows = chunk_rows(values.shape[1], values.itemsize)
    for start in range(0, len(base), rows):
        x = values[base[start : start + rows]] - centre
        z = values[partner[start : start + rows]] - centre
        both = ~(np.isnan(x) | np.isnan(z))
        x, z = np.where(both, x, 0.0), np.where(both, z, 0.0)
        count += both.sum(axis=0)
        first += (x + z).sum(axis=0) / 2
        second += (x * x).sum(axis=0)
        moment += (x * x + x * z + z * z).sum(axis=0) / 3
    count = np.maximum(count, 1)
    # Variance of the drawn bases themselves is the class's, weights included.
    bases = values[base].astype(np.float64) - centre
    there = np.where(np.isnan(bases), 0.0, bases)
    seen = np.maximum((~np.isnan(bases)).sum(axis=0), 1)
    target = (there**2).sum(axis=0) / seen - (there.sum(axis=0) / seen) ** 2
    now = moment / count - (first / count) ** 2
    factor = np.sqrt(np.divide(target, now, out=np.ones(d), where=now > 0))
    return centre + first / count, factor


def _mean(values: np.ndarray) -> np.ndarray:
    there = ~np.isnan(values)
    return np.where(there, values, 0.0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)


def make_sparse(
    values: Any, plan: Plan, options: Options, spread: Callable[[], np.ndarray]
) -> Any:
    """Return the rows of a plan as csr; cells that are 0 in both parents stay 0."""
    rng, blocks = plan.cells, []
    work = values.astype(np.float64) if values.dtype.kind in "iub" else values
    for start in range(0, len(plan.base), SPARSE_ROWS):
        part = slice(start, start + SPARSE_ROWS)
        base, partner = plan.base[part], plan.partner[part]
        alone = partner < 0
        made = work[base]
        other = work[np.where(alone, base, partner)] - made
        other = sp.csr_array(other)
        rows = np.repeat(np.arange(len(base)), np.diff(other.indptr))
        if options.gap == "box":
            steps = rng.random(other.nnz)
            count = np.bincount(rows, minlength=len(base))
            total = np.bincount(rows, weights=steps, minlength=len(base))
            plan.step[part] = total / np.maximum(count, 1)
        else:
            steps = plan.step[part][rows]
        other.data *= steps.astype(other.dtype, copy=False)
        made = sp.csr_array(made) + other
        if alone.any() and options.fallback == "jitter":
            rows = np.repeat(np.arange(len(base)), np.diff(made.indptr))
            noise = spread()[made.indices] * rng.standard_normal(made.nnz)
            if plan.noise is not None:
                noise *= plan.noise[part][rows]
            made.data += np.where(alone[rows], noise, 0.0).astype(made.dtype)
        if values.dtype.kind in "iub":
            made.data = round_to(made.data, options.integer, rng)
        if values.dtype.kind in "iu" and alone.any():
            info = np.iinfo(values.dtype)
            top = np.nextafter(float(info.max), 0) if info.bits == 64 else info.max
            made.data = np.clip(made.data, float(info.min), top)
        blocks.append(made.astype(values.dtype))
    return sp.vstack(blocks, format="csr")
