# SPDX-License-Identifier: BSD-3-Clause
"""What the cleaned estimators share: suspects are dropped, weighed or relabelled."""

from __future__ import annotations

from inspect import signature
from typing import Any

import numpy as np
from sklearn.utils.metadata_routing import _routing_enabled, process_routing

__all__ = ["MODES", "estimator_params", "suspect_weights"]

MODES = ("drop", "weight", "relabel")


def suspect_weights(mask: np.ndarray | None, quality: np.ndarray) -> np.ndarray:
    """Return the quality of suspects, and 1 for others; without a mask every quality.

    Rows that were not judged weigh 1.
    """
    weights = np.nan_to_num(quality, nan=1.0)
    return weights if mask is None else np.where(mask, weights, 1.0)


def estimator_params(
    owner: Any, weights: Any, groups: Any, fit_params: dict[str, Any]
) -> dict[str, Any]:
    """Return what goes to the fit of ``owner.estimator``, or say what it lacks."""
    given = {"sample_weight": weights, "groups": groups}
    given = {name: value for name, value in given.items() if value is not None}
    if _routing_enabled():
        return dict(process_routing(owner, "fit", **fit_params, **given).estimator.fit)
    taken = signature(owner.estimator.fit).parameters
    # Groups have done their work in the folds.
    if "groups" not in taken:
        given.pop("groups", None)
    if "sample_weight" in given and "sample_weight" not in taken:
        raise ValueError(
            f"{type(owner.estimator).__name__}.fit has no parameter 'sample_weight', "
            "which weights and mode='weight' need; use mode='drop'."
        )
    return given
