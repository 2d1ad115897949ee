# SPDX-License-Identifier: BSD-3-Clause
"""The worst rows on one page, for a person who decides which labels are wrong."""

from __future__ import annotations

import os
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import HasMethods, Interval, validate_params

from skoverfit._core._arrays import kind_of, to_numpy
from skoverfit._core._html import write_atomically
from skoverfit._core._neighbors import NeighborTable
from skoverfit._core._validation import check_labels, check_same_length
from skoverfit.exceptions import BadInputError
from skoverfit.inspection._found_issues import (
    FoundIssues,
    beyond_hard_rows,
    found_by_fitting,
    found_in_issues,
    found_in_proba,
)
from skoverfit.inspection._measured import measure
from skoverfit.inspection._review_page import Rows, render_csv, render_page
from skoverfit.inspection._review_rows import encoded, neighbor_table, review

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LabelReviewSheet", "label_review_sheet"]


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelReviewSheet:
    r"""The worst rows as a page and as a table to write decisions into.

    `label_review_sheet` returns it. See :doc:`/user_guide/label_noise`.

    .. versionadded:: 0.1

    Parameters
    ----------
    html : str
        The page: no script, nothing loaded from anywhere, every name escaped.
    csv : str
        The same rows, with an empty column ``new_label``.
    rows : ndarray of shape (n_shown,)
        Numbers of the rows, the worst first.
    suggested : ndarray of shape (n_shown,)
        What the label may be instead; None where nothing is suggested.

    See Also
    --------
    label_review_sheet : Makes one.

    Examples
    --------
    >>> from skoverfit.inspection import LabelReviewSheet
    >>> sheet = LabelReviewSheet(
    ...     html="<p>", csv="row\n3\n", rows=[3], suggested=["a"]
    ... )
    >>> sheet.to_frame()
       row
    0    3
    """

    html: str
    csv: str
    rows: np.ndarray
    suggested: np.ndarray

    def save(self, path: str | os.PathLike[str]) -> tuple[Path, Path]:
        """Write the page, and the table beside it with the ending ``.csv``.

        Parameters
        ----------
        path : str or path-like
            The HTML file; its folder has to exist.

        Returns
        -------
        tuple of pathlib.Path
            Of the page and of the table.

        Raises
        ------
        BadInputError
            If a file can't be written, or the path itself ends in ``.csv``.
        """
        page = Path(path)
        if page.suffix.lower() == ".csv":
            raise BadInputError(
                f"path={str(path)!r} is where the table goes; name the page, with the "
                "ending .html."
            )
        return (
            write_atomically(page, self.html),
            write_atomically(page.with_suffix(".csv"), self.csv),
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the table as a pandas frame.

        Returns
        -------
        pandas.DataFrame
            One row a shown row, the worst first.
        """
        import io

        import pandas as pd

        return pd.read_csv(io.StringIO(self.csv))


@validate_params(
    {
        "X": "no_validation",
        "y": "no_validation",
        "estimator": [HasMethods(["fit"]), None],
        "pred_proba": ["array-like", None],
        "issues": "no_validation",
        "classes": ["array-like", None],
        "groups": ["array-like", None],
        "cv": ["cv_object"],
        "excess": ["boolean"],
        "n_rows": [Interval(Integral, 1, None, closed="left")],
        "n_neighbors": [Interval(Integral, 0, 10, closed="both")],
        "image_shape": [tuple, list, None],
        "title": [str],
        "path": [str, os.PathLike, None],
        "random_state": ["random_state", np.random.Generator],
        "n_jobs": [Integral, None],
    },
    prefer_skip_nested_validation=True,
)
def label_review_sheet(
    X: Any,
    y: ArrayLike,
    *,
    estimator: Any = None,
    pred_proba: ArrayLike | None = None,
    issues: Any = None,
    classes: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    cv: Any = None,
    excess: bool = True,
    n_rows: int = 50,
    n_neighbors: int = 2,
    image_shape: tuple[int, ...] | None = None,
    title: str = "Labels to review",
    path: str | os.PathLike[str] | None = None,
    random_state: Any = None,
    n_jobs: int | None = None,
) -> LabelReviewSheet:
    """Put the rows with the worst labels on a page that a person can decide from.

    Each row comes with its label, the one that is suggested, how surely, and the
    nearest rows of either label that are not suspect themselves: as columns, those
    first that part the row from the rows of its label, or as pictures. See
    :doc:`the user guide </user_guide/label_noise>`.

    .. versionadded:: 0.1

    Parameters
    ----------
    X : container of shape (n, p)
        The table, of any content: numbers, texts, categories, missing values. With
        ``image_shape`` also an array of pictures.
    y : array-like of shape (n,)
        Labels of any type, some of them wrong.
    estimator : classifier or detector, default=None
        Whose out-of-fold probabilities, or findings, are shown. None is a logistic
        regression on scaled numbers and one column a category.
    pred_proba : array-like of shape (n, n_classes), default=None
        Probabilities by models that did not train on the row; nothing is trained
        then.
    issues : object, default=None
        What was found already: a mask, row numbers, qualities, a frame with a column
        ``is_label_issue``, a fitted detector, cleanlab's ``CleanLearning`` or
        ``Datalab``. Nothing is trained then; ``pred_proba`` may be given beside it.
    classes : array-like of shape (n_classes,), default=None
        What the columns of ``pred_proba`` are, where it is not the sorted labels.
    groups : array-like of shape (n,), default=None
        Rows of one group are kept on one side of each fold.
    cv : int, splitter, iterable or None, default=None
        Folds of the probabilities.
    excess : bool, default=True
        Whether the page says how many suspects there would be if no label were wrong,
        where there are probabilities (`skoverfit.noisy_labels.excess_label_issues`).
    n_rows : int, default=50
        Most rows that are shown: suspects. Where there is none, the ten least sure.
    n_neighbors : int, default=2
        Rows of either label that each row is compared with.
    image_shape : tuple of (height, width) or (height, width, 1 or 3), default=None
        Rows are pictures of this shape, drawn as such.
    title : str, default="Labels to review"
        Heading of the page.
    path : str or path-like, default=None
        Where to write the page, and the table beside it, see
        `LabelReviewSheet.save`.
    random_state : int, RandomState instance or None, default=None
        Deals the folds and redraws labels.
    n_jobs : int, default=None
        Folds that are fitted at the same time.

    Returns
    -------
    LabelReviewSheet
        With ``html`` and ``csv``, saved where ``path`` is given.

    Raises
    ------
    BadInputError
        If more than one source of findings is given, or the pictures have another
        shape than the table.
    ImportError
        If jinja2 is not installed (extra ``bench``).

    See Also
    --------
    LabelIssuesDisplay : All labels in one picture.
    skoverfit.noisy_labels.CleanedClassifier : Leaves suspects out without being asked.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skoverfit.datasets import make_label_noise
    >>> from skoverfit.inspection import label_review_sheet
    >>> X, y = load_digits(return_X_y=True)
    >>> y, wrong = make_label_noise(y, rate=0.2, return_mask=True, random_state=0)
    >>> sheet = label_review_sheet(X, y, image_shape=(8, 8), random_state=0)
    >>> sheet.html[:15], len(sheet.rows), f"{wrong[sheet.rows].mean():.2f}"
    ('<!DOCTYPE html>', 50, '0.92')
    """
    check_labels(y)
    check_same_length(X, y)
    _check_sources(estimator, pred_proba, issues)
    pictures = None if image_shape is None else _pictures(X, image_shape)
    if pictures is None:
        table = measure(X, X)[0]
        near = neighbor_table(table)
    else:
        table = None
        flat = pictures.reshape(len(pictures), -1).astype(np.float64)
        near = NeighborTable(numeric=flat)
    if issues is not None:
        found = found_in_issues(issues, y, pred_proba, classes)
    elif pred_proba is not None:
        found = found_in_proba(y, pred_proba, classes=classes, name="probabilities")
    else:
        shown: Any = X
        if estimator is None:
            shown = near.numeric if table is None else encoded(table)
        found = found_by_fitting(
            estimator, shown, y, groups=groups, cv=cv, random_state=random_state,
            n_jobs=n_jobs,
        )  # fmt: skip
    beyond = beyond_hard_rows(found, random_state, {}) if excess else None
    sheet = _made(found, Rows(table=table, pictures=pictures, index=_index(X)), near,
                  n_rows, n_neighbors, title, beyond)  # fmt: skip
    if path is not None:
        sheet.save(path)
    return sheet


def _made(
    found: FoundIssues,
    rows: Rows,
    near: NeighborTable,
    n_rows: int,
    n_neighbors: int,
    title: str,
    beyond: Any,
) -> LabelReviewSheet:
    worst = review(found, near, n_rows, n_neighbors)
    suggested = np.full(len(worst.rows), None, dtype=object)
    there = worst.suggested >= 0
    suggested[there] = found.classes[worst.suggested[there]]
    return LabelReviewSheet(
        html=render_page(found, rows, worst, title, beyond),
        csv=render_csv(found, rows, worst),
        rows=worst.rows,
        suggested=suggested,
    )


def _check_sources(estimator: Any, pred_proba: Any, issues: Any) -> None:
    if estimator is not None and (pred_proba is not None or issues is not None):
        other = "pred_proba" if pred_proba is not None else "issues"
        raise BadInputError(
            f"Give either estimator= or {other}=: with both nobody knows whose "
            "findings to show."
        )


def _pictures(X: Any, image_shape: Any) -> np.ndarray:
    shape = tuple(image_shape)
    whole = all(isinstance(s, (int, np.integer)) and s > 0 for s in shape)
    if (
        not whole
        or len(shape) not in (2, 3)
        or (len(shape) == 3 and shape[2] not in (1, 3))
    ):
        raise BadInputError(
            "image_shape must be (height, width), or (height, width, 1 or 3). Got "
            f"{image_shape!r} instead."
        )
    values = to_numpy(X)
    if values.dtype.kind not in "biuf" or values[:1].size != np.prod(shape):
        raise BadInputError(
            f"image_shape={shape} has {int(np.prod(shape))} numbers, but a row of X "
            f"has {values[:1].size} of dtype {values.dtype}."
        )
    return values.reshape(len(values), *shape)


def _index(X: Any) -> Any:
    """Return the names of the rows of a pandas frame, if they are not their numbers."""
    index = getattr(X, "index", None)
    if kind_of(X) != "dataframe" or index is None or callable(index):
        return None
    return None if list(index) == list(range(len(index))) else index
