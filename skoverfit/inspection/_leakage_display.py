# SPDX-License-Identifier: BSD-3-Clause
"""A picture of what leaks do to the score, and of single columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support

from skoverfit._core._html import shorten
from skoverfit._core._palette import COLOURS, MUTED
from skoverfit.exceptions import BadInputError
from skoverfit.inspection._drawing import draw_subtitle
from skoverfit.inspection._report_displays import ReportDisplay, dress

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["LeakageDisplay"]

_MOST_COLUMNS = 12


class LeakageDisplay(ReportDisplay):
    """Picture of the leaks that were looked for.

    Make it with :meth:`from_estimator` or :meth:`from_report`. The left picture shows
    by how much copies, groups and time raise the score, with intervals: right of the
    line they pretend something. The right one shows how much of the target each column
    explains alone; a leak stands far above all others, as high as the model.

    Parameters
    ----------
    effects : list of tuple (str, float, float, float)
        Name, effect and ends of the interval of each way in which rows can leak.
    columns : list of tuple (str, float)
        Name of each column and the share of the target that it explains alone.
    model_explained : float, default=None
        The same share for the model.
    score_name : str, default="score"
        Unit of the effects.
    title : str, default=""
        Line above the picture.
    notes : tuple of str, default=()
        Printed below the title.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes of the effects, after :meth:`plot`.
    columns_ax_ : matplotlib.axes.Axes or None
        Axes of the columns, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        The figure, after :meth:`plot`.

    See Also
    --------
    OverfittingReport : Where the effects come from.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skoverfit.inspection import LeakageDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> display = LeakageDisplay.from_estimator(
    ...     DecisionTreeClassifier(), X, y, random_state=0)
    >>> display.columns[0][0]
    'column 3'
    """

    _section: ClassVar[str] = "leakage"

    def __init__(
        self,
        effects: list[tuple[str, float, float, float]],
        columns: list[tuple[str, float]],
        *,
        model_explained: float | None = None,
        score_name: str = "score",
        title: str = "",
        notes: tuple[str, ...] = (),
    ) -> None:
        self.effects = effects
        self.columns = columns
        self.model_explained = model_explained
        self.score_name = score_name
        self.title = title
        self.notes = notes

    @classmethod
    def _of(cls, data: dict[str, Any], name: str) -> LeakageDisplay:
        effects = []
        if "twin_effect" in data:
            effects.append(("copies", *data["twin_effect"]))
        effects += [tuple(row) for row in data.get("group_effects", [])]
        if "time_effect" in data:
            effects.append(("time", *data["time_effect"]))
        columns = [
            (str(column), float(share))
            for column, share in zip(
                data.get("column_names", []),
                data.get("column_explained", []),
                strict=True,
            )
        ]
        notes = [
            f"{data.get('twin_share', 0.0):.1%} of test rows have a copy in training"
        ]
        if not data.get("group_effects"):
            notes.append("no column looks like the name of a group")
        return cls(
            effects,
            columns,
            model_explained=data.get("model_explained"),
            score_name=data.get("score_name", "score"),
            title=f"{shorten(name, 40)}: leaks",
            notes=tuple(notes),
        )

    def plot(self, ax: Axes | None = None) -> LeakageDisplay:
        """Draw the picture.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes for the effects alone; by default a new figure with columns too.

        Returns
        -------
        LeakageDisplay
            The object itself, with ``ax_``, ``columns_ax_`` and ``figure_``.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        if not self.effects and not self.columns:
            raise BadInputError("There is neither an effect nor a column to draw.")
        self.columns_ax_: Axes | None = None
        if ax is None and self.columns:
            shown = min(len(self.columns), _MOST_COLUMNS)
            size = (9.6, 2.2 + 0.25 * max(shown, len(self.effects)))
            _, (ax, self.columns_ax_) = plt.subplots(
                1, 2, figsize=size, layout="constrained"
            )
        elif ax is None:
            _, ax = plt.subplots(figsize=(6.0, 3.2), layout="constrained")
        assert ax is not None
        self.ax_: Axes = ax
        self.figure_: Figure = ax.figure  # type: ignore[assignment]
        self._draw_effects(ax)
        draw_subtitle(ax, self.title, list(self.notes))
        if self.columns_ax_ is not None:
            self._draw_columns(self.columns_ax_)
        return self

    def _draw_effects(self, ax: Axes) -> None:
        places = np.arange(len(self.effects))
        for place, (_, value, lower, upper) in zip(places, self.effects, strict=True):
            sure = lower > 0
            colour = COLOURS[2] if sure else COLOURS[1]
            ax.plot((lower, upper), (place, place), color=colour, linewidth=2)
            ax.plot(
                value, place, marker="o" if sure else "s", color=colour, markersize=7,
                markerfacecolor=colour if sure else "white",
            )  # fmt: skip
        ax.axvline(0.0, color=MUTED, linewidth=1.0)
        if not self.effects:
            ax.set_xlim(-1.0, 1.0)
            ax.annotate(
                "nothing to compare:\nno copies, groups or time", (0.5, 0.5),
                xycoords="axes fraction", ha="center", va="center", color=MUTED,
            )  # fmt: skip
            ax.set_xticks([])
        ax.set_ylim(max(len(places), 1) - 0.5, -0.5)
        ax.set_yticks(places, [shorten(row[0], 24) for row in self.effects])
        for label in ax.get_yticklabels():
            label.set_parse_math(False)
        ax.set_xlabel(f"score that leaks add ({self.score_name})")
        dress(ax, "x")

    def _draw_columns(self, ax: Axes) -> None:
        shown = self.columns[:_MOST_COLUMNS]
        places = np.arange(len(shown))
        ax.barh(places, [max(share, 0.0) for _, share in shown], 0.62,
                color=COLOURS[1], alpha=0.85)  # fmt: skip
        if self.model_explained is not None:
            ax.axvline(
                self.model_explained, color=COLOURS[2], linestyle="--", linewidth=1.5
            )
            right = self.model_explained > 0.6
            ax.annotate(
                "the model", (self.model_explained, 0.0), (-4 if right else 4, 4),
                xycoords=("data", "axes fraction"), textcoords="offset points",
                ha="right" if right else "left", fontsize="small", color=COLOURS[2],
            )  # fmt: skip
        ax.set_xlim(0.0, 1.02)
        ax.set_ylim(len(shown) - 0.5, -0.5)
        ax.set_yticks(places, [shorten(name, 24) for name, _ in shown])
        for label in ax.get_yticklabels():
            label.set_parse_math(False)
        ax.set_xlabel("share of the target that a column explains alone")
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        dress(ax, "x")
        notes = []
        if len(self.columns) > len(shown):
            notes.append(f"the best {len(shown)} of {len(self.columns)}")
        draw_subtitle(ax, "Single columns", notes)
