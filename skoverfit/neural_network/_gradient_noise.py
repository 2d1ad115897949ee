# SPDX-License-Identifier: BSD-3-Clause
"""Annealed Gaussian noise on gradients."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fnmatch import fnmatch
from numbers import Real
from typing import Any

import torch
from skorch.callbacks import Callback, GradientNormClipping

from skoverfit._core._random import derive_seed
from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._net_axis import has_net_axis, net_seeds, owners

__all__ = ["GradientNoise", "add_gradient_noise_"]


@torch.no_grad()
def add_gradient_noise_(
    parameters: Iterable[torch.Tensor],
    sigma: float,
    generator: torch.Generator | None = None,
) -> None:
    """Add normal noise to the gradients of parameters, in place.

    Parameters
    ----------
    parameters : iterable of tensor
        Those without ``grad`` are skipped and draw nothing.
    sigma : float
        Standard deviation; 0 adds nothing and draws nothing.
    generator : torch.Generator, default=None
        On the parameters' device; None for torch's own.

    References
    ----------
    Neelakantan, Vilnis, Le, Sutskever, Kaiser, Kurach & Martens (2015), "Adding
    Gradient Noise Improves Learning for Very Deep Networks", arXiv:1511.06807.

    Examples
    --------
    >>> import torch
    >>> from skoverfit.neural_network import add_gradient_noise_
    >>> w = torch.zeros(10_000, requires_grad=True)
    >>> w.grad = torch.ones(10_000)
    >>> add_gradient_noise_([w], 0.5, torch.Generator().manual_seed(0))
    >>> round(float(w.grad.std()), 2)
    0.5
    """
    if sigma == 0:
        return
    for p in parameters:
        if p.grad is not None:
            p.grad.add_(_noise(p.grad, sigma, generator))


def _noise(
    like: torch.Tensor, sigma: float, generator: torch.Generator | None
) -> torch.Tensor:
    if like.is_sparse:
        raise BadInputError(
            "GradientNoise can't be added to a sparse gradient; make the embedding "
            "with sparse=False."
        )
    half = like.dtype in (torch.float16, torch.bfloat16)
    kind = torch.float32 if half else like.dtype
    drawn = torch.randn(like.shape, generator=generator, device=like.device, dtype=kind)
    return drawn.mul_(sigma).to(like.dtype)


class GradientNoise(Callback):
    """Add annealed Gaussian noise to the gradients of each step.

    At step t = 0, 1, ... noise of variance ``eta / (1 + t) ** gamma`` is added to each
    entry. It was published for very deep nets from a poor start. It does move a net
    whose weights all start at zero, which has no gradient without it; with today's
    starts it changes nothing at best, and with many layers much noise does harm. Its
    noise belongs behind gradient clipping.

    Parameters
    ----------
    eta : float, default=0.01
        Variance at the first step; the paper chooses from 0.01, 0.3 and 1. With Adam
        and its kin use less: they divide by the size of the gradient.
    gamma : float, default=0.55
        How fast the noise fades; 0 keeps it.
    params : sequence of str, default=None
        Patterns (``"hidden.*"``) of the parameters that get noise; None: all.
    random_state : int, RandomState instance or None, default=None
        Seed. In our estimators each net has a stream of its own, which follows from
        the estimator's ``random_state`` and this one.

    Attributes
    ----------
    step_ : int
        Steps so far. Further training goes on from there, as do a pickled callback and
        a training of our nets that resumes from a checkpoint.

    References
    ----------
    Neelakantan, Vilnis, Le, Sutskever, Kaiser, Kurach & Martens (2015), "Adding
    Gradient Noise Improves Learning for Very Deep Networks", arXiv:1511.06807.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skoverfit.neural_network import GradientNoise, TabularMLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> noise = GradientNoise(eta=0.01)
    >>> net = TabularMLPClassifier(callbacks=[noise], max_epochs=5, random_state=0)
    >>> net.fit(X, y).score(X, y) > 0.9
    True
    """

    def __init__(
        self,
        eta: float = 0.01,
        *,
        gamma: float = 0.55,
        params: Sequence[str] | None = None,
        random_state: Any = None,
    ) -> None:
        self.eta = eta
        self.gamma = gamma
        self.params = params
        self.random_state = random_state

    def initialize(self) -> GradientNoise:
        """Start anew, at step 0.

        Returns
        -------
        GradientNoise
            This callback.
        """
        self.step_ = 0
        self._seeds: list[int] | None = None
        return self

    @property
    def sigma(self) -> float:
        """Standard deviation of the noise at this step."""
        return math.sqrt(self.eta / (1 + self.step_) ** self.gamma)

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **_: Any) -> None:
        """Check the parameters and the order of the callbacks."""
        for name in ("eta", "gamma"):
            value = getattr(self, name)
            number = isinstance(value, Real) and not isinstance(value, bool)
            if not number or not 0 <= value < math.inf:
                raise BadInputError(
                    f"The '{name}' parameter of GradientNoise must be a float of at "
                    f"least 0. Got {value!r} instead."
                )
        others = [callback for _, callback in net.callbacks_]
        behind = others[others.index(self) :] if self in others else []
        if any(isinstance(callback, GradientNormClipping) for callback in behind):
            raise BadInputError(
                "GradientNoise comes before GradientNormClipping in callbacks, which "
                "would clip the noise; put it behind."
            )
        if self._seeds is None:
            self._seeds = net_seeds(net, self.random_state, "gradient noise")

    @torch.no_grad()
    def on_grad_computed(
        self, net: Any, named_parameters: Any, training: bool = True, **_: Any
    ) -> None:
        """Add the noise of this step."""
        if not training or self.eta == 0:
            return
        assert self._seeds is not None
        # Our net knows its steps, also where it goes on from a checkpoint.
        self.step_ = getattr(net, "n_steps_", self.step_)
        sigma, module = self.sigma, net.module_
        stacked = has_net_axis(module)
        device = next(module.parameters()).device
        # A stream for each step: whoever knows its number can go on.
        generators = [
            torch.Generator(device).manual_seed(derive_seed(seed, self.step_))
            for seed in self._seeds
        ]
        for name, p in named_parameters:
            if p.grad is None or not self._is_chosen(name):
                continue
            shared = p.dim() == 0 or len(p) != len(generators)
            if stacked and not shared:
                for net_, part in enumerate(p.grad):
                    part.add_(_noise(part, sigma, generators[net_]))
            else:
                own = generators[owners(module, name)]
                p.grad.add_(_noise(p.grad, sigma, own))

    def on_batch_end(
        self, net: Any, batch: Any = None, training: bool = False, **_: Any
    ) -> None:
        """Count the step."""
        self.step_ += bool(training)

    def _is_chosen(self, name: str) -> bool:
        return self.params is None or any(fnmatch(name, p) for p in self.params)
