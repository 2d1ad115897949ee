# SPDX-License-Identifier: BSD-3-Clause
"""Are the rows that a sampler made any good? Figures of each class."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from html import escape
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from skoverfit._core._html import clean_text, shorten
from skoverfit._core._random import root_entropy
from skoverfit.inspection._quality import ClassQuality, ColumnQuality, Measures
from skoverfit.inspection._synthetic_report_display import SyntheticReportDisplay
from skoverfit.inspection._tables import read_tables, sampler_name

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["SyntheticReport", "synthetic_report"]

# Field, heading, and what a made row as good as a real one would give.
FIGURES = (
    ("distance_ratio", "nearest-real distance ratio", "about 1; 0 for copies"),
    ("copy_share", "exact copies", "0"),
    ("precision", "precision", "near 1"),
    ("recall", "recall", "near 1"),
    ("density", "density", "about 1"),
    ("coverage", "coverage", "near 1"),
    ("overlap", "among other classes", "as the real rows"),
    ("overlap_real", "real rows among other classes", ""),
    ("variance_ratio", "variance ratio (median column)", "1"),
    ("auc", "AUC of real against made", "0.5"),
    ("missing_difference", "largest missing-rate difference", "0"),
    ("category_difference", "largest category difference", "0"),
)


@dataclass(frozen=True, kw_only=True)
class SyntheticReport:
    """Result of :func:`synthetic_report`, where the figures are described.

    Parameters
    ----------
    sampler : str
        Name of the sampler.
    classes : tuple of ClassQuality
        The figures of each class that has made rows.
    columns : tuple of ColumnQuality
        The figures of each column within each of these classes.
    notes : tuple of str
        What could not be measured, and what was measured on a sample of the rows.
    confidence : float, default=0.95
        Level of the interval of the area under the ROC curve.

    Examples
    --------
    >>> from imblearn.over_sampling import RandomOverSampler
    >>> from sklearn.datasets import make_moons
    >>> from skoverfit.inspection import synthetic_report
    >>> X, y = make_moons((80, 20), noise=0.1, random_state=0)
    >>> sampler = RandomOverSampler(random_state=0)
    >>> report = synthetic_report(
    ...     sampler, X, y, *sampler.fit_resample(X, y), random_state=0
    ... )
    >>> report.classes[0].copy_share
    1.0
    """

    sampler: str
    classes: tuple[ClassQuality, ...]
    columns: tuple[ColumnQuality, ...]
    notes: tuple[str, ...]
    confidence: float = 0.95

    @validate_params(
        {"by": [StrOptions({"class", "column"})]}, prefer_skip_nested_validation=True
    )
    def to_frame(self, by: str = "class") -> pd.DataFrame:
        """Return the figures as a pandas frame.

        Parameters
        ----------
        by : {"class", "column"}, default="class"
            One row a class, or one a class and column.

        Returns
        -------
        pandas.DataFrame
            Its columns are the fields of `ClassQuality` or `ColumnQuality`.
        """
        import pandas as pd

        rows = self.classes if by == "class" else self.columns
        kind = ClassQuality if by == "class" else ColumnQuality
        return pd.DataFrame(
            [asdict(row) for row in rows],
            columns=list(kind.__dataclass_fields__),
        )

    def summary(self) -> str:
        """Return the figures as plain text, a block for each class.

        Returns
        -------
        str
            Lines without a line end at the last one.
        """
        lines = [f"Made rows of {clean_text(self.sampler)}"]
        for row in self.classes:
            lines += ["", self._heading(row)]
            for name, heading, ideal in FIGURES:
                if not math.isnan(getattr(row, name)):
                    aim = f"   ({ideal})" if ideal else ""
                    lines.append(f"  {heading:<32}{self._figure(row, name)}{aim}")
        if not self.classes:
            lines.append("The sampler made no rows.")
        if self.notes:
            lines += ["", *(clean_text(note) for note in self.notes)]
        return "\n".join(lines)

    def plot(
        self, figure: Figure | None = None, *, max_classes: int = 20
    ) -> SyntheticReportDisplay:
        """Draw the main figures of each class.

        Parameters
        ----------
        figure : matplotlib.figure.Figure, default=None
            Figure to draw on; a new one by default.
        max_classes : int, default=20
            Most classes that are drawn; those with most made rows come first.

        Returns
        -------
        SyntheticReportDisplay
            Already drawn.
        """
        display = SyntheticReportDisplay(
            self.classes, title=f"Made rows of {self.sampler}"
        )
        return display.plot(figure=figure, max_classes=max_classes)

    @staticmethod
    def _heading(row: ClassQuality) -> str:
        return (
            f"Class {shorten(repr(row.label), 40)}: {row.n_made:,} made rows, "
            f"{row.n_real:,} real rows"
        )

    @staticmethod
    def _figure(row: ClassQuality, name: str) -> str:
        value = getattr(row, name)
        if math.isnan(value):
            return "–"
        if name == "auc":
            return f"{value:.2f} [{row.auc_lower:.2f}, {row.auc_upper:.2f}]"
        return f"{value:+.2f}" if name == "missing_difference" else f"{value:.2f}"

    def _repr_html_(self) -> str:
        """Return a table, a column for each class; every name is escaped."""
        head = "".join(
            f'<th scope="col">{escape(shorten(row.label, 40))}<br>'
            f"<small>{row.n_made:,} made, {row.n_real:,} real</small></th>"
            for row in self.classes
        )
        body = "".join(
            f'<tr><th scope="row" style="text-align:left">{escape(heading)}</th>'
            + "".join(
                f"<td>{escape(self._figure(row, name))}</td>" for row in self.classes
            )
            + f'<td style="text-align:left">{escape(ideal)}</td></tr>'
            for name, heading, ideal in FIGURES
        )
        notes = "".join(f"<p>{escape(clean_text(note))}</p>" for note in self.notes)
        title = escape(clean_text(self.sampler))
        return (
            f"<table><caption>Made rows of {title}</caption><thead><tr>"
            f'<th scope="col">figure</th>{head}<th scope="col">as good as real</th>'
            f"</tr></thead><tbody>{body}</tbody></table>{notes}"
        )


@validate_params(
    {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "max_rows": [Interval(Integral, 20, None, closed="left")],
        "cv": [Interval(Integral, 2, 10, closed="both")],
        "confidence": [Interval(Real, 0, 1, closed="neither")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state", np.random.Generator],
    },
    prefer_skip_nested_validation=True,
)
def synthetic_report(
    sampler: Any,
    X: Any,
    y: Any,
    X_res: Any,
    y_res: Any,
    *,
    n_neighbors: int = 5,
    max_rows: int = 2_000,
    cv: int = 5,
    confidence: float = 0.95,
    n_jobs: int | None = None,
    random_state: Any = None,
) -> SyntheticReport:
    """Measure how the rows that a sampler made compare with the real ones.

    Good figures say that the made rows look like rows of their class. Whether they
    help a model is another question, which ``skoverfit bench`` answers.

    Parameters
    ----------
    sampler : sampler object or None
        The sampler right after its ``fit_resample(X, y)``: ours, imbalanced-learn's,
        any other. With None, or where it keeps no record of the rows, made rows are
        those of the new table that are not in the old one.
    X : array-like, dataframe or sparse matrix of shape (n_samples, n_features)
        The table before: numbers, dates, strings, categories, missing values.
    y : array-like of shape (n_samples,)
        Its class labels.
    X_res : array-like, dataframe or sparse matrix of shape (n_res, n_features)
        The table after.
    y_res : array-like of shape (n_res,)
        Its class labels.
    n_neighbors : int, default=5
        Size of the neighbourhoods of precision, recall, density and coverage; 5 as in
        [1]_.
    max_rows : int, default=2000
        Most made and most real rows of a class that are looked at; more are sampled,
        and a note says so. Nearest real rows are always searched among all of them.
    cv : int, default=5
        Folds of the two-sample test, 2 to 10.
    confidence : float, default=0.95
        Level of the interval of the area under the ROC curve.
    n_jobs : int or None, default=None
        Threads; None is one unless a joblib context says otherwise.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the samples of rows, the folds and the forest.

    Returns
    -------
    SyntheticReport
        ``classes`` has an object for each class with made rows, with the attributes

        - ``label``, ``n_real``, ``n_made``;
        - ``distance_ratio``: median distance of a made row to the nearest real row of
          its class, over the same median among real rows;
        - ``copy_share``: share of made rows that equal a real row in every cell;
        - ``precision``, ``density``: share of made rows inside the neighbourhood of a
          real row (the ball up to its k-th neighbour), and their mean number of such
          neighbourhoods over k [1]_;
        - ``recall``, ``coverage``: share of real rows inside the neighbourhood of a
          made row, and share of real rows whose own neighbourhood has a made row
          [1]_;
        - ``overlap``, ``overlap_real``: share of made and of real rows of the class
          most of whose 5 nearest real rows are of other classes;
        - ``variance_ratio``: variance of made over variance of real rows, the median
          of the numeric columns;
        - ``auc``, ``auc_lower``, ``auc_upper``: area under the ROC curve of a forest
          that tells made from real rows of the class, out of fold, and its interval
          (DeLong's, clustered by the real row that a made row lies at [2]_). 0.5: it
          can't. Folds are cut by place, so that a row and its copies stay together;
        - ``missing_difference``: missing rate of made minus real rows in the column
          where they differ most;
        - ``category_difference``: share of made rows that would have to change their
          category to have the real shares, in the worst nominal column.

        ``columns`` has the figures column by column, ``notes`` what could not be
        measured. A figure that can't be measured is NaN: all of them where a class
        has fewer than 10 made or real rows.

    Raises
    ------
    BadInputError
        If the tables, or the sampler's record and the tables, do not fit.

    See Also
    --------
    ResamplingDisplay : The same question answered by a picture.

    Notes
    -----
    Distances take numbers in standard deviations of the original rows; a category
    that differs counts as one standard deviation. Columns where one of two rows has
    no value are left out and the rest is scaled up, as in
    :func:`sklearn.metrics.pairwise.nan_euclidean_distances`.

    The interval of ``auc`` is about these rows and these forests. With less than about
    100 rows of a kind it is too narrow: forests trained on other rows would differ.

    References
    ----------
    .. [1] M. F. Naeem, S. J. Oh, Y. Uh, Y. Choi and J. Yoo (2020). "Reliable fidelity
       and diversity metrics for generative models". ICML.
    .. [2] N. A. Obuchowski (1997). "Nonparametric analysis of clustered ROC curve
       data". Biometrics 53, 567-578.

    Examples
    --------
    >>> from imblearn.over_sampling import SMOTE
    >>> from sklearn.datasets import make_moons
    >>> from skoverfit.inspection import synthetic_report
    >>> X, y = make_moons((200, 40), noise=0.1, random_state=0)
    >>> sampler = SMOTE(random_state=0)
    >>> report = synthetic_report(
    ...     sampler, X, y, *sampler.fit_resample(X, y), random_state=0
    ... )
    >>> row = report.classes[0]
    >>> row.n_real, row.n_made, row.copy_share
    (40, 160, 0.0)
    >>> row.distance_ratio < 1 and row.variance_ratio < 1.2
    True
    """
    tables = read_tables(sampler, X, y, X_res, y_res)
    measures = Measures(
        tables,
        n_neighbors=n_neighbors,
        max_rows=max_rows,
        cv=cv,
        confidence=confidence,
        n_jobs=n_jobs,
        entropy=root_entropy(random_state),
    )
    made = np.bincount(
        tables.labels_res[tables.origin.made], minlength=len(tables.classes)
    )
    positions = np.flatnonzero(made).tolist()
    return SyntheticReport(
        sampler=sampler_name(sampler),
        classes=tuple(measures.of_class(p) for p in positions),
        columns=tuple(c for p in positions for c in measures.columns_of_class(p)),
        notes=tuple(measures.notes),
        confidence=confidence,
    )
