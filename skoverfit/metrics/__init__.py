# SPDX-License-Identifier: BSD-3-Clause
"""Scores that scikit-learn lacks."""

from skoverfit.metrics._abnormal_adversarial_rate import (
    abnormal_adversarial_rate as abnormal_adversarial_rate,
)
from skoverfit.metrics._balanced_accuracy_interval import (
    balanced_accuracy_interval as balanced_accuracy_interval,
)
from skoverfit.metrics._brier_decomposition import (
    brier_decomposition as brier_decomposition,
)
from skoverfit.metrics._calibration_slope_intercept import (
    calibration_slope_intercept as calibration_slope_intercept,
)
from skoverfit.metrics._expected_calibration_error import (
    expected_calibration_error as expected_calibration_error,
)
from skoverfit.metrics._generalization_gap import (
    generalization_gap as generalization_gap,
)
from skoverfit.metrics._geometric_mean_score import (
    geometric_mean_score as geometric_mean_score,
)
from skoverfit.metrics._label_quality_score import (
    label_quality_score as label_quality_score,
)
from skoverfit.metrics._labeled_scorer import (
    labeled_scorer as labeled_scorer,
)
from skoverfit.metrics._multiclass_roc_auc import (
    multiclass_roc_auc as multiclass_roc_auc,
)
from skoverfit.metrics._pass_at_k_from_counts import (
    pass_at_k_from_counts as pass_at_k_from_counts,
)
from skoverfit.metrics._pass_at_n_score import (
    pass_at_n_score as pass_at_n_score,
)
from skoverfit.metrics._risk_certificate import (
    kl_inverse as kl_inverse,
    risk_certificate as risk_certificate,
)
from skoverfit.metrics._softmax_collapse_rate import (
    softmax_collapse_rate as softmax_collapse_rate,
)
from skoverfit.metrics._spiegelhalter_z import (
    spiegelhalter_z as spiegelhalter_z,
)

__all__ = [
    "abnormal_adversarial_rate",
    "balanced_accuracy_interval",
    "brier_decomposition",
    "calibration_slope_intercept",
    "expected_calibration_error",
    "generalization_gap",
    "geometric_mean_score",
    "kl_inverse",
    "label_quality_score",
    "labeled_scorer",
    "multiclass_roc_auc",
    "pass_at_k_from_counts",
    "pass_at_n_score",
    "risk_certificate",
    "softmax_collapse_rate",
    "spiegelhalter_z",
]
