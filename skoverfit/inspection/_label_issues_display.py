# SPDX-License-Identifier: BSD-3-Clause
"""A picture of which labels are suspect: in which class, taken for what, how surely."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support

from skoverfit._core._palette import COLOURS, INK, MUTED, RULE
from skoverfit._core._statistics import wilson_interval
from skoverfit.exceptions import BadInputError
from skoverfit.inspection._drawing import draw_subtitle, name_ticks
from skoverfit.inspection._found_issues import (
    FoundIssues,
    beyond_hard_rows,
    found_by_detector,
    found_by_fitting,
    found_in_proba,
    taken_for,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from skoverfit.noisy_labels import LabelIssueExcess

__all__ = ["LabelIssuesDisplay"]

KINDS = ("flagged", "confused", "quality")
# More classes than that are no bars, and no numbers in a heat map.
_MOST_BARS = 20
_MOST_NUMBERS = 14
_BINS = np.linspace(0.0, 1.0, 41)


class LabelIssuesDisplay:
    """Picture of suspect labels: the share a class, what they are taken for, scores.

    Make it with :meth:`from_estimator`, :meth:`from_predictions` or
    :meth:`from_detector`. On the left the share of rows with each label that are
    flagged, with Wilson's intervals and, where probabilities are there, a mark for the
    share that labels without errors would have; in the middle which class the rows
    with each label are taken for; on the right how the quality of labels is
    distributed.

    .. versionadded:: 0.1

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Labels.
    given : ndarray of int of shape (n,)
        Position of each row's label in ``classes``.
    issue_mask : ndarray of bool of shape (n,)
        The suspects.
    quality : ndarray of shape (n,), default=None
        Of each label, from 0 to 1; NaN where it is not known.
    confused : ndarray of shape (n_classes, n_classes), default=None
        Rows with the label of the line that are taken for the class of the column.
    excess : LabelIssueExcess, default=None
        What `excess_label_issues` returned.
    confidence : float, default=0.95
        Level of the intervals.
    title : str, default=""
        First line above the picture.
    notes : tuple of str, default=()
        Printed below the title.

    Attributes
    ----------
    axes_ : dict of str to matplotlib.axes.Axes
        Axes by "flagged", "confused" and "quality", after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        The figure, after :meth:`plot`.
    flagged_ : ndarray of shape (n_classes, 3)
        Share that is flagged of the rows with each label, and its interval.

    See Also
    --------
    label_review_sheet : The worst rows one by one.
    skoverfit.noisy_labels.find_label_issues : Says which rows.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skoverfit.datasets import make_label_noise
    >>> from skoverfit.inspection import LabelIssuesDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> y = make_label_noise(y, rate=0.2, random_state=0)
    >>> display = LabelIssuesDisplay.from_estimator(
    ...     LogisticRegression(max_iter=500), X, y, random_state=0)
    >>> sorted(display.axes_)
    ['confused', 'flagged', 'quality']
    >>> display.flagged_[:, 0].round(1)
    array([0.1, 0.3, 0.2])
    """

    def __init__(
        self,
        classes: np.ndarray,
        given: np.ndarray,
        issue_mask: np.ndarray,
        *,
        quality: np.ndarray | None = None,
        confused: np.ndarray | None = None,
        excess: LabelIssueExcess | None = None,
        confidence: float = 0.95,
        title: str = "",
        notes: tuple[str, ...] = (),
    ) -> None:
        self.classes = classes
        self.given = given
        self.issue_mask = issue_mask
        self.quality = quality
        self.confused = confused
        self.excess = excess
        self.confidence = confidence
        self.title = title
        self.notes = notes

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        groups: Any = None,
        cv: Any = None,
        excess: bool = True,
        kind: str = "all",
        random_state: Any = None,
        n_jobs: int | None = None,
        ax: Axes | None = None,
        **rule: Any,
    ) -> LabelIssuesDisplay:
        """Look for wrong labels and draw them.

        Parameters
        ----------
        estimator : classifier, detector or None
            A detector of `skoverfit.noisy_labels`, which is cloned and fitted; or a
            classifier, whose out-of-fold probabilities confident learning reads. None
            is the default of `ConfidentLearningFilter`.
        X : container of shape (n, p)
            The table.
        y : array-like of shape (n,)
            Labels of any type, some of them wrong.
        groups : array-like of shape (n,), default=None
            Rows of one group are kept on one side of each fold.
        cv : int, splitter, iterable or None, default=None
            Folds of the probabilities.
        excess : bool, default=True
            Whether the flagged share is compared with that of labels without errors,
            where the detector has probabilities.
        kind : {"all", "flagged", "confused", "quality"}, default="all"
            Which picture.
        random_state : int, RandomState instance or None, default=None
            Deals the folds and redraws labels.
        n_jobs : int, default=None
            Folds that are fitted at the same time.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw one kind on; a new figure by default.
        **rule : dict
            Parameters of `find_label_issues`, or of the detector.

        Returns
        -------
        LabelIssuesDisplay
            The object, drawn.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        found = found_by_fitting(
            estimator, X, y, groups=groups, cv=cv, random_state=random_state,
            n_jobs=n_jobs, **rule,
        )  # fmt: skip
        return cls._of(found, excess, random_state, rule).plot(kind=kind, ax=ax)

    @classmethod
    def from_predictions(
        cls,
        y: Any,
        pred_proba: Any,
        *,
        classes: Any = None,
        excess: bool = True,
        kind: str = "all",
        name: str = "",
        random_state: Any = None,
        ax: Axes | None = None,
        **rule: Any,
    ) -> LabelIssuesDisplay:
        """Draw what `find_label_issues` finds in out-of-fold probabilities.

        Parameters
        ----------
        y : array-like of shape (n,)
            Labels of any type, some of them wrong.
        pred_proba : array-like of shape (n, n_classes)
            Probabilities by models that did not train on the row.
        classes : array-like of shape (n_classes,), default=None
            What the columns are, where it is not the sorted labels.
        excess : bool, default=True
            Whether the flagged share is compared with that of labels without errors.
        kind : {"all", "flagged", "confused", "quality"}, default="all"
            Which picture.
        name : str, default=""
            Of the model, for the title.
        random_state : int, RandomState instance or None, default=None
            Redraws labels.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw one kind on; a new figure by default.
        **rule : dict
            Parameters of `find_label_issues`.

        Returns
        -------
        LabelIssuesDisplay
            The object, drawn.
        """
        check_matplotlib_support(f"{cls.__name__}.from_predictions")
        found = found_in_proba(y, pred_proba, classes=classes, name=name, **rule)
        return cls._of(found, excess, random_state, rule).plot(kind=kind, ax=ax)

    @classmethod
    def from_detector(
        cls,
        detector: Any,
        *,
        kind: str = "all",
        ax: Axes | None = None,
    ) -> LabelIssuesDisplay:
        """Draw what a fitted detector found.

        Parameters
        ----------
        detector : detector
            Fitted; of `skoverfit.noisy_labels`.
        kind : {"all", "flagged", "confused", "quality"}, default="all"
            Which picture.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw one kind on; a new figure by default.

        Returns
        -------
        LabelIssuesDisplay
            The object, drawn.
        """
        check_matplotlib_support(f"{cls.__name__}.from_detector")
        return cls._of(found_by_detector(detector), False, None, {}).plot(
            kind=kind, ax=ax
        )

    @classmethod
    def _of(
        cls, found: FoundIssues, excess: bool, random_state: Any, rule: dict[str, Any]
    ) -> LabelIssuesDisplay:
        n, flagged = len(found.codes), int(found.mask.sum())
        notes = [f"{flagged:,} of {n:,} labels are suspect ({flagged / n:.1%})"]
        beyond = beyond_hard_rows(found, random_state, rule) if excess else None
        if beyond is not None:
            low, high = beyond.flagged.interval
            notes.append(
                f"hard rows alone would give {beyond.flagged.expected:.1%}; the rest "
                f"is {beyond.flagged.excess:.1%} ({low:.1%} to {high:.1%})".replace(
                    "-", "\N{MINUS SIGN}"
                )
            )
        if found.quality is not None and np.isnan(found.quality).any():
            notes.append(f"{int(np.isnan(found.quality).sum()):,} can't be judged")
        return cls(
            found.classes,
            found.codes,
            found.mask,
            quality=found.quality,
            confused=taken_for(found),
            excess=beyond,
            title=f"{found.name}: suspect labels",
            notes=tuple(notes),
        )

    def plot(self, *, kind: str = "all", ax: Axes | None = None) -> LabelIssuesDisplay:
        """Draw the pictures.

        Parameters
        ----------
        kind : {"all", "flagged", "confused", "quality"}, default="all"
            One of the pictures, or all that there is something for.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw one kind on; a new figure by default.

        Returns
        -------
        LabelIssuesDisplay
            The object itself, with ``axes_`` and ``figure_``.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        kinds = self._kinds(kind)
        if ax is not None and kind == "all":
            raise BadInputError(
                "ax= takes one picture; give kind='flagged', 'confused' or 'quality', "
                "or leave ax out."
            )
        if ax is None:
            height = max(4.2, 1.6 + 0.27 * min(len(self.classes), _MOST_BARS))
            figure, grid = plt.subplots(
                1, len(kinds), figsize=(0.8 + 5.0 * len(kinds), height),
                layout="constrained", squeeze=False,
            )  # fmt: skip
            axes = list(grid[0])
            if len(kinds) > 1:
                heading = "; ".join((self.title, *self.notes))
                figure.suptitle(heading, x=0.01, ha="left", parse_math=False)
        else:
            axes = [ax]
        self.axes_: dict[str, Axes] = dict(zip(kinds, axes, strict=True))
        self.figure_: Figure = axes[0].figure
        counts = np.bincount(self.given, minlength=len(self.classes))
        hits = np.bincount(self.given[self.issue_mask], minlength=len(self.classes))
        low, high = wilson_interval(hits, counts, self.confidence)
        share = np.divide(hits, counts, out=np.full(len(low), np.nan), where=counts > 0)
        self.flagged_ = np.column_stack([share, low, high])
        draw = {
            "flagged": self._draw_flagged,
            "confused": self._draw_confused,
            "quality": self._draw_quality,
        }
        for which, place in self.axes_.items():
            draw[which](place)
        if len(kinds) == 1:
            draw_subtitle(axes[0], self.title, list(self.notes))
        return self

    def _kinds(self, kind: str) -> list[str]:
        if kind not in ("all", *KINDS):
            raise BadInputError(
                "The 'kind' parameter must be 'all', 'flagged', 'confused' or "
                f"'quality'. Got {kind!r} instead."
            )
        there = {"flagged": True, "confused": self.confused, "quality": self.quality}
        known = [name for name in KINDS if there[name] is not None]
        if kind != "all" and kind not in known:
            raise BadInputError(
                f"kind={kind!r} has nothing to draw: the detector does not tell it."
            )
        return known if kind == "all" else [kind]

    def _draw_flagged(self, ax: Axes) -> None:
        share, low, high = self.flagged_.T
        shown = np.flatnonzero(np.isfinite(share))
        if len(shown) > _MOST_BARS:
            shown = np.sort(shown[np.argsort(-share[shown])[:_MOST_BARS]])
        at = np.arange(len(shown))
        ax.barh(
            at, share[shown], height=0.62, color=COLOURS[1], alpha=0.75, linewidth=0
        )
        ends = np.maximum([share - low, high - share], 0.0)[:, shown]
        ax.errorbar(
            share[shown], at, xerr=ends, fmt="none", ecolor=INK, elinewidth=1.2,
            capsize=2.5,
        )  # fmt: skip
        if self.excess is not None:
            ax.plot(
                self.excess.expected_by_class[shown], at, linestyle="", marker="D",
                markersize=5.5, color=COLOURS[2], markeredgecolor="white",
                label="if no label were wrong",
            )  # fmt: skip
            _legend(ax)
        ax.set_ylim(len(shown) - 0.5, -0.5)
        name_ticks(ax.yaxis, tuple(_short(self.classes[k]) for k in shown))
        ax.yaxis.set_ticks(at, labels=[_short(self.classes[k]) for k in shown])
        for label in ax.get_yticklabels():
            label.set_parse_math(False)
        ax.set_xlim(left=0.0)
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        rest = len(self.classes) - len(shown)
        ax.set_ylabel(f"given label ({rest} with less left out)" if rest > 0 else
                      "given label")  # fmt: skip
        ax.set_xlabel("rows with this label that are suspect")
        _dress(ax, "x")

    def _draw_confused(self, ax: Axes) -> None:
        from matplotlib.colors import LinearSegmentedColormap

        assert self.confused is not None
        counts = np.asarray(self.confused, dtype=np.float64)
        off = counts.copy()
        np.fill_diagonal(off, np.nan)  # what agrees would drown the rest
        rows = np.bincount(self.given, minlength=len(counts))[:, None]
        share = off / np.maximum(rows, 1)
        colours = LinearSegmentedColormap.from_list(
            "rows", ["#ffffff", COLOURS[1]]
        ).with_extremes(bad=RULE)
        top = max(float(np.nanmax(share, initial=0.0)), 1e-9)
        ax.imshow(share, cmap=colours, vmin=0.0, vmax=top, aspect="auto")
        if len(counts) <= _MOST_NUMBERS:
            for i, j in np.ndindex(*counts.shape):
                if counts[i, j] >= 0.5:
                    dark = i != j and share[i, j] > 0.6 * top
                    ax.text(
                        j, i, f"{counts[i, j]:,.0f}", ha="center", va="center",
                        fontsize="small",
                        color="white" if dark else MUTED if i == j else INK,
                    )  # fmt: skip
        names = tuple(_short(label) for label in self.classes)
        name_ticks(ax.xaxis, names)
        name_ticks(ax.yaxis, names)
        ax.set_xlabel("taken for")
        ax.set_ylabel("given label")
        ax.spines[:].set_visible(False)
        ax.tick_params(length=0)
        ax.set_title("rows; darker: larger share of the line", loc="left",
                     fontsize="small", color=MUTED)  # fmt: skip

    def _draw_quality(self, ax: Axes) -> None:
        assert self.quality is not None
        known = np.isfinite(self.quality)
        parts = [
            self.quality[known & self.issue_mask],
            self.quality[known & ~self.issue_mask],
        ]
        names = (f"suspect ({len(parts[0]):,})", f"other ({len(parts[1]):,})")
        most = [int(np.histogram(part, bins=_BINS)[0].max()) for part in parts]
        for part, name, colour in zip(parts, names, (2, 1), strict=True):
            ax.hist(
                part, bins=list(_BINS), histtype="stepfilled", alpha=0.6,
                facecolor=COLOURS[colour], edgecolor=COLOURS[colour], label=name,
            )  # fmt: skip
        if max(most) > 20 * max(most[0], 1):  # few suspects would be flat on the floor
            ax.set_yscale("symlog", linthresh=10)
            ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        ax.set_ylim(bottom=0)
        ax.set_xlim(0.0, 1.0)
        ax.set_xlabel("quality of the label")
        ax.set_ylabel("rows")
        _legend(ax)
        _dress(ax, "y")


def _short(label: Any) -> str:
    from skoverfit._core._html import shorten

    return shorten(label, 18)


def _legend(ax: Axes) -> None:
    ax.legend(
        loc="upper center", bbox_to_anchor=(0.5, -0.14), frameon=False,
        fontsize="small", ncols=2,
    )  # fmt: skip


def _dress(ax: Axes, axis: Any) -> None:
    ax.grid(axis=axis, color=RULE, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
