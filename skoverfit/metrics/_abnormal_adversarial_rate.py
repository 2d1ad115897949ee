# SPDX-License-Identifier: BSD-3-Clause
"""Share of rows whose loss an attack lowered."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import validate_params

from skoverfit.metrics._inputs import as_weights
from skoverfit.metrics._logit_inputs import cross_entropies, logit_inputs

__all__ = ["abnormal_adversarial_rate"]


@validate_params(
    {
        "y_true": ["array-like"],
        "start_logits": ["array-like"],
        "attacked_logits": ["array-like"],
        "labels": ["array-like", None],
        "sample_weight": ["array-like", None],
    },
    prefer_skip_nested_validation=True,
)
def abnormal_adversarial_rate(
    y_true: ArrayLike,
    start_logits: ArrayLike,
    attacked_logits: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Compute the share of rows whose cross-entropy is lower after an attack.

    An attack is to raise the loss. Where a single step lowers it on ever more rows,
    the surface of the loss is bent within the radius, and adversarial training with
    one step is about to lose its robustness ("catastrophic overfitting").

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels: numbers or strings.
    start_logits : array-like of shape (n_samples, n_classes) or (n_samples,)
        Logits where the attack began.
    attacked_logits : array-like of shape (n_samples, n_classes) or (n_samples,)
        Logits where it ended.
    labels : array-like of shape (n_classes,), default=None
        Class of each column. None: the sorted values of ``y_true``.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError
        If the inputs don't fit together or contain NaN or infinity.

    References
    ----------
    Lin, Yu & Liu (2023), "Eliminating Catastrophic Overfitting Via Abnormal Adversarial
    Examples Regularization", NeurIPS, arXiv:2404.08154.

    Examples
    --------
    >>> from skoverfit.metrics import abnormal_adversarial_rate
    >>> abnormal_adversarial_rate([0, 1], [[2.0, 0], [0, 2]], [[1.0, 0], [0, 3]])
    0.5
    """
    codes, before = logit_inputs(y_true, start_logits, labels, "start_logits")
    _, after = logit_inputs(y_true, attacked_logits, labels, "attacked_logits")
    if before.shape != after.shape:
        raise ValueError(
            f"start_logits has shape {before.shape}, attacked_logits {after.shape}."
        )
    fell = cross_entropies(codes, before) > cross_entropies(codes, after)
    return float(np.average(fell, weights=as_weights(sample_weight, len(codes))))
