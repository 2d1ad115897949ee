# SPDX-License-Identifier: BSD-3-Clause
"""Classifiers that survive wrong labels, detectors of them, and scores for rows."""

from __future__ import annotations

from skoverfit.noisy_labels._el2n_scores import el2n_scores as el2n_scores
from skoverfit.noisy_labels._forgetting_scores import (
    forgetting_scores as forgetting_scores,
)
from skoverfit.noisy_labels._grand_scores import grand_scores as grand_scores
from skoverfit.noisy_labels._memorization_filter import (
    MemorizationFilter as MemorizationFilter,
)
from skoverfit.noisy_labels._memorization_result import (
    MemorizationResult as MemorizationResult,
)
from skoverfit.noisy_labels._memorization_scores import (
    influence_scores as influence_scores,
    memorization_scores as memorization_scores,
)

__all__ = [
    "MemorizationFilter",
    "MemorizationResult",
    "el2n_scores",
    "forgetting_scores",
    "grand_scores",
    "influence_scores",
    "memorization_scores",
]
