# SPDX-License-Identifier: BSD-3-Clause
"""Classifiers that survive wrong labels, detectors of them, and scores for rows."""

from __future__ import annotations

from skoverfit.noisy_labels._cleaned_classifier import (
    CleanedClassifier as CleanedClassifier,
)
from skoverfit.noisy_labels._cleaned_regressor import (
    CleanedRegressor as CleanedRegressor,
)
from skoverfit.noisy_labels._confident_learning_filter import (
    ConfidentLearningFilter as ConfidentLearningFilter,
)
from skoverfit.noisy_labels._detector_ensemble import (
    DetectorEnsemble as DetectorEnsemble,
)
from skoverfit.noisy_labels._find_label_issues import (
    find_label_issues as find_label_issues,
)
from skoverfit.noisy_labels._forest_disagreement_filter import (
    ForestDisagreementFilter as ForestDisagreementFilter,
)
from skoverfit.noisy_labels._lof_class_filter import LOFClassFilter as LOFClassFilter
from skoverfit.noisy_labels._neighbor_disagreement_filter import (
    NeighborDisagreementFilter as NeighborDisagreementFilter,
)
from skoverfit.noisy_labels._row_score_filter import RowScoreFilter as RowScoreFilter
from skoverfit.noisy_labels._small_loss_filter import SmallLossFilter as SmallLossFilter

__all__ = [
    "CleanedClassifier",
    "CleanedRegressor",
    "ConfidentLearningFilter",
    "DetectorEnsemble",
    "ForestDisagreementFilter",
    "LOFClassFilter",
    "NeighborDisagreementFilter",
    "RowScoreFilter",
    "SmallLossFilter",
    "find_label_issues",
]
