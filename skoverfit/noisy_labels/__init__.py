# SPDX-License-Identifier: BSD-3-Clause
"""Classifiers that survive wrong labels, detectors of them, and scores for rows."""

from __future__ import annotations

from skoverfit.noisy_labels._co_teaching_classifier import (
    CoTeachingClassifier as CoTeachingClassifier,
)
from skoverfit.noisy_labels._compressed_mlp_classifier import (
    CompressedMLPClassifier as CompressedMLPClassifier,
)
from skoverfit.noisy_labels._estimate_transition_matrix import (
    estimate_transition_matrix as estimate_transition_matrix,
)
from skoverfit.noisy_labels._noise_corrected_classifier import (
    NoiseCorrectedClassifier as NoiseCorrectedClassifier,
)
from skoverfit.noisy_labels._transition_matrix_estimator import (
    TransitionMatrixEstimator as TransitionMatrixEstimator,
)

__all__ = [
    "CoTeachingClassifier",
    "CompressedMLPClassifier",
    "NoiseCorrectedClassifier",
    "TransitionMatrixEstimator",
    "estimate_transition_matrix",
]
