# SPDX-License-Identifier: BSD-3-Clause
"""Several answers to the same row, as one."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import StrOptions, validate_params

__all__ = ["RULES", "combine_predictions"]

RULES = ("max", "mean", "majority")


@validate_params(
    {"probas": ["array-like"], "combine": [StrOptions(set(RULES))]},
    prefer_skip_nested_validation=True,
)
def combine_predictions(
    probas: ArrayLike, combine: Literal["max", "mean", "majority"] = "max"
) -> np.ndarray:
    """Combine the class probabilities of several answers to the same rows.

    For answers of your own: of prompts, of augmented rows, of several models.

    Parameters
    ----------
    probas : array-like of shape (n_variants, n_samples, n_classes)
        Probabilities; rows sum to 1.
    combine : {"max", "mean", "majority"}, default="max"
        ``"max"`` takes the largest probability that any answer gives to a class and
        scales them to sum 1, which spreads them where answers disagree; ``"mean"``
        averages; ``"majority"`` averages the answers that decide for the class with
        the largest sum of deciding probabilities, and so stays as confident.

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
        Probabilities; rows sum to 1. The dtype is kept where it is a float's.

    Raises
    ------
    ValueError
        If ``probas`` has no three axes, is empty, or holds something negative or not
        finite.

    See Also
    --------
    SelfEnsembleClassifier : Makes the answers, too.

    References
    ----------
    C. Li, H. Zhou, G. Glavas, A. Korhonen, I. Vulic (2023). On Task Performance and
    Model Calibration with Supervised and Self-Ensembled In-Context Learning.
    arXiv:2312.13772.

    Examples
    --------
    >>> from skoverfit.calibration import combine_predictions
    >>> answers = [[[0.9, 0.1]], [[0.8, 0.2]], [[0.4, 0.6]]]
    >>> for combine in ("max", "mean", "majority"):
    ...     print(combine, combine_predictions(answers, combine).round(2))
    max [[0.6 0.4]]
    mean [[0.7 0.3]]
    majority [[0.85 0.15]]
    """
    table = np.asarray(probas)
    if table.dtype.kind != "f":
        table = table.astype(np.float64)
    if table.ndim != 3 or not len(table):
        raise ValueError(
            "probas must have the shape (n_variants, n_samples, n_classes), with a "
            f"variant at least. Got the shape {table.shape} instead."
        )
    if not np.isfinite(table).all() or (table < 0).any():
        raise ValueError("probas must hold finite numbers of at least 0.")
    if combine == "mean":
        return table.mean(axis=0)
    if combine == "max":
        largest = table.max(axis=0)
        return largest / largest.sum(axis=1, keepdims=True)
    decided = table.argmax(axis=2)
    top = table.max(axis=2)
    votes = np.zeros(table.shape[1:], dtype=table.dtype)
    for own, weight in zip(decided, top, strict=True):
        votes[np.arange(len(own)), own] += weight
    agrees = decided == votes.argmax(axis=1)
    total = (table * agrees[:, :, np.newaxis]).sum(axis=0)
    return total / agrees.sum(axis=0)[:, np.newaxis].astype(table.dtype)
