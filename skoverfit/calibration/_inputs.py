# SPDX-License-Identifier: BSD-3-Clause
"""Rows, labels and weights as the meta-estimators of this room take them."""

from __future__ import annotations

from inspect import signature
from typing import Any

import numpy as np
from sklearn.utils import assert_all_finite, column_or_1d, indexable
from sklearn.utils.metadata_routing import _routing_enabled, process_routing
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight

__all__ = ["checked_rows", "estimator_params"]


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


def estimator_params(
    meta: Any, weights: Any, groups: Any, fit_params: dict[str, Any]
) -> dict[str, Any]:
    """Return what goes to the `fit` of the estimator inside a meta-estimator."""
    given = {"sample_weight": weights, "groups": groups}
    given = {name: value for name, value in given.items() if value is not None}
    if _routing_enabled():
        return dict(process_routing(meta, "fit", **fit_params, **given).estimator.fit)
    taken = signature(meta.estimator.fit).parameters
    for name in given:
        if name not in taken:
            raise ValueError(
                f"{type(meta.estimator).__name__}.fit has no parameter {name!r}. Leave "
                "it out, or enable metadata routing and request it where it is wanted."
            )
    return given
