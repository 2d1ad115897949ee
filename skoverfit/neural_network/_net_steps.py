# SPDX-License-Identifier: BSD-3-Clause
"""What one optimizer does to several nets, as if each had one of its own."""

from __future__ import annotations

from typing import Any

import torch

__all__ = ["clip_gradients", "uneven_step"]


@torch.no_grad()
def clip_gradients(module: torch.nn.Module, n_nets: int, largest: float) -> None:
    """Clip the gradient norm of each net by itself."""
    owner: Any = getattr(module, "owner", None)
    every: list[Any] = [p for p in module.parameters() if p.grad is not None]
    if n_nets == 1:
        torch.nn.utils.clip_grad_norm_(every, largest)
        return
    if owner is not None:  # modules of any kind, each with its own parameters
        nets: list[list[Any]] = [[] for _ in range(n_nets)]
        for name, p in module.named_parameters():
            if p.grad is not None:
                nets[owner(name)].append(p)
        for parameters in nets:
            torch.nn.utils.clip_grad_norm_(parameters, largest)
        return
    squares: Any = sum(p.grad.square().flatten(1).sum(1) for p in every)
    scale = (largest / (squares.sqrt() + 1e-6)).clamp(max=1.0)
    for p in every:
        p.grad.mul_(scale.view(-1, *[1] * (p.dim() - 1)))


@torch.no_grad()
def uneven_step(
    optimizer: torch.optim.Optimizer,
    ratios: torch.Tensor,
    decays: torch.Tensor,
    *,
    own_decay: bool,
) -> None:
    """Step with a learning rate and a decoupled weight decay of each net's own.

    An update is proportional to the learning rate, so the step that the optimizer
    takes at the largest rate is shrunk by each net's ratio. (Stretching a smaller
    one would stretch its rounding error, too.)

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        Its rate is the largest of all nets'.
    ratios : tensor of shape (n_nets,)
        Learning rates relative to the largest.
    decays : tensor of shape (n_nets,)
        Weight decays.
    own_decay : bool
        Whether the decay is done here, since the optimizer knows one for all only.
    """
    before = []
    for group in optimizer.param_groups:
        largest = group["lr"]
        for p in group["params"]:
            if p.grad is None:  # frozen
                continue
            shape = (-1, *[1] * (p.dim() - 1))
            if group["decayed"] and own_decay:
                p.mul_(1 - largest * (ratios * decays).view(shape))
            before.append((p, p.clone(), ratios.view(shape)))
    optimizer.step()
    for p, old, ratio in before:
        torch.lerp(old, p, ratio, out=p)
