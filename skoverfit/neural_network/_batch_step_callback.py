# SPDX-License-Identifier: BSD-3-Clause
"""A batch step inside of a plain skorch net."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from skorch.callbacks import Callback
from skorch.dataset import unpack_data

from skoverfit.neural_network._batch_steps import BatchStep, StepModel
from skoverfit.neural_network._data import Batch

__all__ = ["BatchStepCallback"]


class BatchStepCallback(Callback):
    """Run a batch step inside a plain skorch net.

    The callback takes the place of the net's ``train_step_single`` while it trains, so
    optimizers, schedulers and other callbacks work as before. The net gets one tensor
    of inputs; whatever its module does with it comes after the step's encoding.

    Parameters
    ----------
    step : BatchStep
        For example `Mixup`.
    random_state : int, default=0
        Seed of the step's generator. Each training starts it anew.

    See Also
    --------
    BatchStep : How to write a step.

    Examples
    --------
    >>> import torch
    >>> from sklearn.datasets import load_iris
    >>> from skorch import NeuralNetClassifier
    >>> from skoverfit.neural_network import BatchStepCallback, Mixup
    >>> X, y = load_iris(return_X_y=True)
    >>> net = NeuralNetClassifier(
    ...     torch.nn.Linear(4, 3), criterion=torch.nn.CrossEntropyLoss, verbose=0,
    ...     train_split=None, callbacks=[BatchStepCallback(Mixup(0.2))],
    ... )
    >>> net.fit(X.astype("float32"), y).predict(X.astype("float32")).shape
    (150,)
    """

    def __init__(self, step: BatchStep, random_state: int = 0) -> None:
        self.step = step
        self.random_state = random_state

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **_: Any) -> None:
        """Put the step in place of the net's own.

        Parameters
        ----------
        net : skorch.NeuralNet
            The net that begins to train.
        X : object, default=None
            Not used.
        y : object, default=None
            Not used.
        **_ : dict
            Not used.
        """
        generator = torch.Generator().manual_seed(self.random_state)
        bounds = _bounds(X, net.device)
        self._place, self._n_batches = 0.0, 1

        def train_step_single(batch: Any, **fit_params: Any) -> dict[str, Any]:
            net._set_training(True)
            inputs, target = unpack_data(batch)
            outputs = []

            def decode(encoded: torch.Tensor) -> torch.Tensor:
                outputs.append(net.infer(encoded, **fit_params))
                return outputs[-1]

            model = StepModel(
                encode=lambda rows: rows.dense,
                decode=decode,
                loss=lambda output, wanted, weight: net.get_loss(
                    output, wanted, X=inputs, training=True
                ),
                generators=[generator],
                module=net.module_,
                bounds=bounds,
                epoch=self._place,
            )
            rows = Batch(
                dense=inputs.to(net.device),
                codes=None,
                target=target.to(net.device),
                weight=None,
                count=len(target),
            )
            loss = self.step(model, rows)
            if loss.dim():  # a step may return the losses of the rows
                loss = loss.mean()
            loss.backward()
            if self.step.hides_outputs:
                with torch.no_grad():
                    decode(rows.dense)
            return {"loss": loss, "y_pred": outputs[-1]}

        net.train_step_single = train_step_single

    def on_epoch_begin(self, net: Any, dataset_train: Any = None, **_: Any) -> None:
        """Note how many batches the epoch has."""
        self._place = float(round(self._place))
        size = net.batch_size if net.batch_size > 0 else len(dataset_train)
        self._n_batches = max(-(-len(dataset_train) // size), 1)

    def on_batch_end(
        self, net: Any, batch: Any = None, training: bool = False, **_: Any
    ) -> None:
        """Note how much of the epoch is over."""
        if training:
            self._place += 1 / self._n_batches

    def on_train_end(self, net: Any, X: Any = None, y: Any = None, **_: Any) -> None:
        """Give the net its own step back.

        Parameters
        ----------
        net : skorch.NeuralNet
            The net that ends its training.
        X : object, default=None
            Not used.
        y : object, default=None
            Not used.
        **_ : dict
            Not used.
        """
        del net.train_step_single


def _bounds(
    X: Any, device: Any
) -> Callable[[], tuple[torch.Tensor, torch.Tensor]] | None:
    """Return what says the range of each column of an array; None for other inputs."""
    if not isinstance(X, (np.ndarray, torch.Tensor)):
        return None
    rows = torch.as_tensor(X)
    low, high = rows.amin(dim=0).to(device), rows.amax(dim=0).to(device)
    return lambda: (low, high)
