# SPDX-License-Identifier: BSD-3-Clause
"""Decisions and probabilities repaired after training."""

from skoverfit.calibration._multiclass_threshold import (
    MulticlassTunedThresholdClassifierCV as MulticlassTunedThresholdClassifierCV,
)

__all__ = ["MulticlassTunedThresholdClassifierCV"]
