# SPDX-License-Identifier: BSD-3-Clause
"""Read-only: what a model or a sampler did, and pictures of it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from skoverfit.inspection._memorization_display import (
    MemorizationDisplay as MemorizationDisplay,
)
from skoverfit.inspection._removal_curve import (
    RemovalCurve as RemovalCurve,
    removal_curve as removal_curve,
)
from skoverfit.inspection._resampling_display import (
    ResamplingDisplay as ResamplingDisplay,
)
from skoverfit.inspection._synthetic_report import (
    SyntheticReport as SyntheticReport,
    synthetic_report as synthetic_report,
)
from skoverfit.inspection._synthetic_report_display import (
    SyntheticReportDisplay as SyntheticReportDisplay,
)
from skoverfit.inspection._training_curve_display import (
    TrainingCurveDisplay as TrainingCurveDisplay,
)

if TYPE_CHECKING:
    from skoverfit.noisy_labels import (
        MemorizationResult as MemorizationResult,
        el2n_scores as el2n_scores,
        forgetting_scores as forgetting_scores,
        grand_scores as grand_scores,
        influence_scores as influence_scores,
        memorization_scores as memorization_scores,
    )

__all__ = [
    "MemorizationDisplay",
    "MemorizationResult",
    "RemovalCurve",
    "ResamplingDisplay",
    "SyntheticReport",
    "SyntheticReportDisplay",
    "TrainingCurveDisplay",
    "el2n_scores",
    "forgetting_scores",
    "grand_scores",
    "influence_scores",
    "memorization_scores",
    "removal_curve",
    "synthetic_report",
]

_ROW_SCORES = (
    "MemorizationResult",
    "el2n_scores",
    "forgetting_scores",
    "grand_scores",
    "influence_scores",
    "memorization_scores",
)


def __getattr__(name: str) -> Any:
    """Look row scores up where they live: that room loads nets, and pictures don't."""
    if name in _ROW_SCORES:
        return getattr(import_module("skoverfit.noisy_labels"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
