# SPDX-License-Identifier: BSD-3-Clause
"""Which values of a number are rare: relevance, segments and how many rows they get."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

import numpy as np
from scipy.interpolate import PchipInterpolator

from skoverfit._core._arrays import to_numpy
from skoverfit._core._resampling._strategy import resolve_strategy
from skoverfit.exceptions import BadInputError

__all__ = [
    "NoRareValueError",
    "box_plot_points",
    "check_points",
    "relevance_at",
    "segment",
    "shares",
]

# Whiskers of a box plot, in interquartile ranges.
WHISKER = 1.5


class NoRareValueError(BadInputError):
    """Say that no value is rare, or each is: there is nothing to re-sample."""

    # Why a row of the benchmark or of a search is left out; the message names numbers
    # of the one fold.
    reason: ClassVar[str] = "no value of the training rows is rare, or each is"


def box_plot_points(y: np.ndarray, tail: str) -> np.ndarray:
    """Return control points: 1 at the whiskers beyond which there are values, else 0.

    The hinges are Tukey's, as in R's ``boxplot.stats``. Where a whisker is the median
    itself the nearest value beyond takes its place.
    """
    ordered = np.sort(y)
    n, median = len(y), float(np.median(y))
    depth = (n + 3) // 2 / 2
    low, high = (
        (ordered[int(np.floor(d)) - 1] + ordered[int(np.ceil(d)) - 1]) / 2
        for d in (depth, n + 1 - depth)
    )
    reach = WHISKER * (high - low)
    inside = ordered[(ordered >= low - reach) & (ordered <= high + reach)]
    below, above = ordered[ordered < inside[0]], ordered[ordered > inside[-1]]
    points = {median: 0.0}
    if tail != "high" and len(below):
        points[float(inside[0] if inside[0] < median else below[-1])] = 1.0
    else:
        points.setdefault(float(ordered[0]), 0.0)
    if tail != "low" and len(above):
        points[float(inside[-1] if inside[-1] > median else above[0])] = 1.0
    else:
        points.setdefault(float(ordered[-1]), 0.0)
    return np.array(sorted(points.items()))


def check_points(points: Any) -> np.ndarray:
    """Return control points in the order of their values.

    Raises
    ------
    ValueError
        Where they are no two or more pairs of different finite values and relevances
        in [0, 1].
    """
    try:
        pairs = np.asarray(to_numpy(points), dtype=np.float64)
    except (TypeError, ValueError) as exc:
        raise ValueError(
            f"'relevance' must hold pairs of numbers (value, relevance): {exc}."
        ) from exc
    if pairs.ndim != 2 or pairs.shape[1] != 2 or len(pairs) < 2:
        raise ValueError(
            "'relevance' must have two or more control points as pairs (value, "
            f"relevance). Got shape {pairs.shape}."
        )
    pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
    good = np.isfinite(pairs).all() and (np.diff(pairs[:, 0]) > 0).all()
    if not good or not ((pairs[:, 1] >= 0) & (pairs[:, 1] <= 1)).all():
        raise ValueError(
            "'relevance' must have different finite values with relevances in [0, 1]. "
            f"Got {pairs.tolist()}."
        )
    return pairs


def relevance_at(points: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Interpolate the relevance: constant outside of the points, and smooth there.

    A point further out at each end, with the relevance of the last one, makes the
    slope of the monotone cubics zero where the constant begins.
    """
    x, phi = points.T
    room = max(float(x[-1] - x[0]), 1.0)
    x = np.concatenate([[x[0] - room], x, [x[-1] + room]])
    phi = np.concatenate([phi[:1], phi, phi[-1:]])
    y = np.clip(y, points[0, 0], points[-1, 0])
    with np.errstate(all="ignore"):
        told = PchipInterpolator(x, phi)(y)
    # Coefficients overflow between points that are next to equal.
    told = np.where(np.isfinite(told), told, np.interp(y, x, phi))
    return np.clip(told, 0.0, 1.0)


def segment(y: np.ndarray, rare: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Count the runs of rare and of common values in the order of y.

    Returns
    -------
    codes : ndarray of shape (n,), int64
        Segment of each row.
    is_rare : ndarray of shape (n_segments,), bool
        Which segments are rare.
    """
    order = np.argsort(y, kind="stable")
    changes = np.diff(rare[order]) != 0
    codes = np.empty(len(y), dtype=np.int64)
    codes[order] = np.concatenate([[0], np.cumsum(changes)])
    starts = np.concatenate([[0], np.flatnonzero(changes) + 1])
    return codes, rare[order][starts]


def shares(strategy: Any, counts: np.ndarray, is_rare: np.ndarray) -> np.ndarray:
    """Return how many rows each segment is to have.

    Raises
    ------
    ValueError
        Where the strategy asks for fewer rows than there are, or for unknown segments.
    """
    if isinstance(strategy, str):
        share = np.ones(len(counts)) if strategy == "balance" else 1.0 / counts
        return _largest_remainder(share / share.sum(), int(counts.sum()))
    wanted = counts.copy()
    if isinstance(strategy, Real):
        most = int(counts[~is_rare].max())
        asked = int(most * float(strategy))
        grows = is_rare & (counts < asked)
        if not grows.any():
            raise ValueError(
                f"sampling_strategy={strategy!r} asks for {asked} rows in each rare "
                f"segment, {strategy!r} times the {most} of the largest common one, "
                f"and the smallest has {int(counts[is_rare].min())} already; give a "
                "larger ratio."
            )
        wanted[grows] = asked
        return wanted
    positions = np.arange(len(counts))
    added = resolve_strategy(strategy, positions, counts, "over-sampling")
    for position, m in added.items():
        wanted[position] += m
    return wanted


def _largest_remainder(share: np.ndarray, total: int) -> np.ndarray:
    """Round shares of a total so that they sum to it."""
    exact = share * total
    whole = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - whole), kind="stable")
    whole[order[: total - int(whole.sum())]] += 1
    return whole
