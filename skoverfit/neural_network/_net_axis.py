# SPDX-License-Identifier: BSD-3-Clause
"""Which parameters hold several nets, and random streams of each net's own."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from skoverfit._core._random import derive_seed, root_entropy

__all__ = ["has_net_axis", "is_layer_weight", "net_seeds", "owners"]


def has_net_axis(module: nn.Module) -> bool:
    """Whether the first axis of all parameters of a module counts its nets."""
    return hasattr(module, "n_nets") and not hasattr(module, "owner")


def is_layer_weight(name: str) -> bool:
    """Whether a parameter of our module is the weight matrix of a layer.

    Axes don't tell: our layers keep an axis of length 1 in their biases.
    """
    layer = name.startswith(("hidden.", "head.", "skip."))
    return layer and name.rpartition(".")[2] in ("weight", "original")


def owners(module: nn.Module, name: str) -> int:
    """Return the net that a parameter belongs to where each belongs to one."""
    owner = getattr(module, "owner", None)
    return 0 if owner is None or not name.startswith("nets.") else int(owner(name))


def net_seeds(net: Any, random_state: Any, purpose: str) -> list[int]:
    """Return one seed a net, for random numbers of this purpose.

    A net in a stack gets the seed that it gets alone: it follows from its own
    generator. A plain skorch net has none; ``random_state`` None then takes a number
    from torch's own generator.
    """
    plan = getattr(net, "plan", None)
    if plan is not None:
        salt = 0 if random_state is None else root_entropy(random_state)
        return [derive_seed(g.initial_seed(), purpose, salt) for g in plan.generators]
    if random_state is None:
        return [int(torch.randint(2**31 - 1, ()).item())]
    return [derive_seed(root_entropy(random_state), purpose)]
