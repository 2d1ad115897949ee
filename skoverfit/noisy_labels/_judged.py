# SPDX-License-Identifier: BSD-3-Clause
"""Judging rows where some can't be."""

from __future__ import annotations

from typing import Any

import numpy as np

from skoverfit._core._resampling._strategy import plain
from skoverfit._core._validation import warn
from skoverfit.noisy_labels._detection import Issues
from skoverfit.noisy_labels._find_label_issues import judge

__all__ = ["judge_known", "spread", "warn_of_unjudged"]


def judge_known(
    proba: np.ndarray, judged: np.ndarray, codes: np.ndarray, **options: Any
) -> Issues:
    """Judge the rows that can be; the others are no suspects, of unknown quality."""
    return spread(judge(proba[judged], codes[judged], **options), judged, codes, proba)


def spread(
    found: Issues, judged: np.ndarray, codes: np.ndarray, proba: np.ndarray
) -> Issues:
    """Return findings on the judged rows as findings on all rows."""
    mask = np.zeros(len(codes), dtype=bool)
    quality = np.full(len(codes), np.nan)
    mask[judged], quality[judged] = found.mask, found.quality
    predicted = codes.copy()
    assert found.predicted is not None
    predicted[judged] = found.predicted
    return Issues(quality, mask, predicted, {"pred_proba_": proba})


def warn_of_unjudged(
    judged: np.ndarray, codes: np.ndarray, classes: np.ndarray, why: str
) -> None:
    """Tell how many rows were not judged, a class of theirs, and why."""
    n = int((~judged).sum())
    if not n:
        return
    lost = np.unique(codes[~judged])
    warn(
        f"{n} {'row' if n == 1 else 'rows'} of class {plain(classes[lost[0]])!r}"
        f"{' and others' if len(lost) > 1 else ''} {'is' if n == 1 else 'are'} not "
        f"judged: {why}."
    )
