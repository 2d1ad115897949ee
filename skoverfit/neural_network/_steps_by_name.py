# SPDX-License-Identifier: BSD-3-Clause
"""Batch steps by name, with their default parameters."""

from __future__ import annotations

from typing import Any

from skoverfit._core._names import suggest
from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._adversarial import AdversarialStep
from skoverfit.neural_network._batch_steps import BatchStep, Mixup
from skoverfit.neural_network._manifold_mixup import ManifoldMixup
from skoverfit.neural_network._winsorized import WinsorizedGradients

__all__ = ["STEPS", "get_batch_step"]

STEPS: dict[str, type[BatchStep]] = {
    "adversarial": AdversarialStep,
    "manifold_mixup": ManifoldMixup,
    "mixup": Mixup,
    "winsorized": WinsorizedGradients,
}


def get_batch_step(step: Any) -> BatchStep:
    """Return a batch step from None, a name or an instance.

    Raises
    ------
    BadInputError
        If the name is unknown; the message offers the nearest.
    """
    if step is None:
        return BatchStep()
    if isinstance(step, BatchStep):
        return step
    if isinstance(step, str) and step in STEPS:
        return STEPS[step]()
    raise BadInputError(
        f"The 'batch_step' parameter must be None, one of {sorted(STEPS)} or a "
        f"BatchStep. Got {step!r} instead. {suggest(step, STEPS)}"
    )
