# SPDX-License-Identifier: BSD-3-Clause
"""Rows for a stack of nets: tensors moved once, batches gathered by index.

All nets of a stack read one table of rows. Each has its own rows of it to train on and
to be judged on, and its own generator that permutes them, so that it meets the batches
that it would meet alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch

__all__ = ["Batch", "NetData", "TrainBatches", "ValidBatches"]

# Validation rows that are gathered once and kept, instead of in every epoch.
_KEPT_BYTES = 1 << 28


@dataclass(kw_only=True)
class Batch:
    """Rows of one step; tensors have the net axis first where there are several nets.

    Attributes
    ----------
    dense, codes, target, weight : tensor
        The rows; codes and weight may be None. The weights have mean 1 over all rows
        that a net trains on.
    count : tensor of shape (n_nets,) or int
        Rows of each net in the batch, without those that only fill it up.
    lengths : list of int or None
        The same in main memory, where the nets' counts may differ.
    rows : tensor of int64 or None
        Numbers of the rows in the table of all rows; in training.
    """

    dense: torch.Tensor
    codes: torch.Tensor | None
    target: torch.Tensor
    weight: torch.Tensor | None
    count: torch.Tensor | int
    lengths: Sequence[int] | None = None
    rows: torch.Tensor | None = None


@dataclass(kw_only=True)
class NetData:
    """A table of rows and which of them each net trains on and is judged on.

    Attributes
    ----------
    dense : tensor of shape (n, d)
        Encoded columns.
    codes : tensor of shape (n, c), int64, or None
        Codes of the nominal columns that are embedded.
    target : tensor of shape (n,) or (n, m)
        Class codes, or values.
    weight : tensor of shape (n,) or None
        Sample weights.
    train : sequence of tensor of int64, one a net
        Rows that each net trains on.
    valid : sequence of tensor of int64, one a net, or None
        Rows that each net is judged on after each epoch.
    device : torch.device
        Where batches are needed. The table lies in main memory where it does not fit
        the device.
    order : callable or None
        ``order(net, rows, generator)`` returns the rows of a net's epoch, as many as
        given; None: a permutation.
    encoder, classes : object
        How the table was encoded and the labels of the codes in ``target``, for
        callbacks that bring rows of their own; None where there is no such thing.
    """

    dense: torch.Tensor
    codes: torch.Tensor | None
    target: torch.Tensor
    weight: torch.Tensor | None
    train: Sequence[torch.Tensor]
    valid: Sequence[torch.Tensor] | None
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    order: Callable[[int, torch.Tensor, torch.Generator], torch.Tensor] | None = None
    encoder: Any = None
    classes: Any = None

    def __len__(self) -> int:
        """Return the rows of the longest training part."""
        return max(len(rows) for rows in self.train)

    @property
    def n_nets(self) -> int:
        """Number of nets."""
        return len(self.train)

    def permuted(
        self, net: int, rows: torch.Tensor, generator: torch.Generator
    ) -> torch.Tensor:
        """Return the rows of a net in the order of an epoch."""
        if self.order is not None:
            return self.order(net, rows, generator)
        return rows[torch.randperm(len(rows), generator=generator)]

    @cached_property
    def bounds(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Smallest and largest values ``(n_nets, 1, d)``, or ``(1, d)`` for one net."""
        parts = [self.dense[rows.to(self.dense.device)] for rows in self.train]
        low = torch.stack([part.amin(dim=0, keepdim=True) for part in parts])
        high = torch.stack([part.amax(dim=0, keepdim=True) for part in parts])
        if self.n_nets == 1:
            low, high = low[0], high[0]
        return low.to(self.device), high.to(self.device)

    def gather(self, rows: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return dense, codes and target of rows, on the device, in the rows' shape."""
        flat = rows.reshape(-1)

        def take(table: torch.Tensor) -> torch.Tensor:
            taken = table.index_select(0, flat).view(*rows.shape, *table.shape[1:])
            if taken.device == self.device:
                return taken
            # A table that does not fit the device streams to it: from pinned memory
            # the copy runs beside the computation of the step before.
            if self.device.type == "cuda":
                taken = taken.pin_memory()
            return taken.to(self.device, non_blocking=True)

        codes = None if self.codes is None else take(self.codes)
        return take(self.dense), codes, take(self.target)  # type: ignore[return-value]

    def mean_weights(self, parts: Sequence[torch.Tensor]) -> torch.Tensor | None:
        """Return the mean weight of each net's rows, None without weights."""
        if self.weight is None:
            return None
        return torch.stack([self.weight[rows].mean() for rows in parts])


def _padded(parts: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Stack row numbers of different lengths; the mask says which are real."""
    length = max(len(rows) for rows in parts)
    if all(len(rows) == length for rows in parts):
        return torch.stack(list(parts)), None
    stacked = parts[0].new_zeros((len(parts), length))
    mask = torch.zeros((len(parts), length), dtype=torch.bool, device=stacked.device)
    for net, rows in enumerate(parts):
        stacked[net, : len(rows)] = rows
        stacked[net, len(rows) :] = rows[0]
        mask[net, : len(rows)] = True
    return stacked, mask


class TrainBatches:
    """One epoch of batches: every row once, in an order drawn anew by each net.

    An epoch has ``ceil(n / batch_size)`` batches whose sizes differ by at most one, so
    that no batch has a single row unless all have. Where parts differ in length, n is
    the longest.
    """

    def __init__(
        self,
        data: NetData,
        batch_size: int,
        generators: Sequence[torch.Generator],
    ) -> None:
        self.data, self.generators = data, generators
        counts = [len(rows) for rows in data.train]
        self.n_batches = -(-max(counts) // batch_size)
        self._means = data.mean_weights(data.train)
        starts = [self._starts(n) for n in counts]
        self._starts_of_first = starts[0].tolist()
        self._slots: torch.Tensor | None = None
        if len(set(counts)) > 1:
            self._spread(torch.stack(starts))

    def _starts(self, n: int) -> torch.Tensor:
        size, longer = divmod(n, self.n_batches)
        sizes = torch.full((self.n_batches,), size)
        sizes[:longer] += 1
        return torch.cat([torch.zeros(1, dtype=torch.int64), sizes.cumsum(0)])

    def _spread(self, starts: torch.Tensor) -> None:
        """Plan which place of a net's permutation goes to which slot of a batch."""
        sizes = starts.diff(dim=1)
        self._width = int(sizes.max())
        step = torch.arange(self._width)
        slots = starts[:, :-1, None] + step  # nets, batches, slots
        real = step < sizes[:, :, None]
        self._slots = torch.where(real, slots, starts[:, :-1, None]).flatten(1)
        self._real = real.flatten(1).to(self.data.dense.dtype)
        # Batches of one row may leave a shorter part without one at the end.
        divisors = sizes.T.clamp(min=1)
        self._sizes = divisors.to(self.data.device, self.data.dense.dtype)
        self._lengths = sizes.T.tolist()

    def __len__(self) -> int:
        return self.n_batches

    def __iter__(self) -> Iterator[Batch]:
        data = self.data
        orders = [
            data.permuted(net, rows, self.generators[net])
            for net, rows in enumerate(data.train)
        ]
        storage = data.dense.device
        if data.n_nets == 1:
            order = orders[0].to(storage)
        elif self._slots is None:
            order = torch.stack(orders).to(storage)
        else:
            order = _padded(orders)[0].gather(1, self._slots).to(storage)
        real = None
        for number in range(self.n_batches):
            if self._slots is None:
                first, last = self._starts_of_first[number : number + 2]
                count: torch.Tensor | int = last - first
                lengths = None
            else:
                first, last = number * self._width, (number + 1) * self._width
                count, lengths = self._sizes[number], self._lengths[number]
                real = self._real[:, first:last].to(data.device)
            rows = order[..., first:last]
            dense, codes, target = data.gather(rows)
            yield Batch(
                dense=dense,
                codes=codes,
                target=target,
                weight=self._weight(rows, real),
                count=count,
                lengths=lengths,
                rows=rows,
            )

    def _weight(
        self, rows: torch.Tensor, real: torch.Tensor | None
    ) -> torch.Tensor | None:
        if self.data.weight is None:
            return real
        assert self._means is not None
        means = self._means if rows.dim() == 1 else self._means.unsqueeze(1)
        weight = (self.data.weight[rows] / means).to(self.data.device)
        return weight if real is None else weight * real


class ValidBatches:
    """The held-out rows of all nets, ``chunk`` of each net at once, in order."""

    def __init__(self, data: NetData, chunk: int) -> None:
        assert data.valid is not None
        self.data = data
        rows, mask = _padded(data.valid)
        self.rows = rows
        weight = None if data.weight is None else data.weight[rows.to("cpu")]
        if mask is not None:
            real = mask.to(data.dense.dtype)
            weight = real if weight is None else weight.to(real.device) * real
        self.weight = None if weight is None else weight.to(data.device)
        row_bytes = data.dense.element_size() * max(data.dense.shape[1], 1)
        row_bytes *= data.n_nets
        self.chunk = chunk
        self._keep = rows.shape[1] * row_bytes <= _KEPT_BYTES
        self._kept: list[Batch] | None = None

    def __iter__(self) -> Iterator[Batch]:
        if self._kept is not None:
            yield from self._kept
            return
        kept = []
        for first in range(0, self.rows.shape[1], self.chunk):
            part = slice(first, first + self.chunk)
            rows = self.rows[:, part]
            weight = None if self.weight is None else self.weight[:, part]
            if self.data.n_nets == 1:
                rows = rows.squeeze(0)
                weight = None if weight is None else weight.squeeze(0)
            dense, codes, target = self.data.gather(rows.to(self.data.dense.device))
            batch = Batch(
                dense=dense,
                codes=codes,
                target=target,
                weight=weight,
                count=rows.shape[-1],
            )
            if self._keep:
                kept.append(batch)
            yield batch
        if self._keep:
            self._kept = kept
