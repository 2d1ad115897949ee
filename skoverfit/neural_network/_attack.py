# SPDX-License-Identifier: BSD-3-Clause
"""Moving rows to where a loss is large: projected gradient steps by signs."""

from __future__ import annotations

from collections.abc import Callable

import torch

__all__ = ["climb", "row_slope"]

Box = tuple[torch.Tensor | float, torch.Tensor | float]


def row_slope(
    loss: Callable[[torch.Tensor], torch.Tensor], moves: torch.Tensor
) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return a function that gives the signs of the loss's slope at rows.

    Parameters
    ----------
    loss : callable
        Rows to their losses.
    moves : tensor of shape (d,)
        1 for columns that move, 0 for others.
    """

    def slope(rows: torch.Tensor) -> torch.Tensor:
        rows = rows.detach().requires_grad_()
        return torch.autograd.grad(loss(rows).sum(), rows)[0].sign() * moves

    return slope


def climb(
    rows: torch.Tensor,
    slope: Callable[[torch.Tensor], torch.Tensor],
    *,
    eps: float,
    step_size: float,
    n_steps: int,
    start: torch.Tensor | None = None,
    box: Box | None = None,
) -> torch.Tensor:
    """Return rows that climbed, within ``eps`` of where they were and in the box.

    A row that lies outside the box may stay where it is.
    """
    moved = rows if start is None else rows + start
    for _ in range(n_steps):
        moved = moved + step_size * slope(moved)
        moved = rows + (moved - rows).clamp(-eps, eps)
        if box is not None:
            low, high = (torch.as_tensor(end).to(rows) for end in box)
            moved = torch.minimum(moved, torch.maximum(high, rows))
            moved = torch.maximum(moved, torch.minimum(low, rows))
    return moved
