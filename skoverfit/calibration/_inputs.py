# SPDX-License-Identifier: BSD-3-Clause
"""Rows, labels and weights as the meta-estimators of this room take them."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import assert_all_finite, column_or_1d, indexable
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight

__all__ = ["checked_rows"]


def checked_rows(
    name: str, X: Any, y: Any, sample_weight: Any
) -> tuple[Any, np.ndarray, np.ndarray | None]:
    """Return X as it is, labels in one dimension, and non-negative weights."""
    if y is None:
        raise ValueError(f"{name} requires y to be passed, but the target y is None.")
    X, y = indexable(X, y)
    shape = np.shape(y)
    if len(shape) == 2 and shape[1] > 1:
        raise ValueError(
            "Multilabel and multioutput targets are not supported. y must have "
            f"one column; got {shape[1]}."
        )
    y = column_or_1d(y, warn=True)
    assert_all_finite(y, input_name="y")
    check_classification_targets(y)
    if sample_weight is None:
        return X, y, None
    return X, y, _check_sample_weight(sample_weight, X, ensure_non_negative=True)
