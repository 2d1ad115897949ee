# SPDX-License-Identifier: BSD-3-Clause
"""Searches and estimates that stay honest about their own selection."""

from skoverfit.model_selection._bbc_cv_score import (
    bbc_cv_score as bbc_cv_score,
    tibshirani_bias as tibshirani_bias,
)
from skoverfit.model_selection._certified_search import (
    CertifiedSearchCV as CertifiedSearchCV,
)
from skoverfit.model_selection._learning_curve_extrapolator import (
    LearningCurveExtrapolator as LearningCurveExtrapolator,
)
from skoverfit.model_selection._remedy_search import RemedySearchCV as RemedySearchCV
from skoverfit.model_selection._repetition_curve import (
    repetition_curve as repetition_curve,
)
from skoverfit.model_selection._scaling_law import ScalingLaw as ScalingLaw
from skoverfit.model_selection._single_pass_learner import (
    SinglePassLearner as SinglePassLearner,
)
from skoverfit.model_selection._temperature_weights import (
    temperature_weights as temperature_weights,
)

__all__ = [
    "CertifiedSearchCV",
    "LearningCurveExtrapolator",
    "RemedySearchCV",
    "ScalingLaw",
    "SinglePassLearner",
    "bbc_cv_score",
    "repetition_curve",
    "temperature_weights",
    "tibshirani_bias",
]
