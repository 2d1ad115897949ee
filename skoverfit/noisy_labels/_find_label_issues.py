# SPDX-License-Identifier: BSD-3-Clause
"""Wrong labels from probabilities that are there already."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from skoverfit._core._arrays import n_rows, to_numpy
from skoverfit._core._resampling._strategy import plain
from skoverfit._core._validation import check_labels, refuse_other_columns, warn
from skoverfit.noisy_labels import _confident_learning as cl
from skoverfit.noisy_labels._detection import Issues

__all__ = [
    "CONSTRAINTS",
    "checked_probabilities",
    "find_label_issues",
    "judge",
    "warn_of_agreement",
]

CONSTRAINTS: dict[str, list[Any]] = {
    "filter_by": [StrOptions(set(cl.RULES))],
    "tail_guard": ["boolean"],
    "tau": [Interval(Real, 0, None, closed="left")],
    "max_class_fraction": [Interval(Real, 0, 1, closed="right")],
    "frac_noise": [Interval(Real, 0, 1, closed="both")],
    "num_to_remove_per_class": ["array-like", None],
    "min_examples_per_class": [Interval(Integral, 0, None, closed="left")],
}
# Fewer rows that all agree with their labels are no sign of anything.
_MANY = 100


def judge(
    proba: np.ndarray,
    codes: np.ndarray,
    *,
    filter_by: str,
    tail_guard: bool,
    tau: float,
    max_class_fraction: float,
    frac_noise: float = 1.0,
    num_to_remove_per_class: Any = None,
    min_examples_per_class: int = 1,
) -> Issues:
    """Return the suspects among rows with these probabilities and label codes."""
    if num_to_remove_per_class is not None:
        _check_totals(num_to_remove_per_class, codes, proba.shape[1], filter_by)
    if tail_guard:
        proba = cl.adjusted(proba, codes, tau)
    mask = cl.flagged(
        proba,
        codes,
        filter_by,
        frac_noise=frac_noise,
        num_to_remove_per_class=num_to_remove_per_class,
        min_examples_per_class=min_examples_per_class,
    )
    quality = proba[np.arange(len(codes)), codes]
    if tail_guard:
        mask = cl.capped(mask, quality, codes, max_class_fraction)
    return Issues(quality, mask, proba.argmax(axis=1))


def _check_totals(
    totals: Any, codes: np.ndarray, n_classes: int, filter_by: str
) -> None:
    values = np.asarray(totals)
    counts = np.bincount(codes, minlength=n_classes)
    if not filter_by.startswith("prune") and filter_by != "both":
        raise ValueError(
            f"num_to_remove_per_class has no meaning for filter_by={filter_by!r}; use "
            "'prune_by_class', 'prune_by_noise_rate' or 'both'."
        )
    if (
        values.shape != (n_classes,)
        or values.dtype.kind not in "iu"
        or (values < 0).any()
        or (values > counts).any()
    ):
        raise ValueError(
            f"num_to_remove_per_class must hold {n_classes} whole numbers from 0 to "
            f"the rows of each class, {counts.tolist()}. Got {totals!r} instead."
        )


@validate_params(
    {
        "y": "no_validation",
        "pred_proba": "no_validation",
        "classes": ["array-like", None],
        "return_indices_ranked_by": [
            StrOptions({"self_confidence", "normalized_margin",
                        "confidence_weighted_entropy"}),
            None,
        ],
        **CONSTRAINTS,
    },
    prefer_skip_nested_validation=True,
)  # fmt: skip
def find_label_issues(
    y: ArrayLike,
    pred_proba: ArrayLike,
    *,
    classes: ArrayLike | None = None,
    filter_by: str = "prune_by_noise_rate",
    tail_guard: bool = True,
    tau: float = 0.5,
    max_class_fraction: float = 0.5,
    frac_noise: float = 1.0,
    num_to_remove_per_class: ArrayLike | None = None,
    min_examples_per_class: int = 1,
    return_indices_ranked_by: str | None = None,
) -> np.ndarray:
    """Find wrong labels by confident learning, sparing the rare classes.

    A class is confident of a row whose probability reaches the class's mean over the
    rows with its label; rows that another class is confident of are counted, and the
    rule ``filter_by`` turns the counts into suspects [1]_. The rules and, with
    ``tail_guard=False``, the masks are those of cleanlab's function of this name, for
    labels of any type and several times as fast.

    Plain confident learning flags a fifth to a third of the clean rows of rare
    classes. The tail guard, which is ours, does two things: it divides probabilities
    by the label shares to the power ``tau`` beforehand, and it never flags more than
    ``max_class_fraction`` of the rows with one label. See :doc:`the user guide
    </user_guide/label_noise>`.

    .. versionadded:: 0.1

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Class labels of any type, some of them wrong.
    pred_proba : array-like of shape (n_samples, n_classes)
        Probabilities of the labels by models that did not train on the row, for
        example of ``cross_val_predict(..., method="predict_proba")``. Columns are
        classes in sorted order.
    classes : array-like of shape (n_classes,), default=None
        What the columns are, where some class has no label or the order is another.
    filter_by : {"prune_by_noise_rate", "prune_by_class", "both", \
"confident_learning", "predicted_neq_given", "low_self_confidence", \
"low_normalized_margin"}, default="prune_by_noise_rate"
        - ``"prune_by_noise_rate"``: for each pair of classes the rows with the largest
          margin, as many as were counted.
        - ``"prune_by_class"``: for each label the rows that it is least probable for,
          as many as were counted.
        - ``"both"``: what the two agree on.
        - ``"confident_learning"``: the counted rows themselves.
        - ``"predicted_neq_given"``: the label is not the most probable class.
        - ``"low_self_confidence"``, ``"low_normalized_margin"``: the rows with the
          lowest score, as many as were counted, whatever their class.
    tail_guard : bool, default=True
        Whether rare classes are spared. False gives cleanlab's masks.
    tau : float, default=0.5
        Power of the label shares by which the guard divides.
    max_class_fraction : float, default=0.5
        Largest share of the rows with one label that the guard lets be flagged.
    frac_noise : float, default=1.0
        Share of the counted rows that the pruning rules take.
    num_to_remove_per_class : array-like of shape (n_classes,), default=None
        Rows to take from each label instead of those counted; pruning rules only.
    min_examples_per_class : int, default=1
        Rows that the pruning rules leave each label.
    return_indices_ranked_by : {"self_confidence", "normalized_margin", \
"confidence_weighted_entropy"}, default=None
        Return row numbers, the worst label first, instead of a mask.

    Returns
    -------
    ndarray of shape (n_samples,), bool, or of shape (n_issues,), intp
        True for suspects; or their row numbers.

    Raises
    ------
    ValueError
        If labels are missing or probabilities are none, columns of a frame have the
        names of the classes in another order, or a parameter is wrong.

    Warns
    -----
    SkoverfitWarning
        If all of 100 or more labels are the most probable class: that is what
        probabilities look like that are not out of fold.

    See Also
    --------
    ConfidentLearningFilter : Makes the probabilities itself, out of fold.
    CleanedClassifier : Trains on what is left.
    skoverfit.metrics.label_quality_score : One number a row.

    Notes
    -----
    Deviates from cleanlab where ``num_to_remove_per_class`` meets
    ``"prune_by_noise_rate"``: the numbers are kept to, where cleanlab scales the
    matrix along its other axis. Of equal scores (shares of the votes of trees or
    neighbours) the earlier row is taken; which one cleanlab takes is up to the sort.

    References
    ----------
    .. [1] C. Northcutt, L. Jiang, I. Chuang (2021). Confident Learning: Estimating
       Uncertainty in Dataset Labels. JAIR 70, 1373-1411. arXiv:1911.00068.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import cross_val_predict
    >>> from skoverfit.noisy_labels import find_label_issues
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> y = y.map({0: "setosa", 1: "versicolor", 2: "virginica"})
    >>> y[[3, 60]] = "virginica"  # both wrong
    >>> p = cross_val_predict(
    ...     LogisticRegression(max_iter=1000), X, y, cv=5, method="predict_proba"
    ... )
    >>> find_label_issues(y, p, return_indices_ranked_by="self_confidence")[:2]
    array([ 3, 60])
    """
    present, codes = check_labels(y)
    proba, codes = checked_probabilities(pred_proba, present, codes, classes)
    warn_of_agreement(proba, codes)
    issues = judge(
        proba,
        codes,
        filter_by=filter_by,
        tail_guard=tail_guard,
        tau=tau,
        max_class_fraction=max_class_fraction,
        frac_noise=frac_noise,
        num_to_remove_per_class=num_to_remove_per_class,
        min_examples_per_class=min_examples_per_class,
    )
    if return_indices_ranked_by is None:
        return issues.mask
    from skoverfit.metrics._label_quality_score import quality_of

    rows = np.flatnonzero(issues.mask)
    seen = cl.adjusted(proba, codes, tau) if tail_guard else proba
    score = quality_of(seen[rows], codes[rows], return_indices_ranked_by)
    return rows[np.argsort(score, kind="stable")]


def warn_of_agreement(proba: np.ndarray, codes: np.ndarray) -> None:
    """Warn of probabilities that look as if they were not out of fold."""
    if len(codes) >= _MANY and _agrees(proba, codes):
        warn(
            "pred_proba agrees with every label: either no label is wrong, or a model "
            "that trained on these rows made it. Probabilities must be out of fold."
        )


def _agrees(proba: np.ndarray, codes: np.ndarray) -> bool:
    """Whether each label is the most probable class; most often a few rows tell."""
    return all(
        np.array_equal(proba[rows].argmax(axis=1), codes[rows])
        for rows in (slice(k, k + 4096) for k in range(0, len(codes), 4096))
    )


def checked_probabilities(
    pred_proba: Any, present: np.ndarray, codes: np.ndarray, classes: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities, and codes that number their columns."""
    proba = to_numpy(pred_proba)
    if proba.ndim != 2 or proba.shape[1] < 2:
        raise ValueError(
            "pred_proba must have shape (n_samples, n_classes) with at least two "
            f"columns. Got shape {proba.shape}."
        )
    if len(proba) != len(codes):
        raise ValueError(
            f"pred_proba has {n_rows(proba)} rows, but y has {len(codes)} labels."
        )
    if proba.dtype.kind != "f":
        proba = proba.astype(np.float64)
    low, high = float(proba.min()), float(proba.max())
    if np.isnan(low):
        raise ValueError(
            f"pred_proba is NaN in row {int(np.isnan(proba).any(axis=1).argmax())}."
        )
    if not (low >= -1e-6 and high <= 1 + 1e-6):
        raise ValueError(
            f"pred_proba must lie in [0, 1]. Got values from {low:.6g} to {high:.6g}."
        )
    worst = float(np.abs(proba @ np.ones(proba.shape[1], proba.dtype) - 1).max())
    if worst > 1e-3:
        raise ValueError(
            f"The rows of pred_proba must sum to 1; one is away from it by {worst:.3g}."
        )
    if classes is None:
        if len(present) == proba.shape[1]:
            refuse_other_columns(pred_proba, present, "pred_proba")
            return proba, codes
        whole = present.dtype.kind in "iu"
        if whole and present[0] >= 0 and present[-1] < proba.shape[1]:
            refuse_other_columns(pred_proba, np.arange(proba.shape[1]), "pred_proba")
            return proba, present.astype(np.int64)[codes]
        raise ValueError(
            f"pred_proba has {proba.shape[1]} columns, but y has {len(present)} "
            "classes. Pass classes= to say which class each column is."
        )
    named = to_numpy(list(classes) if isinstance(classes, range) else classes)
    if named.shape != (proba.shape[1],) or len(np.unique(named)) != len(named):
        raise ValueError(
            f"classes must name the {proba.shape[1]} columns of pred_proba, each once. "
            f"Got {named.tolist()}."
        )
    refuse_other_columns(pred_proba, named, "pred_proba")
    order = np.argsort(named)
    place = np.searchsorted(named, present, sorter=order)
    place[place == len(named)] = 0
    strangers = named[order[place]] != present
    if strangers.any():
        raise ValueError(
            f"y has the class {plain(present[strangers][0])!r}, which is none of "
            "'classes'."
        )
    return proba, order[place][codes]
