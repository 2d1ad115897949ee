# SPDX-License-Identifier: BSD-3-Clause
"""Read-only: what a model or a sampler did, and pictures of it."""

from __future__ import annotations

from skoverfit.inspection._pgd_accuracy import pgd_accuracy as pgd_accuracy
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

__all__ = [
    "ResamplingDisplay",
    "SyntheticReport",
    "SyntheticReportDisplay",
    "TrainingCurveDisplay",
    "pgd_accuracy",
    "synthetic_report",
]
