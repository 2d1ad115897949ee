# SPDX-License-Identifier: BSD-3-Clause
"""Optimizers by name, in their fused form where torch has one."""

from __future__ import annotations

import inspect
from collections.abc import Set
from functools import lru_cache
from typing import Any

import torch

from skoverfit._core._names import suggest
from skoverfit.exceptions import BadInputError

__all__ = ["OPTIMIZERS", "fused_parameters", "get_optimizer", "optimizer_parameters"]

# Optimizers that need several evaluations a step (LBFGS) or sparse gradients are not
# what the net's loop is made for.
_NAMES = ("Adagrad", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "SGD")
OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    name.lower(): getattr(torch.optim, name) for name in _NAMES
}


def get_optimizer(optimizer: Any) -> type[torch.optim.Optimizer]:
    """Return the optimizer class of this name; a class is returned as it is.

    Raises
    ------
    BadInputError
        If there is none; the message offers the nearest names.
    """
    if isinstance(optimizer, type) and issubclass(optimizer, torch.optim.Optimizer):
        if optimizer is torch.optim.LBFGS:
            raise BadInputError(
                "The 'optimizer' parameter can't be LBFGS, which evaluates the loss "
                "several times a step; use 'adamw'."
            )
        return optimizer
    try:
        return OPTIMIZERS[optimizer]
    except (KeyError, TypeError):
        raise BadInputError(
            f"The 'optimizer' parameter must be one of {sorted(OPTIMIZERS)} or a class "
            f"of torch optimizers. Got {optimizer!r} instead. "
            f"{suggest(optimizer, OPTIMIZERS)}"
        ) from None


@lru_cache(maxsize=64)
def _known_parameters(optimizer: Any) -> Set[str]:
    """Return what an optimizer takes; looked up once a class, not once a net."""
    return frozenset(inspect.signature(optimizer).parameters) - {"params"}


def fused_parameters(
    optimizer: type[torch.optim.Optimizer], device: torch.device
) -> dict[str, Any]:
    """Return ``fused=True`` where the optimizer has such a form on this device."""
    known = _known_parameters(optimizer)  # type: ignore[arg-type]
    if "fused" in known and device.type in ("cpu", "cuda", "mps"):
        return {"fused": True}
    return {}


def optimizer_parameters(
    optimizer: type[torch.optim.Optimizer], given: dict[str, Any] | None
) -> dict[str, Any]:
    """Return the parameters of an optimizer beside learning rate and weight decay.

    Raises
    ------
    BadInputError
        If the optimizer has no such parameter; the message offers the nearest names.
    """
    known = _known_parameters(optimizer)  # type: ignore[arg-type]
    if given is None:
        # Gradients of a batch of rows are noisy and a training is short: their squares
        # are averaged over 100 steps instead of 1000.
        return {"betas": (0.9, 0.99)} if "betas" in known else {}
    for name in given:
        if name in ("lr", "weight_decay"):
            raise BadInputError(
                f"optimizer_params has {name!r}; use the parameter "
                f"{'learning_rate' if name == 'lr' else name!r} of the estimator."
            )
        if name not in known:
            raise BadInputError(
                f"optimizer_params has {name!r}, which {optimizer.__name__} does not "
                f"take. {suggest(name, known)}"
            )
    return dict(given)
