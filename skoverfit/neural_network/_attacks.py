# SPDX-License-Identifier: BSD-3-Clause
"""Rows moved, within a radius and a box, to where the loss is larger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from skoverfit.exceptions import BadInputError

__all__ = ["ascended", "checked_range", "kept_in_box", "moving_columns"]


def moving_columns(
    width: int, n_numeric: int, frozen: Sequence[int] | None, owner: str
) -> torch.Tensor:
    """Return 1 for the dense columns that an attack may move, 0 for the others.

    Raises
    ------
    BadInputError
        If a frozen column isn't there.
    """
    moves = torch.zeros(width)
    moves[:n_numeric] = 1.0
    for column in frozen or ():
        if not -width <= column < width:
            raise BadInputError(
                f"The 'frozen_features' parameter of {owner} has {column}, "
                f"but there are {width} columns."
            )
        moves[column] = 0.0
    return moves


def checked_range(given: Any, owner: str, *, data: bool) -> Any:
    """Return a range that moved rows are kept in: two numbers, None, or "data".

    Raises
    ------
    BadInputError
        If it is none of them.
    """
    if given is None or (data and isinstance(given, str) and given == "data"):
        return given
    try:
        low, high = (float(value) for value in given)
        if low < high:
            return low, high
    except (TypeError, ValueError):
        pass
    known = "'data', None" if data else "None"
    raise BadInputError(
        f"The 'feature_range' parameter of {owner} must be {known} or two numbers, the "
        f"smaller first. Got {given!r} instead."
    )


def kept_in_box(
    moved: torch.Tensor, low: Any, high: Any, rows: torch.Tensor
) -> torch.Tensor:
    """Keep moved rows in a box; a row that lies outside may stay where it is."""
    if low is None:
        return moved
    low = torch.as_tensor(low, dtype=rows.dtype, device=rows.device)
    high = torch.as_tensor(high, dtype=rows.dtype, device=rows.device)
    return torch.maximum(
        torch.minimum(moved, torch.maximum(high, rows)), torch.minimum(low, rows)
    )


def ascended(
    rows: torch.Tensor,
    losses: Callable[[torch.Tensor], torch.Tensor],
    *,
    eps: float,
    step_size: float,
    n_steps: int,
    moves: torch.Tensor,
    begin: torch.Tensor | None = None,
    box: tuple[Any, Any] = (None, None),
) -> torch.Tensor:
    """Return rows after some steps by the sign of the gradient (PGD).

    Parameters
    ----------
    rows : tensor
        Where the radius is measured from.
    losses : callable
        ``losses(rows)``, whose sum the steps raise.
    eps, step_size : float
        Radius, and length of a step, in each column.
    n_steps : int
        Number of steps.
    moves : tensor
        1 for columns that move, 0 for others.
    begin : tensor, optional
        Where to begin instead of at the rows.
    box : tuple
        Lowest and highest values.
    """
    place = rows if begin is None else begin
    for _ in range(n_steps):
        place = place.detach().requires_grad_()
        slope = torch.autograd.grad(losses(place).sum(), place)[0].sign()
        place = place.detach() + step_size * slope * moves
        place = rows + (place - rows).clamp(-eps, eps)
        place = kept_in_box(place, *box, rows)
    return place.detach()
