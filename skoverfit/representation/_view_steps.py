# SPDX-License-Identifier: BSD-3-Clause
"""Batch steps that learn from views: the encoders' part of the one training loop.

A step lives for one training. It draws from the net's own generator, so that a training
that goes on goes on with the same numbers.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from typing import Any

import torch
from scipy.special import betaincinv
from torch import nn
from torch.nn import functional

from skoverfit.exceptions import BadInputError
from skoverfit.neural_network import (
    BatchStep,
    MixedBarlowTwinsLoss,
    NTXentLoss,
    StepModel,
)
from skoverfit.neural_network._data import Batch
from skoverfit.neural_network._step_tools import View, generator_on, viewed

__all__ = [
    "BarlowTwinsStep",
    "ContrastiveStep",
    "MoCoStep",
    "RestoringStep",
    "ViewStep",
]

# Held-out rows are judged in parts of this size, since the number of others that a row
# is told from changes the loss.
_JUDGED_AT_ONCE = 256


class ViewStep(BatchStep):
    """Base of steps that make two views of a batch.

    Parameters
    ----------
    views : pair of view makers or None
        What makes the first and the second view; None leaves the rows as they are.
        They get the dense columns and the codes in one tensor.
    """

    hides_outputs = True

    def __init__(self, views: Sequence[View | None]) -> None:
        self.views = tuple(views)

    def losses(
        self, model: StepModel, batch: Batch, generator: torch.Generator
    ) -> torch.Tensor:
        """Return the loss of each row; a loss of the batch is that of each row."""
        raise NotImplementedError

    def __call__(self, model: StepModel, batch: Batch) -> torch.Tensor:
        """Return the losses of a batch."""
        generator = generator_on(batch.dense.device, model.generators[0])
        return self.losses(model, batch, generator)

    def held_out_losses(self, model: StepModel, batch: Batch) -> torch.Tensor:
        """Return losses of held-out rows; each epoch has the same views of them."""
        seed = model.generators[0].initial_seed() ^ 0x5EED
        generator = torch.Generator(batch.dense.device).manual_seed(seed)
        n = len(batch.dense)
        parts = torch.arange(n).tensor_split(-(-n // _JUDGED_AT_ONCE))
        made = []
        for rows in parts:
            part = dataclasses.replace(
                batch,
                dense=batch.dense[rows],
                codes=None if batch.codes is None else batch.codes[rows],
                target=batch.target[rows],
                weight=None,
                count=len(rows),
            )
            made.append(self.judged(model, part, generator))
        return torch.cat(made)

    def judged(
        self, model: StepModel, batch: Batch, generator: torch.Generator
    ) -> torch.Tensor:
        """Return the losses of held-out rows."""
        return self.losses(model, batch, generator)

    def pair(self, batch: Batch, generator: torch.Generator) -> tuple[Batch, Batch]:
        """Return two views of a batch."""
        first, second = (viewed(batch, view, generator) for view in self.views)
        return first, second


class ContrastiveStep(ViewStep):
    """Tell the two views of a row from the views of all others in the batch."""

    def __init__(self, views: Sequence[View | None], loss: NTXentLoss) -> None:
        super().__init__(views)
        self.loss = loss

    def losses(
        self, model: StepModel, batch: Batch, generator: torch.Generator
    ) -> torch.Tensor:
        """Return the loss of each row."""
        first, second = self.pair(batch, generator)
        made: torch.Tensor = self.loss(
            model.decode(model.encode(first)), model.decode(model.encode(second))
        )
        return made


class MoCoStep(ViewStep):
    """Tell a row's key from a queue of past keys; a slow copy of the net makes them.

    Parameters
    ----------
    views : pair of view makers or None
        Of the query and of the key.
    temperature : float
        Of the similarities.
    momentum : float
        Share of itself that the slow copy keeps in a step.
    queue_size : int
        Past keys; 0 takes the other keys of the batch instead.
    """

    def __init__(
        self,
        views: Sequence[View | None],
        *,
        temperature: float,
        momentum: float,
        queue_size: int,
    ) -> None:
        super().__init__(views)
        self.temperature, self.momentum = temperature, momentum
        self.queue_size = queue_size
        self.key_module: nn.Module | None = None
        self.queue: torch.Tensor | None = None
        self.queue_rows: torch.Tensor | None = None

    @torch.no_grad()
    def follow(self, module: nn.Module) -> None:
        """Move the slow copy towards the module; the first call makes the copy.

        A step begins with it, so that the optimizer's last step is in.
        """
        if self.key_module is None:
            self.key_module = copy.deepcopy(module).requires_grad_(False)
            return
        for slow, fast in zip(
            self.key_module.parameters(), module.parameters(), strict=True
        ):
            slow.lerp_(fast, 1 - self.momentum)

    @torch.no_grad()
    def keys(
        self, batch: Batch, generator: torch.Generator, *, training: bool = True
    ) -> torch.Tensor:
        """Return normalized keys ``(n, d)``.

        In training the rows go through the copy in two random halves: where a net is
        normalized by its batch, the statistics would tell which key is a query's own.
        """
        module: Any = self.key_module
        module.train(training)
        n = len(batch.dense)
        codes = batch.codes

        def run(rows: torch.Tensor) -> torch.Tensor:
            own = None if codes is None else codes[rows]
            return functional.normalize(module(batch.dense[rows], own), dim=1)

        device = batch.dense.device
        if not training or n < 4:
            return run(torch.arange(n, device=device))
        order = torch.randperm(n, generator=generator, device=device)
        made = torch.cat([run(half) for half in order.tensor_split(2)])
        return made[order.argsort()]

    def losses(
        self, model: StepModel, batch: Batch, generator: torch.Generator
    ) -> torch.Tensor:
        """Return the loss of each row, and put its key into the queue."""
        assert model.module is not None
        self.follow(model.module)
        first, second = self.pair(batch, generator)
        query = functional.normalize(model.decode(model.encode(first)), dim=1)
        key = self.keys(second, generator)
        losses = self._told_apart(query, key, batch.target)
        self._enqueue(key, batch.target)
        return losses

    def judged(
        self, model: StepModel, batch: Batch, generator: torch.Generator
    ) -> torch.Tensor:
        """Return losses among the keys of the held-out rows themselves."""
        first, second = self.pair(batch, generator)
        query = functional.normalize(model.decode(model.encode(first)), dim=1)
        if self.key_module is None:  # before the first step it would be a copy
            key = functional.normalize(model.decode(model.encode(second)), dim=1)
        else:
            key = self.keys(second, generator, training=False)
        return self._among_themselves(query, key)

    def _among_themselves(self, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        place = torch.arange(len(query), device=query.device)
        similarity = query @ key.T / self.temperature
        return functional.cross_entropy(similarity, place, reduction="none")

    def _told_apart(
        self, query: torch.Tensor, key: torch.Tensor, rows: torch.Tensor
    ) -> torch.Tensor:
        if self.queue is None or not len(self.queue):
            return self._among_themselves(query, key)
        assert self.queue_rows is not None
        own = (query * key).sum(dim=1, keepdim=True)
        others = query @ self.queue.T
        # An older key of the row itself is no other row's.
        same = rows.unsqueeze(1) == self.queue_rows
        others = others.masked_fill(same, -torch.inf)
        logits = torch.cat([own, others], dim=1) / self.temperature
        first = torch.zeros(len(query), dtype=torch.int64, device=query.device)
        return functional.cross_entropy(logits, first, reduction="none")

    def _enqueue(self, key: torch.Tensor, rows: torch.Tensor) -> None:
        """Put keys at the end of the queue; the oldest leave it."""
        if not self.queue_size:
            return
        if self.queue is not None and self.queue_rows is not None:
            key = torch.cat([self.queue, key])
            rows = torch.cat([self.queue_rows, rows])
        self.queue = key[-self.queue_size :]
        self.queue_rows = rows[-self.queue_size :]


class RestoringStep(ViewStep):
    """Restore a row whose features were replaced, and tell which ones were (VIME).

    The outputs are the restored dense columns, then a logit a column of the table
    (encoded), codes included.

    Parameters
    ----------
    view : view maker
        What replaces features.
    alpha : float
        Weight of telling which.
    """

    def __init__(self, view: View, alpha: float) -> None:
        super().__init__((None, view))
        self.alpha = alpha

    def losses(
        self, model: StepModel, batch: Batch, generator: torch.Generator
    ) -> torch.Tensor:
        """Return the loss of each row."""
        _, seen = self.pair(batch, generator)
        output = model.decode(model.encode(seen))
        width = batch.dense.shape[1]
        # Looked up, since a value may be replaced by the same one.
        changed = seen.dense != batch.dense
        if batch.codes is not None and seen.codes is not None:
            changed = torch.cat([changed, seen.codes != batch.codes], dim=1)
        told = functional.binary_cross_entropy_with_logits(
            output[:, width:], changed.to(output.dtype), reduction="none"
        ).mean(dim=1)
        if not width:  # codes only: there is nothing to restore but by the mask
            return self.alpha * told
        restored = (output[:, :width] - batch.dense).square().mean(dim=1)
        return restored + self.alpha * told


class BarlowTwinsStep(ViewStep):
    """Barlow Twins with mixed samples; the mixture costs a third pass.

    Parameters
    ----------
    views : pair of view makers or None
        Of the two twins.
    loss : MixedBarlowTwinsLoss
        With ``mix_weight`` 0 there is no third pass.
    mix_alpha : float
        Both parameters of the Beta distribution of the shares.
    warmup_epochs : int
        Epochs over which the weight of the mixed part rises.
    """

    def __init__(
        self,
        views: Sequence[View | None],
        loss: MixedBarlowTwinsLoss,
        *,
        mix_alpha: float,
        warmup_epochs: int,
    ) -> None:
        super().__init__(views)
        self.loss, self.mix_alpha = loss, mix_alpha
        self.warmup_epochs = warmup_epochs
        self._noted: list[torch.Tensor] = []

    def losses(
        self, model: StepModel, batch: Batch, generator: torch.Generator
    ) -> torch.Tensor:
        """Return the loss of the batch as that of each of its rows."""
        first, second = self.pair(batch, generator)
        seen = model.encode(first), model.encode(second)
        here, there = (model.decode(rows) for rows in seen)
        n = len(here)
        if not self.loss.mix_weight:
            twins = self.loss.twins(here, there)
            self._noted.append(torch.stack([twins.detach(), twins.new_zeros(())]))
            return twins.expand(n)
        share, perm = self._mixture(n, generator)
        mixed = model.decode(share * seen[0] + (1 - share) * seen[1][perm])
        twins, mix = self.loss.parts(here, there, mixed, share, perm)
        mix = self.loss.mix_factor(here.shape[1]) * self._ramp(model.epoch) * mix
        self._noted.append(torch.stack([twins, mix]).detach())
        return (twins + mix).expand(n)

    def judged(
        self, model: StepModel, batch: Batch, generator: torch.Generator
    ) -> torch.Tensor:
        """Return the loss of Barlow Twins on held-out rows."""
        if len(batch.dense) < 2:
            raise BadInputError(
                "Barlow Twins needs at least 2 held-out rows; use a larger "
                "validation_fraction, or early_stopping=False."
            )
        first, second = self.pair(batch, generator)
        here, there = (model.decode(model.encode(rows)) for rows in (first, second))
        return self.loss.twins(here, there).expand(len(here))

    def _mixture(
        self, n: int, generator: torch.Generator
    ) -> tuple[float, torch.Tensor]:
        device = generator.device
        uniform = torch.rand((), generator=generator, device=device).item()
        share = float(betaincinv(self.mix_alpha, self.mix_alpha, uniform))
        return share, torch.randperm(n, generator=generator, device=device)

    def _ramp(self, epoch: float) -> float:
        return min(1.0, epoch / self.warmup_epochs) if self.warmup_epochs else 1.0

    def epoch_values(self) -> dict[str, float]:
        """Return the mean parts of the loss since the last call."""
        twins, mix = torch.stack(self._noted).double().mean(dim=0).tolist()
        self._noted = []
        return {"loss_bt": twins, "loss_mix": mix}
