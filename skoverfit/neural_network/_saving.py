# SPDX-License-Identifier: BSD-3-Clause
"""Fitted nets in copies and files: a specification and numpy arrays, nothing of torch.

skorch's own state hides a raw pickle, so the held net never is in a state. It is built
again from the parameters it was made with and checked against them before it is used:
a file may come from a stranger.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import torch

from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._batch_steps import BatchStep
from skoverfit.neural_network._devices import fork_generators, get_device
from skoverfit.neural_network._encoding import TableEncoder
from skoverfit.neural_network._net import TabularNet
from skoverfit.neural_network._schedules import SCHEDULES
from skoverfit.neural_network._settings import Settings
from skoverfit.neural_network._state import (
    NetState,
    as_json,
    capture,
    check_tensors,
    is_numeric,
    part_of,
    restore,
    unpack,
)
from skoverfit.neural_network._tabular_mlp import TabularMLP
from skoverfit.neural_network._training import hold, own_modules
from skoverfit.neural_network._training_plan import TrainingPlan

__all__ = ["SavableNet"]

_FORMAT = 1
# Fields of a plan that are no plain values.
_NOT_PLAIN = {"generators", "on_epoch", "checkpoint", "mixed_precision"}
_DEVICE = "device of torch: "


class SavableNet:
    """Mixin: the state of an estimator that holds a net in ``net_``."""

    net_: TabularNet

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes, the net as a specification and arrays."""
        state = dict(super().__getstate__())  # type: ignore[call-overload]
        if isinstance(state.get("device"), torch.device):
            state["device"] = f"{_DEVICE}{state['device']}"
        if "net_" in state:
            state["net_"] = _pack_net(state["net_"])
            state["_encoder"] = _pack_encoder(state["_encoder"])
        return state

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Set the attributes; build the net again, on a device that is there.

        Raises
        ------
        BadInputError
            If the parts of the state contradict each other.
        """
        state = dict(state)
        state["device"] = _device_from(state.get("device"))
        if "net_" in state:
            state["_encoder"] = _unpack_encoder(state.get("_encoder"), state)
            state["net_"] = _unpack_net(self, state)
        super().__setstate__(state)  # type: ignore[misc]


def _device_from(device: Any) -> Any:
    if isinstance(device, str) and device.startswith(_DEVICE):
        return torch.device(device.removeprefix(_DEVICE))
    return device


# --- the encoder --------------------------------------------------------------------


def _pack_encoder(encoder: TableEncoder) -> dict[str, Any]:
    state = encoder.to_state()
    # One string: a file keeps a node for every item of a list.
    return {**state, "levels": json.dumps(state["levels"])}


def _unpack_encoder(packed: Any, owner: Mapping[str, Any]) -> TableEncoder:
    known = {each.name for each in fields(TableEncoder)}
    if not isinstance(packed, dict) or packed.keys() != known:
        raise BadInputError("The encoder of the table is not of this version's form")
    state = dict(packed)
    try:
        state["levels"] = json.loads(state["levels"])
        encoder = TableEncoder.from_state(state)
        _try_encoder(encoder, owner["n_features_in_"])
    except BadInputError:
        raise
    except Exception as exc:  # whatever arrays that don't fit make numpy raise
        raise BadInputError(
            f"The encoder of the table is damaged: {type(exc).__name__}: {exc}"
        ) from exc
    return encoder


def _try_encoder(encoder: TableEncoder, n_features: int) -> None:
    """Encode a row of missing values; require that its columns are the table's."""
    columns: list[Any] = [range(n_features)]
    if encoder.nominal_columns is not None:
        columns = [encoder.numeric_columns, encoder.nominal_columns]
    else:
        _require(not encoder.levels, "levels, but no columns for them")
    numbers = len(columns[0])
    everywhere = sorted(j for part in columns for j in part)
    _require(everywhere == list(range(n_features)), "columns other than the table's")
    for name in ("center", "scale", "used", "has_missing"):
        _require(getattr(encoder, name).shape == (numbers,), f"{name} of another shape")
    for name in ("used", "has_missing"):
        _require(getattr(encoder, name).dtype == np.bool_, f"{name} that is no mask")
    n_raw = len(encoder.order)
    _require(
        sorted(encoder.order.tolist()) == list(range(n_raw)), "an order that is none"
    )
    _require(
        isinstance(encoder.n_numeric, int)
        and 0 <= encoder.n_numeric <= encoder.n_dense,
        "more numbers than columns",
    )
    codes = [np.zeros(1, dtype=np.int64) for _ in encoder.levels]
    if encoder.nominal_columns is not None:
        _require(len(codes) == len(encoder.nominal_columns), "levels of other columns")
    row = encoder.encode(np.full((1, numbers), np.nan), codes, np.float64)
    _require(row.dense.shape == (1, encoder.n_dense), "columns of another number")


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise BadInputError(f"The encoder of the table is damaged: it has {what}")


