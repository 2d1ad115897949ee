# SPDX-License-Identifier: BSD-3-Clause
"""Every published remedy for overfitting as a scikit-learn component.

Rooms are loaded on first use, so that ``import skoverfit`` stays light: neither
torch nor matplotlib nor pandas is imported until a room that needs them is touched.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0.dev0"

_ROOMS = (
    "bench",
    "calibration",
    "catalogue",
    "datasets",
    "exceptions",
    "inspection",
    "metrics",
    "model_selection",
    "neighbors",
    "neural_network",
    "noisy_labels",
    "over_sampling",
    "pipeline",
    "representation",
    "under_sampling",
)
# Public functions of the package itself: name -> the private module that has it.
_FUNCTIONS = {
    "load": "skoverfit._core._persistence",
    "save": "skoverfit._core._persistence",
}

__all__ = ["__version__", *_ROOMS, *_FUNCTIONS]

if TYPE_CHECKING:
    from skoverfit import (
        bench as bench,
        calibration as calibration,
        catalogue as catalogue,
        datasets as datasets,
        exceptions as exceptions,
        inspection as inspection,
        metrics as metrics,
        model_selection as model_selection,
        neighbors as neighbors,
        neural_network as neural_network,
        noisy_labels as noisy_labels,
        over_sampling as over_sampling,
        pipeline as pipeline,
        representation as representation,
        under_sampling as under_sampling,
    )
    from skoverfit._core._persistence import load as load, save as save


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"skoverfit.{name}")
    if name in _FUNCTIONS:
        return getattr(importlib.import_module(_FUNCTIONS[name]), name)
    raise AttributeError(f"module 'skoverfit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
