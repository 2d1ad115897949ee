# SPDX-License-Identifier: BSD-3-Clause
"""A picture of forecasts beside what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.isotonic import isotonic_regression
from sklearn.utils._optional_dependencies import check_matplotlib_support

from skoverfit._core._html import shorten
from skoverfit._core._palette import COLOURS, MARKERS, MUTED
from skoverfit._core._statistics import wilson_interval
from skoverfit.exceptions import BadInputError
from skoverfit.inspection._drawing import draw_subtitle
from skoverfit.inspection._report_displays import ReportDisplay, dress
from skoverfit.metrics import calibration_slope_intercept, expected_calibration_error
from skoverfit.metrics._inputs import probability_inputs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

__all__ = ["ReliabilityDisplay"]

_POINTS = 10
_BARS = 20
# The tallest bar of the histogram, in heights of the picture.
_TALLEST = 0.14


class ReliabilityDisplay(ReportDisplay):
    """Picture of how often forecasts come true.

    Make it with :meth:`from_predictions`, :meth:`from_estimator` or
    :meth:`from_report`. Points are means of ten groups of equal size with Wilson
    intervals of the observed share; the stepped line is the best monotone correction of
    the forecasts (CORP [1]_), which needs no groups; bars at the bottom are the
    forecasts. On the diagonal forecasts are right; where the line is flatter, they are
    too extreme. Two classes: forecasts of the second. More: the largest probability of
    each row, and whether that class was right.

    Parameters
    ----------
    forecast : ndarray of shape (n_repeats, n_samples)
        Probabilities between 0 and 1, of one or more models.
    outcome : ndarray of shape (n_repeats, n_samples)
        Whether it happened.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weights of the rows.
    confidence : float, default=0.95
        Level of the intervals.
    event : str, default="the event"
        What is forecast, for the axes.
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
    line_ : matplotlib.lines.Line2D
        The monotone correction, after :meth:`plot`.
    points_ : ndarray of shape (n_groups, 4)
        Mean forecast, observed share and the ends of its interval, after :meth:`plot`.

    See Also
    --------
    OverfittingReport : Its section on calibration.
    skoverfit.metrics.brier_decomposition : The same correction as a number.

    References
    ----------
    .. [1] T. Dimitriadis, T. Gneiting and A. I. Jordan (2021). "Stable reliability
       diagrams for probabilistic classifiers". PNAS 118(8).

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import numpy as np
    >>> from skoverfit.inspection import ReliabilityDisplay
    >>> p = np.random.default_rng(0).uniform(size=500)
    >>> y = np.random.default_rng(1).uniform(size=500) < p
    >>> display = ReliabilityDisplay.from_predictions(y, p)
    >>> display.points_.shape
    (10, 4)
    """

    _section: ClassVar[str] = "calibration"

    def __init__(
        self,
        forecast: np.ndarray,
        outcome: np.ndarray,
        *,
        sample_weight: np.ndarray | None = None,
        confidence: float = 0.95,
        event: str = "the event",
        title: str = "",
        notes: tuple[str, ...] = (),
    ) -> None:
        self.forecast = forecast
        self.outcome = outcome
        self.sample_weight = sample_weight
        self.confidence = confidence
        self.event = event
        self.title = title
        self.notes = notes

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_prob: ArrayLike,
        *,
        labels: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        name: str = "",
        ax: Axes | None = None,
    ) -> ReliabilityDisplay:
        """Draw probabilities of rows that the model was not trained on.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True labels.
        y_prob : array-like of shape (n_samples, n_classes) or (n_samples,)
            Probabilities; one-dimensional: of the second of two classes.
        labels : array-like of shape (n_classes,), default=None
            The class of each column; None: the sorted values of ``y_true``.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights.
        name : str, default=""
            Of the estimator, for the title.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; a new figure by default.

        Returns
        -------
        ReliabilityDisplay
            The object, drawn.
        """
        check_matplotlib_support(f"{cls.__name__}.from_predictions")
        codes, prob, weights = probability_inputs(y_true, y_prob, labels, sample_weight)
        binary = prob.shape[1] == 2
        forecast = prob[:, 1] if binary else prob.max(axis=1)
        outcome = codes == 1 if binary else prob.argmax(axis=1) == codes
        columns = np.arange(prob.shape[1])
        given: dict[str, Any] = {"labels": columns, "sample_weight": weights}
        error = expected_calibration_error(codes, prob, **given)
        try:
            slope = calibration_slope_intercept(codes, prob, **given)[0]
        except ValueError:  # one class, or forecasts that separate both
            slope = float("nan")
        event = "the most probable class"
        if binary:
            named = np.unique(y_true) if labels is None else np.asarray(labels)
            event = f"class {shorten(named[-1], 22)}"
        return cls(
            forecast[None],
            outcome[None],
            sample_weight=None if sample_weight is None else weights,
            event=event,
            title=_title(name, slope),
            notes=(f"calibration error {error:.3f}", f"{len(codes)} rows"),
        ).plot(ax=ax)

    @classmethod
    def _of(cls, data: dict[str, Any], name: str) -> ReliabilityDisplay:
        if data["kind"] == "regression":
            raise BadInputError(
                "A regression has no probabilities: there is no reliability to draw."
            )
        notes = [f"calibration error {data['ece']:.3f}"]
        slope = float("nan")
        if "slope" in data:
            slope, low, high = data["slope"]
            notes.append(f"slope {low:.2f} to {high:.2f}")
        notes.append(f"{data['forecast'].shape[1]} rows")
        event = "the most probable class"
        if data["kind"] == "binary":
            event = f"class {shorten(data['positive'], 22)}"
        return cls(
            data["forecast"],
            data["outcome"],
            sample_weight=data["sample_weight"],
            confidence=data["confidence"],
            event=event,
            title=_title(name, slope),
            notes=tuple(notes),
        )

    def plot(self, ax: Axes | None = None) -> ReliabilityDisplay:
        """Draw the picture.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; a new figure by default.

        Returns
        -------
        ReliabilityDisplay
            The object itself, with ``ax_`` and ``figure_``.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(figsize=(5.2, 4.8), layout="constrained")
        self.ax_: Axes = ax
        self.figure_: Figure = ax.figure  # type: ignore[assignment]
        forecast, outcome, weight = self._pooled()
        ax.plot((0, 1), (0, 1), color=MUTED, linewidth=1, linestyle=(0, (3, 2)))
        ax.annotate(
            "right", (0.86, 0.78), color=MUTED, fontsize="small", rotation=40,
        )  # fmt: skip
        counts, edges = np.histogram(forecast, _BARS, (0.0, 1.0), weights=weight)
        ax.bar(
            edges[:-1], counts / counts.max() * _TALLEST, width=np.diff(edges),
            align="edge", color=MUTED, alpha=0.3, linewidth=0,
            label="how many forecasts",
        )  # fmt: skip
        value, start = np.unique(forecast, return_index=True)
        total = np.add.reduceat(weight, start)
        share = np.clip(np.add.reduceat(weight * outcome, start) / total, 0.0, 1.0)
        fitted = np.clip(isotonic_regression(share, sample_weight=total), 0.0, 1.0)
        (self.line_,) = ax.plot(
            value, fitted, color=COLOURS[1], linewidth=1.8, drawstyle="steps-mid",
            label="best monotone correction",
        )  # fmt: skip
        self.points_ = self._groups(forecast, outcome, weight)
        at, observed, low, high = self.points_.T
        ax.errorbar(
            at, observed, np.maximum((observed - low, high - observed), 0.0),
            linestyle="", marker=MARKERS[0], color=COLOURS[2], markersize=5,
            elinewidth=1, capsize=2, label=f"tenths of the rows, {self.confidence:.0%}",
        )  # fmt: skip
        ax.set_xlim(-0.02, 1.02)
        ax.set_ylim(-0.02, 1.02)
        ax.set_xlabel(f"forecast of {self.event}")
        ax.set_ylabel("how often it came true")
        ax.legend(loc="upper left", frameon=False, fontsize="small")
        dress(ax)
        draw_subtitle(ax, self.title, list(self.notes))
        return self

    def _pooled(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return forecasts in rising order, their outcomes and weights."""
        forecast = np.atleast_2d(np.asarray(self.forecast, dtype=np.float64))
        outcome = np.atleast_2d(np.asarray(self.outcome, dtype=np.float64))
        if forecast.shape != outcome.shape:
            raise BadInputError(
                f"forecast and outcome must have one shape. Got {forecast.shape} and "
                f"{outcome.shape} instead."
            )
        repeats, n = forecast.shape
        row = np.ones(n) if self.sample_weight is None else self.sample_weight
        weight = np.tile(np.asarray(row, dtype=np.float64) / repeats, repeats)
        order = np.argsort(forecast.ravel(), kind="stable")
        order = order[weight[order] > 0]
        return forecast.ravel()[order], outcome.ravel()[order], weight[order]

    def _groups(
        self, forecast: np.ndarray, outcome: np.ndarray, weight: np.ndarray
    ) -> np.ndarray:
        """Return groups of about equal weight; equal forecasts stay together."""
        place = np.cumsum(weight) - weight / 2
        group = np.minimum((place / weight.sum() * _POINTS).astype(int), _POINTS - 1)
        first = np.unique(forecast, return_inverse=True)[1]
        start = np.flatnonzero(np.diff(first, prepend=-1))
        group = group[start][first]  # that of the first of equal ones
        made = []
        for number in np.unique(group):
            own = group == number
            # Repeats of a row are no further rows.
            n = float(weight[own].sum())
            share = float(weight[own] @ outcome[own]) / n
            low, high = wilson_interval(min(share, 1.0) * n, n, self.confidence)
            mean = float(weight[own] @ forecast[own]) / n
            made.append((mean, share, float(low), float(high)))
        return np.array(made)


def _title(name: str, slope: float) -> str:
    start = f"{shorten(name, 40)}: " if name else ""
    if not np.isfinite(slope):
        return f"{start}forecasts and outcomes"
    return f"{start}calibration slope {slope:.2f}"
