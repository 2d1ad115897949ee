# SPDX-License-Identifier: BSD-3-Clause
"""Train on balanced classes first, then only the last layer on the rows as they are."""

from __future__ import annotations

from numbers import Real
from typing import Any

import torch
from skorch.callbacks import Callback
from torch import nn

from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._temperature import (
    TemperatureSampler,
    group_codes,
    row_probabilities,
)

__all__ = ["TwoPhaseTraining"]


class TwoPhaseTraining(Callback):
    """Learn features from balanced classes and the last layer from the real shares.

    In the first phase all classes come equally often; in the second all layers but the
    last are frozen, statistics of BatchNorm included, and rows come as they are, so
    that probabilities follow the real shares.

    Parameters
    ----------
    balance : {"over", "under"}, default="over"
        "over" draws as many rows as there are, with replacement; "under" draws from
        each class as many different rows as the smallest has, anew in each epoch, and
        repeats them to the length of an epoch.
    switch : float, default=0.5
        Share of the epochs of the first phase.
    last_layer : str, default="auto"
        Name of the submodule that is trained in the second phase; "auto" is ``head``
        of our modules, otherwise the last one with parameters of its own.
    learning_rate : float, default=None
        Learning rate of the second phase; None keeps it.

    Attributes
    ----------
    phase_ : int
        1 or 2.

    Notes
    -----
    Early stopping that ends in the first phase leaves out the second: the net is then
    one for balanced classes. In a plain skorch net ``iterator_train__sampler`` must
    be a `TemperatureSampler` of the classes, and only "over" is known.

    References
    ----------
    Buda, Maki & Mazurowski (2018), "A systematic study of the class imbalance problem
    in convolutional neural networks", Neural Networks 106, arXiv:1710.05381.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from skoverfit.neural_network import TabularMLPClassifier, TwoPhaseTraining
    >>> X, y = make_classification(300, weights=[0.9], random_state=0)
    >>> net = TabularMLPClassifier(
    ...     callbacks=[TwoPhaseTraining()], early_stopping=False, max_epochs=10,
    ...     random_state=0)
    >>> net.fit(X, y).score(X, y) > 0.8
    True
    """

    phase_: int
    _epoch: int

    def __init__(
        self,
        balance: str = "over",
        *,
        switch: float = 0.5,
        last_layer: str = "auto",
        learning_rate: float | None = None,
    ) -> None:
        self.balance = balance
        self.switch = switch
        self.last_layer = last_layer
        self.learning_rate = learning_rate

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **_: Any) -> None:
        """Check the parameters; start with the first phase."""
        if self.balance not in ("over", "under"):
            raise BadInputError(
                "The 'balance' parameter of TwoPhaseTraining must be 'over' or "
                f"'under'. Got {self.balance!r} instead."
            )
        if not isinstance(self.switch, Real) or not 0 <= self.switch <= 1:
            raise BadInputError(
                "The 'switch' parameter of TwoPhaseTraining must be a float in [0, 1]. "
                f"Got {self.switch!r} instead."
            )
        if self.balance == "under" and not hasattr(net, "plan"):
            raise BadInputError(
                "TwoPhaseTraining with balance='under' works in our estimators only; "
                "use 'over'."
            )
        self.phase_, self._epoch = 1, 0
        self._frozen: list[nn.Parameter] = []
        self._handles: list[Any] = []
        self._last(net.module_)

    def on_epoch_begin(self, net: Any, dataset_train: Any = None, **_: Any) -> None:
        """Begin a phase where its time has come."""
        second = self._epoch >= self.switch * net.max_epochs
        if second and self.phase_ == 1:
            self.phase_ = 2
            self._freeze(net)
        if hasattr(net, "plan"):
            dataset_train.order = None if second else self._order(dataset_train)
        else:
            sampler = net.get_params_for("iterator_train").get("sampler")
            if not isinstance(sampler, TemperatureSampler):
                raise BadInputError(
                    "TwoPhaseTraining needs a TemperatureSampler of the classes as "
                    f"iterator_train__sampler of a plain skorch net. Got {sampler!r} "
                    "instead."
                )
            sampler.set_tau(1.0 if second else float("inf"))
        self._epoch += 1

    def _order(self, data: Any) -> Any:
        if data.target.is_floating_point():
            raise BadInputError(
                "TwoPhaseTraining needs classes, not numbers, as target."
            )
        codes = group_codes(data.target)

        def order(
            net: int, rows: torch.Tensor, generator: torch.Generator
        ) -> torch.Tensor:
            own = codes[rows]
            if self.balance == "over":
                shares = row_probabilities(own, float("inf"))
                drawn = torch.multinomial(
                    shares, len(rows), replacement=True, generator=generator
                )
                return rows[drawn]
            mixed = torch.randperm(len(rows), generator=generator)
            smallest = int(torch.bincount(own)[torch.unique(own)].min())
            kept = torch.cat(
                [mixed[own[mixed] == k][:smallest] for k in torch.unique(own)]
            )
            parts = [
                kept[torch.randperm(len(kept), generator=generator)]
                for _ in range(-(-len(rows) // len(kept)))
            ]
            return rows[torch.cat(parts)[: len(rows)]]

        return order

    def _last(self, module: nn.Module) -> list[nn.Module]:
        """Return the layers of the second phase, one a net where each is a module."""
        nets = getattr(module, "nets", None) if hasattr(module, "owner") else None
        found = []
        for part in [module] if nets is None else nets:
            name = self.last_layer
            if name == "auto":
                own = [n for n, m in part.named_modules() if list(m.parameters(False))]
                name = "head" if "head" in own else own[-1]
            try:
                found.append(part.get_submodule(name))
            except AttributeError:
                raise BadInputError(
                    "The 'last_layer' parameter of TwoPhaseTraining is "
                    f"{self.last_layer!r}, which the module has not."
                ) from None
        return found

    def _freeze(self, net: Any) -> None:
        module = net.module_
        kept = {id(p) for layer in self._last(module) for p in layer.parameters()}
        for p in module.parameters():
            if p.requires_grad and id(p) not in kept:
                p.requires_grad_(False)
                p.grad = None
                self._frozen.append(p)
        for layer in module.modules():
            if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                # Training puts it into its training mode again before each step.
                hook = layer.register_forward_pre_hook(lambda m, _: m.eval() and None)
                self._handles.append(hook)
        if self.learning_rate is not None:
            for group in net.optimizer_.param_groups:
                for name in ("lr", "initial_lr"):
                    if name in group:
                        group[name] = self.learning_rate

    def on_train_end(self, net: Any, X: Any = None, y: Any = None, **_: Any) -> None:
        """Give all layers back to training."""
        for p in self._frozen:
            p.requires_grad_(True)
        for handle in self._handles:
            handle.remove()
        self._frozen, self._handles = [], []