# --- the net ------------------------------------------------------------------------


def _pack_net(net: TabularNet) -> dict[str, Any]:
    state = capture(net, kept=False)
    plan = {
        each.name: getattr(net.plan, each.name)
        for each in fields(net.plan)
        if each.name not in _NOT_PLAIN
    }
    spec = {
        "format": _FORMAT,
        "options": net.module_.options if isinstance(net.module_, TabularMLP) else None,
        "n_nets": net.n_nets,
        "frozen": [
            name for name, p in net.module_.named_parameters() if not p.requires_grad
        ],
        "plan": plan,
        "mixed_precision": str(net.plan.mixed_precision).removeprefix("torch."),
        "state": state.plain,
    }
    made_with = dict(net.made_with)
    if isinstance(made_with["device"], torch.device):
        made_with["device"] = f"{_DEVICE}{made_with['device']}"
    packed: dict[str, Any] = {
        "spec": as_json(spec),
        "arrays": state.arrays,
        "made_with": made_with,
    }
    if net.callbacks_:
        packed["callbacks"] = list(net.callbacks_)
    if isinstance(made_with.get("batch_step"), BatchStep):
        packed["batch_step"] = net.batch_step
    return packed


def _unpack_net(estimator: Any, state: Mapping[str, Any]) -> TabularNet:
    packed = state["net_"]
    try:
        spec = json.loads(packed["spec"])
        if spec["format"] != _FORMAT:
            raise BadInputError(
                f"The net is saved in the format {spec['format']!r}; this version "
                f"reads {_FORMAT}"
            )
        return _rebuild(estimator, state, packed, spec)
    except BadInputError:
        raise
    except Exception as exc:  # whatever a damaged state makes the parts raise
        raise BadInputError(
            f"The saved net is damaged: {type(exc).__name__}: {exc}"
        ) from exc


def _rebuild(
    estimator: Any,
    state: Mapping[str, Any],
    packed: Mapping[str, Any],
    spec: Mapping[str, Any],
) -> TabularNet:
    encoder = state["_encoder"]
    made_with = dict(packed["made_with"])
    made_with["device"] = _device_from(made_with["device"])
    settings = _settings_here(estimator, made_with)
    saved = NetState(dict(packed["arrays"]), spec["state"])
    n_nets, n_outputs = spec["n_nets"], estimator._n_outputs(state)
    if type(n_nets) is not int or n_nets < 1:
        raise BadInputError(f"The saved net has n_nets={n_nets!r}")
    plan = _plan(spec, n_nets)
    module: torch.nn.Module
    with fork_generators(settings.device):
        if spec["options"] is not None:
            module = _mlp(spec["options"], encoder, n_outputs, n_nets, settings, saved)
        elif settings.module is not None:
            module = own_modules(settings, encoder.n_dense, n_outputs, range(n_nets))
        else:
            raise BadInputError("The saved net has no module")
        frozen = set(spec["frozen"])
        for name, parameter in module.named_parameters():
            parameter.requires_grad_(name not in frozen)
        net = hold(module, plan, settings)
    if "callbacks" in packed:
        net.callbacks_ = [(str(name), each) for name, each in packed["callbacks"]]
    if "batch_step" in packed:
        net.batch_step = packed["batch_step"]
    net.made_with = made_with
    restore(net, saved)
    net.module_.eval()
    _try_net(net, encoder, n_outputs)
    return net


