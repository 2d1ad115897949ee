# SPDX-License-Identifier: BSD-3-Clause
"""What was found about the labels, whoever found it, in one form."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from skoverfit._core._validation import check_labels
from skoverfit.exceptions import BadInputError

if TYPE_CHECKING:
    from skoverfit.noisy_labels import LabelIssueExcess

__all__ = [
    "FoundIssues",
    "beyond_hard_rows",
    "found_by_detector",
    "found_by_fitting",
    "found_in_issues",
    "found_in_proba",
    "taken_for",
]


@dataclass(frozen=True, kw_only=True)
class FoundIssues:
    """Given labels as codes, suspects, and what was proposed.

    ``quality`` is NaN where a row was not judged; ``predicted`` are codes, -1 where
    there is none; ``proba`` has a column a class. Each of these may be None.
    """

    classes: np.ndarray
    codes: np.ndarray
    mask: np.ndarray
    quality: np.ndarray | None
    predicted: np.ndarray | None
    proba: np.ndarray | None
    name: str


def found_in_proba(
    y: Any, pred_proba: Any, *, classes: Any = None, name: str = "", **rule: Any
) -> FoundIssues:
    """Look for issues by confident learning; ``rule`` goes to `find_label_issues`."""
    from skoverfit.noisy_labels import find_label_issues
    from skoverfit.noisy_labels._confident_learning import adjusted
    from skoverfit.noisy_labels._find_label_issues import checked_probabilities

    present, codes = check_labels(y)
    proba, codes = checked_probabilities(pred_proba, present, codes, classes)
    mask = find_label_issues(y, pred_proba, classes=classes, **rule)
    named = present if classes is None else np.asarray(classes)
    if len(named) != proba.shape[1]:
        named = np.arange(proba.shape[1])
    seen = proba
    if rule.get("tail_guard", True):
        seen = adjusted(proba, codes, rule.get("tau", 0.5))
    return FoundIssues(
        classes=named,
        codes=codes,
        mask=mask,
        quality=seen[np.arange(len(codes)), codes],
        predicted=seen.argmax(axis=1),
        proba=proba,
        name=name or "find_label_issues",
    )


def found_by_detector(detector: Any) -> FoundIssues:
    """Read a fitted detector."""
    if not hasattr(detector, "issue_mask_"):
        raise BadInputError(
            f"{type(detector).__name__} is not fitted or no detector of wrong labels: "
            "it has no issue_mask_."
        )
    classes, codes = check_labels(detector._given_label)
    predicted = detector.predicted_label_
    return FoundIssues(
        classes=classes,
        codes=codes,
        mask=detector.issue_mask_,
        quality=detector.label_quality_,
        predicted=None if predicted is None else np.searchsorted(classes, predicted),
        proba=getattr(detector, "pred_proba_", None),
        name=type(detector).__name__,
    )


def found_by_fitting(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    groups: Any = None,
    cv: Any = None,
    random_state: Any = None,
    n_jobs: int | None = None,
    **rule: Any,
) -> FoundIssues:
    """Fit a detector, or confident learning on out-of-fold answers of a classifier."""
    from skoverfit.noisy_labels import ConfidentLearningFilter
    from skoverfit.noisy_labels._detectors import is_detector

    if is_detector(estimator):
        detector = clone(estimator)
        given = {"random_state": random_state, "n_jobs": n_jobs}
        known = detector.get_params(deep=False)  # not all draw, or have workers
        given = {name: value for name, value in given.items() if name in known}
        given.update(cv=cv, **rule)
        asked = {name: value for name, value in given.items() if value is not None}
        detector.set_params(**asked)
    else:
        detector = ConfidentLearningFilter(
            estimator, cv=cv, random_state=random_state, n_jobs=n_jobs, **rule
        )
    found = found_by_detector(detector.fit(X, y, groups=groups))
    if is_detector(estimator) or estimator is None:
        return found
    last = getattr(estimator, "steps", [("", estimator)])[-1][1]  # of a pipeline
    return replace(found, name=type(last).__name__)


def found_in_issues(
    issues: Any, y: Any, pred_proba: Any = None, classes: Any = None
) -> FoundIssues:
    """Read findings of any tool; probabilities fill in what they don't tell."""
    from skoverfit.noisy_labels._find_label_issues import checked_probabilities
    from skoverfit.noisy_labels._issues_input import as_issues

    named, codes = check_labels(y)
    given = as_issues(issues, len(codes))
    proba = None
    if pred_proba is None and hasattr(issues, "issue_mask_"):
        pred_proba, classes = getattr(issues, "pred_proba_", None), None
    if pred_proba is not None:
        proba, codes = checked_probabilities(pred_proba, named, codes, classes)
        named = named if classes is None else np.asarray(classes)
        named = named if len(named) == proba.shape[1] else np.arange(proba.shape[1])
    quality, predicted = given.quality, None
    if quality is None and proba is not None:
        quality = proba[np.arange(len(codes)), codes]
    if given.predicted is not None:
        places = {label: k for k, label in enumerate(named.tolist())}
        told = np.asarray(given.predicted).tolist()
        predicted = np.array([places.get(label, -1) for label in told])
    elif proba is not None:
        predicted = proba.argmax(axis=1)
    mask = given.mask
    if mask is None:  # qualities only: every row may be wrong
        mask = np.zeros(len(codes), dtype=bool)
    return FoundIssues(
        classes=named,
        codes=codes,
        mask=mask,
        quality=quality,
        predicted=predicted,
        proba=proba,
        name=type(issues).__name__ if hasattr(issues, "get_params") else "issues",
    )


def beyond_hard_rows(
    found: FoundIssues, random_state: Any, rule: dict[str, Any]
) -> LabelIssueExcess | None:
    """Compare with labels without errors, where there are probabilities for it."""
    from skoverfit.noisy_labels import excess_label_issues
    from skoverfit.noisy_labels._excess_label_issues import _TAKEN

    if found.proba is None or found.quality is None:
        return None
    judged = np.isfinite(found.quality)
    if len(np.unique(found.codes[judged])) < 2:
        return None
    return excess_label_issues(
        found.classes[found.codes[judged]],
        found.proba[judged],
        classes=found.classes,
        n_redraws=50,
        n_bootstrap=100,
        random_state=random_state,
        **{name: value for name, value in rule.items() if name in _TAKEN},
    )


def taken_for(found: FoundIssues) -> np.ndarray | None:
    """Return the confident joint; without probabilities what suspects are taken for."""
    from skoverfit.noisy_labels._confident_learning import (
        calibrated_joint,
        confident_counts,
    )

    if found.proba is not None:
        judged: Any = slice(None)
        if found.quality is not None:
            judged = np.isfinite(found.quality)
        return calibrated_joint(
            confident_counts(found.proba[judged], found.codes[judged])
        )
    if found.predicted is None:
        return None
    size = len(found.classes)
    taken = np.where(found.mask, found.predicted, found.codes)
    return np.bincount(found.codes * size + taken, minlength=size * size).reshape(
        size, size
    )
