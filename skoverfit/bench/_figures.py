# SPDX-License-Identifier: BSD-3-Clause
"""The report's figures: narrow enough for a phone, readable without colour vision.

Every function takes rows of the `Analysis` and returns an inline SVG. Names come from
people's data: they are shortened here, never parsed as mathematics, and escaped when
the SVG is written.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from skoverfit._core._format import ratio, with_interval
from skoverfit._core._html import shorten
from skoverfit.bench._types import (
    Cost,
    Gap,
    Leader,
    Question,
    Reliability,
)
from skoverfit.inspection._svg import (
    SERIES,
    THEME,
    drawing_style,
    inline_svg,
    new_figure,
)

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["cost_svg", "gap_svg", "leaderboard_svg", "reliability_svg"]

WIDTH = 3.4  # inches: 326 px, so that a phone shows 9 points as 11 px
_NAME_COLUMNS = 23
_ROW = 0.37  # inches a row of two lines
_HEAD, _FOOT = 0.3, 0.46


def _two_line_axes(
    names: Sequence[tuple[str, str]], xlabel: str
) -> tuple[Figure, Axes]:
    """Return axes with a row for each (remedy, estimator), the first on top."""
    n = len(names)
    height = _HEAD + _FOOT + _ROW * n
    figure = new_figure(WIDTH, height)
    left = 0.5
    axes = figure.add_axes((left, _FOOT / height, 0.97 - left, _ROW * n / height))
    axes.set_ylim(n - 0.5, -0.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=3, min_n_ticks=2))
    axes.set_xlabel(xlabel)
    to_left = -left / (0.97 - left) + 0.01
    place: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "clip_on": False}
    for row, (remedy, estimator) in enumerate(names):
        axes.text(
            to_left, row - 0.06, shorten(remedy, _NAME_COLUMNS), va="bottom", **place
        )
        axes.text(
            to_left,
            row + 0.04,
            shorten(estimator, _NAME_COLUMNS + 1),
            va="top",
            color=THEME["muted"],
            fontsize=9,
            **place,
        )
        if row:
            axes.axhline(row - 0.5, color=THEME["rule"], linewidth=0.6, zorder=0)
    return figure, axes


def _finite_limits(axes: Axes, values: Sequence[float]) -> tuple[float, float]:
    """Set x limits that hold every finite value, with air, and return them."""
    finite = [value for value in values if math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    air = 0.06 * (high - low) or max(0.05 * abs(high), 1e-3)
    axes.set_xlim(low - air, high + air)
    return low - air, high + air


def _whisker(axes: Axes, row: float, lower: float, upper: float, **style: Any) -> None:
    """Draw an interval; an infinite end runs to the edge without a cap."""
    left, right = axes.get_xlim()
    ends = (max(lower, left), min(upper, right))
    if not any(map(math.isnan, ends)):
        axes.plot(ends, [row, row], solid_capstyle="butt", **style)
        caps = [end for end in (lower, upper) if math.isfinite(end)]
        cap = {"color": style["color"], "linewidth": 1.2}
        axes.vlines(caps, row - 0.14, row + 0.14, **cap)


def leaderboard_svg(
    rows: Sequence[Leader], question: Question, prefix: str, where: str
) -> Markup:
    """Draw score and interval of each row; the baseline is an open diamond."""
    best = rows[0]
    value, span = with_interval(best["score"], best["lower"], best["upper"])
    label = (
        f"{question['label']}{where}: {best['remedy']} with {best['estimator']} leads, "
        f"{question['metric']} {value} {span}."
    )
    with drawing_style():
        names = [(row["remedy"], row["estimator"]) for row in rows]
        figure, axes = _two_line_axes(names, shorten(question["metric"], 22))
        _finite_limits(
            axes, [row[key] for row in rows for key in ("score", "lower", "upper")]
        )
        for y, row in enumerate(rows):
            base = row["remedy"] == question["baseline"]
            colour = THEME["muted"] if base else THEME["c1"]
            _whisker(axes, y, row["lower"], row["upper"], color=colour, linewidth=2)
            axes.plot(
                row["score"],
                y,
                marker="D" if base else "o",
                markersize=6.5,
                color=colour,
                markerfacecolor=THEME["surface"] if base else colour,
            )
        bases = [r["score"] for r in rows if r["remedy"] == question["baseline"]]
        if bases:
            axes.axvline(
                bases[0], color=THEME["muted"], linestyle=(0, (2, 2)), linewidth=1
            )
        _legend_above(figure, axes, _leader_handles(bool(bases), question["baseline"]))
        return inline_svg(figure, prefix, label)


def _leader_handles(with_baseline: bool, baseline: str) -> list[Line2D]:
    handles = [
        Line2D([], [], color=THEME["c1"], marker="o", markersize=6.5, label="remedy")
    ]
    if with_baseline:
        handles.append(
            Line2D(
                [],
                [],
                color=THEME["muted"],
                marker="D",
                markersize=6.5,
                markerfacecolor=THEME["surface"],
                label=f"baseline: {shorten(baseline, 18)}",
            )
        )
    return handles


def _legend_above(figure: Figure, axes: Axes, handles: list[Any]) -> None:
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.0, 1.0),
        borderaxespad=0.1,
        borderpad=0.1,
        ncols=len(handles),
        columnspacing=1.2,
        handletextpad=0.4,
        handlelength=1.6,
    )


def gap_svg(rows: Sequence[Gap], question: Question, prefix: str, where: str) -> Markup:
    """Draw training and test score; the whisker is the interval of their gap."""
    widest = max(rows, key=lambda row: (row["gap"], row["remedy"]))
    value, span = with_interval(widest["gap"], widest["lower"], widest["upper"])
    label = (
        f"{question['label']}{where}: the widest gap between training and test score "
        f"is {value} {span}, {widest['remedy']} with {widest['estimator']}."
    )
    sign = -1.0 if question["higher_is_better"] else 1.0
    with drawing_style():
        names = [(row["remedy"], row["estimator"]) for row in rows]
        figure, axes = _two_line_axes(names, shorten(question["metric"], 22))
        ends = [
            sorted((r["train"] + sign * r["lower"], r["train"] + sign * r["upper"]))
            for r in rows
        ]
        scores = [row[key] for row in rows for key in ("train", "test")]
        _finite_limits(axes, [*scores, *(end for pair in ends for end in pair)])
        for y, (row, (lower, upper)) in enumerate(zip(rows, ends, strict=True)):
            axes.plot(
                [row["train"], row["test"]], [y, y], color=THEME["rule"], linewidth=5
            )
            _whisker(axes, y, lower, upper, color=THEME["c2"], linewidth=1.6)
            axes.plot(row["test"], y, "o", color=THEME["c2"], markersize=6.5)
            axes.plot(
                row["train"],
                y,
                marker="s",
                color=THEME["c1"],
                markerfacecolor=THEME["surface"],
                markersize=6.5,
                markeredgewidth=1.4,
            )
        train: dict[str, Any] = {"marker": "s", "color": THEME["c1"], "markersize": 6.5}
        train |= {"markerfacecolor": THEME["surface"], "markeredgewidth": 1.4}
        test: dict[str, Any] = {"marker": "o", "color": THEME["c2"], "markersize": 6.5}
        handles = [
            Line2D([], [], linestyle="", label="training", **train),
            Line2D([], [], label="test, interval of gap", **test),
        ]
        _legend_above(figure, axes, handles)
        return inline_svg(figure, prefix, label)


def reliability_svg(
    curves: Sequence[Reliability], prefix: str, where: str, *, numbers: bool = False
) -> Markup:
    """Draw small multiples, the first curve in the background of the others.

    The axes are probabilities, or numbers in standard deviations from the mean.
    """
    first, *others = curves
    observed = "observed mean" if numbers else "observed frequency"
    label = (
        f"Reliability{where}, {first['estimator']}: predicted against {observed} "
        f"for {', '.join(curve['remedy'] for curve in curves)}. "
        + " ".join(_miscalibration(curve) for curve in curves)
    )
    n_rows = math.ceil(len(curves) / 2)
    panel, head, foot = 1.36, 0.44, 0.46
    height = foot + n_rows * (panel + head)
    with drawing_style():
        figure = new_figure(WIDTH, height)
        limits = _number_limits(curves) if numbers else _reliability_limits(curves)
        for position, curve in enumerate(curves):
            row, column = divmod(position, 2)
            bottom = foot + (n_rows - 1 - row) * (panel + head)
            left = 0.5 + column * (panel + 0.14)
            axes = figure.add_axes(
                (left / WIDTH, bottom / height, panel / WIDTH, panel / height)
            )
            _reliability_axes(axes, limits)
            if others and position:
                _reliability_background(axes, first)
            _reliability_curve(axes, curve, SERIES[position % len(SERIES)])
            title = "\n".join(wrap(shorten(curve["remedy"], 34), 18)[:2])
            axes.set_title(title, loc="left", pad=4, fontsize=9)
            last_row = position + 2 >= len(curves)
            axes.tick_params(labelbottom=last_row, labelleft=column == 0)
        middle = (0.5 + panel + 0.07) / WIDTH if others else (0.5 + panel / 2) / WIDTH
        predicted = "predicted, in deviations" if numbers else "predicted probability"
        figure.text(middle, 0.05 / height, predicted, ha="center")
        middle = (foot + (n_rows * (panel + head) - head) / 2) / height
        figure.text(0.012, middle, observed, rotation=90, va="center")
        return inline_svg(figure, prefix, label)


def _reliability_axes(axes: Axes, limits: tuple[float, float]) -> None:
    low, high = limits
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    whole = low == 0 and high > 1
    ticks = [0, 0.5, 1] if whole else MaxNLocator(3 if low else 2).tick_values(*limits)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks([tick for tick in ticks if low <= tick <= high])
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    diagonal = {"color": THEME["muted"], "linewidth": 0.8, "zorder": 0}
    axes.plot(limits, limits, **diagonal)  # type: ignore[arg-type]


def _miscalibration(curve: Reliability) -> str:
    """Say how many of the curve's intervals miss the diagonal."""
    points = curve["points"]
    outside = sum(not p["lower"] <= p["predicted"] <= p["upper"] for p in points)
    return f"{curve['remedy']}: {outside} of {len(points)} intervals miss the diagonal."


