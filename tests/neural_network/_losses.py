# SPDX-License-Identifier: BSD-3-Clause
"""Every loss with parameters that show it, and rows for them."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from skoverfit.neural_network import (
    BackwardCorrectedLoss,
    ClassBalancedLoss,
    ExponentialLoss,
    FocalLoss,
    ForwardCorrectedLoss,
    GeneralizedCrossEntropyLoss,
    HingeLoss,
    LDAMLoss,
    LogitAdjustedLoss,
    PassAtNLoss,
    SquaredHingeLoss,
    StableMaxCrossEntropyLoss,
    SymmetricCrossEntropyLoss,
)

T = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.0, 0.3, 0.7]])
COUNTS = [70, 20, 10]
LOSSES = {
    "backward": BackwardCorrectedLoss(T),
    "balanced": ClassBalancedLoss(0.99),
    "balanced_focal": ClassBalancedLoss(0.9, loss=FocalLoss(1.5)),
    "exponential": ExponentialLoss(),
    "focal": FocalLoss(),
    "focal_flat": FocalLoss(0.5),
    "forward": ForwardCorrectedLoss(T),
    "gce": GeneralizedCrossEntropyLoss(),
    "hinge": HingeLoss(),
    "ldam": LDAMLoss(scale=2.0, reweight_from=0.0, beta=0.99),
    "logit_adjusted": LogitAdjustedLoss(),
    "pass_at_n": PassAtNLoss(8),
    "squared_hinge": SquaredHingeLoss(),
    "stablemax": StableMaxCrossEntropyLoss(label_smoothing=0.1),
    "sce": SymmetricCrossEntropyLoss(),
}
EVERY = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)


def ready(loss, reduction="none", counts=COUNTS):
    loss = copy.deepcopy(loss).prepare(counts)
    loss.reduction = reduction
    return loss


def rows(n=40, n_classes=3, size=2.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(n, n_classes, generator=generator, dtype=torch.float64) * size
    return logits, torch.randint(n_classes, (n,), generator=generator)


def cross_entropy(logits, target):
    return nn.functional.cross_entropy(logits, target, reduction="none")
