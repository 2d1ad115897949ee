# SPDX-License-Identifier: BSD-3-Clause
"""How rows and classes are drawn: one marker a class, one filling a role."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

from skoverfit._core._html import shorten
from skoverfit._core._palette import MUTED, class_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

__all__ = [
    "class_handles",
    "draw_subtitle",
    "marker_size",
    "name_ticks",
    "role_handles",
    "scatter_classes",
    "share_out",
    "spacer_handles",
]

LISTED_CLASSES = 14
_MOST_TICKS = 12


def share_out(part: np.ndarray, limit: int, rng: np.random.Generator) -> np.ndarray:
    """Choose at most ``limit`` places so that every part gets an equal number.

    What a small part does not need goes to the others. At least one place of every
    part is chosen, even beyond the limit.

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit.inspection._drawing import share_out
    >>> part = np.repeat([0, 1], [90, 3])
    >>> chosen = share_out(part, 10, np.random.default_rng(0))
    >>> np.bincount(part[chosen])
    array([7, 3])
    """
    if len(part) <= limit:
        return np.arange(len(part))
    parts, counts = np.unique(part, return_counts=True)
    left, quota = limit, {}
    for position, which in enumerate(np.argsort(counts, kind="stable")):
        share = max(1, left // (len(parts) - position))
        quota[parts[which]] = min(int(counts[which]), share)
        left -= quota[parts[which]]
    chosen = [
        rng.choice(np.flatnonzero(part == name), size, replace=False)
        for name, size in quota.items()
    ]
    return np.sort(np.concatenate(chosen))


def marker_size(n: int) -> float:
    """Return the area of a marker in square points: small where there are many."""
    return float(np.clip(6000.0 / max(n, 1), 5.0, 30.0))


def scatter_classes(
    ax: Axes,
    points: np.ndarray,
    labels: np.ndarray,
    role: str,
    *,
    classes: np.ndarray,
    size: float,
    rasterized: bool,
) -> list[Any]:
    """Draw the rows of one role ("original", "made" or "dropped"), class by class."""
    drawn = []
    order = sorted(range(len(classes)), key=lambda i: -np.sum(labels == classes[i]))
    for position in order:  # rare classes come last, on top
        mine = labels == classes[position]
        if not mine.any():
            continue
        colour, marker = class_style(position)
        style: dict[str, Any] = {
            "original": {"facecolors": colour, "linewidths": 0, "alpha": 0.8},
            "made": {"facecolors": "none", "edgecolors": colour, "linewidths": 0.8},
            "dropped": {"facecolors": colour, "linewidths": 0, "alpha": 0.2},
        }[role]
        drawn.append(
            ax.scatter(
                points[mine, 0],
                points[mine, 1],
                s=size,
                marker=marker,
                rasterized=rasterized,
                zorder={"dropped": 1.0, "original": 2.0, "made": 3.0}[role],
                label="_nolegend_",
                **style,
            )
        )
    return drawn


def class_handles(classes: np.ndarray, weight: dict[Any, int]) -> list[Line2D]:
    """Return a legend entry for each class, or for those that changed most."""
    from matplotlib.lines import Line2D

    listed = range(len(classes))
    if len(classes) > LISTED_CLASSES:
        by_weight = sorted(listed, key=lambda i: -weight[classes[i]])
        listed = sorted(by_weight[: LISTED_CLASSES - 1])  # type: ignore[assignment]
    handles = []
    for position in listed:
        colour, marker = class_style(position)
        text = shorten(classes[position], 22).replace("$", r"\$")
        style: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 6}
        # A label that starts with "_" would be left out of the legend.
        label = f"\u200b{text}" if text.startswith("_") else text
        handles.append(Line2D([], [], linestyle="", label=label, **style))
    if len(handles) < len(classes):
        rest = f"{len(classes) - len(handles)} more classes"
        handles.append(Line2D([], [], linestyle="", label=rest))
    return handles


def role_handles(*, dropped: bool, made: bool, segments: bool) -> list[Line2D]:
    """Return legend entries for what fillings and lines mean."""
    from matplotlib.lines import Line2D

    point: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 6}
    entries: list[tuple[bool, dict[str, Any]]] = [
        (True, {**point, "color": MUTED, "label": "original row"}),
        (
            made,
            {
                **point,
                "color": MUTED,
                "markerfacecolor": "none",
                "label": "made row",
            },
        ),
        (dropped, {**point, "color": MUTED, "alpha": 0.25, "label": "dropped row"}),
        (segments, {"color": MUTED, "linewidth": 0.7, "label": "line to a parent"}),
    ]
    return [Line2D([], [], **style) for wanted, style in entries if wanted]


def spacer_handles() -> list[Line2D]:
    """Return the empty line of a legend that parts classes from roles."""
    from matplotlib.lines import Line2D

    return [Line2D([], [], linestyle="", label=" ")]


def name_ticks(axis: Any, names: tuple[str, ...]) -> None:
    """Put names on the positions 0, 1, ..., at most a dozen of them."""
    low, high = sorted(axis.get_view_interval())
    shown = [i for i in range(len(names)) if low <= i <= high]
    shown = shown[:: -(-len(shown) // _MOST_TICKS) or 1]
    axis.set_ticks(shown, labels=[names[i] for i in shown])
    for label in axis.get_ticklabels():
        label.set_parse_math(False)
    if axis.axis_name == "x" and sum(len(names[i]) for i in shown) > 50:
        axis.set_tick_params(rotation=30)


def draw_subtitle(ax: Axes, title: str, notes: list[str]) -> None:
    """Write the title on the left, and the notes in small letters beneath it."""
    text = "; ".join(notes)
    lines = wrap(text[:1].upper() + text[1:], 84)
    heading = ax.set_title(title, loc="left", pad=6.0 + 12.0 * len(lines))
    heading.set_parse_math(False)
    if lines:
        ax.annotate(
            "\n".join(lines),
            (0.0, 1.0),
            (0.0, 4.0),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize="small",
            color=MUTED,
            va="bottom",
            parse_math=False,
            annotation_clip=False,
        )
