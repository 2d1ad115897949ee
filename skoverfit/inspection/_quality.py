# SPDX-License-Identifier: BSD-3-Clause
"""What the made rows of one class are like, in figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from skoverfit._core._neighbors import NeighborTable, find_neighbors
from skoverfit._core._random import derive_generator, derive_seed
from skoverfit._core._resampling._strategy import plain
from skoverfit.inspection._measured import Measured
from skoverfit.inspection._tables import Tables
from skoverfit.inspection._two_sample import clustered_auc, out_of_fold_scores

__all__ = ["FEWEST_ROWS", "ClassQuality", "ColumnQuality", "Measures"]

FEWEST_ROWS = 10
_OVERLAP_NEIGHBORS = 5
_CELLS = 25  # centres of each kind at most
_CHUNK = 2_000_000  # pairs of rows at a time
_TOLERANCE = 1e-7  # standard deviations; rounding must not put a copy outside
NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class ClassQuality:
    """Figures of one class; `synthetic_report` describes them."""

    label: Any
    n_real: int
    n_made: int
    distance_ratio: float = NAN
    copy_share: float = NAN
    precision: float = NAN
    recall: float = NAN
    density: float = NAN
    coverage: float = NAN
    overlap: float = NAN
    overlap_real: float = NAN
    variance_ratio: float = NAN
    auc: float = NAN
    auc_lower: float = NAN
    auc_upper: float = NAN
    missing_difference: float = NAN
    category_difference: float = NAN


@dataclass(frozen=True, kw_only=True)
class ColumnQuality:
    """Figures of one column within one class."""

    label: Any
    column: str
    kind: str
    variance_ratio: float = NAN
    mean_shift: float = NAN
    missing_real: float = NAN
    missing_made: float = NAN
    category_difference: float = NAN


class Measures:
    """Everything that the figures of all classes share.

    Distances are taken with numbers in standard deviations of the original rows and
    a differing category as one of them.
    """

    def __init__(
        self,
        tables: Tables,
        *,
        n_neighbors: int,
        max_rows: int,
        cv: int,
        confidence: float,
        n_jobs: int | None,
        entropy: int,
    ) -> None:
        self.tables = tables
        self.n_neighbors, self.max_rows, self.cv = n_neighbors, max_rows, cv
        self.confidence, self.n_jobs, self.entropy = confidence, n_jobs, entropy
        self.notes: list[str] = []
        values = tables.original.numeric
        present = ~np.isnan(values)
        counts = np.maximum(present.sum(axis=0), 1)
        filled = np.where(present, values, 0.0)
        self._mean = filled.sum(axis=0) / counts
        squares = np.where(present, (values - self._mean) ** 2, 0.0)
        scale = np.sqrt(squares.sum(axis=0) / counts)
        self._scale = np.where(scale > 0.0, scale, 1.0)
        self.real = self._neighbor_table(tables.original)
        self.made = self._neighbor_table(tables.resampled)
        both = [table.row_keys() for table in (tables.original, tables.resampled)]
        keys = np.unique(np.concatenate(both), return_inverse=True)[1]
        n = len(tables.original)
        self.real_keys, self.made_keys = keys[:n], keys[n:]

    def _neighbor_table(self, rows: Measured) -> NeighborTable:
        # 65 535 codes are what the search takes; rarer ones than that are all alike.
        codes = np.minimum(rows.codes, 65_535).astype(np.uint16)
        return NeighborTable(
            numeric=(rows.numeric - self._mean) / self._scale,
            codes=codes if codes.shape[1] else None,
        )

    def _sample(self, rows: np.ndarray, what: str, label: Any) -> np.ndarray:
        if len(rows) <= self.max_rows:
            return rows
        rng = derive_generator(self.entropy, "sample", what, str(label))
        return np.sort(rng.choice(rows, self.max_rows, replace=False))

    def of_class(self, position: int) -> ClassQuality:
        """Return the figures of the class at this position."""
        t = self.tables
        label = plain(t.classes[position])
        real = np.flatnonzero(t.labels == position)
        made = np.flatnonzero((t.labels_res == position) & t.origin.made)
        counts: dict[str, Any] = {
            "label": label,
            "n_real": len(real),
            "n_made": len(made),
        }
        for rows, what in ((made, "made"), (real, "real")):
            if len(rows) < FEWEST_ROWS:
                self.notes.append(
                    f"Class {label!r} has {len(rows)} {what} rows; figures need "
                    f"{FEWEST_ROWS}."
                )
                return ClassQuality(**counts)
        some_real = self._sample(real, "real", label)
        some_made = self._sample(made, "made", label)
        if len(some_real) < len(real) or len(some_made) < len(made):
            self.notes.append(
                f"Class {label!r}: neighbours of {len(some_made):,} of {len(made):,} "
                f"made and {len(some_real):,} of {len(real):,} real rows."
            )
        columns = self.columns_of_class(position)
        return ClassQuality(
            **counts,
            copy_share=float(np.isin(self.made_keys[made], self.real_keys).mean()),
            **self._distances(real, some_real, some_made, label),
            **self._manifold(some_real, some_made),
            **self._overlap(position, some_real, some_made),
            variance_ratio=_median([c.variance_ratio for c in columns]),
            missing_difference=_largest(
                [c.missing_made - c.missing_real for c in columns]
            ),
            category_difference=_largest([c.category_difference for c in columns]),
        )

    def _distances(
        self, real: np.ndarray, some_real: np.ndarray, some_made: np.ndarray, label: Any
    ) -> dict[str, Any]:
        """Return the figures of nearest real rows, and the two-sample test on them."""
        own = self.real.take(real)
        queries = self.made.take(some_made)
        far, nearest = find_neighbors(own, 1, queries=queries, n_jobs=self.n_jobs)
        near, _ = find_neighbors(
            own, 1, rows=np.searchsorted(real, some_real), n_jobs=self.n_jobs
        )
        middle = float(np.median(near))
        if middle > 0.0 and np.isfinite(middle):
            ratio = float(np.median(far)) / middle
        else:
            ratio = NAN
            self.notes.append(
                f"Class {label!r}: half of the real rows are duplicates, so there is "
                "no distance to measure by."
            )
        # Made rows at one real row are not independent of it nor of each other; those
        # farther away than real rows are from one another stand for themselves.
        close = far[:, 0] <= np.max(near[np.isfinite(near)], initial=0.0)
        alone = len(self.real_keys) + len(self.made_keys) + np.arange(len(some_made))
        cluster = np.where(close, self.real_keys[real[nearest[:, 0]]], alone)
        return {
            "distance_ratio": ratio,
            **self._two_sample(some_real, some_made, cluster, label),
        }

    def _two_sample(
        self,
        some_real: np.ndarray,
        some_made: np.ndarray,
        cluster: np.ndarray,
        label: Any,
    ) -> dict[str, Any]:
        """Return how well a forest tells made from real rows, out of fold."""
        cells = self._cells(some_real, some_made, label)
        made = np.repeat([0, 1], [len(some_real), len(some_made)])
        fewest = min(len(np.unique(cells[made == side])) for side in (0, 1))
        if fewest < self.cv:
            self.notes.append(
                f"Class {label!r}: the made rows lie at too few places for a "
                f"two-sample test in {self.cv} folds."
            )
            return {}
        rows = [
            np.concatenate([m.numeric[chosen], m.codes[chosen]], axis=1)
            for m, chosen in (
                (self.tables.original, some_real),
                (self.tables.resampled, some_made),
            )
        ]
        scores = out_of_fold_scores(
            np.concatenate(rows),
            made,
            cells,
            cv=self.cv,
            seed=derive_seed(self.entropy, "forest", str(label)),
            n_jobs=self.n_jobs,
        )
        clusters = np.concatenate([self.real_keys[some_real], cluster])
        area, lower, upper = clustered_auc(scores, made, clusters, self.confidence)
        return {"auc": area, "auc_lower": lower, "auc_upper": upper}

    def _cells(
        self, some_real: np.ndarray, some_made: np.ndarray, label: Any
    ) -> np.ndarray:
        """Return the neighbourhood of each row: real rows first, then made ones.

        Half of their centres are real rows and half made ones, so that a cell depends
        on where a row is and not on what it is. (With real rows alone as centres, a
        forest never sees the real row nearest to a made one, and takes the place for
        one of made rows: an area of 0.6 for rows of the very same law.)
        """
        rng = derive_generator(self.entropy, "cells", str(label))
        half = int(np.clip(min(len(some_real), len(some_made)) // 4, self.cv, _CELLS))
        tables = self.real.take(some_real), self.made.take(some_made)
        found = []
        centres = [
            t.take(rng.choice(len(t), min(half, len(t)), replace=False)) for t in tables
        ]
        for table in tables:
            sides = [
                find_neighbors(c, 1, queries=table, n_jobs=self.n_jobs) for c in centres
            ]
            (near, first), (other, second) = sides
            found.append(np.where(near <= other, first, half + second)[:, 0])
        return np.concatenate(found)

    def _manifold(self, some_real: np.ndarray, some_made: np.ndarray) -> dict[str, Any]:
        """Return precision, recall, density and coverage (Naeem et al., 2020)."""
        real, made = self.real.take(some_real), self.made.take(some_made)
        k = min(self.n_neighbors, len(real) - 1, len(made) - 1)
        radius_real = find_neighbors(real, k, n_jobs=self.n_jobs)[0][:, -1]
        radius_made = find_neighbors(made, k, n_jobs=self.n_jobs)[0][:, -1]
        in_real_balls, ball_is_hit = _count_in_balls(made, real, radius_real)
        in_made_balls, _ = _count_in_balls(real, made, radius_made)
        return {
            "precision": float((in_real_balls > 0).mean()),
            "density": float(in_real_balls.mean()) / k,
            "recall": float((in_made_balls > 0).mean()),
            "coverage": float(ball_is_hit.mean()),
        }

    def _overlap(
        self, position: int, some_real: np.ndarray, some_made: np.ndarray
    ) -> dict[str, Any]:
        labels = self.tables.labels
        k = min(_OVERLAP_NEIGHBORS, len(labels) - 1)
        queries = self.made.take(some_made)
        _, of_made = find_neighbors(self.real, k, queries=queries, n_jobs=self.n_jobs)
        _, of_real = find_neighbors(self.real, k, rows=some_real, n_jobs=self.n_jobs)
        made, real = (
            float(((labels[found] != position).mean(axis=1) > 0.5).mean())
            for found in (of_made, of_real)
        )
        return {"overlap": made, "overlap_real": real}

    def columns_of_class(self, position: int) -> list[ColumnQuality]:
        """Return the figures of every column in the class at this position."""
        t = self.tables
        label = plain(t.classes[position])
        real = t.labels == position
        made = (t.labels_res == position) & t.origin.made
        if min(real.sum(), made.sum()) < FEWEST_ROWS:
            return []
        figures = []
        for name, (kind, place) in zip(t.original.names, t.original.where, strict=True):
            if kind == "numeric":
                found = _number_figures(
                    t.original.numeric[real, place], t.resampled.numeric[made, place]
                )
            else:
                found = _category_figures(
                    t.original.codes[real, place],
                    t.resampled.codes[made, place],
                    len(t.original.levels[place]),
                )
            figures.append(ColumnQuality(label=label, column=name, kind=kind, **found))
        return figures


def _number_figures(real: np.ndarray, made: np.ndarray) -> dict[str, Any]:
    gone_real, gone_made = np.isnan(real), np.isnan(made)
    figures = {
        "missing_real": float(gone_real.mean()),
        "missing_made": float(gone_made.mean()),
    }
    real, made = real[~gone_real], made[~gone_made]
    if min(len(real), len(made)) >= 2 and np.ptp(real) > 0.0:
        variance = float(real.var(ddof=1))
        figures["variance_ratio"] = float(made.var(ddof=1)) / variance
        figures["mean_shift"] = float(made.mean() - real.mean()) / variance**0.5
    return figures


def _category_figures(
    real: np.ndarray, made: np.ndarray, n_levels: int
) -> dict[str, Any]:
    figures = {
        "missing_real": float((real == 0).mean()),
        "missing_made": float((made == 0).mean()),
    }
    counts = [np.bincount(codes, minlength=n_levels + 1)[1:] for codes in (real, made)]
    if all(c.sum() for c in counts):
        shares = [c / c.sum() for c in counts]
        # Total variation: the share of made rows whose category would have to change.
        figures["category_difference"] = float(np.abs(shares[0] - shares[1]).sum()) / 2
    return figures


def _median(values: list[float]) -> float:
    finite = [v for v in values if np.isfinite(v)]
    return float(np.median(finite)) if finite else NAN


def _largest(values: list[float]) -> float:
    """Return the value that is farthest from 0, with its sign."""
    finite = [v for v in values if np.isfinite(v)]
    return max(finite, key=abs) if finite else NAN


def _count_in_balls(
    queries: NeighborTable, centres: NeighborTable, radii: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return in how many balls each query lies, and which balls have a query."""
    inside = np.zeros(len(queries), dtype=np.intp)
    hit = np.zeros(len(centres), dtype=bool)
    step = max(1, _CHUNK // len(centres))
    limit = (radii + _TOLERANCE) ** 2
    for start in range(0, len(queries), step):
        part = slice(start, start + step)
        within = _squared_distances(queries.take(part), centres) <= limit
        inside[part] = within.sum(axis=1)
        hit |= within.any(axis=0)
    return inside, hit


def _squared_distances(a: NeighborTable, b: NeighborTable) -> np.ndarray:
    """Return all squared distances, over the columns that both rows have."""
    has_a, has_b = (~np.isnan(t.numeric) for t in (a, b))
    x, y = (np.nan_to_num(t.numeric, nan=0.0) for t in (a, b))
    total = (x**2) @ has_b.T + has_a @ (y**2).T - 2.0 * (x @ y.T)
    present = has_a.astype(float) @ has_b.T.astype(float)
    if a.codes is not None and b.codes is not None:
        for u, v in zip(a.codes.T, b.codes.T, strict=True):
            both = (u[:, None] > 0) & (v > 0)
            total += a.mismatch * (both & (u[:, None] != v))
            present += both
    width = x.shape[1] + (0 if a.codes is None else a.codes.shape[1])
    scaled = np.maximum(total, 0.0) * (width / np.maximum(present, 1.0))
    return np.where(present > 0, scaled, np.inf)
