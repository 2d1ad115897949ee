# SPDX-License-Identifier: BSD-3-Clause
"""Train prepared estimators: one alone, or several of one shape at once."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from skoverfit._core._random import derive_seed
from skoverfit._core._validation import warn
from skoverfit.exceptions import BadInputError, SkoverfitWarning
from skoverfit.neural_network._data import NetData
from skoverfit.neural_network._devices import fork_generators, placed, seed_generators
from skoverfit.neural_network._modules import ModuleStack, fresh_module
from skoverfit.neural_network._net import TabularNet
from skoverfit.neural_network._optimizers import fused_parameters
from skoverfit.neural_network._prepared import Prepared
from skoverfit.neural_network._settings import Settings
from skoverfit.neural_network._state import capture, restore
from skoverfit.neural_network._tabular_mlp import TabularMLP
from skoverfit.neural_network._training_plan import TrainingPlan

__all__ = ["build_net", "hold", "own_modules", "train_stack"]


def train_stack(
    prepared: Sequence[Prepared],
    settings: Sequence[Settings],
    *,
    net: TabularNet | None = None,
    epochs: int | None = None,
    **options: Any,
) -> TabularNet:
    """Train all nets of some estimators in one loop.

    Parameters
    ----------
    prepared : sequence of Prepared
        Data of the estimators, of equal widths.
    settings : sequence of Settings
        Their settings, equal but for learning rate and weight decay.
    net : TabularNet, optional
        A net to go on with, instead of a fresh one.
    epochs : int, optional
        Epochs, instead of those of the settings.
    **options : dict
        Further fields of `TrainingPlan`.

    Returns
    -------
    TabularNet
        The nets of the first estimator first.
    """
    first = settings[0]
    with fork_generators(first.device):
        batch_size = first.batch_rows(max(p.batch_rows for p in prepared))
        data = _joined(prepared, first)
        before = None if net is None else capture(net, history=False)
        checkpoint = options.get("checkpoint")
        if checkpoint is not None and checkpoint.batch_size is not None:
            batch_size = checkpoint.batch_size  # of a training that goes on
        while True:
            seed_generators(prepared[0].seeds[0], first.device)
            trained = net
            try:
                if trained is None:
                    trained = build_net(prepared, settings)
                trained.set_params(batch_size=batch_size)
                for name, value in options.items():
                    setattr(trained.plan, name, value)
                trained.partial_fit(
                    data, epochs=first.max_epochs if epochs is None else epochs
                )
                # A part of one epoch is no work to keep, and a loop is to be stopped.
                if not trained.began_ or (epochs and trained.interrupted_):
                    raise KeyboardInterrupt
                return trained
            except BaseException as exc:
                if before is not None and net is not None:
                    restore(net, before)  # a net that was there goes on as it was
                if not isinstance(exc, torch.OutOfMemoryError) or len(prepared) > 1:
                    raise  # a smaller stack, not a smaller batch, is its remedy
                if batch_size <= 2:
                    raise BadInputError(
                        f"The device {str(first.device)!r} has too little memory for "
                        f"batch_size={batch_size}; set a smaller batch_size, fewer "
                        "hidden units, or device='cpu'."
                    ) from exc
            del trained
            batch_size = -(-batch_size // 2)
            warn(
                f"The device {str(first.device)!r} ran out of memory; the training "
                f"starts again with batch_size={batch_size}."
            )
            if first.device.type == "cuda":
                torch.cuda.empty_cache()


def build_net(
    prepared: Sequence[Prepared],
    settings: Sequence[Settings],
    *,
    draw: bool = True,
    **options: Any,
) -> TabularNet:
    """Return an initialized net at its start, not trained.

    Without ``draw`` its weights are no start, for others to be put there.
    """
    first = settings[0]
    seeds = [seed for each in prepared for seed in each.seeds]
    module = _module(prepared, first, seeds, draw=draw)
    rates, decays = [], []
    for each, own in zip(settings, prepared, strict=True):
        rates += [each.learning_rate] * len(own.seeds)
        decays += [each.weight_decay] * len(own.seeds)
    owners = [number for number, own in enumerate(prepared) for _ in own.seeds]
    plan = TrainingPlan(
        owners=owners if len(prepared) > 1 else None,
        generators=[
            torch.Generator().manual_seed(derive_seed(seed, "train")) for seed in seeds
        ],
        learning_rate=rates,
        weight_decay=decays,
        **first.plan_options(),
        **options,
    )
    return hold(module, plan, first)


def hold(module: nn.Module, plan: TrainingPlan, settings: Settings) -> TabularNet:
    """Return an initialized net around a module, which is moved to the device."""
    net = TabularNet(
        module,
        criterion=settings.criterion(),
        plan=plan,
        batch_step=settings.batch_step,
        optimizer=settings.optimizer,
        max_epochs=settings.max_epochs,
        device=str(settings.device),
        callbacks=copy.deepcopy(settings.callbacks),
        verbose=0,
        **{
            f"optimizer__{key}": value
            for key, value in {
                **fused_parameters(settings.optimizer, settings.device),
                **settings.optimizer_params,
            }.items()
        },
    )
    with warnings.catch_warnings():
        # skorch looks at the device of a module that was made outside of it.
        warnings.simplefilter("ignore", category=UserWarning)
        warnings.simplefilter("default", category=SkoverfitWarning)
        net.initialize()
    return net


def _module(
    prepared: Sequence[Prepared],
    settings: Settings,
    seeds: Sequence[int],
    *,
    draw: bool = True,
) -> nn.Module:
    shape = prepared[0]
    if settings.module is not None:
        return own_modules(settings, shape.encoder.n_dense, shape.n_outputs, seeds)
    module = TabularMLP(
        n_numeric=shape.encoder.n_numeric,
        n_dense=shape.encoder.n_dense,
        n_codes=shape.encoder.n_codes,
        n_outputs=shape.n_outputs,
        n_nets=len(seeds),
        **settings.module_options(shape.encoder),
    ).to(settings.dtype)
    if draw:
        module.reset_parameters(
            [torch.Generator().manual_seed(derive_seed(seed, "init")) for seed in seeds]
        )
    bias = np.concatenate([each.bias for each in prepared])
    module.set_output_bias(torch.from_numpy(bias).to(settings.dtype))
    if shape.linear is not None:
        linear = np.concatenate([np.asarray(each.linear) for each in prepared])
        module.set_linear(
            torch.from_numpy(linear).to(settings.dtype), trainable=settings.train_linear
        )
    return module


def own_modules(
    settings: Settings, n_dense: int, n_outputs: int, seeds: Sequence[int]
) -> nn.Module:
    """Return fresh modules of the user's kind, one a seed."""
    modules = []
    for seed in seeds:
        seed_generators(derive_seed(seed, "init"), settings.device)
        modules.append(fresh_module(settings.module, n_dense, n_outputs))
    made: nn.Module = modules[0] if len(modules) == 1 else ModuleStack(modules)
    return made.to(settings.dtype)


