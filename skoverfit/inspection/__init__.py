# SPDX-License-Identifier: BSD-3-Clause
"""Read-only: what a model or a sampler did, and pictures of it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skoverfit.noisy_labels import (
        MemorizationResult as MemorizationResult,
        el2n_scores as el2n_scores,
        forgetting_scores as forgetting_scores,
        grand_scores as grand_scores,
        influence_scores as influence_scores,
        memorization_scores as memorization_scores,
    )

from skoverfit.inspection._adversarial_strength import (
    adversarial_strength as adversarial_strength,
)
from skoverfit.inspection._assert_generalizes import (
    assert_generalizes as assert_generalizes,
)
from skoverfit.inspection._boundary_tilt_display import (
    BoundaryTiltDisplay as BoundaryTiltDisplay,
)
from skoverfit.inspection._complexity_probe_display import (
    ComplexityProbeDisplay as ComplexityProbeDisplay,
)
from skoverfit.inspection._deviation_angle import deviation_angle as deviation_angle
from skoverfit.inspection._grokking_display import GrokkingDisplay as GrokkingDisplay
from skoverfit.inspection._label_issues_display import (
    LabelIssuesDisplay as LabelIssuesDisplay,
)
from skoverfit.inspection._label_review_sheet import (
    LabelReviewSheet as LabelReviewSheet,
    label_review_sheet as label_review_sheet,
)
from skoverfit.inspection._leakage_display import LeakageDisplay as LeakageDisplay
from skoverfit.inspection._learning_curve_extrapolation_display import (
    LearningCurveExtrapolationDisplay as LearningCurveExtrapolationDisplay,
)
from skoverfit.inspection._linear_agreement import linear_agreement as linear_agreement
from skoverfit.inspection._local_deviation_angle import (
    local_deviation_angle as local_deviation_angle,
)
from skoverfit.inspection._long_tail_cost import long_tail_cost as long_tail_cost
from skoverfit.inspection._memorization_display import (
    MemorizationDisplay as MemorizationDisplay,
)
from skoverfit.inspection._overfitting_report import (
    OverfittingReport as OverfittingReport,
)
from skoverfit.inspection._pgd_accuracy import pgd_accuracy as pgd_accuracy
from skoverfit.inspection._reliability_display import (
    ReliabilityDisplay as ReliabilityDisplay,
)
from skoverfit.inspection._removal_curve import (
    RemovalCurve as RemovalCurve,
    removal_curve as removal_curve,
)
from skoverfit.inspection._repetition_curve_display import (
    RepetitionCurveDisplay as RepetitionCurveDisplay,
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
from skoverfit.inspection._tilt_spectrum import tilt_spectrum as tilt_spectrum
from skoverfit.inspection._train_test_gap_display import (
    TrainTestGapDisplay as TrainTestGapDisplay,
)
from skoverfit.inspection._training_curve_display import (
    TrainingCurveDisplay as TrainingCurveDisplay,
)

__all__ = [
    "BoundaryTiltDisplay",
    "ComplexityProbeDisplay",
    "GrokkingDisplay",
    "LabelIssuesDisplay",
    "LabelReviewSheet",
    "LeakageDisplay",
    "LearningCurveExtrapolationDisplay",
    "MemorizationDisplay",
    "MemorizationResult",
    "OverfittingReport",
    "ReliabilityDisplay",
    "RemovalCurve",
    "RepetitionCurveDisplay",
    "ResamplingDisplay",
    "SyntheticReport",
    "SyntheticReportDisplay",
    "TrainTestGapDisplay",
    "TrainingCurveDisplay",
    "adversarial_strength",
    "assert_generalizes",
    "deviation_angle",
    "el2n_scores",
    "forgetting_scores",
    "grand_scores",
    "influence_scores",
    "label_review_sheet",
    "linear_agreement",
    "local_deviation_angle",
    "long_tail_cost",
    "memorization_scores",
    "pgd_accuracy",
    "removal_curve",
    "synthetic_report",
    "tilt_spectrum",
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
