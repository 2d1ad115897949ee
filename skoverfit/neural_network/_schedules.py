# SPDX-License-Identifier: BSD-3-Clause
"""Learning-rate schedules: factors of the learning rate over the share of training."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["SCHEDULES", "Schedule"]


def _constant(share: float) -> float:
    return 1.0


def _cosine(share: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * share))


def _linear(share: float) -> float:
    return 1.0 - share


def _coslog4(share: float) -> float:
    """Four cosine cycles, each twice as long as the one before."""
    return 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * share)))


SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": _constant,
    "coslog4": _coslog4,
    "cosine": _cosine,
    "linear": _linear,
}


@dataclass(frozen=True)
class Schedule:
    """Factor of the learning rate at each step of a training.

    Parameters
    ----------
    name : str
        A key of ``SCHEDULES``.
    n_steps : int
        Steps of the whole training.
    n_warmup : int, default=0
        First steps, over which the rate rises linearly beside the schedule.

    Examples
    --------
    >>> from skoverfit.neural_network._schedules import Schedule
    >>> factor = Schedule("cosine", n_steps=4, n_warmup=2)
    >>> [round(factor(step), 2) for step in range(4)]
    [0.5, 0.85, 0.5, 0.15]
    """

    name: str
    n_steps: int
    n_warmup: int = 0

    def __call__(self, step: int) -> float:
        """Return the factor at a step, counted from 0."""
        value = SCHEDULES[self.name](min(step / max(self.n_steps, 1), 1.0))
        if self.n_warmup:
            value *= min(1.0, (step + 1) / self.n_warmup)
        return value
