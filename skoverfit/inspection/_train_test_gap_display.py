# SPDX-License-Identifier: BSD-3-Clause
"""A picture of training and test scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support

from skoverfit._core._html import shorten
from skoverfit._core._palette import COLOURS, MARKERS, MUTED
from skoverfit.inspection._drawing import draw_subtitle
from skoverfit.inspection._report_displays import ReportDisplay, dress, spread

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["TrainTestGapDisplay"]


class TrainTestGapDisplay(ReportDisplay):
    """Picture of the scores of each fold, on training rows and on new ones.

    Make it with :meth:`from_estimator` or :meth:`from_report`. A line joins both scores
    of a fit; the steeper it falls, the larger the gap. Bars are means; a dashed line is
    the score without any column.

    Parameters
    ----------
    train_scores, test_scores : ndarray of shape (n_fits,)
        Scores of each fit.
    dummy_score : float, default=None
        Score without any column; None where it can't be compared.
    score_name : str, default="score"
        What is drawn.
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
    lines_ : list of matplotlib.lines.Line2D
        A line a fit, after :meth:`plot`.

    See Also
    --------
    OverfittingReport : Where the scores come from.
    assert_generalizes : A limit for the gap in a test-suite.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skoverfit.inspection import TrainTestGapDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> display = TrainTestGapDisplay.from_estimator(
    ...     DecisionTreeClassifier(), X, y, random_state=0)
    >>> display.ax_.get_ylabel()
    '-log-loss'
    """

    _section: ClassVar[str] = "gap"

    def __init__(
        self,
        train_scores: np.ndarray,
        test_scores: np.ndarray,
        *,
        dummy_score: float | None = None,
        score_name: str = "score",
        title: str = "",
        notes: tuple[str, ...] = (),
    ) -> None:
        self.train_scores = train_scores
        self.test_scores = test_scores
        self.dummy_score = dummy_score
        self.score_name = score_name
        self.title = title
        self.notes = notes

    @classmethod
    def _of(cls, data: dict[str, Any], name: str) -> TrainTestGapDisplay:
        train, test = data["train_scores"], data["test_scores"]
        gap = float(np.mean(train - test))
        return cls(
            train,
            test,
            dummy_score=data.get("dummy_score"),
            score_name=data["score_name"],
            title=f"{shorten(name, 40)}: a gap of {gap:.3f}",
            notes=(f"{len(test)} fits of cross-validation",),
        )

    def plot(self, ax: Axes | None = None) -> TrainTestGapDisplay:
        """Draw the picture.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; a new figure by default.

        Returns
        -------
        TrainTestGapDisplay
            The object itself, with ``ax_`` and ``figure_``.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(figsize=(5.2, 4.2), layout="constrained")
        self.ax_: Axes = ax
        self.figure_: Figure = ax.figure  # type: ignore[assignment]
        train, test = np.asarray(self.train_scores), np.asarray(self.test_scores)
        at = spread(len(test), 0.06)
        self.lines_ = []
        for place, a, b in zip(at, train, test, strict=True):
            (line,) = ax.plot(
                (place, 1 + place), (a, b), color=MUTED, linewidth=0.7, alpha=0.6
            )
            self.lines_.append(line)
        for side, (scores, colour) in enumerate(
            ((train, COLOURS[2]), (test, COLOURS[1]))
        ):
            ax.plot(
                side + at, scores, linestyle="", marker=MARKERS[side], color=colour,
                markersize=5, alpha=0.8,
            )  # fmt: skip
            mean = float(scores.mean())
            ax.plot((side - 0.14, side + 0.14), (mean, mean), color=colour, linewidth=3)
            ax.annotate(
                f"{mean:.3f}", (side + 0.16, mean), va="center",
                color=colour, fontsize="small",
            )  # fmt: skip
        if self.dummy_score is not None:
            ax.axhline(
                self.dummy_score, color=MUTED, linestyle=(0, (3, 2)), linewidth=1
            )
            ax.annotate(
                "no column", (1.0, self.dummy_score), (-2, 3),
                xycoords=("axes fraction", "data"), textcoords="offset points",
                ha="right", fontsize="small", color=MUTED,
            )  # fmt: skip
        ax.set_xlim(-0.35, 1.45)
        ax.set_xticks([0, 1], ["training rows", "new rows"])
        ax.set_ylabel(self.score_name)
        dress(ax)
        draw_subtitle(ax, self.title, list(self.notes))
        return self
