# SPDX-License-Identifier: BSD-3-Clause
"""The transition matrix of least volume, trained together with a net (VolMinNet)."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone

from skoverfit.exceptions import BadInputError
from skoverfit.neural_network import LearnedTransitionLoss
from skoverfit.noisy_labels._small_net import small_net

__all__ = ["smallest_volume"]

# As published. T has to start noisier than it is: from too clean a start the net learns
# soft posteriors of the labels, and the matrix never leaves.
_VOLUME = 1e-4
_KEPT = 0.5
# Half of two classes can't be told from the other half: the volume is zero there.
_KEPT_OF_TWO = 0.6
# Large steps, strong masks and a fixed number of epochs: a net that fits single wrong
# labels, or is stopped by the loss of noisy ones, leaves the matrix where it started.
_NET = {
    "early_stopping": False,
    "learning_rate": 1e-2,
    "max_epochs": 40,
}


def smallest_volume(
    X: Any, codes: np.ndarray, estimator: Any, seed: int
) -> tuple[np.ndarray, None]:
    """Return the matrix that a net and the labels agree on."""
    model = small_net(seed, **_NET) if estimator is None else estimator
    if "loss" not in model.get_params(deep=False):
        raise BadInputError(
            "method='volmin' trains a net together with the matrix: the 'estimator' "
            f"parameter must be a TabularMLPClassifier or None. Got {model!r} instead."
        )
    n_classes = int(codes.max()) + 1
    kept = _KEPT if n_classes > 2 else _KEPT_OF_TWO
    start = np.full((n_classes, n_classes), (1 - kept) / (n_classes - 1))
    np.fill_diagonal(start, kept)
    loss = LearnedTransitionLoss(start, volume=_VOLUME)
    net = clone(model).set_params(loss=loss).fit(X, codes)
    matrix: np.ndarray = net.net_.criterion_.learned_matrix
    return matrix, None
