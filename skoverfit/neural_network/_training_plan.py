# SPDX-License-Identifier: BSD-3-Clause
"""How a stack of nets is trained, as data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import torch

if TYPE_CHECKING:
    from skoverfit.neural_network._net import TabularNet

__all__ = ["Checkpoint", "TrainingPlan"]


class Checkpoint(Protocol):
    """What the loop asks of a checkpoint."""

    def resume(self, net: TabularNet) -> tuple[int, float]:
        """Put a written state into the net; return its epochs and seconds."""

    def after_epoch(self, net: TabularNet, seconds: float, *, over: bool) -> None:
        """Write the state, if it is time to."""

    def at_end(self, net: TabularNet, seconds: float) -> None:
        """Write the last state, if it is not written."""


@dataclass(kw_only=True)
class TrainingPlan:
    """How a stack of nets is trained; lists have one entry a net.

    Attributes
    ----------
    generators : list of torch.Generator
        What each net draws its order of rows, masks and mixtures from.
    learning_rate, weight_decay : list of float
        Of each net.
    schedule : str, default="constant"
        Name of a schedule, which all nets share.
    warmup_epochs : int, default=0
        Epochs over which the learning rate rises.
    patience : int or None, default=None
        Epochs without a better validation loss after which a net is done; None trains
        all epochs.
    tol : float, default=0
        How much lower a validation loss has to be to be better.
    max_time : float or None, default=None
        Seconds after which training ends, at the end of an epoch.
    mixed_precision : torch.dtype or None, default=None
        Dtype of the forward pass under autocast.
    gradient_clip : float or None, default=None
        Largest norm of the gradient of each net.
    on_epoch : callable or None, default=None
        Called with the net after each epoch; returns whether training should end.
    checkpoint : Checkpoint or None, default=None
        What writes the state of the training, and goes on from a written one.
    owners : sequence of int or None, default=None
        Number of the estimator that each net belongs to, where several share the
        stack. A loss that stops being a number ends the training of its own estimator
        only, then; None raises.
    """

    generators: Sequence[torch.Generator]
    learning_rate: Sequence[float]
    weight_decay: Sequence[float]
    schedule: str = "constant"
    warmup_epochs: int = 0
    patience: int | None = None
    tol: float = 0.0
    max_time: float | None = None
    mixed_precision: torch.dtype | None = None
    gradient_clip: float | None = None
    owners: Sequence[int] | None = None
    on_epoch: Callable[[TabularNet], bool] | None = field(default=None, repr=False)
    checkpoint: Checkpoint | None = field(default=None, repr=False)
