# SPDX-License-Identifier: BSD-3-Clause
"""The best weights of each net in a stack, by its own validation loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

__all__ = ["BestWeights"]


class BestWeights:
    """Keep each net's weights of its best epoch; know when all nets are done.

    A net whose patience is over is done for good: what it would find later, while
    others of the stack go on, is not looked at, so that it ends as it would alone.

    Parameters
    ----------
    module : module
        Parameters and buffers have the net axis first where there are several nets.
    n_nets : int
        Nets.
    plan : TrainingPlan
        With ``patience`` and ``tol``.
    """

    def __init__(self, module: nn.Module, n_nets: int, plan: Any) -> None:
        self.n_nets, self.patience, self.tol = n_nets, plan.patience, plan.tol
        self.losses = torch.full((n_nets,), float("inf"), dtype=torch.float64)
        self.epochs = torch.zeros(n_nets, dtype=torch.int64)
        self.done = torch.zeros(n_nets, dtype=torch.bool)
        self.epoch = 0
        self.kept: dict[str, torch.Tensor] | None = None
        self._begun: tuple[torch.Tensor, torch.Tensor] | None = None
        # Nets that the module still has, where some were dropped.
        self.active: torch.Tensor | None = None

    @torch.no_grad()
    def start(self, module: nn.Module, losses: Sequence[float]) -> None:
        """Keep the weights before the first epoch, which may already be the best."""
        self.kept = {k: v.clone() for k, v in module.state_dict().items()}
        self.losses = torch.tensor(losses, dtype=torch.float64)
        self.losses[~torch.isfinite(self.losses)] = float("inf")

    @torch.no_grad()
    def note(self, module: nn.Module, losses: Sequence[float]) -> None:
        """Compare the losses of an epoch with the best ones."""
        self.epoch += 1
        now = torch.tensor(losses, dtype=torch.float64)
        better = (now < self.losses - self.tol) & ~self.done
        self._begun = better, now
        self._take(module, better, now)
        self._begun = None
        if self.patience is not None:
            self.done |= self.epoch - self.epochs >= self.patience

    def _take(self, module: nn.Module, better: torch.Tensor, now: torch.Tensor) -> None:
        if bool(better.any()):
            self._copy(module, better)
        self.losses = torch.where(better, now, self.losses)
        self.epochs[better] = self.epoch

    def _copy(self, module: nn.Module, better: torch.Tensor) -> None:
        assert self.kept is not None
        if self.active is not None:
            chosen = better[self.active]
            for name, value in module.state_dict().items():
                best = self.kept[name]
                best[self.active[chosen].to(best.device)] = value[
                    chosen.to(best.device)
                ]
            return
        whole = self.n_nets == 1 or bool(better.all())
        owner = getattr(module, "owner", None)
        for name, value in module.state_dict().items():
            if whole:
                self.kept[name].copy_(value)
            elif owner is None:
                chosen = better.to(value.device)
                self.kept[name][chosen] = value[chosen]
            elif better[owner(name)]:
                self.kept[name].copy_(value)

    @property
    def is_over(self) -> bool:
        """Whether every net is done."""
        return bool(self.done.all())

    def restore(self, module: nn.Module) -> None:
        """Put the best weights into the module; nothing where no epoch was noted."""
        if self._begun is not None:
            # An interrupt came between two tensors; the module still has the weights.
            with torch.no_grad():
                self._take(module, *self._begun)
            self._begun = None
        if self.kept is not None:
            module.load_state_dict(self.kept)
