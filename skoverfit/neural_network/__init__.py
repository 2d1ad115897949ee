# SPDX-License-Identifier: BSD-3-Clause
"""The one net: torch networks for tables as scikit-learn estimators."""

from __future__ import annotations

from skoverfit.neural_network._batch_steps import (
    BatchStep as BatchStep,
    BatchStepCallback as BatchStepCallback,
    Mixup as Mixup,
    StepModel as StepModel,
)
from skoverfit.neural_network._cross_val_predict_stacked import (
    cross_val_predict_stacked as cross_val_predict_stacked,
)
from skoverfit.neural_network._stacked_grid_search import (
    StackedGridSearchCV as StackedGridSearchCV,
)
from skoverfit.neural_network._stacked_nets import StackedNets as StackedNets
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
    "StackedGridSearchCV",
    "StackedNets",
    "StepModel",
    "TabularMLPClassifier",
    "TabularMLPRegressor",
    "cross_val_predict_stacked",
]
