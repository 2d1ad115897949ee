# SPDX-License-Identifier: BSD-3-Clause
"""Which estimators can be trained in one stack."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import torch
from torch import nn

from skoverfit.neural_network._optimizers import OPTIMIZERS
from skoverfit.neural_network._prepared import Prepared
from skoverfit.neural_network._settings import Settings

__all__ = ["reason_to_stay_alone", "share_table", "stack_key"]

_HANDLED = ("learning_rate", "weight_decay", "loss", "batch_step", "callbacks",
            "module", "optimizer_params")  # fmt: skip


def reason_to_stay_alone(estimator: Any, settings: Settings) -> str | None:
    """Return why no other estimator can join this one's stack, None if one may.

    Parameters
    ----------
    estimator : TabularMLPClassifier or TabularMLPRegressor
        The estimator.
    settings : Settings
        Its parameters, resolved.
    """
    if settings.module is not None:
        return "module= brings a module without a net axis"
    if hasattr(settings.batch_step, "order"):
        return "the batch step shares rows among the nets of one estimator"
    if settings.batch_step.chooses_rows:
        return "the batch step chooses rows by what a net answers, to the last digit"
    if settings.callbacks or getattr(estimator, "_skl_callbacks", None):
        return "callbacks watch one training"
    if settings.max_time is not None:
        return "max_time counts the seconds of one training"
    if settings.mixed_precision is torch.float16:
        return "mixed_precision='float16' scales the loss of a whole training"
    if any(True for _ in settings.loss.parameters()):
        return "the loss has parameters that are trained"
    return None


def stack_key(settings: Settings, prepared: Prepared) -> tuple[Any, ...]:
    """Return what nets of one stack have in common.

    Free are the seeds, the rows, the learning rate and, where the optimizer does not
    mix it into the gradient (AdamW), the weight decay.

    Parameters
    ----------
    settings : Settings
        Parameters of the estimator, resolved.
    prepared : Prepared
        Its data.
    """
    rows = prepared.batch_rows
    batch_size = settings.batch_rows(rows)
    optimizer = settings.optimizer
    encoder = prepared.encoder
    own: list[Any] = [prepared.target.dtype.kind, prepared.target.ndim]
    if optimizer is not torch.optim.AdamW:
        own.append(settings.weight_decay)
    if optimizer not in OPTIMIZERS.values():
        # A step that need not be proportional to the learning rate.
        own.append(settings.learning_rate)
    shared = {k: v for k, v in vars(settings).items() if k not in _HANDLED}
    shared["batch_size"] = batch_size
    return (
        tuple(sorted((k, repr(v)) for k, v in shared.items())),
        tuple(sorted((k, repr(v)) for k, v in settings.optimizer_params.items())),
        optimizer,
        _module_key(settings.loss),
        (type(settings.batch_step), *_plain_state(settings.batch_step)),
        (encoder.n_numeric, encoder.n_dense, tuple(encoder.n_codes)),
        (prepared.n_outputs, prepared.valid is None, prepared.linear is None),
        -(-rows // batch_size),
        tuple(own),
    )


def _plain_state(thing: Any) -> list[tuple[str, str]]:
    return sorted((k, repr(v)) for k, v in vars(thing).items() if k[0] != "_")


def _module_key(module: nn.Module) -> tuple[Any, ...]:
    """Return type, options and buffers of a loss; its ``repr`` may hide options."""
    buffers = [
        (name, tuple(value.shape), value.cpu().numpy().tobytes())
        for name, value in module.named_buffers()
    ]
    parts = [(type(m), *_plain_state(m)) for m in module.modules()]
    return (*map(tuple, parts), *buffers)


def share_table(prepared: Prepared, known: dict[str, Prepared]) -> None:
    """Take the arrays of an equal table that another estimator has prepared.

    A stack of all candidates of a search then holds each fold once.

    Parameters
    ----------
    prepared : Prepared
        Is changed.
    known : dict of str to Prepared
        Tables by content; a new one is added.
    """
    digest = hashlib.blake2b(digest_size=16)
    for array in (
        prepared.rows.dense,
        prepared.rows.codes,
        prepared.target,
        prepared.weight,
    ):
        if array is None:
            digest.update(b"none")
            continue
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    first = known.setdefault(digest.hexdigest(), prepared)
    prepared.rows, prepared.target = first.rows, first.target
    prepared.weight = first.weight
