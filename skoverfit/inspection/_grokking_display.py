# SPDX-License-Identifier: BSD-3-Clause
"""A picture of what a net has learnt by heart and what it knows, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.validation import check_is_fitted

from skoverfit._core._palette import COLOURS, LINES, MARKERS, MUTED, RULE
from skoverfit.exceptions import BadInputError
from skoverfit.inspection._drawing import draw_subtitle

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["GrokkingDisplay"]

_LABELS = {
    "train": "training rows",
    "flipped": "wrong labels, by heart",
    "test": "new rows",
}


class GrokkingDisplay:
    """Picture of the accuracies of a net on training rows, wrong labels and new rows.

    Make it with :meth:`from_estimator`, :meth:`from_history` or :meth:`from_monitor`.
    Where the curve of new rows rises long after that of the training rows, the net
    groks, and a rule that stops early would have stopped it too early.

    Parameters
    ----------
    steps : array-like of shape (n_looks,)
        Steps of the optimizer, or epochs, rising.
    train_accuracy : array-like of shape (n_looks,)
        Accuracy on the training rows, by the labels that were trained on.
    test_accuracy : array-like of shape (n_looks,)
        Accuracy on new rows.
    flipped_accuracy : array-like of shape (n_looks,), default=None
        Share of the wrong training labels that the net predicts.
    fit_threshold : float, default=1.0
        Training accuracy from which on the net fits its rows.
    threshold : float, default=0.95
        Test accuracy from which on it generalizes.
    unit : str, default="step"
        What ``steps`` are.
    title : str, default=""
        First line above the picture.

    Attributes
    ----------
    fit_step_ : int or None
        First step at which the net fits its training rows; None for never.
    generalize_step_ : int or None
        First step at which it generalizes.
    grokking_gap_ : int or None
        Steps from the first to the second; below 0 where it generalizes first.
    ax_ : matplotlib.axes.Axes
        The axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        The figure, after :meth:`plot`.
    lines_ : dict of str to matplotlib.lines.Line2D
        The curves "train", "flipped" and "test", after :meth:`plot`.

    See Also
    --------
    skoverfit.neural_network.GrokkingMonitor : Callback that notes the accuracies.
    linear_agreement : Whether the net is no more than a linear model yet.

    References
    ----------
    Xu, Wang, Frei, Vardi & Hu (2024), "Benign Overfitting and Grokking in ReLU Networks
    for XOR Cluster Data", ICLR, arXiv:2310.02541.

    Examples
    --------
    >>> from skoverfit.inspection import GrokkingDisplay
    >>> display = GrokkingDisplay(
    ...     [1, 2, 5, 10], [0.9, 1.0, 1.0, 1.0], [0.5, 0.6, 0.9, 0.99])
    >>> display.fit_step_, display.generalize_step_, display.grokking_gap_
    (2, 10, 8)
    """

    def __init__(
        self,
        steps: Any,
        train_accuracy: Any,
        test_accuracy: Any,
        *,
        flipped_accuracy: Any = None,
        fit_threshold: float = 1.0,
        threshold: float = 0.95,
        unit: str = "step",
        title: str = "",
    ) -> None:
        self.steps = np.asarray(steps)
        self.train_accuracy = np.asarray(train_accuracy, dtype=float)
        self.test_accuracy = np.asarray(test_accuracy, dtype=float)
        self.flipped_accuracy = (
            None if flipped_accuracy is None else np.asarray(flipped_accuracy, float)
        )
        self.fit_threshold = fit_threshold
        self.threshold = threshold
        self.unit = unit
        self.title = title
        self.fit_step_ = self._first(self.train_accuracy, fit_threshold)
        self.generalize_step_ = self._first(self.test_accuracy, threshold)
        self.grokking_gap_ = None
        if self.fit_step_ is not None and self.generalize_step_ is not None:
            self.grokking_gap_ = self.generalize_step_ - self.fit_step_

    def _first(self, values: np.ndarray, bound: float) -> int | None:
        reached = np.flatnonzero(values >= bound)
        return int(self.steps[reached[0]]) if len(reached) else None

    @classmethod
    def from_history(
        cls,
        history: Sequence[Mapping[str, Any]],
        *,
        fit_threshold: float = 1.0,
        threshold: float = 0.95,
        title: str = "",
        ax: Axes | None = None,
    ) -> GrokkingDisplay:
        """Draw what `GrokkingMonitor` noted in a history.

        Parameters
        ----------
        history : sequence of mapping
            A row an epoch, with ``train_accuracy``, ``test_accuracy`` and maybe
            ``flipped_accuracy`` and ``step``: ``history_`` of an estimator, a history
            of skorch, or rows of your own. Rows without them are left out.
        fit_threshold : float, default=1.0
            Training accuracy from which on the net fits its rows.
        threshold : float, default=0.95
            Test accuracy from which on it generalizes.
        title : str, default=""
            First line above the picture.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; a new figure by default.

        Returns
        -------
        GrokkingDisplay
            Already drawn.

        Raises
        ------
        BadInputError
            If the history has no such rows.
        """
        check_matplotlib_support(f"{cls.__name__}.from_history")
        rows = [
            (number, row)
            for number, row in enumerate(history, start=1)
            if "train_accuracy" in row and "test_accuracy" in row
        ]
        if not rows:
            raise BadInputError(
                "The 'history' parameter has no rows with train_accuracy and "
                "test_accuracy; give the net a GrokkingMonitor as a callback."
            )
        in_steps = all("step" in row for _, row in rows)
        flipped = None
        if any("flipped_accuracy" in row for _, row in rows):
            flipped = [row.get("flipped_accuracy", np.nan) for _, row in rows]
        display = cls(
            [row["step"] if in_steps else number for number, row in rows],
            [row["train_accuracy"] for _, row in rows],
            [row["test_accuracy"] for _, row in rows],
            flipped_accuracy=flipped,
            fit_threshold=fit_threshold,
            threshold=threshold,
            unit="step" if in_steps else "epoch",
            title=title,
        )
        return display.plot(ax=ax)

    @classmethod
    def from_monitor(
        cls,
        monitor: Any,
        *,
        fit_threshold: float = 1.0,
        threshold: float = 0.95,
        title: str = "",
        ax: Axes | None = None,
    ) -> GrokkingDisplay:
        """Draw what a callback noted that was told of a training.

        Parameters
        ----------
        monitor : GrokkingMonitor
            One that was used, by a net of skorch: estimators of this library copy
            their callbacks, so draw those by :meth:`from_estimator`.
        fit_threshold : float, default=1.0
            Training accuracy from which on the net fits its rows.
        threshold : float, default=0.95
            Test accuracy from which on it generalizes.
        title : str, default=""
            First line above the picture.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; a new figure by default.

        Returns
        -------
        GrokkingDisplay
            Already drawn.

        Raises
        ------
        BadInputError
            If the callback has noted nothing.
        """
        records = getattr(monitor, "records_", None)
        if not records:
            raise BadInputError(
                "The 'monitor' parameter has noted nothing. An estimator copies its "
                "callbacks: use GrokkingDisplay.from_estimator."
            )
        return cls.from_history(
            records,
            fit_threshold=fit_threshold,
            threshold=threshold,
            title=title,
            ax=ax,
        )

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        fit_threshold: float = 1.0,
        threshold: float = 0.95,
        ax: Axes | None = None,
    ) -> GrokkingDisplay:
        """Draw the training of a fitted net that had a `GrokkingMonitor`.

        Parameters
        ----------
        estimator : estimator object
            A fitted net of this library or of skorch, or a pipeline that ends in one.
        fit_threshold : float, default=1.0
            Training accuracy from which on the net fits its rows.
        threshold : float, default=0.95
            Test accuracy from which on it generalizes.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; a new figure by default.

        Returns
        -------
        GrokkingDisplay
            Already drawn.

        Raises
        ------
        BadInputError
            If the estimator's history has no such rows.
        """
        net = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
        check_is_fitted(net)
        return cls.from_history(
            getattr(net, "history_", ()),
            fit_threshold=fit_threshold,
            threshold=threshold,
            title=f"{type(net).__name__}: what it fits and what it knows",
            ax=ax,
        )

    def plot(self, ax: Axes | None = None) -> GrokkingDisplay:
        """Draw the picture.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; a new figure by default.

        Returns
        -------
        GrokkingDisplay
            The object itself, with ``ax_`` and ``figure_``.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
        self.ax_: Axes = ax
        self.figure_: Figure = ax.figure  # type: ignore[assignment]
        curves = {
            "train": self.train_accuracy,
            "flipped": self.flipped_accuracy,
            "test": self.test_accuracy,
        }
        self.lines_ = {}
        for place, (name, values) in enumerate(curves.items()):
            if values is None:
                continue
            (self.lines_[name],) = ax.plot(
                self.steps,
                values,
                color=COLOURS[1 + place],
                linestyle=LINES[place],
                marker=MARKERS[place] if len(self.steps) <= 30 else "",
                markersize=4.5,
                linewidth=1.8,
                label=_LABELS[name],
            )
        for step in (self.fit_step_, self.generalize_step_):
            if step is not None:
                ax.axvline(step, color=MUTED, linestyle=(0, (2, 2)), linewidth=1.0)
        if self.steps[0] > 0 and self.steps[-1] > 20 * self.steps[0]:
            ax.set_xscale("log")
        ax.set_ylim(-0.03, 1.05)
        ax.set_xlabel(self.unit)
        ax.set_ylabel("accuracy")
        ax.grid(axis="y", color=RULE, linewidth=0.6)
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False, fontsize="small", loc="lower right")
        draw_subtitle(ax, self.title, [self._told()])
        return self

    def _told(self) -> str:
        fits, knows = (
            f"{what} at {self.unit} {step}" if step is not None else f"never {what}"
            for what, step in (
                ("fits its rows", self.fit_step_),
                ("generalizes", self.generalize_step_),
            )
        )
        return f"{fits}, {knows}"
