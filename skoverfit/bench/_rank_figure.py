# SPDX-License-Identifier: BSD-3-Clause
"""The critical-difference diagram of Demsar (2006), drawn for narrow pages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from skoverfit._core._html import shorten
from skoverfit.bench._types import Question, Ranks
from skoverfit.inspection._svg import THEME, drawing_style, inline_svg, new_figure

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes

__all__ = ["MAX_METHODS", "cliques", "rank_svg"]

MAX_METHODS = 14
_WIDTH = 3.4
_ROW = 0.24  # inches a method
_AXIS = 0.58  # inches from the top


def cliques(ranks: Sequence[float], critical_difference: float) -> list[slice]:
    """Return the maximal runs of sorted ranks within one critical difference.

    Parameters
    ----------
    ranks : sequence of float
        Mean ranks in ascending order.
    critical_difference : float
        Ranks closer than this can't be told apart.

    Returns
    -------
    list of slice
        Positions of each run of at least two; none contains another.

    References
    ----------
    Demsar (2006), Statistical Comparisons of Classifiers over Multiple Data Sets,
    Journal of Machine Learning Research 7.

    Examples
    --------
    >>> from skoverfit.bench._rank_figure import cliques
    >>> cliques([1.0, 1.5, 3.0, 3.2], 1.6)
    [slice(0, 2, None), slice(1, 3, None), slice(2, 4, None)]
    """
    runs: list[slice] = []
    end = 0
    for start, low in enumerate(ranks):
        stop = start
        while stop < len(ranks) and ranks[stop] - low <= critical_difference:
            stop += 1
        if stop - start > 1 and stop > end:
            runs.append(slice(start, stop))
            end = stop
    return runs


def rank_svg(ranks: Ranks, question: Question, prefix: str) -> Markup:
    """Draw mean ranks, best on the right and on top; bars join what is not separable.

    Parameters
    ----------
    ranks : Ranks
        With a critical difference; at most `MAX_METHODS` best methods are drawn.
    question : Question
        What was ranked.
    prefix : str
        Starts the ids of the SVG.

    Returns
    -------
    markupsafe.Markup
        The inline SVG.
    """
    difference = ranks["critical_difference"]
    if difference is None:
        raise ValueError("A critical-difference diagram needs a critical difference.")
    pairs = sorted(
        zip(ranks["mean_ranks"], ranks["methods"], strict=True),
        key=lambda pair: (pair[0], pair[1]),
    )[:MAX_METHODS]
    values = [value for value, _ in pairs]
    runs = cliques(values, difference)
    label = (
        f"{question['label']}: {pairs[0][1]} has the best mean rank, {values[0]:.2f}, "
        f"over {ranks['n_blocks']} tables and estimators; ranks closer than "
        f"{difference:.2f} can't be told apart."
    )
    head = 0.68 + 0.09 * len(runs)
    height = head + _ROW * len(pairs) + 0.06
    with drawing_style():
        figure = new_figure(_WIDTH, height)
        axes = figure.add_axes((0.02, 0, 0.96, 1))
        axes.set_axis_off()
        axes.set_ylim(height, 0)
        low, high = _axis(axes, values, difference)
        _bars(axes, [values[run] for run in runs], 0.01 * (high - low))
        _leaders(axes, pairs, (low, high), head)
        return inline_svg(figure, prefix, label)


def _axis(
    axes: Axes, values: Sequence[float], difference: float
) -> tuple[float, float]:
    """Draw the rank axis and the length of the critical difference above it."""
    low, high = math.floor(values[0]), math.ceil(values[-1])
    high = max(high, low + 1, math.ceil(low + difference))
    span = high - low
    # Rank 1 on the right; the names need nearly twice the axis beside it.
    axes.set_xlim(high + 0.04 * span, low - 2.1 * span)
    axes.plot([low, high], [_AXIS, _AXIS], color=THEME["ink"], linewidth=1)
    step = max(1, math.ceil(span / 4))
    for tick in range(low, high + 1, step):
        axes.plot([tick, tick], [_AXIS - 0.05, _AXIS], color=THEME["ink"], linewidth=1)
        axes.text(tick, 0.5, str(tick), ha="center", fontsize=9)
    start = high
    axes.plot([start, start - difference], [0.2, 0.2], color=THEME["ink"], linewidth=2)
    for end in (start, start - difference):
        axes.plot([end, end], [0.16, 0.24], color=THEME["ink"], linewidth=1.5)
    axes.text(
        start - difference - 0.04 * span,
        0.2,
        f"critical difference {difference:.2f}",
        va="center",
    )
    axes.text(low - 0.14 * span, 0.5, "mean rank", color=THEME["muted"])
    return low, high


def _bars(axes: Axes, groups: Sequence[Sequence[float]], pad: float) -> None:
    """Join the ranks of each group with a bar of its own beneath the axis."""
    for number, group in enumerate(groups, 1):
        ends = [group[0] - pad, group[-1] + pad]
        y = _AXIS + 0.09 * number
        style: dict[str, Any] = {"color": THEME["c2"], "linewidth": 3.2}
        axes.plot(ends, [y, y], solid_capstyle="butt", **style)


def _leaders(
    axes: Axes,
    pairs: Sequence[tuple[float, str]],
    limits: tuple[float, float],
    head: float,
) -> None:
    """Lead from each rank on the axis to its name in the column on the right."""
    low, high = limits
    name_at = low - 0.07 * (high - low)
    for row, (value, method) in enumerate(pairs):
        y = head + _ROW * (row + 0.5)
        axes.plot(
            [value, value, name_at],
            [_AXIS, y, y],
            color=THEME["muted"],
            linewidth=1,
            solid_joinstyle="miter",
        )
        axes.plot(value, _AXIS, "o", color=THEME["c1"], markersize=4.5)
        axes.text(
            name_at - 0.03 * (high - low),
            y,
            f"{value:.2f}  {shorten(method, 25)}",
            va="center",
            fontsize=9,
        )
