# SPDX-License-Identifier: BSD-3-Clause
"""Which values the parameters of the tabular nets may have."""

from __future__ import annotations

import os
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from sklearn.utils._param_validation import Interval, StrOptions

from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._batch_steps import BatchStep
from skoverfit.neural_network._layers import ACTIVATIONS
from skoverfit.neural_network._schedules import SCHEDULES
from skoverfit.neural_network._steps_by_name import STEPS

__all__ = ["CONSTRAINTS", "DTYPES", "MIXED_PRECISIONS", "layer_sizes"]

DTYPES = {"float32": torch.float32, "float64": torch.float64}
MIXED_PRECISIONS: dict[str | None, torch.dtype] = {
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}

CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like"],
    "activation": [StrOptions(set(ACTIVATIONS))],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "numeric_embedding": [StrOptions({"auto", "periodic"}), None],
    "linear_start": ["boolean"],
    "n_estimators": [Interval(Integral, 1, None, closed="left")],
    "loss": [str, type, torch.nn.Module],
    "optimizer": [str, type],
    "optimizer_params": [dict, None],
    "learning_rate": [Interval(Real, 0, None, closed="neither")],
    "weight_decay": [Interval(Real, 0, None, closed="left")],
    "schedule": [StrOptions(set(SCHEDULES))],
    "warmup_epochs": [Interval(Integral, 0, None, closed="left")],
    "batch_size": [
        StrOptions({"auto"}),
        Interval(Integral, 1, None, closed="left"),
    ],
    "max_epochs": [Interval(Integral, 1, None, closed="left")],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 0.5, closed="right")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
    "tol": [Interval(Real, 0, None, closed="left")],
    "gradient_clip": [Interval(Real, 0, None, closed="neither"), None],
    "batch_step": [StrOptions(set(STEPS)), BatchStep, None],
    "callbacks": [list, tuple, None],
    "module": [callable, torch.nn.Module, None],
    "categorical_features": ["array-like", StrOptions({"auto"}), None],
    "numeric_scaling": [StrOptions({"robust", "standard"})],
    "device": [str, torch.device],
    "dtype": [StrOptions(set(DTYPES))],
    "mixed_precision": [StrOptions({"bfloat16", "float16"}), None],
    "max_time": [Interval(Real, 0, None, closed="neither"), None],
    "checkpoint": [str, os.PathLike, None],
    "checkpoint_every": [Interval(Integral, 1, None, closed="left")],
    "resume_from": [str, os.PathLike, None],
    "warm_start": ["boolean"],
    "verbose": ["verbose"],
    "random_state": ["random_state"],
}


def layer_sizes(hidden_layer_sizes: Any) -> tuple[int, ...]:
    """Return the widths of the hidden layers; an integer is one layer."""
    sizes = np.atleast_1d(np.asarray(hidden_layer_sizes))
    if sizes.size == 0:
        return ()
    if sizes.ndim != 1 or sizes.dtype.kind not in "iu" or sizes.min() < 1:
        raise BadInputError(
            "The 'hidden_layer_sizes' parameter must hold positive integers. Got "
            f"{hidden_layer_sizes!r} instead."
        )
    return tuple(sizes.tolist())
