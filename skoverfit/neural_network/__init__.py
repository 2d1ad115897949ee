# SPDX-License-Identifier: BSD-3-Clause
"""The one net: torch networks for tables as scikit-learn estimators."""

from __future__ import annotations

from skoverfit.neural_network._batch_steps import (
    BatchStep as BatchStep,
    BatchStepCallback as BatchStepCallback,
    Mixup as Mixup,
    StepModel as StepModel,
)
from skoverfit.neural_network._confidence_losses import (
    FocalLoss as FocalLoss,
    PassAtNLoss as PassAtNLoss,
    StableMaxCrossEntropyLoss as StableMaxCrossEntropyLoss,
)
from skoverfit.neural_network._cross_val_predict_stacked import (
    cross_val_predict_stacked as cross_val_predict_stacked,
)
from skoverfit.neural_network._ens_loss import EnsLoss as EnsLoss
from skoverfit.neural_network._ens_loss_classifier import (
    EnsLossClassifier as EnsLossClassifier,
)
from skoverfit.neural_network._long_tail_losses import (
    ClassBalancedLoss as ClassBalancedLoss,
    LDAMLoss as LDAMLoss,
    LogitAdjustedLoss as LogitAdjustedLoss,
)
from skoverfit.neural_network._loss_base import (
    ClassificationLoss as ClassificationLoss,
)
from skoverfit.neural_network._margin_losses import (
    ExponentialLoss as ExponentialLoss,
    HingeLoss as HingeLoss,
    SquaredHingeLoss as SquaredHingeLoss,
)
from skoverfit.neural_network._noise_losses import (
    BackwardCorrectedLoss as BackwardCorrectedLoss,
    ForwardCorrectedLoss as ForwardCorrectedLoss,
    GeneralizedCrossEntropyLoss as GeneralizedCrossEntropyLoss,
    SymmetricCrossEntropyLoss as SymmetricCrossEntropyLoss,
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
    "BackwardCorrectedLoss",
    "BatchStep",
    "BatchStepCallback",
    "ClassBalancedLoss",
    "ClassificationLoss",
    "EnsLoss",
    "EnsLossClassifier",
    "ExponentialLoss",
    "FocalLoss",
    "ForwardCorrectedLoss",
    "GeneralizedCrossEntropyLoss",
    "HingeLoss",
    "LDAMLoss",
    "LogitAdjustedLoss",
    "Mixup",
    "PassAtNLoss",
    "SquaredHingeLoss",
    "StableMaxCrossEntropyLoss",
    "StackedGridSearchCV",
    "StackedNets",
    "StepModel",
    "SymmetricCrossEntropyLoss",
    "TabularMLPClassifier",
    "TabularMLPRegressor",
    "cross_val_predict_stacked",
]
