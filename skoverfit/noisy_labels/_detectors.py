# SPDX-License-Identifier: BSD-3-Clause
"""Detectors by name, and how a cleaned estimator sets one up."""

from __future__ import annotations

import importlib
from typing import Any

from sklearn.base import clone

from skoverfit._core._names import suggest
from skoverfit.noisy_labels._detection import BaseDetector

__all__ = ["DETECTORS", "detector_for", "fit_detector", "is_detector"]

# Name -> class of this room. Loaded on use.
DETECTORS = {
    "confident_learning": "ConfidentLearningFilter",
    "forest": "ForestDisagreementFilter",
    "lof": "LOFClassFilter",
    "neighbors": "NeighborDisagreementFilter",
    "small_loss": "SmallLossFilter",
}


def is_detector(value: Any) -> bool:
    """Whether an object can be asked for wrong labels."""
    return hasattr(value, "fit") and hasattr(value, "issues_frame")


def detector_for(
    detector: Any,
    *,
    estimator: Any = None,
    cv: Any = None,
    random_state: Any = None,
    n_jobs: int | None = None,
) -> Any:
    """Return an unfitted detector; what it leaves open is filled in.

    Parameters
    ----------
    detector : str or detector
        A name in `DETECTORS`, or an instance, which is cloned.
    estimator, cv, random_state, n_jobs : object
        What parameters of these names get that are None.
    """
    if isinstance(detector, str):
        if detector not in DETECTORS:
            raise ValueError(
                f"There is no detector {detector!r}. {suggest(detector, DETECTORS)}"
            )
        room = importlib.import_module("skoverfit.noisy_labels")
        made = getattr(room, DETECTORS[detector])()
    elif is_detector(detector):
        made = clone(detector)
    else:
        raise ValueError(
            "The 'detector' parameter must be the name of a detector or an instance of "
            f"one. Got {detector!r} instead."
        )
    open_ones = {
        "estimator": None if estimator is None else clone(estimator),
        "cv": cv,
        "random_state": random_state,
        "n_jobs": n_jobs,
    }
    known = made.get_params(deep=False)
    filled = {
        name: value
        for name, value in open_ones.items()
        if name in known and known[name] is None
    }
    return made.set_params(**filled)


def fit_detector(detector: Any, X: Any, y: Any, weights: Any, groups: Any) -> Any:
    """Let a detector look; ours know weights, which an outsider's may not."""
    if isinstance(detector, BaseDetector):
        return detector._look(X, y, sample_weight=weights, groups=groups)
    return detector.fit(X, y)
