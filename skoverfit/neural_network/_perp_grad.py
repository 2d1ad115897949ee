# SPDX-License-Identifier: BSD-3-Clause
"""Gradients orthogonal to the weights: no step only scales the logits up."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from numbers import Integral
from typing import Any

import torch
from skorch.callbacks import Callback

from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._net_axis import has_net_axis, is_layer_weight

__all__ = ["PerpGrad", "attach_perp_grad", "perpendicular_gradient_"]


@torch.no_grad()
def perpendicular_gradient_(
    parameter: torch.Tensor, *, rescale: bool = True, net_axis: bool = False
) -> None:
    """Take the part along the weights out of a parameter's gradient, in place.

    Parameters
    ----------
    parameter : tensor
        With ``grad``. Nothing is done where there is none, where it holds one number
        only, or where all weights are zero.
    rescale : bool, default=True
        Whether the gradient keeps its norm.
    net_axis : bool, default=False
        Whether the first axis counts nets, each of which is projected by itself.

    Examples
    --------
    >>> import torch
    >>> from skoverfit.neural_network import perpendicular_gradient_
    >>> w = torch.tensor([[2.0, 0.0]])
    >>> w.grad = torch.tensor([[3.0, 4.0]])
    >>> perpendicular_gradient_(w)
    >>> w.grad
    tensor([[0., 5.]])
    """
    gradient = parameter.grad
    if gradient is None:
        return
    if gradient.is_sparse:
        raise BadInputError(
            "PerpGrad can't project a sparse gradient; make the embedding with "
            "sparse=False."
        )
    rows = len(parameter) if net_axis else 1
    if parameter.numel() < 2 * max(rows, 1):
        return
    half = parameter.dtype in (torch.float16, torch.bfloat16)
    kind = torch.float32 if half else parameter.dtype
    w = parameter.reshape(rows, -1).to(kind)
    g = gradient.reshape(rows, -1).to(kind)
    square = (w * w).sum(dim=1, keepdim=True)
    zero = square == 0
    share = (w * g).sum(dim=1, keepdim=True) / square.masked_fill(zero, 1.0)
    made = g - share * w
    if rescale:
        before = g.norm(dim=1, keepdim=True)
        after = made.norm(dim=1, keepdim=True)
        # What rounding leaves of a gradient along the weights is not to be blown up.
        rest = after > 16 * torch.finfo(kind).eps * before
        made *= torch.where(rest, before / after.masked_fill(~rest, 1.0), 0.0)
    gradient.copy_(torch.where(zero, g, made).view_as(gradient))


def _check_min_ndim(min_ndim: Any) -> None:
    if not isinstance(min_ndim, Integral) or isinstance(min_ndim, bool) or min_ndim < 0:
        raise BadInputError(
            "The 'min_ndim' parameter of PerpGrad must be an integer of at least 0. "
            f"Got {min_ndim!r} instead."
        )


def attach_perp_grad(
    optimizer: torch.optim.Optimizer,
    *,
    min_ndim: int = 2,
    rescale: bool = True,
    parameters: Iterable[torch.Tensor] | None = None,
) -> Any:
    """Let a torch optimizer see only gradients orthogonal to the weights.

    The optimizer stays the one it is: its parameter groups, its state, its state dict
    and schedulers are untouched, which is not so for a wrapper around it. Steps with a
    closure (LBFGS) work too. The hook is not part of the state dict: attach it again
    to an optimizer that was loaded.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        Of any kind.
    min_ndim : int, default=2
        Parameters with fewer axes, such as biases, are left as they are.
    rescale : bool, default=True
        Whether gradients keep their norm.
    parameters : iterable of tensor, default=None
        Parameters to project; None for all of at least ``min_ndim`` axes.

    Returns
    -------
    torch.utils.hooks.RemovableHandle
        ``handle.remove()`` gives the plain optimizer back.

    References
    ----------
    Prieto, Barsbey, Mediano & Birdal (2025), "Grokking at the Edge of Numerical
    Stability", ICLR, arXiv:2501.04697.

    Examples
    --------
    >>> import torch
    >>> from skoverfit.neural_network import attach_perp_grad
    >>> layer = torch.nn.Linear(3, 2, bias=False)
    >>> optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    >>> handle = attach_perp_grad(optimizer)
    >>> before = layer.weight.detach().clone()
    >>> layer(torch.ones(4, 3)).square().sum().backward()
    >>> optimizer.step()
    >>> step = layer.weight.detach() - before
    >>> bool((step * before).sum().abs() < 1e-6)
    True
    """
    _check_min_ndim(min_ndim)
    chosen = None if parameters is None else {id(p) for p in parameters}

    def project() -> None:
        for group in optimizer.param_groups:
            for p in group["params"]:
                wanted = p.dim() >= min_ndim if chosen is None else id(p) in chosen
                if wanted:
                    perpendicular_gradient_(p, rescale=rescale)

    def hook(_: Any, args: Any, kwargs: Any) -> Any:
        closure = kwargs.get("closure", args[1] if len(args) > 1 else None)
        if closure is None:
            project()
            return None

        def projected() -> Any:
            loss = closure()
            project()
            return loss

        rest = {k: v for k, v in kwargs.items() if k != "closure"}
        return (args[0], projected, *args[2:]), rest

    register: Callable[[Any], Any] = optimizer.register_step_pre_hook
    return register(hook)


class PerpGrad(Callback):
    """Train with gradients that are orthogonal to the weights.

    Once all training rows are fitted, the loss still falls by scaling the weights up,
    which changes no prediction; the net stops learning, and in the end the softmax
    rounds to 0 and 1. Without the part of the gradient along the weights that way is
    closed. It takes effect where a net fits its rows perfectly and is stuck; on
    ordinary tables weight decay and early stopping are stronger.

    Each weight matrix is projected by itself, and in a stack each net of it. The
    update of an optimizer with momentum or a preconditioner need not be orthogonal;
    the gradient is.

    Parameters
    ----------
    min_ndim : int, default=2
        Parameters with fewer axes are left as they are: biases, gains. In
        `TabularMLPClassifier` and `TabularMLPRegressor` all but the weights of the
        layers are left.
    rescale : bool, default=True
        Whether gradients keep their norm, as in the official code; the paper's formula
        has the projection only.

    See Also
    --------
    attach_perp_grad : The same for an optimizer in a plain torch loop.

    Notes
    -----
    The official wrapper loses the parameters of the optimizer that it wraps and hides
    it from schedulers, and moves a parameter of one number at random; this is a
    callback before the optimizer, which knows nothing of it, and one number is left as
    it is. Mixed precision is unscaled before.

    How soon a net that fits all its rows finds the rule behind them depends on its
    start: smaller weights, as torch draws them, are faster than those of our own
    module. With weight decay or biases that grow, the net has other ways to scale its
    logits; the published nets have neither.

    References
    ----------
    Prieto, Barsbey, Mediano & Birdal (2025), "Grokking at the Edge of Numerical
    Stability", ICLR, arXiv:2501.04697.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skoverfit.neural_network import PerpGrad, TabularMLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> net = TabularMLPClassifier(callbacks=[PerpGrad()], max_epochs=5, random_state=0)
    >>> net.fit(X, y).score(X, y) > 0.9
    True
    """

    def __init__(self, min_ndim: int = 2, *, rescale: bool = True) -> None:
        self.min_ndim = min_ndim
        self.rescale = rescale

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **_: Any) -> None:
        """Check the parameters."""
        _check_min_ndim(self.min_ndim)

    def on_grad_computed(
        self, net: Any, named_parameters: Any, training: bool = True, **_: Any
    ) -> None:
        """Project the gradients of a step."""
        if not training:
            return
        module = net.module_
        stacked = has_net_axis(module)
        for name, p in named_parameters:
            wanted = is_layer_weight(name) if stacked else p.dim() >= self.min_ndim
            if wanted:
                perpendicular_gradient_(p, rescale=self.rescale, net_axis=stacked)
