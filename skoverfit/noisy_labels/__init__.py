# SPDX-License-Identifier: BSD-3-Clause
"""Classifiers that survive wrong labels, detectors of them, and scores for rows."""

from __future__ import annotations

from skoverfit.noisy_labels._cleaned_classifier import (
    CleanedClassifier as CleanedClassifier,
)
from skoverfit.noisy_labels._cleaned_regressor import (
    CleanedRegressor as CleanedRegressor,
)
from skoverfit.noisy_labels._co_teaching_classifier import (
    CoTeachingClassifier as CoTeachingClassifier,
)
from skoverfit.noisy_labels._compressed_mlp_classifier import (
    CompressedMLPClassifier as CompressedMLPClassifier,
)
from skoverfit.noisy_labels._confident_learning_filter import (
    ConfidentLearningFilter as ConfidentLearningFilter,
)
from skoverfit.noisy_labels._detector_ensemble import (
    DetectorEnsemble as DetectorEnsemble,
)
from skoverfit.noisy_labels._el2n_scores import el2n_scores as el2n_scores
from skoverfit.noisy_labels._estimate_transition_matrix import (
    estimate_transition_matrix as estimate_transition_matrix,
)
from skoverfit.noisy_labels._excess_label_issues import (
    Excess as Excess,
    LabelIssueExcess as LabelIssueExcess,
    excess_label_issues as excess_label_issues,
)
from skoverfit.noisy_labels._find_label_issues import (
    find_label_issues as find_label_issues,
)
from skoverfit.noisy_labels._forest_disagreement_filter import (
    ForestDisagreementFilter as ForestDisagreementFilter,
)
from skoverfit.noisy_labels._forgetting_scores import (
    forgetting_scores as forgetting_scores,
)
from skoverfit.noisy_labels._grand_scores import grand_scores as grand_scores
from skoverfit.noisy_labels._lof_class_filter import LOFClassFilter as LOFClassFilter
from skoverfit.noisy_labels._memorization_filter import (
    MemorizationFilter as MemorizationFilter,
)
from skoverfit.noisy_labels._memorization_result import (
    MemorizationResult as MemorizationResult,
)
from skoverfit.noisy_labels._memorization_scores import (
    influence_scores as influence_scores,
    memorization_scores as memorization_scores,
)
from skoverfit.noisy_labels._neighbor_disagreement_filter import (
    NeighborDisagreementFilter as NeighborDisagreementFilter,
)
from skoverfit.noisy_labels._noise_corrected_classifier import (
    NoiseCorrectedClassifier as NoiseCorrectedClassifier,
)
from skoverfit.noisy_labels._rcal_classifier import RCALClassifier as RCALClassifier
from skoverfit.noisy_labels._row_score_filter import RowScoreFilter as RowScoreFilter
from skoverfit.noisy_labels._small_loss_filter import SmallLossFilter as SmallLossFilter
from skoverfit.noisy_labels._transition_matrix_estimator import (
    TransitionMatrixEstimator as TransitionMatrixEstimator,
)

__all__ = [
    "CleanedClassifier",
    "CleanedRegressor",
    "CoTeachingClassifier",
    "CompressedMLPClassifier",
    "ConfidentLearningFilter",
    "DetectorEnsemble",
    "Excess",
    "ForestDisagreementFilter",
    "LOFClassFilter",
    "LabelIssueExcess",
    "MemorizationFilter",
    "MemorizationResult",
    "NeighborDisagreementFilter",
    "NoiseCorrectedClassifier",
    "RCALClassifier",
    "RowScoreFilter",
    "SmallLossFilter",
    "TransitionMatrixEstimator",
    "el2n_scores",
    "estimate_transition_matrix",
    "excess_label_issues",
    "find_label_issues",
    "forgetting_scores",
    "grand_scores",
    "influence_scores",
    "memorization_scores",
]
