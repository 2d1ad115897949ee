# SPDX-License-Identifier: BSD-3-Clause
"""Decisions and probabilities repaired after training."""

from skoverfit.calibration._multiclass_threshold import (
    MulticlassTunedThresholdClassifierCV as MulticlassTunedThresholdClassifierCV,
)
from skoverfit.calibration._prior_corrected import (
    PriorCorrectedClassifier as PriorCorrectedClassifier,
)

__all__ = ["MulticlassTunedThresholdClassifierCV", "PriorCorrectedClassifier"]
