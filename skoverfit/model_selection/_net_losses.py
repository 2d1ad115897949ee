# SPDX-License-Identifier: BSD-3-Clause
"""Losses as remedies of a net: when they apply, and the net that is trained by them."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, clone

from skoverfit.catalogue import resolve

__all__ = [
    "loss_applies",
    "loss_for_rare_classes_applies",
    "use_ens_loss",
    "use_label_smoothing",
    "use_loss",
]


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


def use_ens_loss(estimator: BaseEstimator) -> BaseEstimator:
    """Return a clone of a net that is trained as an ``EnsLossClassifier`` is.

    From a logistic regression it would hardly move: few errors are left to mend.
    """
    loss = resolve("skoverfit.neural_network.EnsLoss")(eval_loss="zero_one")
    return clone(estimator).set_params(loss=loss, linear_start=False)
