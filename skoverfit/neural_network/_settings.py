# SPDX-License-Identifier: BSD-3-Clause
"""An estimator's parameters, resolved: names looked up, "auto" decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from skoverfit.neural_network._batch_steps import BatchStep
from skoverfit.neural_network._encoding import TableEncoder

__all__ = ["Settings"]

# Embedding every number of a wide table multiplies its columns.
MAX_EMBEDDED_COLUMNS = 100


@dataclass(kw_only=True)
class Settings:
    """Resolved parameters of one estimator, as the training loop needs them."""

    hidden_layer_sizes: Sequence[int]
    activation: str
    dropout: float
    numeric_embedding: str | None
    linear_start: bool
    train_linear: bool
    zero_head: bool
    learning_rate: float
    weight_decay: float
    schedule: str
    warmup_epochs: int
    max_epochs: int
    batch_size: int | str
    patience: int | None
    tol: float
    max_time: float | None
    gradient_clip: float | None
    device: torch.device
    dtype: torch.dtype
    mixed_precision: torch.dtype | None
    optimizer: type[torch.optim.Optimizer]
    loss: nn.Module
    batch_step: BatchStep
    module: Any = None
    callbacks: Any = None
    optimizer_params: dict[str, Any] = field(default_factory=dict)
    # Further options of the default module.
    module_extra: dict[str, Any] = field(default_factory=dict)

    def criterion(self) -> nn.Module:
        """Return the loss."""
        return self.loss

    def batch_rows(self, n: int) -> int:
        """Return the rows of a batch for n rows of training.

        "auto" is a power of two near n / 16, between 32 and 256.
        """
        if isinstance(self.batch_size, str):
            size = 32
            while size < 256 and size * 1.5 * 16 < n:
                size *= 2
            return min(size, n)
        return min(self.batch_size, n)

    def plan_options(self) -> dict[str, Any]:
        """Return the fields of a training plan that a stack shares."""
        return {
            "schedule": self.schedule,
            "warmup_epochs": self.warmup_epochs,
            "patience": self.patience,
            "tol": self.tol,
            "max_time": self.max_time,
            "mixed_precision": self.mixed_precision,
            "gradient_clip": self.gradient_clip,
        }

    def module_options(self, encoder: TableEncoder) -> dict[str, Any]:
        """Return the options of the default module for an encoded table."""
        embedding = self.numeric_embedding
        if embedding == "auto":
            few = 0 < encoder.n_dense <= MAX_EMBEDDED_COLUMNS
            embedding = "periodic" if few else None
        return {
            "hidden_layer_sizes": tuple(self.hidden_layer_sizes),
            "activation": self.activation,
            "dropout": self.dropout,
            "numeric_embedding": embedding,
            "linear_skip": self.linear_start,
            "zero_head": self.zero_head,
            **self.module_extra,
        }

    def shape(self) -> tuple[Any, ...]:
        """Return what nets of one stack must have in common."""
        alike = {
            k: v
            for k, v in vars(self).items()
            if k not in ("learning_rate", "weight_decay", "loss", "batch_step",
                         "callbacks", "module", "optimizer_params")
        }  # fmt: skip
        return tuple(sorted((k, repr(v)) for k, v in alike.items()))