def _number_limits(curves: Sequence[Reliability]) -> tuple[float, float]:
    """Return the ends of both axes: those of all points, with some air."""
    points = [
        point[key]
        for curve in curves
        for point in curve["points"]
        for key in ("predicted", "observed")
    ]
    finite = [value for value in points if math.isfinite(value)] or [0.0]
    air = 0.08 * (max(finite) - min(finite)) or 0.5
    return min(finite) - air, max(finite) + air


def _reliability_limits(curves: Sequence[Reliability]) -> tuple[float, float]:
    """Return the ends of both axes: 0, and 1 unless every point lies far below."""
    values = [
        value
        for curve in curves
        for point in curve["points"]
        for value in (point["predicted"], point["observed"])
        if math.isfinite(value)
    ]
    largest = max(values, default=1.0)
    return 0.0, 1.02 if largest > 0.5 else max(1.3 * largest, 0.02)


def _reliability_background(axes: Axes, curve: Reliability) -> None:
    x = [point["predicted"] for point in curve["points"]]
    y = [point["observed"] for point in curve["points"]]
    axes.plot(x, y, color=THEME["muted"], linewidth=1, linestyle=(0, (2, 1.5)))


def _reliability_curve(axes: Axes, curve: Reliability, series: dict[str, Any]) -> None:
    points = curve["points"]
    x = [point["predicted"] for point in points]
    axes.vlines(
        x,
        [point["lower"] for point in points],
        [point["upper"] for point in points],
        color=series["color"],
        linewidth=1.4,
        alpha=0.75,
    )
    y = [point["observed"] for point in points]
    axes.plot(x, y, markersize=4.5, linewidth=1.4, clip_on=False, **series)