def _below(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Put arrays below each other; one alone is not copied."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _joined(prepared: Sequence[Prepared], settings: Settings) -> NetData:
    """Put the tables below each other; each net keeps the numbers of its own rows."""
    everyone, starts, n = prepared, {}, 0
    for each in everyone:
        if each.table_id not in starts:  # the candidates of a search share tables
            starts[each.table_id] = n
            n += len(each.target)
    train, valid = [], []
    for each in everyone:
        start = starts[each.table_id]
        train += [torch.from_numpy(rows + start) for rows in each.train]
        if each.valid is not None:
            valid += [torch.from_numpy(rows + start) for rows in each.valid]
    prepared = list({each.table_id: each for each in everyone}.values())
    target = _below([each.target for each in prepared])
    tensors: dict[str, torch.Tensor | None] = {
        "dense": torch.from_numpy(_below([p.rows.dense for p in prepared])),
        "codes": None,
        "target": torch.from_numpy(target),
        "weight": None,
    }
    if prepared[0].rows.codes is not None:
        codes = _below([np.asarray(p.rows.codes) for p in prepared])
        tensors["codes"] = torch.from_numpy(codes)
    if any(each.weight is not None for each in prepared):
        parts = [np.ones(len(p.target)) if p.weight is None else p.weight
                 for p in prepared]  # fmt: skip
        weight = torch.from_numpy(np.concatenate(parts))
        tensors["weight"] = weight.to(settings.dtype)
    if target.dtype.kind == "f":
        tensors["target"] = tensors["target"].to(settings.dtype)  # type: ignore
    moved = placed(tensors, settings.device)
    return NetData(
        train=train,
        valid=valid or None,
        device=settings.device,
        encoder=prepared[0].encoder,
        classes=prepared[0].extra.get("classes"),
        **moved,  # type: ignore[arg-type]
    )
