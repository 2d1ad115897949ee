# SPDX-License-Identifier: BSD-3-Clause
"""Predict with an average of the weights along the training."""

from __future__ import annotations

from numbers import Real
from typing import Any

import torch
from skorch.callbacks import Callback
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._weight_compander import WeightCompanding

__all__ = ["WeightAveraging"]


class WeightAveraging(Callback):
    """Average the weights over steps or epochs by torch's own ``AveragedModel``.

    The average is what is validated, what early stopping judges and what predicts; the
    training goes on from the weights as they are.

    Parameters
    ----------
    kind : {"ema", "swa"}, default="ema"
        "ema" weighs old weights less and less, and takes every step; "swa" takes the
        plain mean over the ends of epochs.
    decay : float, default=0.99
        Of "ema", in [0, 1): about the last ``1 / (1 - decay)`` steps count. 0 is the
        plain net.
    start : float, default=0.0
        Share of the epochs that is over before the average begins; for "swa" 0.75 is
        usual, with a constant learning rate.

    Notes
    -----
    The statistics of BatchNorm are averaged beside the weights.

    References
    ----------
    Izmailov, Podoprikhin, Garipov, Vetrov & Wilson (2018), "Averaging Weights Leads to
    Wider Optima and Better Generalization", UAI, arXiv:1803.05407.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skoverfit.neural_network import TabularMLPClassifier, WeightAveraging
    >>> X, y = load_iris(return_X_y=True)
    >>> net = TabularMLPClassifier(
    ...     callbacks=[WeightAveraging(decay=0.9)], max_epochs=9, random_state=0)
    >>> net.fit(X, y).score(X, y) > 0.9
    True
    """

    def __init__(
        self, kind: str = "ema", *, decay: float = 0.99, start: float = 0.0
    ) -> None:
        self.kind = kind
        self.decay = decay
        self.start = start

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **_: Any) -> None:
        """Check the parameters; let the module show its average when it is judged."""
        if self.kind not in ("ema", "swa"):
            raise BadInputError(
                "The 'kind' parameter of WeightAveraging must be 'ema' or 'swa'. Got "
                f"{self.kind!r} instead."
            )
        for name, closed in (("decay", False), ("start", True)):
            value = getattr(self, name)
            number = isinstance(value, Real) and not isinstance(value, bool)
            if not number or not (0 <= value < 1 or (closed and value == 1)):
                raise BadInputError(
                    f"The '{name}' parameter of WeightAveraging must be a float in "
                    f"[0, 1{']' if closed else ')'}. Got {value!r} instead."
                )
        self._check_order(net)
        self._epoch = 0
        self._average: AveragedModel | None = None
        self._raw: list[torch.Tensor] | None = None
        module, usual = net.module_, net.module_.train

        def train(mode: bool = True) -> Any:
            self._show(module, average=not mode)
            return usual(mode)

        module.train = train

    def _check_order(self, net: Any) -> None:
        others = [callback for _, callback in net.callbacks_]
        before = others[: others.index(self)] if self in others else []
        if any(isinstance(callback, WeightCompanding) for callback in before):
            raise BadInputError(
                "WeightCompanding comes before WeightAveraging in callbacks; put it "
                "behind, so that the average is taken of what is trained."
            )

    def on_epoch_begin(self, net: Any, **_: Any) -> None:
        """Count the epoch."""
        self._epoch += 1

    def on_batch_end(
        self, net: Any, batch: Any = None, training: bool = False, **_: Any
    ) -> None:
        """Add the weights of a step to a moving average."""
        if training and self.kind == "ema" and self._begun(net, self._epoch - 1):
            self._add(net.module_)

    def on_epoch_end(self, net: Any, **_: Any) -> None:
        """Add the weights of an epoch to a plain mean."""
        if self.kind == "swa" and self._begun(net, self._epoch):
            self._show(net.module_, average=False)
            self._add(net.module_)
            self._show(net.module_, average=not net.module_.training)

    def _begun(self, net: Any, over: int) -> bool:
        return over >= self.start * net.max_epochs

    def _add(self, module: torch.nn.Module) -> None:
        if self._average is None:
            function = None
            if self.kind == "ema":
                function = get_ema_multi_avg_fn(self.decay)
            train = module.__dict__.pop("train")  # not to be copied
            self._average = AveragedModel(
                module, multi_avg_fn=function, use_buffers=True
            )
            module.__dict__["train"] = train
        self._average.update_parameters(module)

    @torch.no_grad()
    def _show(self, module: torch.nn.Module, *, average: bool) -> None:
        """Put the average or the weights as they are into the module."""
        if self._average is None or average == (self._raw is not None):
            return
        here = [*module.parameters(), *module.buffers()]
        if average:
            inner = self._average.module
            self._raw = [p.clone() for p in here]
            values = [*inner.parameters(), *inner.buffers()]
        else:
            assert self._raw is not None
            values, self._raw = self._raw, None
        for p, value in zip(here, values, strict=True):
            p.copy_(value)

    def on_train_end(self, net: Any, X: Any = None, y: Any = None, **_: Any) -> None:
        """Leave the average, or the best one of early stopping, in place."""
        module = net.module_
        if not hasattr(net, "plan"):  # a plain net ends with no look at it
            self._show(module, average=True)
        module.__dict__.pop("train", None)
        self._average, self._raw = None, None
