# SPDX-License-Identifier: BSD-3-Clause
"""Classifiers that survive wrong labels, detectors of them, and scores for rows."""

from __future__ import annotations

from skoverfit.noisy_labels._cleaned_classifier import (
    CleanedClassifier as CleanedClassifier,
)
from skoverfit.noisy_labels._confident_learning_filter import (
    ConfidentLearningFilter as ConfidentLearningFilter,
)
from skoverfit.noisy_labels._find_label_issues import (
    find_label_issues as find_label_issues,
)

__all__ = ["CleanedClassifier", "ConfidentLearningFilter", "find_label_issues"]
