# SPDX-License-Identifier: BSD-3-Clause
"""Bins of forecast probabilities; equal forecasts are never parted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Bins", "Groups", "bin_forecasts", "group_forecasts"]


@dataclass(frozen=True)
class Groups:
    """Rows of equal forecast, in rising order of it."""

    value: np.ndarray
    weight: np.ndarray
    squared_weight: np.ndarray  # sum of squares of the rows' weights
    positive: np.ndarray  # weight of the rows with outcome 1


@dataclass(frozen=True)
class Bins:
    """Sums over bins of groups."""

    share: np.ndarray  # of the total weight
    n_rows: np.ndarray  # effective: (sum w)^2 / sum w^2, the row count if all equal
    predicted: np.ndarray  # mean forecast
    observed: np.ndarray  # share of outcome 1

    @property
    def variance(self) -> np.ndarray:
        """Unbiased estimate of the variance of ``observed`` (two rows at least)."""
        return self.observed * (1.0 - self.observed) / (self.n_rows - 1.0)


def group_forecasts(y: np.ndarray, p: np.ndarray, w: np.ndarray) -> Groups:
    """Collect rows of equal forecast."""
    value, inverse = np.unique(p, return_inverse=True)
    n = value.size
    return Groups(
        value=value,
        weight=np.bincount(inverse, weights=w, minlength=n),
        squared_weight=np.bincount(inverse, weights=w * w, minlength=n),
        positive=np.bincount(inverse, weights=w * y, minlength=n),
    )


def bin_forecasts(
    groups: Groups, *, n_bins: int, strategy: str, pairs: bool = False
) -> Bins:
    """Put groups into bins.

    ``strategy`` is "quantile" (equal weight), "uniform" (equal width) or "sweep"
    (`_sweep`). With ``pairs`` bins of fewer than two effective rows join a
    neighbour, because their variance can't be estimated.
    """
    if strategy == "uniform":
        number = np.minimum(np.floor(groups.value * n_bins), n_bins - 1)
    else:
        middle = _middle(groups)
        if strategy == "sweep":
            n_bins = _sweep(groups, middle)
        number = np.floor(middle * n_bins / (2.0 * groups.weight.sum()))
    starts = np.concatenate([[0], np.flatnonzero(np.diff(number)) + 1])
    if pairs:
        starts = _merge_small(groups, starts)
    weight = np.add.reduceat(groups.weight, starts)
    forecast = np.add.reduceat(groups.weight * groups.value, starts)
    positive = np.add.reduceat(groups.positive, starts)
    squares = np.add.reduceat(groups.squared_weight, starts)
    return Bins(
        share=weight / weight.sum(),
        n_rows=weight**2 / squares,
        predicted=forecast / weight,
        observed=np.minimum(positive / weight, 1.0),
    )


def _middle(groups: Groups) -> np.ndarray:
    """Twice the cumulated weight at the middle of each group: exact for integers."""
    return 2.0 * np.cumsum(groups.weight) - groups.weight


def _merge_small(groups: Groups, starts: np.ndarray) -> np.ndarray:
    """Join bins of fewer than two effective rows to the bin before (or after)."""
    weight = np.add.reduceat(groups.weight, starts)
    squares = np.add.reduceat(groups.squared_weight, starts)
    if np.all(weight**2 >= 2.0 * squares):
        return starts
    kept: list[int] = []
    sums: list[list[float]] = []
    for start, w, s in zip(
        starts.tolist(), weight.tolist(), squares.tolist(), strict=True
    ):
        if sums and sums[-1][0] ** 2 < 2.0 * sums[-1][1]:
            sums[-1][0] += w
            sums[-1][1] += s
        else:
            kept.append(start)
            sums.append([w, s])
    if len(kept) > 1 and sums[-1][0] ** 2 < 2.0 * sums[-1][1]:
        kept.pop()
    return np.asarray(kept)


def _sweep(groups: Groups, middle: np.ndarray) -> int:
    """Return the number of equal-weight bins up to which ``observed`` never falls.

    Roelofs et al. (2022), algorithm 1: one more bin at a time, until two neighbours
    are out of order. Groups before the first outcome 1 and after the last outcome 0
    can't be, so only the bins between are looked at.
    """
    observed = groups.positive / groups.weight
    if np.all(np.diff(observed) >= 0):
        return groups.value.size
    total = groups.weight.sum()
    weight = np.concatenate([[0.0], np.cumsum(groups.weight)])
    positive = np.concatenate([[0.0], np.cumsum(groups.positive)])
    first = middle[np.flatnonzero(groups.positive > 0)[0]] / (2.0 * total)
    last = middle[np.flatnonzero(observed < 1)[-1]] / (2.0 * total)
    for n_bins in range(2, groups.value.size + 1):
        numbers = np.arange(np.floor(first * n_bins), np.floor(last * n_bins) + 2)
        edges = np.searchsorted(middle, numbers * (2.0 * total) / n_bins, "left")
        edges = edges[np.concatenate([[True], np.diff(edges) > 0])]
        share = np.diff(positive[edges]) / np.diff(weight[edges])
        if np.any(np.diff(share) < -1e-12):
            return n_bins - 1
    return groups.value.size
