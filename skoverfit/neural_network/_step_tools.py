# SPDX-License-Identifier: BSD-3-Clause
"""What batch steps share: real rows, views and random rows, equality by value."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import torch

from skoverfit.neural_network._data import Batch

__all__ = [
    "ByValue",
    "View",
    "counts_of",
    "generator_on",
    "real_rows",
    "shifted",
    "uniform_rows",
    "viewed",
]

# A view maker: ``view(rows, generator)`` returns rows of the same shape.
View = Callable[[torch.Tensor, torch.Generator], torch.Tensor]


class ByValue:
    """Objects that are equal where their public attributes are."""

    def _shown(self) -> dict[str, object]:
        return {k: v for k, v in vars(self).items() if not k.startswith("_")}

    def __repr__(self) -> str:
        shown = ", ".join(f"{k}={v!r}" for k, v in self._shown().items())
        return f"{type(self).__name__}({shown})"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and repr(other) == repr(self)

    def __hash__(self) -> int:
        return hash(repr(self))


def counts_of(batch: Batch, n_nets: int) -> list[int]:
    """Return the real rows of each net in a batch."""
    if isinstance(batch.count, torch.Tensor):
        return [int(count) for count in batch.count]
    return [batch.count] * n_nets


def real_rows(batch: Batch) -> torch.Tensor | None:
    """Return which rows ``(n_nets, rows)`` are real; None where all are."""
    if not isinstance(batch.count, torch.Tensor):
        return None
    place = torch.arange(batch.dense.shape[-2], device=batch.dense.device)
    return place < batch.count.unsqueeze(1)


def shifted(losses: torch.Tensor, shift: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Return losses of rows whose mean in each net is larger by a shift.

    Parameters
    ----------
    losses : tensor of shape (n_nets, rows), (rows,) or ()
        Losses of rows, or their mean.
    shift : tensor of shape (n_nets,) or ()
        To add to the mean of each net over its real rows.
    batch : Batch
        Whose losses they are.
    """
    if losses.dim() == 0:
        return losses + shift.reshape(())
    if isinstance(batch.count, torch.Tensor):
        shift = shift * batch.count / losses.shape[-1]
    return losses + shift.reshape(*losses.shape[:-1], 1)


def uniform_rows(
    like: torch.Tensor, batch: Batch, generators: Sequence[torch.Generator]
) -> torch.Tensor:
    """Return numbers in [-1, 1] of a tensor's shape, each net's from its generator.

    Rows that only fill a batch up draw nothing and get zeros, so that a net draws in a
    stack what it draws alone.
    """
    stacked = len(generators) > 1
    made = torch.zeros(like.shape, dtype=like.dtype)
    parts = made if stacked else made.unsqueeze(0)
    counts = counts_of(batch, len(generators))
    for part, count, generator in zip(parts, counts, generators, strict=True):
        part[:count].uniform_(-1, 1, generator=generator)
    return made.to(like.device)


def generator_on(device: torch.device, own: torch.Generator) -> torch.Generator:
    """Return a net's generator, or one of a device that it seeds.

    A training that is taken up again draws the same numbers either way.
    """
    if device.type == "cpu":
        return own
    seed = int(torch.randint(2**62, (), generator=own))
    return torch.Generator(device).manual_seed(seed)


def viewed(batch: Batch, view: View | None, generator: torch.Generator) -> Batch:
    """Return a view of a batch; codes are seen as columns of numbers."""
    if view is None:
        return batch
    if batch.codes is None:
        return dataclasses.replace(batch, dense=view(batch.dense, generator))
    width = batch.dense.shape[1]
    codes = batch.codes.to(batch.dense.dtype)
    made = view(torch.cat([batch.dense, codes], dim=1), generator)
    return dataclasses.replace(
        batch, dense=made[:, :width], codes=made[:, width:].round().long()
    )
