# SPDX-License-Identifier: BSD-3-Clause
"""Take a trained stack apart: one net an estimator, as if each was trained alone."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from skorch.history import History

from skoverfit.exceptions import TrainingError
from skoverfit.neural_network._best_weights import BestWeights
from skoverfit.neural_network._net import TabularNet
from skoverfit.neural_network._prepared import Prepared
from skoverfit.neural_network._settings import Settings
from skoverfit.neural_network._training import build_net

__all__ = ["split_stack"]


def split_stack(
    stack: TabularNet, prepared: Sequence[Prepared], settings: Sequence[Settings]
) -> list[TabularNet | TrainingError]:
    """Return the net of each estimator, or how its training failed.

    Parameters
    ----------
    stack : TabularNet
        What `train_stack` returned for ``prepared`` and ``settings``.
    prepared : sequence of Prepared
        Data of the estimators.
    settings : sequence of Settings
        Their settings.

    Returns
    -------
    list of TabularNet or TrainingError
        A net shares no memory with the stack. Its optimizer is a fresh one.
    """
    made: list[TabularNet | TrainingError] = []
    first = 0
    for number, (data, own) in enumerate(zip(prepared, settings, strict=True)):
        nets = slice(first, first + len(data.seeds))
        first = nets.stop
        failure = stack.failed_.get(number)
        made.append(_part(stack, nets, data, own) if failure is None else failure)
    return made


def _part(
    stack: TabularNet, nets: slice, prepared: Prepared, settings: Settings
) -> TabularNet:
    net = build_net([prepared], [settings], draw=False)
    net.set_params(batch_size=stack.batch_size)
    net.plan.generators = stack.plan.generators[nets]
    net.mask_generators_ = stack.mask_generators_[nets]
    with torch.no_grad():
        state = stack.module_.state_dict()
        net.module_.load_state_dict({k: v[nets] for k, v in state.items()})
    net.module_.set_generators(net.mask_generators_)
    net.module_.eval()
    rate = settings.learning_rate / max(stack.plan.learning_rate)
    n_epochs = _epochs_alone(stack, nets, settings)
    net.best_ = _best(stack, nets, net)
    net.best_.epoch = n_epochs
    if hasattr(net.criterion_, "on_epoch_begin"):  # the loss of its last epoch
        net.criterion_.on_epoch_begin(max(n_epochs - 1, 0), settings.max_epochs)
    net.history_ = History(_row(row, nets, rate) for row in stack.history[:n_epochs])
    per_epoch = stack.n_steps_ // max(len(stack.history), 1)
    net.n_steps_ = per_epoch * n_epochs
    net.interrupted_ = stack.interrupted_ and n_epochs == len(stack.history)
    net.timed_out_, net.failed_ = False, {}
    return net


def _epochs_alone(stack: TabularNet, nets: slice, settings: Settings) -> int:
    """Return after how many epochs the last of these nets ran out of patience."""
    ran = len(stack.history)
    if settings.patience is None or stack.best_.epoch == 0:
        return ran
    last = int(stack.best_.epochs[nets].max()) + settings.patience
    return min(ran, last)


def _best(stack: TabularNet, nets: slice, net: TabularNet) -> BestWeights:
    best = BestWeights(net.module_, net.n_nets, net.plan)
    best.losses = stack.best_.losses[nets].clone()
    best.epochs = stack.best_.epochs[nets].clone()
    best.done = stack.best_.done[nets].clone()
    best.epoch = stack.best_.epoch
    return best


def _row(row: dict[str, Any], nets: slice, rate: float) -> dict[str, Any]:
    """Return the record of an epoch as these nets would have written it."""
    made = {k: copy.copy(v) for k, v in row.items() if k != "batches"}
    for part in ("train", "valid"):
        if f"{part}_losses" in row:
            losses = row[f"{part}_losses"][nets]
            made[f"{part}_losses"] = losses
            made[f"{part}_loss"] = sum(losses) / len(losses)
    if "lr" in row:  # not in an epoch that was interrupted
        made["lr"] = row["lr"] * rate
    made["batches"] = []
    return made
