# SPDX-License-Identifier: BSD-3-Clause
"""The net that stands in where no estimator is given."""

from __future__ import annotations

from typing import Any

from skoverfit.neural_network import TabularMLPClassifier

__all__ = ["small_net"]


def small_net(seed: int, **parameters: Any) -> TabularMLPClassifier:
    """Return a small net for any table, whose masks keep it from wrong labels.

    A linear start would fit them: it is a logistic regression that converged.
    """
    return TabularMLPClassifier(
        (64,),
        **{
            "n_estimators": 1,
            "max_epochs": 60,
            "linear_start": False,
            "dropout": 0.5,
            "random_state": seed,
            **parameters,
        },
    )
