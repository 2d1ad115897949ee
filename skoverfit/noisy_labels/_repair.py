# SPDX-License-Identifier: BSD-3-Clause
"""What the cleaned estimators share: suspects are dropped, weighed or relabelled."""

from __future__ import annotations

from inspect import signature
from typing import Any

import numpy as np
from sklearn.utils.metadata_routing import _routing_enabled, process_routing

from skoverfit._core._arrays import missing_values
from skoverfit.noisy_labels._issues_input import GivenIssues

__all__ = ["MODES", "checked_proposals", "estimator_params", "suspect_weights"]

MODES = ("drop", "weight", "relabel")


def suspect_weights(mask: np.ndarray | None, quality: np.ndarray) -> np.ndarray:
    """Return the quality of suspects, and 1 for others; without a mask every quality.

    Rows that were not judged weigh 1.
    """
    weights = np.nan_to_num(quality, nan=1.0)
    return weights if mask is None else np.where(mask, weights, 1.0)


_OWN_PIPELINE = ", or make it by skoverfit.pipeline, whose pipelines hand them on"


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
        way = "use mode='drop'" if owner.mode == "weight" else "leave them out"
        raise ValueError(
            f"{type(owner.estimator).__name__}.fit has no parameter 'sample_weight', "
            f"which weights and mode='weight' need; {way}, or enable metadata routing "
            "where a step of it takes them"
            f"{_OWN_PIPELINE if hasattr(owner.estimator, 'steps') else ''}."
        )
    return given


def checked_proposals(found: GivenIssues, owner: Any, what: str) -> np.ndarray:
    """Return what is proposed for the suspects, or say that it is missing."""
    assert found.mask is not None
    if found.predicted is None:
        raise ValueError(
            f"mode='relabel' needs {what} to put in, and {owner} proposes none; use "
            "mode='drop' or 'weight'."
        )
    if len(found.predicted) != len(found.mask):
        raise ValueError(
            f"predicted_label has {len(found.predicted)} rows, but X has "
            f"{len(found.mask)}."
        )
    proposed = np.asarray(found.predicted)[found.mask]
    gone = missing_values(proposed)
    if gone.any():
        row = int(np.flatnonzero(found.mask)[np.flatnonzero(gone)[0]])
        raise ValueError(
            f"predicted_label proposes nothing for the suspect row {row}; use "
            "mode='drop' or 'weight'."
        )
    return proposed
