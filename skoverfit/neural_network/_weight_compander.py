# SPDX-License-Identifier: BSD-3-Clause
"""Weights that are trained through a squashing function."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import torch
from skorch.callbacks import Callback
from torch import nn
from torch.nn.functional import softplus
from torch.nn.utils import parametrize

from skoverfit._core._validation import warn
from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._layers import StackedLinear

__all__ = [
    "WeightCompander",
    "WeightCompanding",
    "register_weight_compander",
    "remove_weight_compander",
]

_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, StackedLinear)


def _unsoftplus(value: torch.Tensor) -> torch.Tensor:
    return value + torch.log(-torch.expm1(-value))


class WeightCompander(nn.Module):
    """The parametrization ``w = a arctan(v / b)`` of a weight; ``v`` is trained.

    Weights stay below ``a pi / 2``; small ones move faster (slope ``a / b`` at 0),
    large ones slower. With ``a = b`` and b large it is the identity.

    Parameters
    ----------
    a : float or tensor, default=1.5
        Above 0. A tensor must broadcast to the weight, as one value a net does.
    b : float or tensor, default=1.0
        As ``a``.
    learnable : bool, default=False
        Whether a and b are trained. They are kept positive by a softplus; give them no
        weight decay.

    See Also
    --------
    register_weight_compander : Put it on all layers of a module.
    WeightCompanding : The same while a skorch net trains.

    Notes
    -----
    Weight decay acts on ``v``: it shrinks small weights at the usual rate, large ones
    more slowly, by ``x / ((1 + x^2) arctan x)`` with ``x = v / b``. The paper's
    constants are not known to us; the defaults are our own.

    References
    ----------
    Cakaj, Mehnert & Yang (2023), "Weight Compander: A Simple Weight Reparameterization
    for Regularization", IJCNN, arXiv:2306.16993.

    Examples
    --------
    >>> import torch
    >>> from torch.nn.utils import parametrize
    >>> from skoverfit.neural_network import WeightCompander
    >>> layer = torch.nn.Linear(3, 2)
    >>> before = layer.weight.detach().clone()
    >>> _ = parametrize.register_parametrization(layer, "weight", WeightCompander())
    >>> torch.allclose(layer.weight, before, atol=1e-6)
    True
    """

    raw_a: torch.Tensor
    raw_b: torch.Tensor

    def __init__(self, a: Any = 1.5, b: Any = 1.0, *, learnable: bool = False) -> None:
        super().__init__()
        self.learnable = learnable
        for name, value in (("a", a), ("b", b)):
            tensor = torch.as_tensor(value)
            if not tensor.is_floating_point():
                tensor = tensor.to(torch.get_default_dtype())
            tensor = tensor.detach().clone()
            if not bool((torch.isfinite(tensor) & (tensor > 0)).all()):
                raise BadInputError(
                    f"The '{name}' parameter of WeightCompander must be above 0. Got "
                    f"{value!r} instead."
                )
            if learnable:
                setattr(self, f"raw_{name}", nn.Parameter(_unsoftplus(tensor)))
            else:
                self.register_buffer(f"raw_{name}", tensor)

    @property
    def a(self) -> torch.Tensor:
        """Scale of the weights."""
        return softplus(self.raw_a) if self.learnable else self.raw_a

    @property
    def b(self) -> torch.Tensor:
        """Scale of what is trained."""
        return softplus(self.raw_b) if self.learnable else self.raw_b

    def forward(self, v: torch.Tensor) -> torch.Tensor:
        """Return the weights.

        Parameters
        ----------
        v : tensor
            What is trained.

        Returns
        -------
        tensor
            Of the same shape.
        """
        return self.a * torch.atan(v / self.b)

    def right_inverse(self, w: torch.Tensor) -> torch.Tensor:
        """Return what is to be trained for these weights.

        Parameters
        ----------
        w : tensor
            Weights; those beyond the bound are moved to it.

        Returns
        -------
        tensor
            Of the same shape.
        """
        bound = math.pi / 2 - 1e-4
        return self.b * torch.tan((w / self.a).clamp(-bound, bound))


def _scales(layer: nn.Module, a: Any, b: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a and b for a layer, one value a net where it holds several."""
    weight: torch.Tensor = layer.weight.detach()  # type: ignore[operator]
    stacked = isinstance(layer, StackedLinear)
    if stacked:
        largest, fan_in = weight.abs().amax(dim=(1, 2), keepdim=True), weight.shape[1]
    else:
        largest, fan_in = weight.abs().amax(), weight[0].numel()
    # A layer that starts at zero gets the scale of an ordinary start.
    start = largest.masked_fill(largest == 0, max(fan_in, 1) ** -0.5)
    if a == "auto":
        scale = 2 * start if b == "auto" else torch.full_like(start, float(b))
        slope = 1.5 * scale
    else:
        slope = torch.full_like(start, float(a))
        scale = slope / 1.5 if b == "auto" else torch.full_like(start, float(b))
    least = largest * (2 / math.pi) * 1.05
    if bool((slope < least).any()):
        warn(
            f"WeightCompander with a={float(slope.min()):.3g} bounds weights by "
            f"{float(slope.min()) * math.pi / 2:.3g}, but they start at up to "
            f"{float(largest.max()):.3g}; a is raised to {float(least.max()):.3g}."
        )
        slope = torch.maximum(slope, least)
    return slope, scale


def _check(a: Any, b: Any) -> None:
    for name, value in (("a", a), ("b", b)):
        if value == "auto":
            continue
        number = isinstance(value, Real) and not isinstance(value, bool)
        if not number or not 0 < value < math.inf:
            raise BadInputError(
                f"The '{name}' parameter of WeightCompander must be 'auto' or a float "
                f"above 0. Got {value!r} instead."
            )


