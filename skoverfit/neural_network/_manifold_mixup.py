# SPDX-License-Identifier: BSD-3-Clause
"""Mixup at a random layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from numbers import Integral
from typing import Any

import torch
from torch import nn

from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._batch_steps import Mixup, StepModel
from skoverfit.neural_network._data import Batch
from skoverfit.neural_network._layers import StackedLinear
from skoverfit.neural_network._net_axis import has_net_axis
from skoverfit.neural_network._step_tools import counts_of

__all__ = ["ManifoldMixup"]

_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, StackedLinear)
Partner = Callable[[torch.Tensor], torch.Tensor]


class ManifoldMixup(Mixup):
    """Train on convex combinations of pairs of rows inside the net.

    As `Mixup`, but the rows are mixed in front of a layer that is drawn anew for each
    batch and net: the first one (which is mixup), a hidden one, or the last. A linear
    path beside the layers gets mixed rows, too.

    Parameters
    ----------
    alpha : float, default=0.2
        Both parameters of the Beta distribution; the paper uses 2 for long trainings
        on images.
    layers : sequence of int, default=None
        Layers in front of which rows may be mixed, 0 the first; None: all linear and
        convolutional layers, in the order in which the module lists them.

    References
    ----------
    Verma, Lamb, Beckham, Najafi, Mitliagkas, Lopez-Paz & Bengio (2019), "Manifold
    Mixup: Better Representations by Interpolating Hidden States", ICML,
    arXiv:1806.05236.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skoverfit.neural_network import ManifoldMixup, TabularMLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> net = TabularMLPClassifier(batch_step=ManifoldMixup(0.4), random_state=0)
    >>> net.fit(X, y).score(X, y) > 0.9
    True
    """

    def __init__(
        self, alpha: float = 0.2, *, layers: Sequence[int] | None = None
    ) -> None:
        super().__init__(alpha)
        if layers is not None:
            layers = tuple(layers)
            whole = all(isinstance(n, Integral) and n >= 0 for n in layers)
            if not layers or not whole:
                raise BadInputError(
                    "The 'layers' parameter of ManifoldMixup must hold integers of at "
                    f"least 0. Got {layers!r} instead."
                )
        self.layers = layers

    def __repr__(self) -> str:
        return f"ManifoldMixup(alpha={self.alpha}, layers={self.layers})"

    def __call__(self, model: StepModel, batch: Batch) -> torch.Tensor:
        """Return the losses of the batch that was mixed at a layer."""
        module = model.module
        assert module is not None
        n_nets = len(model.generators)
        encoded = model.encode(batch)
        rows = self._shares(model, encoded)
        partner = self._next(batch, batch.dense.shape[-2], n_nets > 1)
        nets = getattr(module, "nets", None) if hasattr(module, "owner") else None
        parts = [module] if nets is None else list(nets)
        shares = rows.flatten()
        places = self._places(parts[0], model.generators)
        with ExitStack() as hooks:
            for number, part in enumerate(parts):
                here: Partner = partner
                own, at = shares, places
                if nets is not None:  # each net runs by itself, on rows of its own
                    here = _next_of(counts_of(batch, n_nets)[number])
                    own, at = shares[number : number + 1], places[number : number + 1]
                for place, layer in enumerate(_layers(part)):
                    chosen = torch.tensor([p == place for p in at], device=own.device)
                    if bool(chosen.any()):
                        kept = torch.where(chosen, own, 1.0)
                        hooks.callback(_mix_before(layer, kept, here).remove)
                skip = getattr(part, "skip", None)
                if has_net_axis(part) and isinstance(skip, nn.Module):
                    hooks.callback(_mix_before(skip, own, here).remove)
            output = model.decode(encoded)
        return self._mixed_losses(model, batch, output, rows, partner)

    def _places(
        self, module: nn.Module, generators: Sequence[torch.Generator]
    ) -> list[int]:
        """Draw the layer of each net."""
        n = len(_layers(module))
        known = tuple(range(n)) if self.layers is None else self.layers
        if not known or max(known) >= n:
            raise BadInputError(
                f"The 'layers' parameter of ManifoldMixup is {self.layers}, but the "
                f"module {type(module).__name__} has {n} linear or convolutional "
                "layers."
            )
        drawn = [torch.randint(len(known), (), generator=g) for g in generators]
        return [known[int(number)] for number in drawn]


def _layers(module: nn.Module) -> list[nn.Module]:
    skip = getattr(module, "skip", None) if has_net_axis(module) else None
    return [m for m in module.modules() if isinstance(m, _LAYERS) and m is not skip]


def _mix_before(layer: nn.Module, shares: torch.Tensor, partner: Partner) -> Any:
    """Mix what a layer gets; return the handle of the hook."""

    def hook(_: nn.Module, inputs: tuple[torch.Tensor, ...]) -> Any:
        x = inputs[0]
        if len(shares) > 1:
            share = shares.view(-1, *[1] * (x.dim() - 1)).to(x.dtype)
        else:
            share = shares.to(x.dtype)
        return (share * x + (1 - share) * partner(x), *inputs[1:])

    return layer.register_forward_pre_hook(hook)


def _next_of(count: int) -> Partner:
    """Return a function that puts the next of the real rows at each place."""

    def take(x: torch.Tensor) -> torch.Tensor:
        place = torch.arange(len(x), device=x.device)
        return x[torch.where(place + 1 < count, place + 1, 0)]

    return take