def cost_svg(
    rows: Sequence[Cost],
    question: Question,
    rope: float,
    prefix: str,
    where: str,
) -> Markup:
    """Draw time against gain for one estimator; the band is the equivalence.

    At most as many remedies as there are markers are drawn, those that gain most.
    """
    gains = sorted((row["difference"] for row in rows), reverse=True)[: len(SERIES)]
    drawn = [row for row in rows if row["difference"] >= gains[-1]][: len(SERIES)]
    best = max(drawn, key=lambda row: row["difference"])
    value, span = with_interval(
        best["difference"], best["lower"], best["upper"], sign=True
    )
    label = (
        f"{question['label']}{where}: {best['remedy']} gains most, {value} {span}, at "
        f"{ratio(best['time_ratio'])} the time of a plain fit."
    )
    legend = 0.19 * (len(drawn) + 1) + 0.06
    height = legend + 2.5
    with drawing_style():
        figure = new_figure(WIDTH, height)
        bottom = (legend + 0.46) / height
        axes = figure.add_axes((0.18, bottom, 0.77, 1.76 / height))
        _log_time_axis(axes, [row["time_ratio"] for row in drawn])
        limits = _gain_limits(axes, drawn, rope)
        band: dict[str, Any] = {"color": THEME["rule"], "alpha": 0.45}
        axes.axhspan(-rope, rope, linewidth=0, **band)
        axes.axhline(0, color=THEME["muted"], linewidth=1)
        axes.axvline(1, color=THEME["muted"], linewidth=1, linestyle=(0, (2, 2)))
        figure.text(0.0, 1 - 0.04 / height, "gain over the baseline", va="top")
        handles: list[Any] = []
        for row, series in zip(drawn, SERIES, strict=False):
            style = {key: series[key] for key in ("color", "marker")}
            ends = np.clip([row["lower"], row["upper"]], *limits)
            if not np.isnan(ends).any():
                line = {"color": series["color"], "linewidth": 1.6}
                axes.vlines(row["time_ratio"], ends[0], ends[1], **line)
            axes.plot(row["time_ratio"], row["difference"], markersize=7, **style)
            name = shorten(row["remedy"], 40)
            handles.append(Line2D([], [], linestyle="", label=name, **style))
        handles.append(Patch(label="no difference worth having", **band))
        _legend_below(figure, handles)
        return inline_svg(figure, prefix, label)