def register_weight_compander(
    module: nn.Module,
    a: Any = "auto",
    b: Any = "auto",
    *,
    learnable: bool = False,
    layer_types: tuple[type[nn.Module], ...] = _LAYERS,
) -> dict[str, WeightCompander]:
    """Train the weights of all layers through `WeightCompander`.

    What the module returns does not change. An optimizer that already has the weights
    trains what stands behind them; one for learned a and b has to be given
    ``compander.parameters()``, without weight decay.

    Parameters
    ----------
    module : torch.nn.Module
        Its linear and convolutional layers are changed in place; biases and frozen
        weights are left.
    a, b : float or "auto", default="auto"
        "auto" is ``b = 2 max|w|`` and ``a = 1.5 b`` of each layer, and in a stack of
        each net. An a that is too small for the weights is raised, with a warning.
    learnable : bool, default=False
        Whether a and b are trained.
    layer_types : tuple of type, optional
        Layers whose ``weight`` is changed; by default Linear, Conv1d, Conv2d and the
        layers of our own modules.

    Returns
    -------
    dict of str to WeightCompander
        By the name of the layer.

    Examples
    --------
    >>> import torch
    >>> from skoverfit.neural_network import (
    ...     register_weight_compander, remove_weight_compander)
    >>> module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 1))
    >>> sorted(register_weight_compander(module))
    ['0', '1']
    >>> remove_weight_compander(module)
    >>> type(module[0].weight).__name__
    'Parameter'
    """
    _check(a, b)
    made: dict[str, WeightCompander] = {}
    for name, layer in list(module.named_modules()):
        if not isinstance(layer, layer_types) or parametrize.is_parametrized(layer):
            continue
        weight = layer.weight
        if not isinstance(weight, torch.Tensor) or not weight.requires_grad:
            continue
        slope, scale = _scales(layer, a, b)
        made[name] = WeightCompander(slope, scale, learnable=learnable)
        parametrize.register_parametrization(layer, "weight", made[name])
    return made


def remove_weight_compander(module: nn.Module) -> None:
    """Make the weights plain parameters again, with the values that they have.

    Parameters
    ----------
    module : torch.nn.Module
        Changed in place.

    Examples
    --------
    >>> import torch
    >>> from skoverfit.neural_network import (
    ...     register_weight_compander, remove_weight_compander)
    >>> layer = torch.nn.Linear(3, 4)
    >>> _ = register_weight_compander(layer)
    >>> remove_weight_compander(layer)
    >>> sorted(layer.state_dict())
    ['bias', 'weight']
    """
    for layer in list(module.modules()):
        if not parametrize.is_parametrized(layer, "weight"):
            continue
        chain = layer.parametrizations["weight"]  # type: ignore[index]
        if any(isinstance(part, WeightCompander) for part in chain):
            parametrize.remove_parametrizations(layer, "weight")
            # The weight is where it was: before the bias.
            own = layer._parameters
            rest = [name for name in own if name != "weight"]
            for name in rest:
                own[name] = own.pop(name)


class WeightCompanding(Callback):
    """Train all weights through a squashing function; plain weights come out.

    An add-on to weight decay and dropout with a small effect: large weights are
    bounded, small ones leave zero faster. On digits with few rows it did not improve
    the accuracy with our default constants. The weights are plain again as soon as the
    training is over, so that the net predicts and is saved as any other.

    Parameters
    ----------
    a, b : float or "auto", default="auto"
        As in `register_weight_compander`.
    learnable : bool, default=False
        Whether a and b are trained, without weight decay.

    Attributes
    ----------
    companders_ : dict of str to WeightCompander
        By the name of the layer. Further training goes on with them.

    References
    ----------
    Cakaj, Mehnert & Yang (2023), "Weight Compander: A Simple Weight Reparameterization
    for Regularization", IJCNN, arXiv:2306.16993.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skoverfit.neural_network import TabularMLPClassifier, WeightCompanding
    >>> X, y = load_iris(return_X_y=True)
    >>> net = TabularMLPClassifier(
    ...     callbacks=[WeightCompanding()], max_epochs=5, random_state=0)
    >>> net.fit(X, y).score(X, y) > 0.9
    True
    """

    def __init__(
        self, a: Any = "auto", b: Any = "auto", *, learnable: bool = False
    ) -> None:
        self.a = a
        self.b = b
        self.learnable = learnable

    def initialize(self) -> WeightCompanding:
        """Start anew, without companders.

        Returns
        -------
        WeightCompanding
            This callback.
        """
        self.companders_: dict[str, WeightCompander] = {}
        return self

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **_: Any) -> None:
        """Put the companders on."""
        module = net.module_
        if not self.companders_:
            self.companders_ = register_weight_compander(
                module, self.a, self.b, learnable=self.learnable
            )
        else:
            for name, compander in self.companders_.items():
                layer = module.get_submodule(name)
                if not parametrize.is_parametrized(layer, "weight"):
                    parametrize.register_parametrization(layer, "weight", compander)
        if self.learnable:
            self._add_to(net.optimizer_)

    def _add_to(self, optimizer: torch.optim.Optimizer) -> None:
        known = {id(p) for group in optimizer.param_groups for p in group["params"]}
        own = [p for c in self.companders_.values() for p in c.parameters()]
        new = [p for p in own if id(p) not in known]
        if new:
            first = optimizer.param_groups[0]
            group = {"params": new, "weight_decay": 0.0, "decayed": False}
            group |= {k: first[k] for k in ("lr", "initial_lr") if k in first}
            optimizer.add_param_group(group)

    def on_train_end(self, net: Any, X: Any = None, y: Any = None, **_: Any) -> None:
        """Make the weights plain."""
        remove_weight_compander(net.module_)
