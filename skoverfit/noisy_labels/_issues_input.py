# SPDX-License-Identifier: BSD-3-Clause
"""Findings of other tools: masks, row numbers, frames, Datalab objects, qualities."""

from __future__ import annotations

from typing import Any

import numpy as np

from skoverfit._core._arrays import missing_values, to_numpy
from skoverfit._core._resampling._strategy import plain

__all__ = ["GivenIssues", "as_issues"]

_QUALITIES = ("label_quality", "label_score")
_KINDS = (
    "issues must be a mask, row numbers, qualities, a frame with a column "
    "is_label_issue, or a Datalab."
)


class GivenIssues:
    """What was given: any of the three may be missing (None)."""

    def __init__(
        self, mask: Any = None, quality: Any = None, predicted: Any = None
    ) -> None:
        self.mask: np.ndarray | None = mask
        self.quality: np.ndarray | None = quality
        self.predicted: np.ndarray | None = predicted


def as_issues(issues: Any, n: int) -> GivenIssues:
    """Read findings on n rows, by duck typing.

    Parameters
    ----------
    issues : object
        A boolean mask, row numbers, qualities in [0, 1], a frame with a column
        ``is_label_issue``, one of our fitted detectors, or an object with
        ``get_issues`` (cleanlab's Datalab) or ``get_label_issues`` (CleanLearning).
    n : int
        Rows of the table.

    Raises
    ------
    ValueError
        Where it is none of these, has another length, or could be two of them.
    """
    if hasattr(issues, "issue_mask_"):
        return GivenIssues(
            _sized(issues.issue_mask_, n),
            issues.label_quality_,
            issues.predicted_label_,
        )
    if callable(getattr(issues, "get_issues", None)):
        issues = issues.get_issues("label")
    elif callable(getattr(issues, "get_label_issues", None)):
        issues = issues.get_label_issues()
        if issues is None:
            raise ValueError(
                "issues has found no label issues yet; call its fit first."
            )
    _refuse_another_order(issues, n)
    if hasattr(issues, "columns"):
        return _from_frame(issues, n)
    values = _one_column(issues)
    if values.ndim != 1:
        raise ValueError(f"{_KINDS} Got an array of shape {values.shape}.")
    if len(values) == 0 and n:
        return GivenIssues(np.zeros(n, dtype=bool))
    if values.dtype.kind == "b":
        return GivenIssues(_sized(values, n))
    if values.dtype.kind in "iu":
        return GivenIssues(_from_integers(values, n))
    if values.dtype.kind == "f":
        return GivenIssues(quality=_quality(values, n, "issues"))
    raise ValueError(f"issues can't be read from an array of dtype {values.dtype}.")


def _refuse_another_order(issues: Any, n: int) -> None:
    """Refuse a pandas object whose row numbers were sorted or shuffled.

    Findings belong to rows by place: sorted by quality they would be those of others.
    """
    index = getattr(issues, "index", None)
    if getattr(getattr(index, "dtype", None), "kind", "") not in ("i", "u"):
        return
    numbers, rows = np.asarray(index), np.arange(n)
    if not np.array_equal(numbers, rows) and np.array_equal(np.sort(numbers), rows):
        raise ValueError(
            f"issues has the row numbers 0 to {n - 1} in another order "
            f"({numbers[:3].tolist()} and so on), and findings are read by place; pass "
            "issues.sort_index(), or issues.reset_index(drop=True) where X was "
            "shuffled alike."
        )


def _one_column(issues: Any) -> np.ndarray:
    if isinstance(issues, range):
        return np.asarray(issues)
    if hasattr(issues, "fit") and hasattr(issues, "issues_frame"):
        raise ValueError(
            f"issues is a {type(issues).__name__} that is not fitted; call its fit "
            "first, or pass it as detector=."
        )
    try:
        return to_numpy(issues)
    except TypeError:
        raise TypeError(f"{_KINDS} Got {issues!r:.60}.") from None


def _sized(values: np.ndarray, n: int) -> np.ndarray:
    if len(values) != n:
        raise ValueError(f"issues has {len(values)} rows, but X has {n}.")
    if values.dtype.kind != "b":
        told = values.astype(object)
        told[missing_values(values)] = -1
        odd = ~np.isin(told, (0, 1))
        if odd.any():
            row = int(np.flatnonzero(odd)[0])
            raise ValueError(
                "is_label_issue must hold True and False in each row. Got "
                f"{plain(values[row])!r} in row {row}."
            )
    return values.astype(bool)


def _from_integers(values: np.ndarray, n: int) -> np.ndarray:
    flags = len(values) == n and bool(((values == 0) | (values == 1)).all())
    numbers = len(np.unique(values)) == len(values)
    inside = bool(((values >= 0) & (values < n)).all())
    if flags and not numbers:
        return values == 1
    if flags or (len(values) == n and numbers and inside):
        raise ValueError(
            f"issues has {n} whole numbers for {n} rows, which may be a mask or row "
            "numbers; pass booleans for a mask."
        )
    if not numbers or not inside:
        raise ValueError(
            f"issues must hold distinct row numbers from 0 to {n - 1}. Got "
            f"{values[:5].tolist()}{' and more' if len(values) > 5 else ''}."
        )
    mask = np.zeros(n, dtype=bool)
    mask[values] = True
    return mask


def _quality(values: np.ndarray, n: int, name: str) -> np.ndarray:
    if len(values) != n:
        raise ValueError(f"{name} has {len(values)} qualities, but X has {n} rows.")
    known = values[~np.isnan(values)]
    if ((known < 0) | (known > 1)).any():
        raise ValueError(
            f"{name} must hold qualities in [0, 1]. Got {float(known.min()):.6g} to "
            f"{float(known.max()):.6g}."
        )
    if name == "issues" and bool(((known == 0) | (known == 1)).all()):
        raise ValueError(
            "issues holds only 0.0 and 1.0, which may be a mask (1: suspect) or "
            "qualities (0: suspect); pass booleans for a mask."
        )
    return values.astype(np.float64)


def _from_frame(frame: Any, n: int) -> GivenIssues:
    names = list(frame.columns)
    if "is_label_issue" not in names:
        raise ValueError(
            "issues is a frame without a column is_label_issue; it has "
            f"{[plain(name) for name in names[:6]]}."
        )
    mask = _sized(to_numpy(frame["is_label_issue"]), n)
    quality = predicted = None
    for name in _QUALITIES:
        if name in names:
            quality = _quality(to_numpy(frame[name]).astype(float), n, name)
            break
    if "predicted_label" in names:
        predicted = to_numpy(frame["predicted_label"])
    return GivenIssues(mask, quality, predicted)
