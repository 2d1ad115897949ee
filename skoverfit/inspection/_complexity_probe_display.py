# SPDX-License-Identifier: BSD-3-Clause
"""A picture of what simpler and more complex settings do on new rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support

from skoverfit._core._html import shorten
from skoverfit._core._palette import COLOURS, MARKERS, MUTED, RULE
from skoverfit.inspection._drawing import draw_subtitle
from skoverfit.inspection._report_displays import ReportDisplay, dress

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["ComplexityProbeDisplay"]


class ComplexityProbeDisplay(ReportDisplay):
    """Picture of what simpler and more complex settings gain on new rows.

    Make it with :meth:`from_estimator` or :meth:`from_report`. Each point is a setting
    with the interval of its difference to the present one, on the same folds: to the
    right it is better. Within the grey band a difference doesn't matter. A simpler
    setting that lies beyond it shows harmful overfitting, a more complex one
    underfitting.

    Parameters
    ----------
    labels : sequence of str
        The settings.
    simpler : ndarray of bool of shape (n_settings,)
        Whether each is simpler than the present one.
    difference, lower, upper : ndarray of shape (n_settings,)
        Score minus the present score, and the ends of its interval.
    rope : float, default=0.01
        Smallest difference that matters.
    score_name : str, default="score"
        What is compared.
    title : str, default=""
        Line above the picture.
    notes : tuple of str, default=()
        Printed below the title.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        The axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        The figure, after :meth:`plot`.
    points_ : list of matplotlib.container.ErrorbarContainer
        One a setting, from the simplest to the most complex, after :meth:`plot`.

    See Also
    --------
    OverfittingReport : Its section on complexity.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skoverfit.inspection import ComplexityProbeDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> display = ComplexityProbeDisplay.from_estimator(
    ...     KNeighborsClassifier(1), X, y, random_state=0)
    >>> [text.get_text() for text in display.ax_.get_yticklabels()]
    ['n_neighbors=9', 'n_neighbors=3', 'present']
    """

    _section: ClassVar[str] = "complexity"

    def __init__(
        self,
        labels: Sequence[str],
        simpler: np.ndarray,
        difference: np.ndarray,
        lower: np.ndarray,
        upper: np.ndarray,
        *,
        rope: float = 0.01,
        score_name: str = "score",
        title: str = "",
        notes: tuple[str, ...] = (),
    ) -> None:
        self.labels = labels
        self.simpler = simpler
        self.difference = difference
        self.lower = lower
        self.upper = upper
        self.rope = rope
        self.score_name = score_name
        self.title = title
        self.notes = notes

    @classmethod
    def _of(cls, data: dict[str, Any], name: str) -> ComplexityProbeDisplay:
        score = float(np.mean(data["current_scores"]))
        return cls(
            data["labels"],
            data["simpler"],
            data["difference"],
            data["lower"],
            data["upper"],
            rope=data["rope"],
            score_name=data["score_name"],
            title=f"{shorten(data['learner'], 40)}: settings beside the present one",
            notes=(
                f"it scores {score:.3f} ({data['score_name']})",
                "intervals for all settings together",
            ),
        )

    def plot(self, ax: Axes | None = None) -> ComplexityProbeDisplay:
        """Draw the picture.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; a new figure by default.

        Returns
        -------
        ComplexityProbeDisplay
            The object itself, with ``ax_`` and ``figure_``.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        if ax is None:
            height = 1.6 + 0.45 * (len(self.labels) + 1)
            _, ax = plt.subplots(figsize=(6.4, height), layout="constrained")
        self.ax_: Axes = ax
        self.figure_: Figure = ax.figure  # type: ignore[assignment]
        simpler = np.flatnonzero(self.simpler)[::-1]
        more = np.flatnonzero(~np.asarray(self.simpler, dtype=bool))
        # From the simplest, at the bottom, to the most complex.
        order: list[int | None] = [*simpler.tolist(), None, *more.tolist()]
        ax.axvspan(-self.rope, self.rope, color=RULE, linewidth=0, zorder=0)
        ax.axvline(0.0, color=MUTED, linewidth=1)
        self.points_ = []
        for place, which in enumerate(order):
            if which is None:
                ax.plot(0.0, place, marker=MARKERS[2], color=MUTED, markersize=7)
                continue
            kind = int(not self.simpler[which])
            value = float(self.difference[which])
            ends = (value - self.lower[which], self.upper[which] - value)
            finite = bool(np.isfinite(ends).all())
            self.points_.append(
                ax.errorbar(
                    value, place, xerr=np.reshape(ends, (2, 1)) if finite else None,
                    color=COLOURS[1 + kind], marker=MARKERS[kind], markersize=6,
                    elinewidth=1.6, capsize=3, linestyle="",
                )
            )  # fmt: skip
        ax.set_yticks(
            range(len(order)),
            ["present" if i is None else shorten(self.labels[i], 40) for i in order],
        )
        ax.set_ylim(-0.6, len(order) - 0.4)
        for height, words in ((0.02, "simpler"), (0.98, "more complex")):
            there = len(simpler) if height < 0.5 else len(more)
            if there:
                ax.annotate(
                    words, (0.99, height), xycoords="axes fraction", ha="right",
                    va="bottom" if height < 0.5 else "top", fontsize="small",
                    color=COLOURS[1 if height < 0.5 else 2],
                )  # fmt: skip
        ax.set_xlabel(f"gain on new rows ({self.score_name}); right is better")
        dress(ax, "x")
        draw_subtitle(ax, self.title, list(self.notes))
        return self
