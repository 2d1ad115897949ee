# SPDX-License-Identifier: BSD-3-Clause
"""Decisions and probabilities repaired after training."""

from skoverfit.calibration._combine import (
    combine_predictions as combine_predictions,
)
from skoverfit.calibration._multiclass_threshold import (
    MulticlassTunedThresholdClassifierCV as MulticlassTunedThresholdClassifierCV,
)
from skoverfit.calibration._prior_corrected import (
    PriorCorrectedClassifier as PriorCorrectedClassifier,
)
from skoverfit.calibration._self_ensemble import (
    SelfEnsembleClassifier as SelfEnsembleClassifier,
)

__all__ = [
    "MulticlassTunedThresholdClassifierCV",
    "PriorCorrectedClassifier",
    "SelfEnsembleClassifier",
    "combine_predictions",
]
