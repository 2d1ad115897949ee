# SPDX-License-Identifier: BSD-3-Clause
"""Modules that a user brings: fresh ones, checked, and several beside each other."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from skoverfit.exceptions import BadInputError

__all__ = ["ModuleStack", "fresh_module"]


class ModuleStack(nn.Module):
    """Modules of any kind that are trained beside each other, one a net.

    Parameters
    ----------
    modules : sequence of module
        The nets. They are run one after the other.
    """

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        super().__init__()
        self.nets = nn.ModuleList(modules)

    def owner(self, name: str) -> int:
        """Return the net that a parameter or buffer of this name belongs to."""
        return int(name.split(".")[1])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return outputs ``(n_nets, batch, n_outputs)`` for ``(n_nets, batch, d)``."""
        return torch.stack([net(rows) for net, rows in zip(self.nets, x, strict=True)])


def fresh_module(module: Any, n_features: int, n_outputs: int) -> nn.Module:
    """Return a module of its own: a copy of an instance, or an instance of a class.

    Parameters
    ----------
    module : torch.nn.Module, or a class or function that returns one
        A class or function is called with those of ``n_features`` and ``n_outputs``
        that it takes.
    n_features, n_outputs : int
        Columns that the module gets (encoded), and outputs that it has to return.

    Raises
    ------
    BadInputError
        If it returns another number of outputs, or can't be made or run.
    """
    if isinstance(module, nn.Module):
        made, name = copy.deepcopy(module), type(module).__name__
    else:
        name = getattr(module, "__name__", repr(module))
        sizes = {"n_features": n_features, "n_outputs": n_outputs}
        try:
            known = inspect.signature(module).parameters
        except ValueError:  # of a type that is not written in Python
            known = {}  # type: ignore[assignment]
        try:
            made = module(**{k: v for k, v in sizes.items() if k in known})
        except TypeError as exc:
            raise BadInputError(
                f"The module {name} can't be made: {exc}. Its constructor may take "
                "n_features and n_outputs, everything else needs a default."
            ) from exc
        if not isinstance(made, nn.Module):
            raise BadInputError(
                "The 'module' parameter must be a torch module, or a class or function "
                f"that returns one. {name} returned {type(made).__name__} instead."
            )
    _check_width(made, name, n_features, n_outputs)
    return made


@torch.no_grad()
def _check_width(module: nn.Module, name: str, n_features: int, n_outputs: int) -> None:
    parameter = next(module.parameters(), torch.empty(0))
    was_training = module.training
    module.eval()
    try:
        rows = torch.zeros(2, n_features, dtype=parameter.dtype)
        output = module(rows.to(parameter.device))
    except RuntimeError as exc:
        raise BadInputError(
            f"The module {name} can't be run on {n_features} encoded columns: {exc}"
        ) from exc
    module.train(was_training)
    shape = tuple(getattr(output, "shape", ()))
    if shape != (2, n_outputs):
        raise BadInputError(
            f"The module {name} must return {n_outputs} outputs a row: two rows gave "
            f"the shape {shape}, expected is {(2, n_outputs)}."
        )
