# SPDX-License-Identifier: BSD-3-Clause
"""Both tables of one resampling, checked, measured and traced once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from skoverfit._core._validation import check_labels, check_same_length
from skoverfit.exceptions import BadInputError
from skoverfit.inspection._measured import Measured, measure
from skoverfit.inspection._origin import Origin, trace

__all__ = ["Tables", "read_tables", "sampler_name"]


@dataclass(frozen=True, kw_only=True)
class Tables:
    """The rows before and after, with labels as positions in ``classes``."""

    classes: np.ndarray
    labels: np.ndarray
    labels_res: np.ndarray
    original: Measured
    resampled: Measured
    origin: Origin


def read_tables(sampler: Any, X: Any, y: Any, X_res: Any, y_res: Any) -> Tables:
    """Check what went into a sampler and what came out, and trace the rows."""
    check_same_length(X, y)
    check_same_length(X_res, y_res)
    classes, labels = check_labels(y, "y")
    classes_res, labels_res = check_labels(y_res, "y_res")
    unknown = [label for label in classes_res.tolist() if label not in classes.tolist()]
    if unknown:
        raise BadInputError(
            f"y_res has the class {unknown[0]!r}, which is not in y: pass the labels "
            "that went into the sampler."
        )
    labels_res = np.searchsorted(classes, classes_res)[labels_res]
    original, resampled = measure(X, X_res)
    return Tables(
        classes=classes,
        labels=labels,
        labels_res=labels_res,
        original=original,
        resampled=resampled,
        origin=trace(sampler, original, labels, resampled, labels_res),
    )


def sampler_name(sampler: Any) -> str:
    """Return what a title calls the sampler."""
    return "Resampled rows" if sampler is None else type(sampler).__name__
