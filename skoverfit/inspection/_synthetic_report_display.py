# SPDX-License-Identifier: BSD-3-Clause
"""A small picture of the figures of a synthetic report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support

from skoverfit._core._html import shorten
from skoverfit._core._palette import COLOURS, MUTED, RULE
from skoverfit.inspection._quality import ClassQuality

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["SyntheticReportDisplay"]

# Field, title, what rows as good as real ones have, whether it is a share.
_PANELS: tuple[tuple[str, str, float | None, bool], ...] = (
    ("auc", "AUC, real against made", 0.5, True),
    ("coverage", "coverage", 1.0, True),
    ("overlap", "among other classes", None, True),
    ("distance_ratio", "distance ratio", 1.0, False),
    ("variance_ratio", "variance ratio", 1.0, False),
)


class SyntheticReportDisplay:
    """Picture of a :class:`SyntheticReport`: a panel a figure, a row a class.

    A dashed line is the value of rows that are as good as real ones. In the panel of
    rows among other classes an open marker is the share of the real rows.

    Parameters
    ----------
    classes : sequence of ClassQuality
        The figures of each class.
    title : str, default=""
        Line above the picture.

    Attributes
    ----------
    axes_ : ndarray of matplotlib.axes.Axes
        A panel for each figure, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        The figure, after :meth:`plot`.

    Examples
    --------
    >>> from skoverfit.inspection import SyntheticReportDisplay
    >>> display = SyntheticReportDisplay([])
    >>> display.classes
    []
    """

    def __init__(self, classes: Sequence[ClassQuality], *, title: str = "") -> None:
        self.classes = classes
        self.title = title

    def plot(
        self, figure: Figure | None = None, *, max_classes: int = 20
    ) -> SyntheticReportDisplay:
        """Draw the picture.

        Parameters
        ----------
        figure : matplotlib.figure.Figure, default=None
            Figure to draw on; a new one by default.
        max_classes : int, default=20
            Most classes that are drawn: those with most made rows.

        Returns
        -------
        SyntheticReportDisplay
            The object itself, with ``axes_`` and ``figure_``.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        rows = sorted(self.classes, key=lambda row: -row.n_made)[:max_classes]
        if figure is None:
            size = (10.0, 1.5 + 0.3 * max(len(rows), 1))
            figure = plt.figure(figsize=size, layout="constrained")
        self.figure_ = figure
        self.axes_: np.ndarray = figure.subplots(1, len(_PANELS), sharey=True)
        for ax, panel in zip(self.axes_, _PANELS, strict=True):
            self._draw_panel(ax, rows, *panel)
        first = self.axes_[0]
        first.set_ylim(max(len(rows), 1) - 0.5, -0.5)
        first.set_yticks(range(len(rows)), [shorten(r.label, 24) for r in rows])
        for label in first.get_yticklabels():
            label.set_parse_math(False)
        first.set_xlabel("dashed: like real rows", fontsize="small", color=MUTED)
        self.axes_[2].set_xlabel("open: real rows", fontsize="small", color=MUTED)
        title = self.title
        if len(rows) < len(self.classes):
            title += f" ({len(rows)} of {len(self.classes)} classes)"
        figure.suptitle(title, x=0.01, ha="left").set_parse_math(False)
        return self

    @staticmethod
    def _draw_panel(
        ax: Axes,
        rows: Sequence[ClassQuality],
        name: str,
        title: str,
        ideal: float | None,
        share: bool,
    ) -> None:
        places = np.arange(len(rows))
        values = np.array([getattr(row, name) for row in rows], dtype=float)
        point: dict[str, Any] = {"linestyle": "", "color": COLOURS[1], "markersize": 6}
        if name == "auc":
            for place, row in enumerate(rows):
                ends = (row.auc_lower, row.auc_upper)
                ax.plot(ends, (place, place), color=COLOURS[1], linewidth=1.5)
        if name == "overlap":
            real = np.array([row.overlap_real for row in rows], dtype=float)
            style = {**point, "color": MUTED, "markerfacecolor": "none"}
            ax.plot(real, places, marker="D", label="real rows", **style)
        ax.plot(values, places, marker="o", label="made rows", **point)
        if ideal is not None:
            ax.axvline(ideal, color=MUTED, linestyle=(0, (3, 2)), linewidth=1, zorder=0)
        if share:
            ax.set_xlim(-0.05, 1.05)
        else:
            known = values[np.isfinite(values)]
            ax.set_xlim(-0.05, 1.15 * max(1.0, known.max(initial=1.0)))
        ax.set_title(title, fontsize="medium", loc="left")
        ax.grid(axis="x", color=RULE, linewidth=0.6)
        ax.set_axisbelow(True)
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.tick_params(axis="y", length=0)
