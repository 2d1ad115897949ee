# SPDX-License-Identifier: BSD-3-Clause
"""Labels that are missing, told before scikit-learn's checks stumble over them."""

from __future__ import annotations

from typing import Any

import numpy as np

from skoverfit._core._arrays import missing_values, torch_of
from skoverfit._core._validation import check_labels

__all__ = ["refuse_missing"]


def refuse_missing(y: Any) -> None:
    """Refuse None and the like among texts and objects, in one sentence.

    Numbers are left to scikit-learn, whose words for NaN its checks demand.
    """
    if y is None or torch_of(y) is not None:
        return
    values = np.asarray(y)
    if values.dtype == object and values.ndim == 1 and missing_values(values).any():
        check_labels(values)  # says which
