# SPDX-License-Identifier: BSD-3-Clause
"""A picture of what repeated rows cost against fresh ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support

from skoverfit._core._palette import COLOURS, LINES, MARKERS, RULE
from skoverfit.inspection._drawing import draw_subtitle
from skoverfit.model_selection import repetition_curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["RepetitionCurveDisplay"]


class RepetitionCurveDisplay:
    """Picture of training and test scores by how often each row is repeated.

    Make it with :meth:`from_estimator`, or :meth:`from_curve` for a curve that is there
    already. All points have the same number of updates, so what falls to the right is
    the price of seeing the same rows again. Bands are one standard deviation over the
    splits.

    Parameters
    ----------
    curve : RepetitionCurve
        Result of `skoverfit.model_selection.repetition_curve`.
    score_name : str, default="score"
        What is written at the axis.
    title : str, default=""
        First line above the picture.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        The axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        The figure, after :meth:`plot`.
    lines_ : dict of str to matplotlib.lines.Line2D
        The means, "train" and "test", after :meth:`plot`.

    See Also
    --------
    skoverfit.model_selection.repetition_curve : The figures.
    sklearn.model_selection.LearningCurveDisplay : Scores by rows, with as many updates
        as these give.

    References
    ----------
    Komatsuzaki (2019), "One Epoch Is All You Need", arXiv:1906.06669.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import SGDClassifier
    >>> from skoverfit.inspection import RepetitionCurveDisplay
    >>> X, y = make_classification(2000, 20, random_state=0)
    >>> display = RepetitionCurveDisplay.from_estimator(
    ...     SGDClassifier(random_state=0), X, y, repetitions=(1, 4, 16),
    ...     batch_size=20, random_state=0)
    >>> display.curve.unique_rows
    array([1600,  400,  100])
    """

    def __init__(
        self, curve: Any, *, score_name: str = "score", title: str = ""
    ) -> None:
        self.curve = curve
        self.score_name = score_name
        self.title = title

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        total_updates: int | None = None,
        repetitions: Any = (1, 2, 5, 10, 50),
        batch_size: int = 128,
        cv: Any = 5,
        scoring: Any = None,
        groups: Any = None,
        n_jobs: int | None = None,
        random_state: Any = None,
        ax: Axes | None = None,
    ) -> RepetitionCurveDisplay:
        """Train the estimator for each number of repetitions, and draw the scores.

        Parameters
        ----------
        estimator : estimator object
            Has ``partial_fit``.
        X : table of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,)
            Labels or numbers.
        total_updates : int, default=None
            Updates of each arm; None is as many as the rows allow.
        repetitions : sequence of int, default=(1, 2, 5, 10, 50)
            How often each row is seen.
        batch_size : int, default=128
            Rows of an update.
        cv : int, splitter or iterable of (train, test), default=5
            Test parts.
        scoring : str or callable, default=None
            As in scikit-learn.
        groups : array-like of shape (n_samples,), default=None
            For splitters that need groups.
        n_jobs : int, default=None
            Jobs over splits and repetitions.
        random_state : int, RandomState instance or None, default=None
            Seed.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; a new figure by default.

        Returns
        -------
        RepetitionCurveDisplay
            Already drawn.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        curve = repetition_curve(
            estimator,
            X,
            y,
            total_updates=total_updates,
            repetitions=repetitions,
            batch_size=batch_size,
            cv=cv,
            scoring=scoring,
            groups=groups,
            n_jobs=n_jobs,
            random_state=random_state,
        )
        model = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
        return cls.from_curve(
            curve,
            score_name=scoring if isinstance(scoring, str) else "score",
            title=f"{type(model).__name__}: fresh or repeated rows",
            ax=ax,
        )

    @classmethod
    def from_curve(
        cls,
        curve: Any,
        *,
        score_name: str = "score",
        title: str = "",
        ax: Axes | None = None,
    ) -> RepetitionCurveDisplay:
        """Draw a curve that is there already.

        Parameters
        ----------
        curve : RepetitionCurve
            Result of `skoverfit.model_selection.repetition_curve`.
        score_name : str, default="score"
            What is written at the axis.
        title : str, default=""
            First line above the picture.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; a new figure by default.

        Returns
        -------
        RepetitionCurveDisplay
            Already drawn.
        """
        return cls(curve, score_name=score_name, title=title).plot(ax=ax)

    def plot(self, ax: Axes | None = None) -> RepetitionCurveDisplay:
        """Draw the picture.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; a new figure by default.

        Returns
        -------
        RepetitionCurveDisplay
            The object itself, with ``ax_`` and ``figure_``.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
        self.ax_: Axes = ax
        self.figure_: Figure = ax.figure  # type: ignore[assignment]
        curve, self.lines_ = self.curve, {}
        parts = (
            ("train", "training rows", curve.train_scores),
            ("test", "new rows", curve.test_scores),
        )
        for place, (name, label, scores) in enumerate(parts):
            mean, spread = scores.mean(axis=1), scores.std(axis=1)
            colour = COLOURS[1 + place]
            ax.fill_between(
                curve.repetitions,
                mean - spread,
                mean + spread,
                color=colour,
                alpha=0.18,
                linewidth=0,
            )
            (self.lines_[name],) = ax.plot(
                curve.repetitions,
                mean,
                color=colour,
                linestyle=LINES[place],
                marker=MARKERS[place],
                linewidth=1.8,
                label=label,
            )
        ax.set_xscale("log")
        rows = np.asarray(curve.unique_rows)
        ticks = [f"{K}\n{n}" for K, n in zip(curve.repetitions, rows, strict=True)]
        ax.set_xticks(curve.repetitions, labels=ticks)
        ax.set_xticks([], minor=True)
        ax.set_xlabel("repetitions of each row\ndistinct rows")
        ax.set_ylabel(self.score_name)
        ax.grid(axis="y", color=RULE, linewidth=0.6)
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False, fontsize="small")
        note = f"{curve.n_updates} updates of {curve.batch_size} rows each"
        draw_subtitle(ax, self.title, [f"{note}, {curve.test_scores.shape[1]} splits"])
        return self
