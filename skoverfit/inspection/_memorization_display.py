# SPDX-License-Identifier: BSD-3-Clause
"""A picture of which rows are memorized, and of what dropping them does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support

from skoverfit._core._palette import COLOURS, LINES, MARKERS, MUTED, RULE
from skoverfit.exceptions import BadInputError
from skoverfit.inspection._drawing import draw_subtitle

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from skoverfit.inspection._removal_curve import RemovalCurve
    from skoverfit.noisy_labels import MemorizationResult

__all__ = ["MemorizationDisplay"]

_BINS = np.linspace(-1.0, 1.0, 401)
_MOST_GROUPS = 7


class MemorizationDisplay:
    """Picture of the memorization of rows, group by group, and of a removal curve.

    Make it with :meth:`from_result`, :meth:`from_estimator` or :meth:`from_report`. The
    left picture shows how many rows of each group have at least a memorization; the
    right one, if there is a curve, the test score after the most memorized rows were
    dropped, beside as many random ones.

    Parameters
    ----------
    memorization : ndarray of shape (n,)
        Of each row; NaN where it is not known.
    groups : ndarray of shape (n,), default=None
        A name for each row, of at most seven kinds.
    curve : RemovalCurve, default=None
        What `removal_curve` returned.
    title : str, default=""
        First line above the picture.
    notes : tuple of str, default=()
        Printed below the title.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes of the memorization, after :meth:`plot`.
    curve_ax_ : matplotlib.axes.Axes or None
        Axes of the removal curve, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        The figure, after :meth:`plot`.
    lines_ : dict of str to matplotlib.lines.Line2D
        A line a group, after :meth:`plot`.

    See Also
    --------
    skoverfit.noisy_labels.memorization_scores : What is drawn.
    removal_curve : The right half.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skoverfit.inspection import MemorizationDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> display = MemorizationDisplay.from_estimator(
    ...     KNeighborsClassifier(1), X, y, n_runs=40, random_state=0)
    >>> display.ax_.get_xlabel()
    'memorization'
    """

    def __init__(
        self,
        memorization: np.ndarray,
        *,
        groups: np.ndarray | None = None,
        curve: RemovalCurve | None = None,
        title: str = "",
        notes: tuple[str, ...] = (),
    ) -> None:
        self.memorization = memorization
        self.groups = groups
        self.curve = curve
        self.title = title
        self.notes = notes

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        groups: Any = "class_size",
        curve: RemovalCurve | None = None,
        ax: Axes | None = None,
        **options: Any,
    ) -> MemorizationDisplay:
        """Compute the memorization of rows and draw it.

        Parameters
        ----------
        estimator : classifier
            As in `memorization_scores`.
        X : container of shape (n, p)
            The table.
        y : array-like of shape (n,)
            Labels.
        groups : array-like of shape (n,), "class_size" or None, default="class_size"
            See :meth:`from_result`.
        curve : RemovalCurve, default=None
            Drawn beside it.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; a new figure by default.
        **options : dict
            Parameters of `memorization_scores`.

        Returns
        -------
        MemorizationDisplay
            The object, drawn.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        from skoverfit.noisy_labels import memorization_scores

        found = memorization_scores(estimator, X, y, **options)
        name = type(estimator).__name__
        return cls.from_result(found, groups=groups, curve=curve, ax=ax, name=name)

    @classmethod
    def from_result(
        cls,
        result: MemorizationResult,
        *,
        groups: Any = "class_size",
        curve: RemovalCurve | None = None,
        name: str = "",
        ax: Axes | None = None,
    ) -> MemorizationDisplay:
        """Draw what `memorization_scores` returned.

        Parameters
        ----------
        result : MemorizationResult
            The runs.
        groups : array-like of shape (n,), "class_size" or None, default="class_size"
            A line is drawn for each group. "class_size": rows of the third of classes
            with most rows, of the middle and of the third with least; one group where
            all classes are about equal. None: one group.
        curve : RemovalCurve, default=None
            Drawn beside it.
        name : str, default=""
            Of the estimator, for the title.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; a new figure by default. With a curve there is no place
            for it.

        Returns
        -------
        MemorizationDisplay
            The object, drawn.
        """
        check_matplotlib_support(f"{cls.__name__}.from_result")
        if isinstance(groups, str):
            if groups != "class_size":
                raise BadInputError(
                    "The 'groups' parameter must be 'class_size', None or a name for "
                    f"each row. Got {groups!r} instead."
                )
            groups = _by_class_size(result.codes)
        values = result.memorization
        error = result.memorization_error
        title = f"{name}: " if name else ""
        there = error[np.isfinite(error)]
        display = cls(
            values,
            groups=None if groups is None else np.asarray(groups),
            curve=curve,
            title=f"{title}memorization of {len(values)} rows",
            notes=(
                f"{result.n_runs} trainings on {result.subset_ratio:.0%} of the rows",
                f"standard error of a row {there.mean():.2f} on average",
            ),
        )
        return display.plot(ax=ax)

    @classmethod
    def from_report(
        cls, report: Any, *, groups: Any = "class_size", ax: Axes | None = None
    ) -> MemorizationDisplay:
        """Draw the memorized rows that an `OverfittingReport` found.

        Parameters
        ----------
        report : OverfittingReport
            Fitted, of a classifier, with its section on memorization.
        groups : array-like of shape (n,), "class_size" or None, default="class_size"
            See :meth:`from_result`; rows in the order of ``report.row_positions_``.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; a new figure by default.

        Returns
        -------
        MemorizationDisplay
            The object, drawn.
        """
        from skoverfit.inspection._report_displays import section_of

        data = section_of(report, "memorization").data
        if "outcomes" not in data:
            raise BadInputError(
                "A regression has no right answers: its memorization is in losses, "
                "report.sections_['memorization'].data['memorization']."
            )
        from skoverfit.noisy_labels import MemorizationResult

        names = ("included", "outcomes", "codes", "classes", "subset_ratio")
        result = MemorizationResult(**{name: data[name] for name in names})
        model = getattr(report.estimator, "_final_estimator", report.estimator)
        return cls.from_result(result, groups=groups, name=type(model).__name__, ax=ax)

    def plot(self, ax: Axes | None = None) -> MemorizationDisplay:
        """Draw the picture.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; a new figure by default.

        Returns
        -------
        MemorizationDisplay
            The object itself, with ``ax_`` and ``figure_``.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        if ax is not None and self.curve is not None:
            raise BadInputError("ax= takes one picture; leave it out with a curve.")
        names, codes = self._groups()
        self.curve_ax_: Axes | None = None
        if ax is None and self.curve is not None:
            _, axes = plt.subplots(1, 2, figsize=(10.4, 4.2), layout="constrained")
            ax, self.curve_ax_ = axes
        elif ax is None:
            _, ax = plt.subplots(figsize=(7.2, 4.2), layout="constrained")
        self.ax_: Axes = ax
        self.figure_: Figure = ax.figure  # type: ignore[assignment]
        self.lines_: dict[str, Any] = {}
        for place, group in enumerate(names):
            own = self.memorization[codes == place]
            own = np.sort(own[np.isfinite(own)])
            share = 1.0 - np.searchsorted(own, _BINS - 1e-12) / max(len(own), 1)
            label = "all rows" if group is None else f"{group} ({len(own)} rows)"
            (line,) = ax.plot(
                _BINS, share, color=COLOURS[1 + place], linestyle=LINES[place],
                linewidth=1.8, drawstyle="steps-pre", label=label,
            )  # fmt: skip
            self.lines_["all" if group is None else str(group)] = line
        ax.axvline(0.25, color=MUTED, linewidth=1.0, linestyle=":")
        ax.annotate(
            "memorized", (0.25, 1.0), (4, -2), xycoords=("data", "axes fraction"),
            textcoords="offset points", va="top", fontsize="small", color=MUTED,
        )  # fmt: skip
        ax.set_xlim(-0.25, 1.0)
        ax.set_ylim(0.0, 1.0)
        ax.set_xlabel("memorization")
        ax.set_ylabel("share of rows with at least as much")
        if len(names) > 1:
            ax.legend(loc="upper right", frameon=False, fontsize="small",
                      bbox_to_anchor=(1.0, 0.92))  # fmt: skip
        self._dress(ax)
        draw_subtitle(ax, self.title, list(self.notes))
        if self.curve_ax_ is not None:
            self._draw_curve(self.curve_ax_)
        return self

    def _groups(self) -> tuple[list[Any], np.ndarray]:
        if self.groups is None:
            return [None], np.zeros(len(self.memorization), dtype=np.intp)
        if np.shape(self.groups) != self.memorization.shape:
            raise BadInputError(
                f"groups must have a name for each of the {len(self.memorization)} "
                f"rows. Got the shape {np.shape(self.groups)} instead."
            )
        _, first, codes = np.unique(self.groups, return_index=True, return_inverse=True)
        if len(first) > _MOST_GROUPS:
            raise BadInputError(
                f"groups has {len(first)} kinds; at most {_MOST_GROUPS} can be told "
                "apart in a picture."
            )
        return list(np.asarray(self.groups)[first]), codes

    def _draw_curve(self, ax: Axes) -> None:
        curve = self.curve
        assert curve is not None
        for place, (label, scores) in enumerate(
            (("most memorized", curve.highest), ("random", curve.random))
        ):
            mean = scores.mean(axis=1)
            low, high = scores.min(axis=1), scores.max(axis=1)
            gaps = np.maximum([mean - low, high - mean], 0.0)  # equal but for rounding
            ax.errorbar(
                curve.fractions, mean, gaps, color=COLOURS[2 - place],
                linestyle=LINES[place], marker=MARKERS[place], markersize=5,
                linewidth=1.8, elinewidth=1.0, capsize=2, label=label,
            )  # fmt: skip
        ax.set_xlabel("share of rows that were dropped")
        ax.set_ylabel("test score")
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        ax.legend(loc="best", frameon=False, fontsize="small", title="dropped rows")
        self._dress(ax)
        draw_subtitle(
            ax,
            "Training without them",
            [f"means of {curve.highest.shape[1]}, from lowest to highest"],
        )

    @staticmethod
    def _dress(ax: Axes) -> None:
        ax.grid(axis="y", color=RULE, linewidth=0.6)
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)


def _by_class_size(codes: np.ndarray) -> np.ndarray | None:
    """Return thirds of the classes by their rows; None where these are about equal."""
    counts = np.bincount(codes)
    if counts.max() < 1.5 * counts[counts > 0].min():
        return None
    place = np.empty(len(counts), dtype=np.intp)
    place[np.argsort(-counts, kind="stable")] = (
        np.arange(len(counts)) * 3 // len(counts)
    )
    if len(counts) < 3:
        place[place > 0] = 2
    names = np.array(["large classes", "middle classes", "small classes"])
    return names[place[codes]]
