# SPDX-License-Identifier: BSD-3-Clause
"""What the pictures of a report have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.validation import check_is_fitted

from skoverfit._core._palette import RULE
from skoverfit.exceptions import BadInputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ReportDisplay", "dress", "section_of"]


class ReportDisplay:
    """A picture of one section of an `OverfittingReport`."""

    _section: ClassVar[str]

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        groups: Any = None,
        *,
        ax: Axes | None = None,
        **options: Any,
    ) -> Self:
        """Run the section of a report that is drawn, and draw it.

        Parameters
        ----------
        estimator : estimator instance
            Classifier or regressor; cloned.
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,)
            Target.
        groups : array-like of shape (n_samples,), default=None
            Rows that belong together.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; a new figure by default.
        **options : dict
            Parameters of `OverfittingReport`, and ``sample_weight``, ``time`` and
            ``X_new`` of its `fit`.

        Returns
        -------
        display
            The object, drawn.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        from skoverfit.inspection._overfitting_report import OverfittingReport

        given = {
            name: options.pop(name)
            for name in ("sample_weight", "time", "X_new")
            if name in options
        }
        report = OverfittingReport(estimator, sections=[cls._section], **options)
        return cls.from_report(report.fit(X, y, groups, **given), ax=ax)

    @classmethod
    def from_report(cls, report: Any, *, ax: Axes | None = None) -> Self:
        """Draw a section of a fitted report.

        Parameters
        ----------
        report : OverfittingReport
            Fitted, with the section that is drawn.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; a new figure by default.

        Returns
        -------
        display
            The object, drawn.
        """
        check_matplotlib_support(f"{cls.__name__}.from_report")
        data = section_of(report, cls._section).data
        model = getattr(report.estimator, "_final_estimator", report.estimator)
        name = type(model).__name__
        return cls._of(data, name).plot(ax=ax)

    @classmethod
    def _of(cls, data: dict[str, Any], name: str) -> Self:
        raise NotImplementedError

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the picture."""
        raise NotImplementedError


def section_of(report: Any, name: str) -> Any:
    """Return a section that was run, or say what is missing."""
    check_is_fitted(report)
    section = report.sections_.get(name)
    if section is None:
        raise BadInputError(
            f"The report has no section {name!r}; it has {sorted(report.sections_)}. "
            f"Add it to sections."
        )
    if not section.was_run:
        raise BadInputError(
            f"The section {name!r} of the report was not run: {section.reason}."
        )
    return section


def dress(ax: Axes, axis: str = "y") -> None:
    """Draw a quiet grid and no box."""
    ax.grid(axis=axis, color=RULE, linewidth=0.6)  # type: ignore[arg-type]
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def spread(n: int, width: float = 0.16) -> np.ndarray:
    """Return places for n points side by side, around 0."""
    return np.linspace(-width, width, n) if n > 1 else np.zeros(1)
