# SPDX-License-Identifier: BSD-3-Clause
"""The one net: torch networks for tables as scikit-learn estimators."""

from __future__ import annotations

from skoverfit.neural_network._batch_steps import (
    BatchStep as BatchStep,
    BatchStepCallback as BatchStepCallback,
    Mixup as Mixup,
    StepModel as StepModel,
)
from skoverfit.neural_network._tabular_mlp_classifier import (
    TabularMLPClassifier as TabularMLPClassifier,
)
from skoverfit.neural_network._tabular_mlp_regressor import (
    TabularMLPRegressor as TabularMLPRegressor,
)

__all__ = [
    "BatchStep",
    "BatchStepCallback",
    "Mixup",
    "StepModel",
    "TabularMLPClassifier",
    "TabularMLPRegressor",
]
