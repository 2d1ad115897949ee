# SPDX-License-Identifier: BSD-3-Clause
"""Remedies of a net in its training: when they apply, and the net that has them."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV

from skoverfit.catalogue import resolve
from skoverfit.model_selection._scorers import inner_scoring

__all__ = [
    "early_stopping_applies",
    "loss_applies",
    "loss_for_rare_classes_applies",
    "tune_weight_decay",
    "use_early_stopping",
    "use_ens_loss",
    "use_label_smoothing",
    "use_loss",
    "use_weight_averaging",
    "weight_averaging_applies",
    "weight_decay_applies",
]

# Of AdamW at the default learning rate: 1 takes a tenth off a weight in 25 steps.
_WEIGHT_DECAYS = (0.01, 0.1, 1.0)


def loss_applies(estimator: BaseEstimator, class_counts: np.ndarray | None) -> str:
    """Return "" or why another loss doesn't apply."""
    parameters = estimator.get_params(deep=False)
    name = type(estimator).__name__
    if not {"loss", "batch_step"} <= set(parameters):
        return f"{name} is no net whose loss could be exchanged"
    if parameters["loss"] != "cross_entropy":
        return f"this {name} is trained by another loss than cross-entropy already"
    return ""


def loss_for_rare_classes_applies(
    estimator: BaseEstimator, class_counts: np.ndarray | None
) -> str:
    """Return "" or why a loss for rare classes doesn't apply."""
    if reason := loss_applies(estimator, class_counts):
        return reason
    if class_counts is not None and np.ptp(class_counts) == 0:
        return "the classes are even: none is rare"
    return ""


def use_loss(estimator: BaseEstimator, loss: str) -> BaseEstimator:
    """Return a clone of a net that is trained by another loss."""
    return clone(estimator).set_params(loss=loss)


def use_label_smoothing(estimator: BaseEstimator, amount: float = 0.1) -> BaseEstimator:
    """Return a clone of a net whose targets are spread over all classes."""
    return clone(estimator).set_params(label_smoothing=amount)


def use_ens_loss(estimator: BaseEstimator, cv: Any = 3) -> BaseEstimator:
    """Return a clone of a net that is trained as an ``EnsLossClassifier`` is.

    From a logistic regression it would hardly move: few errors are left to mend. A net
    that holds out no rows has margins and no probabilities; these come from a sigmoid
    that is fitted to the margins of inner folds, and the net keeps all rows.
    """
    loss = resolve("skoverfit.neural_network.EnsLoss")(eval_loss="zero_one")
    net = clone(estimator).set_params(loss=loss, linear_start=False)
    if net.early_stopping:
        return net
    return CalibratedClassifierCV(net, method="sigmoid", cv=cv, ensemble=False)


def _is_net(estimator: BaseEstimator) -> bool:
    return {"batch_step", "early_stopping", "weight_decay"} <= set(
        estimator.get_params(deep=False)
    )


def early_stopping_applies(
    estimator: BaseEstimator, class_counts: np.ndarray | None
) -> str:
    """Return "" or why early stopping doesn't apply."""
    name = type(estimator).__name__
    if not _is_net(estimator):
        return f"{name} is no net that is trained in epochs"
    if estimator.early_stopping:
        return f"this {name} stops early already"
    return ""


def use_early_stopping(estimator: BaseEstimator) -> BaseEstimator:
    """Return a clone of a net that leaves out rows and keeps its best epoch."""
    return clone(estimator).set_params(early_stopping=True)


def weight_averaging_applies(
    estimator: BaseEstimator, class_counts: np.ndarray | None
) -> str:
    """Return "" or why averaged weights don't apply."""
    name = type(estimator).__name__
    if not _is_net(estimator) or "callbacks" not in estimator.get_params(deep=False):
        return f"{name} is no net whose weights could be averaged"
    if estimator.callbacks:
        return f"this {name} has callbacks, which may average its weights already"
    return ""


def use_weight_averaging(estimator: BaseEstimator) -> BaseEstimator:
    """Return a clone of a net that predicts with the average of its weights."""
    averaging = resolve("skoverfit.neural_network.WeightAveraging")
    return clone(estimator).set_params(callbacks=[averaging()])


def weight_decay_applies(
    estimator: BaseEstimator, class_counts: np.ndarray | None
) -> str:
    """Return "" or why weight decay doesn't apply."""
    name = type(estimator).__name__
    if not _is_net(estimator):
        return f"{name} is no net: it has no weight_decay"
    if estimator.weight_decay >= max(_WEIGHT_DECAYS):
        return f"the weight_decay of this {name} is {estimator.weight_decay:g} already"
    return ""


def tune_weight_decay(estimator: BaseEstimator, cv: Any = 3) -> BaseEstimator:
    """Return a search over stronger weight decays, chosen by inner log-loss.

    A regressor's are chosen by the squared error. All settings and folds are trained
    at once.
    """
    stronger = [each for each in _WEIGHT_DECAYS if each > estimator.weight_decay]
    search = resolve("skoverfit.neural_network.StackedGridSearchCV")
    return search(
        clone(estimator),
        {"weight_decay": stronger},
        scoring=inner_scoring(estimator),
        cv=cv,
    )
