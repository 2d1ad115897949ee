# SPDX-License-Identifier: BSD-3-Clause
"""The one net: torch networks for tables as scikit-learn estimators."""

from __future__ import annotations

from skoverfit.neural_network._adversarial import (
    AAERLoss as AAERLoss,
    AdversarialStep as AdversarialStep,
)
from skoverfit.neural_network._adversarial_monitor import (
    AdversarialMonitor as AdversarialMonitor,
)
from skoverfit.neural_network._barlow_twins import (
    BarlowTwinsLoss as BarlowTwinsLoss,
    MixedBarlowTwinsLoss as MixedBarlowTwinsLoss,
)
from skoverfit.neural_network._batch_step_callback import (
    BatchStepCallback as BatchStepCallback,
)
from skoverfit.neural_network._batch_steps import (
    BatchStep as BatchStep,
    Mixup as Mixup,
    StepModel as StepModel,
)
from skoverfit.neural_network._co_teaching import CoTeaching as CoTeaching
from skoverfit.neural_network._confidence_losses import (
    FocalLoss as FocalLoss,
    PassAtNLoss as PassAtNLoss,
    StableMaxCrossEntropyLoss as StableMaxCrossEntropyLoss,
)
from skoverfit.neural_network._coreset_step import (
    CoresetAugmentationStep as CoresetAugmentationStep,
)
from skoverfit.neural_network._cross_val_predict_stacked import (
    cross_val_predict_stacked as cross_val_predict_stacked,
)
from skoverfit.neural_network._ens_loss import EnsLoss as EnsLoss
from skoverfit.neural_network._ens_loss_classifier import (
    EnsLossClassifier as EnsLossClassifier,
)
from skoverfit.neural_network._gradient_noise import (
    GradientNoise as GradientNoise,
    add_gradient_noise_ as add_gradient_noise_,
)
from skoverfit.neural_network._grokking_monitor import (
    GrokkingMonitor as GrokkingMonitor,
)
from skoverfit.neural_network._long_tail_losses import (
    ClassBalancedLoss as ClassBalancedLoss,
    LDAMLoss as LDAMLoss,
    LogitAdjustedLoss as LogitAdjustedLoss,
)
from skoverfit.neural_network._loss_base import (
    ClassificationLoss as ClassificationLoss,
)
from skoverfit.neural_network._manifold_mixup import (
    ManifoldMixup as ManifoldMixup,
)
from skoverfit.neural_network._margin_losses import (
    ExponentialLoss as ExponentialLoss,
    HingeLoss as HingeLoss,
    SquaredHingeLoss as SquaredHingeLoss,
)
from skoverfit.neural_network._nested_dropout import NestedDropout as NestedDropout
from skoverfit.neural_network._noise_losses import (
    BackwardCorrectedLoss as BackwardCorrectedLoss,
    ForwardCorrectedLoss as ForwardCorrectedLoss,
    GeneralizedCrossEntropyLoss as GeneralizedCrossEntropyLoss,
    SymmetricCrossEntropyLoss as SymmetricCrossEntropyLoss,
)
from skoverfit.neural_network._nt_xent import NTXentLoss as NTXentLoss
from skoverfit.neural_network._perp_grad import (
    PerpGrad as PerpGrad,
    attach_perp_grad as attach_perp_grad,
    perpendicular_gradient_ as perpendicular_gradient_,
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
from skoverfit.neural_network._temperature import (
    Cooldown as Cooldown,
    TemperatureSampler as TemperatureSampler,
)
from skoverfit.neural_network._transition_loss import (
    LearnedTransitionLoss as LearnedTransitionLoss,
)
from skoverfit.neural_network._two_phase import (
    TwoPhaseTraining as TwoPhaseTraining,
)
from skoverfit.neural_network._weight_averaging import (
    WeightAveraging as WeightAveraging,
)
from skoverfit.neural_network._weight_compander import (
    WeightCompander as WeightCompander,
    WeightCompanding as WeightCompanding,
    register_weight_compander as register_weight_compander,
    remove_weight_compander as remove_weight_compander,
)
from skoverfit.neural_network._winsorized import (
    WinsorizedGradients as WinsorizedGradients,
    winsorized_mean as winsorized_mean,
)

__all__ = [
    "AAERLoss",
    "AdversarialMonitor",
    "AdversarialStep",
    "BackwardCorrectedLoss",
    "BarlowTwinsLoss",
    "BatchStep",
    "BatchStepCallback",
    "ClassBalancedLoss",
    "ClassificationLoss",
    "CoTeaching",
    "Cooldown",
    "CoresetAugmentationStep",
    "EnsLoss",
    "EnsLossClassifier",
    "ExponentialLoss",
    "FocalLoss",
    "ForwardCorrectedLoss",
    "GeneralizedCrossEntropyLoss",
    "GradientNoise",
    "GrokkingMonitor",
    "HingeLoss",
    "LDAMLoss",
    "LearnedTransitionLoss",
    "LogitAdjustedLoss",
    "ManifoldMixup",
    "MixedBarlowTwinsLoss",
    "Mixup",
    "NTXentLoss",
    "NestedDropout",
    "PassAtNLoss",
    "PerpGrad",
    "SquaredHingeLoss",
    "StableMaxCrossEntropyLoss",
    "StackedGridSearchCV",
    "StackedNets",
    "StepModel",
    "SymmetricCrossEntropyLoss",
    "TabularMLPClassifier",
    "TabularMLPRegressor",
    "TemperatureSampler",
    "TwoPhaseTraining",
    "WeightAveraging",
    "WeightCompander",
    "WeightCompanding",
    "WinsorizedGradients",
    "add_gradient_noise_",
    "attach_perp_grad",
    "cross_val_predict_stacked",
    "perpendicular_gradient_",
    "register_weight_compander",
    "remove_weight_compander",
    "winsorized_mean",
]
