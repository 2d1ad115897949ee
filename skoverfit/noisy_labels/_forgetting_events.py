# SPDX-License-Identifier: BSD-3-Clause
"""The callback that counts forgetting events."""

from __future__ import annotations

from typing import Any

import numpy as np
from skorch.callbacks import Callback

__all__ = ["ForgettingEvents"]


class ForgettingEvents(Callback):
    """Predict all rows of the training after each epoch and count right to wrong.

    Attributes
    ----------
    events_ : ndarray of int of shape (n_nets, n)
        Right answers that were followed by a wrong one, so far.
    learned_ : ndarray of bool of shape (n_nets, n)
        Whether the row was ever right.
    """

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **_: Any) -> None:
        """Start to count."""
        shape = net.n_nets, len(X.target)
        self.events_ = np.zeros(shape, dtype=np.int64)
        self.learned_ = np.zeros(shape, dtype=bool)
        self._right = np.zeros(shape, dtype=bool)

    def on_epoch_end(self, net: Any, dataset_train: Any = None, **_: Any) -> None:
        """Look at all rows."""
        data = dataset_train
        output = net.outputs(data.dense, data.codes)
        right = (output.argmax(dim=-1) == data.target).cpu().numpy()
        self.events_ += self._right & ~right
        self.learned_ |= right
        self._right = right