def _settings_here(estimator: Any, made_with: Mapping[str, Any]) -> Settings:
    """Resolve the parameters that a net was made with, on a device that is there."""
    twin = object.__new__(type(estimator))
    vars(twin).update(made_with)
    twin._validate_params()
    try:
        device = get_device(twin.device)
    except BadInputError:
        device = torch.device("cpu")
    if twin.dtype == "float64" and device.type == "mps":
        device = torch.device("cpu")
    if twin.mixed_precision == "float16" and device.type == "cpu":
        twin.mixed_precision = None
    twin.device = device
    settings: Settings = twin._settings()
    return settings


def _mlp(
    options: Mapping[str, Any],
    encoder: TableEncoder,
    n_outputs: int,
    n_nets: int,
    settings: Settings,
    saved: NetState,
) -> TabularMLP:
    """Return the default module, if its shape is that of the arrays and the table."""
    told = {
        "n_dense": encoder.n_dense,
        "n_codes": encoder.n_codes,
        "n_numeric": encoder.n_numeric,
        "n_outputs": n_outputs,
        "n_nets": n_nets,
    }
    for name, value in told.items():
        if options.get(name) != value:
            raise BadInputError(
                f"The saved net has {name}={options.get(name)!r}, but the rest of the "
                f"estimator says {value!r}"
            )
    unknown = options.keys() - inspect.signature(TabularMLP).parameters.keys()
    if unknown:
        raise BadInputError(f"The saved net has the unknown option {min(unknown)!r}")
    for name in ("dropout", "feature_dropout"):
        if not isinstance(options.get(name) or 0.0, (int, float)):
            raise BadInputError(f"The saved net has {name}={options.get(name)!r}")
    weights = unpack(part_of(saved.arrays, "module/"))
    with torch.device("meta"):  # no memory is taken before the shapes are known
        outline = TabularMLP(**options).to(settings.dtype)
    check_tensors(outline, weights, "weights")
    return TabularMLP(**options).to(settings.dtype)


def _plan(spec: Mapping[str, Any], n_nets: int) -> TrainingPlan:
    told = dict(spec["plan"])
    if told.keys() != {f.name for f in fields(TrainingPlan)} - _NOT_PLAIN:
        raise BadInputError("The plan of the saved net is not of this version's form")
    for name in ("learning_rate", "weight_decay"):
        if len(told[name]) != n_nets:
            raise BadInputError(f"The saved net has {name} for {len(told[name])} nets")
        told[name] = [float(value) for value in told[name]]
    if told["schedule"] not in SCHEDULES:
        raise BadInputError(f"The saved net has the schedule {told['schedule']!r}")
    for name in set(told) - {"schedule", "learning_rate", "weight_decay"}:
        if not is_numeric(told[name]) or (
            isinstance(told[name], list) and name != "owners"
        ):
            raise BadInputError(f"The saved net has {name}={told[name]!r}")
    kinds = {"None": None, "bfloat16": torch.bfloat16, "float16": torch.float16}
    return TrainingPlan(
        generators=[torch.Generator() for _ in range(n_nets)],
        mixed_precision=kinds[spec["mixed_precision"]],
        **told,
    )


def _try_net(net: TabularNet, encoder: TableEncoder, n_outputs: int) -> None:
    """Run one row; require the number of outputs."""
    kind = next((p.dtype for p in net.module_.parameters()), torch.float32)
    codes = torch.zeros((1, len(encoder.n_codes)), dtype=torch.int64)
    output = net.outputs(
        torch.zeros((1, encoder.n_dense), dtype=kind),
        codes if encoder.n_codes else None,
    )
    wanted = (net.n_nets, 1, n_outputs)
    if tuple(output.shape) != wanted:
        raise BadInputError(
            f"The saved net returns the shape {tuple(output.shape)}, expected is "
            f"{wanted}"
        )
