# SPDX-License-Identifier: BSD-3-Clause
"""A picture of a learning curve and of how it should go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support

from skoverfit._core._html import shorten
from skoverfit._core._palette import COLOURS, MARKERS, MUTED
from skoverfit.inspection._drawing import draw_subtitle
from skoverfit.inspection._report_displays import ReportDisplay, dress

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["LearningCurveExtrapolationDisplay"]


class LearningCurveExtrapolationDisplay(ReportDisplay):
    """Picture of scores against the number of training rows, with their continuation.

    Make it with :meth:`from_estimator` or :meth:`from_report`. Points are means over
    the fits, with the standard deviation of the fits; the band is the interval of the
    power law, and the vertical line the rows there are.

    Parameters
    ----------
    train_sizes : ndarray of shape (n_sizes,)
        Rows trained on.
    train_scores, test_scores : ndarray of shape (n_fits, n_sizes)
        Scores on these rows, and on new ones.
    law : tuple of four ndarrays, default=None
        Sizes, scores, and the lower and upper ends of their interval.
    gain : tuple of three floats, default=None
        Expected gain from twice the rows, with its interval; for the title.
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

    See Also
    --------
    OverfittingReport : Where the scores come from.
    skoverfit.model_selection.LearningCurveExtrapolator : The law on its own.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from skoverfit.inspection import LearningCurveExtrapolationDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> display = LearningCurveExtrapolationDisplay.from_estimator(
    ...     GaussianNB(), X, y, random_state=0)
    >>> display.ax_.get_xlabel()
    'training rows'
    """

    _section: ClassVar[str] = "learning_curve"

    def __init__(
        self,
        train_sizes: np.ndarray,
        train_scores: np.ndarray,
        test_scores: np.ndarray,
        *,
        law: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray] | None = None,
        gain: tuple[float, float, float] | None = None,
        score_name: str = "score",
        title: str = "",
        notes: tuple[str, ...] = (),
    ) -> None:
        self.train_sizes = train_sizes
        self.train_scores = train_scores
        self.test_scores = test_scores
        self.law = law
        self.gain = gain
        self.score_name = score_name
        self.title = title
        self.notes = notes

    @classmethod
    def _of(cls, data: dict[str, Any], name: str) -> LearningCurveExtrapolationDisplay:
        gain, lower, upper = data["gain"]
        law = None
        if "law_sizes" in data:
            law = tuple(
                data[f"law_{part}"] for part in ("sizes", "scores", "lower", "upper")
            )
        return cls(
            data["train_sizes"],
            data["train_scores"],
            data["test_scores"],
            law=law,
            gain=data["gain"],
            score_name=data["score_name"],
            title=f"{shorten(name, 40)}: more rows",
            notes=(
                f"twice the rows should raise the score by {gain:.3f} "
                f"[{lower:.3f}, {upper:.3f}]",
                f"{len(data['test_scores'])} fits a size",
            ),
        )

    def plot(self, ax: Axes | None = None) -> LearningCurveExtrapolationDisplay:
        """Draw the picture.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; a new figure by default.

        Returns
        -------
        LearningCurveExtrapolationDisplay
            The object itself, with ``ax_`` and ``figure_``.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
        self.ax_: Axes = ax
        self.figure_: Figure = ax.figure  # type: ignore[assignment]
        sizes = np.asarray(self.train_sizes)
        means = []
        for scores, side, label in (
            (self.train_scores, 0, "training rows"),
            (self.test_scores, 1, "new rows"),
        ):
            mean, deviation = np.mean(scores, axis=0), np.std(scores, axis=0)
            means.append(mean)
            ax.errorbar(
                sizes, mean, deviation, color=COLOURS[2 - side], marker=MARKERS[side],
                linestyle="" if side and self.law is not None else "-", markersize=5,
                linewidth=1.2, elinewidth=1.0, capsize=2, label=label,
            )  # fmt: skip
        low = min(float(np.min(mean)) for mean in means)
        high = max(float(np.max(mean)) for mean in means)
        if self.law is not None:
            at, scores, lower, upper = self.law
            ax.plot(at, scores, color=COLOURS[1], linestyle="--", linewidth=1.5,
                    label="power law")  # fmt: skip
            ax.fill_between(at, lower, upper, color=COLOURS[1], alpha=0.12, linewidth=0)
            high = max(high, float(np.max(scores)))
        margin = 0.15 * max(high - low, 1e-9)
        ax.set_ylim(low - 2 * margin, high + 2 * margin)
        ax.set_xscale("log")
        ax.axvline(sizes[-1], color=MUTED, linewidth=1.0, linestyle=":")
        ax.annotate(
            f"{sizes[-1]} rows", (sizes[-1], 0.0), (3, 4),
            xycoords=("data", "axes fraction"), textcoords="offset points",
            fontsize="small", color=MUTED,
        )  # fmt: skip
        ticks = sizes if self.law is None else [*sizes, 2 * sizes[-1], 10 * sizes[-1]]
        ax.set_xticks(ticks, [str(size) for size in ticks], rotation=30)
        ax.minorticks_off()
        ax.set_xlabel("training rows")
        ax.set_ylabel(self.score_name)
        ax.legend(loc="best", frameon=False, fontsize="small")
        dress(ax)
        draw_subtitle(ax, self.title, list(self.notes))
        return self