def _legend_below(figure: Figure, handles: list[Any]) -> None:
    figure.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.0, 0.0),
        handletextpad=0.5,
        handlelength=1.4,
        labelspacing=0.33,
        borderaxespad=0.1,
        borderpad=0.1,
    )


def _log_time_axis(axes: Axes, ratios: Sequence[float]) -> None:
    low, high = min(1.0, *ratios), max(1.0, *ratios)
    air = max((high / low) ** 0.08, 1.15)
    axes.set_xscale("log")
    axes.set_xlim(low / air, high * air)
    wide = high / low > 30
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
    axes.set_xlabel("time of a fit, against a plain one")


def _gain_limits(axes: Axes, rows: Sequence[Cost], rope: float) -> tuple[float, float]:
    """Set y limits by the points, and by whiskers as far as they leave them visible."""
    points = [row["difference"] for row in rows if math.isfinite(row["difference"])]
    low, high = min([-rope, *points]), max([rope, *points])
    reach = 2.5 * (high - low)
    ends = [row[key] for row in rows for key in ("lower", "upper")]
    ends = [end for end in ends if low - reach <= end <= high + reach]
    low, high = min([low, *ends]), max([high, *ends])
    air = 0.07 * (high - low) or 1e-3
    axes.set_ylim(low - air, high + air)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _signed_tick(value)))
    axes.grid(axis="y")
    return low - air, high + air


def _signed_tick(value: float) -> str:
    """Format a tick with its sign and no more digits than it needs."""
    if abs(value) < 1e-12:
        return "0"
    return f"{value:+.3g}".replace("-", "\N{MINUS SIGN}")
