# SPDX-License-Identifier: BSD-3-Clause
"""How far the probabilities support the label of each row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import StrOptions, validate_params

from skoverfit._core._validation import check_labels, refuse_other_columns
from skoverfit.metrics._inputs import probability_inputs

__all__ = ["label_quality_score", "quality_of"]

METHODS = ("self_confidence", "normalized_margin", "confidence_weighted_entropy")
_SMALLEST = 1e-6


def quality_of(proba: np.ndarray, codes: np.ndarray, method: str) -> np.ndarray:
    """Return the quality of labels that are codes of the columns."""
    rows = np.arange(len(codes))
    given = proba[rows, codes]
    if method == "self_confidence":
        return given
    if method == "normalized_margin":
        others = proba.copy()
        others[rows, codes] = -np.inf
        return (given - others.max(axis=1) + 1) / 2
    logs = np.log(proba, out=np.zeros_like(proba), where=proba > 0)
    entropy = -(proba * logs).sum(axis=1) / np.log(proba.shape[1])
    # By what the label has, however little: a floor would let a label that a model is
    # sure is wrong pass for a sure one.
    doubt = entropy / np.maximum(given, np.finfo(np.float64).tiny)
    # A model that is certain is certain of the label (1) or of another one (0).
    certain = doubt < _SMALLEST
    return np.where(certain, given, np.log1p(doubt) / np.maximum(doubt, _SMALLEST))


@validate_params(
    {
        "y": "no_validation",
        "proba": "no_validation",
        "method": [StrOptions(set(METHODS))],
        "adjust": ["boolean"],
        "labels": ["array-like", None],
    },
    prefer_skip_nested_validation=True,
)
def label_quality_score(
    y: ArrayLike,
    proba: Any,
    *,
    method: str = "self_confidence",
    adjust: bool = False,
    labels: ArrayLike | None = None,
) -> np.ndarray:
    """Score how far probabilities support the label of each row, from 0 to 1.

    Low scores are suspects. The scores are those of cleanlab's ``rank`` module [1]_,
    for labels of any type.

    .. versionadded:: 0.1

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Class labels of any type.
    proba : array-like of shape (n_samples, n_classes), or list of them
        Out-of-fold probabilities, classes in sorted order; a list, from several
        models, is averaged.
    method : {"self_confidence", "normalized_margin", \
"confidence_weighted_entropy"}, default="self_confidence"
        With p the probability of the label: p; half of 1 + p - the largest other
        probability; log(1 + d) / d of the doubt d, the entropy of the row (1
        where it is even) over p.
    adjust : bool, default=False
        Whether the mean probability of each class over its own rows is subtracted
        first, so that classes which the model is less sure of are not all suspect.
        Not for the entropy.
    labels : array-like of shape (n_classes,), default=None
        What the columns are, where some class has no label.

    Returns
    -------
    ndarray of shape (n_samples,)
        Quality of each label, 1 where nothing speaks against it.

    Raises
    ------
    ValueError
        If the probabilities are none, shapes disagree, or columns of a frame have the
        names of the classes in another order.

    See Also
    --------
    skoverfit.noisy_labels.find_label_issues : A mask instead of a score.

    Notes
    -----
    Deviates from cleanlab in ``"confidence_weighted_entropy"`` where a model is
    certain: of the label, the score is 1 (cleanlab's is 0); of another class, with a
    probability of the label below 1e-6, it is low (cleanlab's rises to 1).

    References
    ----------
    .. [1] J. Kuan, J. Mueller (2022). Model-agnostic label quality scoring to detect
       real-world label errors. ICML DataPerf Workshop.

    Examples
    --------
    >>> from skoverfit.metrics import label_quality_score
    >>> p = [[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]]
    >>> label_quality_score(["cat", "dog", "dog"], p)
    array([0.9, 0.8, 0.3])
    """
    several = isinstance(proba, (list, tuple)) and np.ndim(proba[0]) == 2
    tables = proba if several else [proba]
    checked = [probability_inputs(y, p, labels, None)[:2] for p in tables]
    codes = checked[0][0]
    for table in tables:
        if hasattr(table, "columns"):
            order = check_labels(y)[0] if labels is None else labels
            refuse_other_columns(table, order, "proba")
    shapes = {p.shape for _, p in checked}
    if len(shapes) > 1:
        raise ValueError(f"The tables of proba have different shapes: {shapes}.")
    mean = np.mean([p for _, p in checked], axis=0)
    if adjust:
        if method == "confidence_weighted_entropy":
            raise ValueError(
                "adjust=True has no meaning for method='confidence_weighted_entropy'."
            )
        counts = np.bincount(codes, minlength=mean.shape[1])
        given = mean[np.arange(len(codes)), codes]
        sums = np.bincount(codes, given, minlength=mean.shape[1])
        means = np.where(counts > 0, sums / np.maximum(counts, 1), 0.0)
        mean = mean - means + means.max()
        mean /= mean.sum(axis=1, keepdims=True)
    return quality_of(mean, codes, method)
