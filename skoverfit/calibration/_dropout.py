# SPDX-License-Identifier: BSD-3-Clause
"""Dropout at prediction: the same units are dropped for all rows of a variant.

torch is not imported: a fitted net has loaded it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from skoverfit._core._random import derive_generator

__all__ = ["dropout_layers", "dropped"]

# Where an estimator may hold the one that predicts.
_INSIDE = ("net_", "best_estimator_", "estimator_", "classifier_", "estimator")


def dropout_layers(estimator: Any) -> list[Any]:
    """Return the layers of a fitted net, or of what holds one, that drop units."""
    torch = sys.modules.get("torch")
    if torch is None:
        return []
    seen: set[int] = set()

    def modules(holder: Any) -> Iterator[Any]:
        if holder is None or id(holder) in seen:
            return
        seen.add(id(holder))
        module = getattr(holder, "module_", None)
        if isinstance(module, torch.nn.Module):
            yield from module.modules()
            return
        steps = getattr(holder, "steps", None)
        if isinstance(steps, list) and steps:
            yield from modules(steps[-1][1])
        for name in _INSIDE:
            yield from modules(getattr(holder, name, None))

    return [
        layer
        for layer in modules(estimator)
        if type(layer).__name__
        in ("StackedDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d")
        and layer.p > 0
    ]


@contextmanager
def dropped(layers: list[Any], entropy: int, variant: int) -> Iterator[None]:
    """Drop units of these layers while they predict."""
    with ExitStack() as hooks:
        for number, layer in enumerate(layers):
            hook = _hook(entropy, variant, number)
            hooks.callback(layer.register_forward_hook(hook).remove)
        yield


def _hook(entropy: int, variant: int, number: int) -> Any:
    def drop(layer: Any, inputs: Any, output: Any) -> Any:
        shape = list(output.shape)
        name = type(layer).__name__
        # Our stacks have the net axis first, all else the rows.
        shape[-2 if name == "StackedDropout" else 0] = 1
        if name[-2:] in ("1d", "2d", "3d"):  # whole channels
            shape[2:] = [1] * len(shape[2:])
        # Made anew in each call: rows come in pieces, which have to be treated alike.
        rng = derive_generator(entropy, "dropout", variant, number)
        kept = (rng.random(shape) >= layer.p) / (1 - layer.p) if layer.p < 1 else 0.0
        return output * output.new_tensor(np.asarray(kept))

    return drop
