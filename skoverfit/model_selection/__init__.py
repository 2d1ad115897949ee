# SPDX-License-Identifier: BSD-3-Clause
"""Searches and estimates that stay honest about their own selection."""

from skoverfit.model_selection._certified_search import (
    CertifiedSearchCV as CertifiedSearchCV,
)
from skoverfit.model_selection._learning_curve_extrapolator import (
    LearningCurveExtrapolator as LearningCurveExtrapolator,
)
from skoverfit.model_selection._scaling_law import ScalingLaw as ScalingLaw

__all__ = ["CertifiedSearchCV", "LearningCurveExtrapolator", "ScalingLaw"]
