# SPDX-License-Identifier: BSD-3-Clause
"""Drop estimators whose training is over from a stack that still runs.

Estimators stop early at different epochs. Nets of one estimator go on together, as they
do alone, so whole estimators are dropped; what is left draws the same numbers and takes
the same steps as before.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

from skoverfit.neural_network._data import NetData

__all__ = ["drop_finished", "take_back"]

# A smaller stack is made once it has at most this share of the nets.
_SHARE = 0.75


@torch.no_grad()
def drop_finished(net: Any, data: NetData) -> NetData | None:
    """Keep the nets of unfinished estimators, if enough of the others are done.

    Parameters
    ----------
    net : TabularNet
        Between two epochs.
    data : NetData
        Of all its nets.

    Returns
    -------
    NetData or None
        Of the nets that are left; None where the stack stays as it is.
    """
    plan, best = net.plan, net.best_
    if plan.owners is None or data.valid is None:
        return None
    active = torch.arange(best.n_nets) if best.active is None else best.active
    owners = torch.tensor(plan.owners)
    running = owners[~best.done[active]].unique()
    kept = torch.isin(owners, running).nonzero()[:, 0]
    if not 0 < len(kept) <= _SHARE * len(owners):
        return None
    if net._whole is None:
        net._whole = plan, net.mask_generators_
    places = kept.tolist()
    net.plan = dataclasses.replace(
        plan,
        generators=[plan.generators[k] for k in places],
        learning_rate=[plan.learning_rate[k] for k in places],
        weight_decay=[plan.weight_decay[k] for k in places],
        owners=[plan.owners[k] for k in places],
    )
    net.mask_generators_ = [net.mask_generators_[k] for k in places]
    net._model.generators = net.plan.generators
    if net._rates is not None:
        net._rates = tuple(each[kept.to(each.device)] for each in net._rates)
    best.active = active[kept]
    for parameter in net.module_.parameters():
        _resize(net, parameter, kept.to(parameter.device))
    _tell_size(net, len(kept))
    rows = best.active.tolist()
    return dataclasses.replace(
        data,
        train=[data.train[k] for k in rows],
        valid=[data.valid[k] for k in rows],
    )


def _resize(net: Any, parameter: torch.Tensor, kept: torch.Tensor) -> None:
    """Keep these nets of a parameter and of what the optimizer knows of it."""
    n_nets = len(parameter)
    parameter.data, parameter.grad = parameter.data[kept], None
    state = net.optimizer_.state.get(parameter, {})
    for name, value in state.items():
        if isinstance(value, torch.Tensor) and value.dim() and len(value) == n_nets:
            state[name] = value[kept]


def _tell_size(net: Any, n_nets: int) -> None:
    for module in net.module_.modules():
        if hasattr(module, "n_nets"):
            module.n_nets = n_nets
    net._set_masks()


@torch.no_grad()
def take_back(net: Any) -> None:
    """Give the module all its nets again, with their best weights.

    The optimizer starts afresh: it knows nothing of those that were dropped.

    Parameters
    ----------
    net : TabularNet
        After the last epoch.
    """
    if net._whole is None:
        return
    net.plan, net.mask_generators_ = net._whole
    net._whole = None
    net.best_.active = None
    for name, parameter in net.module_.named_parameters():
        parameter.data, parameter.grad = net.best_.kept[name].clone(), None
    net.optimizer_.state.clear()
    _tell_size(net, net.n_nets)
