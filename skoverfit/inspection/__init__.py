# SPDX-License-Identifier: BSD-3-Clause
"""Read-only: what a model or a sampler did, and pictures of it."""

from __future__ import annotations

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
from skoverfit.noisy_labels import (
    MemorizationResult as MemorizationResult,
    el2n_scores as el2n_scores,
    forgetting_scores as forgetting_scores,
    grand_scores as grand_scores,
    influence_scores as influence_scores,
    memorization_scores as memorization_scores,
)

__all__ = [
    "MemorizationResult",
    "ResamplingDisplay",
    "SyntheticReport",
    "SyntheticReportDisplay",
    "TrainingCurveDisplay",
    "el2n_scores",
    "forgetting_scores",
    "grand_scores",
    "influence_scores",
    "memorization_scores",
    "synthetic_report",
]
