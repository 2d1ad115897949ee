# SPDX-License-Identifier: BSD-3-Clause
"""A picture of how a net was trained, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.validation import check_is_fitted

from skoverfit._core._palette import COLOURS, LINES, MUTED, RULE
from skoverfit.exceptions import BadInputError
from skoverfit.inspection._drawing import draw_subtitle

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["TrainingCurveDisplay"]


class TrainingCurveDisplay:
    """Picture of the losses of a net, or of an ensemble of nets, epoch by epoch.

    Make it with :meth:`from_estimator`. A line is the mean of the nets, the band around
    it goes from the lowest to the highest of them. An open circle is the epoch whose
    weights a net was given back: where validation losses rise to the right of it, the
    net would have learned its training rows by heart.

    Parameters
    ----------
    epochs : ndarray of shape (n_epochs,)
        Numbers of the epochs, from 1.
    train_losses : ndarray of shape (n_epochs, n_nets)
        Mean training loss of each net, while it was trained.
    valid_losses : ndarray of shape (n_epochs, n_nets), default=None
        Losses on held-out rows, after the epoch.
    best_epochs : sequence of int, default=None
        Epoch that each net was put back to; 0 is its start.
    best_losses : sequence of float, default=None
        Validation losses there.
    learning_rates : ndarray of shape (n_epochs,), default=None
        Learning rate at the end of each epoch.
    title : str, default=""
        First line above the picture.
    notes : tuple of str, default=()
        Printed below the title.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        The axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        The figure, after :meth:`plot`.
    lines_ : dict of str to matplotlib.lines.Line2D
        The means, "train" and "valid", after :meth:`plot`.
    best_ : matplotlib.lines.Line2D or None
        The open circles, after :meth:`plot`.
    learning_rate_ax_ : matplotlib.axes.Axes or None
        The axes of the learning rate, after :meth:`plot`.

    See Also
    --------
    sklearn.model_selection.LearningCurveDisplay : Scores by the number of training
        rows, not by epochs.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from sklearn.datasets import load_iris
    >>> from skoverfit.inspection import TrainingCurveDisplay
    >>> from skoverfit.neural_network import TabularMLPClassifier
    >>> net = TabularMLPClassifier(n_estimators=3, max_epochs=5, random_state=0)
    >>> net.fit(*load_iris(return_X_y=True))
    TabularMLPClassifier(max_epochs=5, n_estimators=3, random_state=0)
    >>> display = TrainingCurveDisplay.from_estimator(net)
    >>> display.valid_losses.shape
    (5, 3)
    """

    def __init__(
        self,
        epochs: np.ndarray,
        train_losses: np.ndarray,
        *,
        valid_losses: np.ndarray | None = None,
        best_epochs: Sequence[int] | None = None,
        best_losses: Sequence[float] | None = None,
        learning_rates: np.ndarray | None = None,
        title: str = "",
        notes: tuple[str, ...] = (),
    ) -> None:
        self.epochs = epochs
        self.train_losses = train_losses
        self.valid_losses = valid_losses
        self.best_epochs = best_epochs
        self.best_losses = best_losses
        self.learning_rates = learning_rates
        self.title = title
        self.notes = notes

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        learning_rate: bool = False,
        legend: bool = True,
        ax: Axes | None = None,
    ) -> TrainingCurveDisplay:
        """Draw the training of a fitted net.

        Parameters
        ----------
        estimator : estimator object
            A fitted net of this library or of skorch (anything with a ``history_`` of
            epochs), or a pipeline that ends in one.
        learning_rate : bool, default=False
            Whether the learning rate is drawn, too, on axes of its own to the right.
        legend : bool, default=True
            Whether a legend stands to the right of the axes.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; a new figure by default.

        Returns
        -------
        TrainingCurveDisplay
            Already drawn.

        Raises
        ------
        BadInputError
            If the estimator kept no history of epochs.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        net = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
        name = type(net).__name__
        check_is_fitted(net)
        history = getattr(net, "history_", None)
        if not history or "train_loss" not in history[0]:
            raise BadInputError(
                "The 'estimator' parameter must be a net that keeps its training "
                f"losses in history_; {name} has none."
            )
        train = _losses(history, "train")
        rates = [row.get("learning_rate", np.nan) for row in history]
        n_epochs, n_nets = train.shape
        best = getattr(net, "best_epochs_", None)
        nets = f"{n_nets} nets, " if n_nets > 1 else ""
        display = cls(
            np.arange(1, n_epochs + 1),
            train,
            valid_losses=(
                _losses(history, "valid") if "valid_loss" in history[0] else None
            ),
            best_epochs=best,
            best_losses=getattr(net, "best_losses_", None) if best else None,
            learning_rates=np.array(rates, dtype=float),
            title=f"{name}: {nets}{n_epochs} epoch{'s' if n_epochs > 1 else ''}",
        )
        return display.plot(ax=ax, learning_rate=learning_rate, legend=legend)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        learning_rate: bool = False,
        legend: bool = True,
    ) -> TrainingCurveDisplay:
        """Draw the picture.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; a new figure by default.
        learning_rate : bool, default=False
            Whether the learning rate is drawn, too.
        legend : bool, default=True
            Whether a legend stands to the right of the axes.

        Returns
        -------
        TrainingCurveDisplay
            The object itself, with ``ax_`` and ``figure_``.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(figsize=(7.2, 4.2), layout="constrained")
        self.ax_: Axes = ax
        self.figure_: Figure = ax.figure  # type: ignore[assignment]
        self.lines_ = {"train": self._draw(self.train_losses, "training", 1)}
        if self.valid_losses is not None:
            self.lines_["valid"] = self._draw(self.valid_losses, "validation", 2)
        self._mark_best()
        self.learning_rate_ax_: Axes | None = None
        rates = self.learning_rates
        if learning_rate and rates is not None and np.isfinite(rates).any():
            self._draw_rates(rates)
        self._dress(legend=legend)
        return self

    def _draw(self, losses: np.ndarray, label: str, place: int) -> Any:
        colour, ax = COLOURS[place], self.ax_
        if losses.shape[1] > 1:
            low, high = losses.min(axis=1), losses.max(axis=1)
            ax.fill_between(
                self.epochs, low, high, color=colour, alpha=0.15, linewidth=0
            )
            label = f"{label}, mean of nets"
        (line,) = ax.plot(
            self.epochs,
            losses.mean(axis=1),
            color=colour,
            linestyle=LINES[place - 1],
            marker="o" if len(self.epochs) == 1 else "",
            linewidth=1.8,
            label=label,
        )
        return line

    def _mark_best(self) -> None:
        self.best_ = None
        if not self.best_epochs or self.best_losses is None:
            return
        (self.best_,) = self.ax_.plot(
            np.asarray(self.best_epochs),
            np.asarray(self.best_losses),
            linestyle="",
            marker="o",
            markersize=6,
            markerfacecolor="white",
            color=COLOURS[2],
            label="weights that were kept",
            zorder=3,
        )

    def _draw_rates(self, rates: np.ndarray) -> None:
        twin: Any = self.ax_.twinx()
        twin.plot(self.epochs, rates, color=MUTED, linewidth=1.0, linestyle=":")
        # With room above, so that it crosses the losses as little as it can.
        twin.set_ylim(0.0, 1.6 * float(np.nanmax(rates)) or 1.0)
        twin.set_ylabel("learning rate", color=MUTED)
        twin.tick_params(axis="y", colors=MUTED)
        twin.spines[["top", "left"]].set_visible(False)
        twin.spines["right"].set_color(MUTED)
        self.learning_rate_ax_ = twin

    def _dress(self, *, legend: bool) -> None:
        ax = self.ax_
        ax.set_xlabel("epoch")
        ax.set_ylabel("loss")
        ax.locator_params(axis="x", integer=True)
        ax.grid(axis="y", color=RULE, linewidth=0.6)
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)
        draw_subtitle(ax, self.title, list(self.notes))
        if not legend:
            return
        handles, _ = ax.get_legend_handles_labels()
        if self.train_losses.shape[1] > 1:
            from matplotlib.patches import Patch

            handles.append(
                Patch(color=MUTED, alpha=0.25, label="lowest to highest net")
            )
        if self.learning_rate_ax_ is not None:
            from matplotlib.lines import Line2D

            style: dict[str, Any] = {"color": MUTED, "linestyle": ":", "linewidth": 1.0}
            handles.append(Line2D([], [], label="learning rate", **style))
        ax.legend(
            handles=handles,
            loc="upper left",
            bbox_to_anchor=(1.01 if self.learning_rate_ax_ is None else 1.16, 1.0),
            borderaxespad=0.0,
            frameon=False,
            fontsize="small",
        )


def _losses(history: Sequence[Mapping[str, Any]], part: str) -> np.ndarray:
    """Return losses ``(n_epochs, n_nets)``; a plain skorch net has one a row."""
    return np.array(
        [row.get(f"{part}_losses", [row[f"{part}_loss"]]) for row in history],
        dtype=float,
    )
