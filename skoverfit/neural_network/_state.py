# SPDX-License-Identifier: BSD-3-Clause
"""The state of a net as plain arrays and numbers: for files, copies and retreats.

A state has ``arrays`` (numpy, by flat names) and ``plain`` (what JSON can hold). No
torch or skorch type is in it, and `restore` follows nothing of it without a check: a
state may come from a stranger's file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._best_weights import BestWeights
from skoverfit.neural_network._optimizers import OPTIMIZERS

__all__ = [
    "NetState",
    "as_json",
    "capture",
    "check_tensors",
    "is_numeric",
    "pack",
    "part_of",
    "restore",
    "set_generator",
    "unpack",
]

# numpy has no such type: its bits are kept, and the name tells so.
_BFLOAT = "|bfloat16"
# Options of an optimizer that follow from the device, not from the training.
_LOCAL_OPTIONS = {"params", "fused", "foreach", "capturable", "differentiable"}


@dataclass
class NetState:
    """State of a net between two epochs.

    Attributes
    ----------
    arrays : dict of ndarray
        "module/...", "optimizer/...", "generator/0" and so on.
    plain : dict
        Numbers, strings, lists and dictionaries of such.
    """

    arrays: dict[str, np.ndarray]
    plain: dict[str, Any]


def pack(tensors: Mapping[str, Any], prefix: str = "") -> dict[str, np.ndarray]:
    """Return copies of tensors as numpy arrays, by their names.

    Parameters
    ----------
    tensors : mapping of str to tensor
        What is no tensor (a module's extra state) is left out.
    prefix : str, default=""
        Put before each name.
    """
    made = {}
    for name, value in tensors.items():
        if not isinstance(value, torch.Tensor):
            continue
        tensor, mark = value.detach().cpu(), ""
        if tensor.dtype is torch.bfloat16:
            tensor, mark = tensor.view(torch.uint16), _BFLOAT
        made[f"{prefix}{name}{mark}"] = np.array(tensor.numpy())
    return made


def unpack(arrays: Mapping[str, np.ndarray]) -> dict[str, torch.Tensor]:
    """Return tensors for what `pack` returned."""
    made = {}
    for name, array in arrays.items():
        tensor = torch.from_numpy(np.array(array))
        if name.endswith(_BFLOAT):
            if tensor.dtype is not torch.uint16:
                raise BadInputError(f"The array {name!r} doesn't hold 16 bits a number")
            name, tensor = name.removesuffix(_BFLOAT), tensor.view(torch.bfloat16)
        made[name] = tensor
    return made


def part_of(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """Return the arrays whose names begin so, without that beginning."""
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def capture(net: Any, *, kept: bool = True, history: bool = True) -> NetState:
    """Return what a net needs to go on.

    Parameters
    ----------
    net : TabularNet
        An initialized net.
    kept : bool, default=True
        Whether the best weights are wanted beside the current ones.
    history : bool, default=True
        Whether the history is wanted; its length is always there.
    """
    arrays = pack(net.module_.state_dict(), "module/")
    arrays |= pack(net.criterion_.state_dict(), "criterion/")
    for k, generator in enumerate(net.plan.generators):
        arrays[f"generator/{k}"] = generator.get_state().numpy().copy()
    plain: dict[str, Any] = {
        "n_epochs": len(net.history),
        "n_steps": getattr(net, "n_steps_", 0),
        "batch_size": int(net.batch_size),
        "interrupted": getattr(net, "interrupted_", False),
        "timed_out": getattr(net, "timed_out_", False),
    }
    masks = getattr(net, "mask_generators_", None)
    if masks is not None:
        plain["mask_device"] = masks[0].device.type
        for k, generator in enumerate(masks):
            arrays[f"mask/{k}"] = generator.get_state().cpu().numpy().copy()
    if history:
        plain["history"] = [_plain_row(row) for row in net.history]
    best = getattr(net, "best_", None)
    if best is not None:
        plain["best_epoch"] = best.epoch
        for name in ("losses", "epochs", "done"):
            arrays[f"best/{name}"] = getattr(best, name).numpy().copy()
        if kept and best.kept is not None:
            arrays |= pack(best.kept, "kept/")
    moments, plain["optimizer"] = _optimizer_state(net.optimizer_)
    return NetState(arrays | moments, plain)


def as_json(plain: Mapping[str, Any]) -> str:
    """Return plain values as text.

    Raises
    ------
    BadInputError
        If a user's optimizer keeps something else than tensors and numbers.
    """

    def refuse(value: Any) -> None:
        raise BadInputError(
            f"The training keeps a {type(value).__name__}, which can't be written"
        )

    return json.dumps(plain, default=refuse)


def _plain_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name): _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    """Return a value that JSON can hold; what it can't is told in words."""
    if isinstance(value, (str, int, float, type(None))):
        return value
    if isinstance(value, (np.generic, np.ndarray, torch.Tensor)):
        return _plain(value.tolist())
    if isinstance(value, dict):
        return _plain_row(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return repr(value)


def _optimizer_state(
    optimizer: torch.optim.Optimizer,
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    state = optimizer.state_dict()
    tensors: dict[str, torch.Tensor] = {}
    values: dict[str, Any] = {}
    for index, own in state["state"].items():
        for key, value in own.items():
            to = tensors if isinstance(value, torch.Tensor) else values
            to[f"{index}/{key}"] = value
    groups = [
        {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in group.items()
            if key not in _LOCAL_OPTIONS and is_numeric(value)
        }
        for group in state["param_groups"]
    ]
    return pack(tensors, "optimizer/"), {"values": values, "groups": groups}


def is_numeric(value: Any) -> bool:
    """Whether a value is a number, a flag, None, or a list of such."""
    if isinstance(value, (tuple, list)):
        return all(is_numeric(item) for item in value)
    return isinstance(value, (bool, int, float, type(None)))


def restore(net: Any, state: NetState) -> None:
    """Put a state into an initialized net of the same shape.

    Raises
    ------
    BadInputError
        If the state is not one of a net of this shape; the net may be changed in part
        then and must not be used.
    """
    arrays, plain = state.arrays, state.plain
    _load(net.module_, unpack(part_of(arrays, "module/")), "weights")
    _load(net.criterion_, unpack(part_of(arrays, "criterion/")), "weights of the loss")
    _set_generators(net.plan.generators, part_of(arrays, "generator/"), net.n_nets)
    device = torch.device(net.device)
    net.__dict__.pop("mask_generators_", None)
    if plain.get("mask_device") == device.type:
        masks = [torch.Generator(device) for _ in range(net.n_nets)]
        _set_generators(masks, part_of(arrays, "mask/"), net.n_nets)
        net.mask_generators_ = masks
    net.n_steps_ = _count(plain, "n_steps")
    net.set_params(batch_size=max(1, _count(plain, "batch_size")))
    net.interrupted_ = bool(plain.get("interrupted"))
    net.timed_out_ = bool(plain.get("timed_out"))
    _restore_history(net, plain)
    if "best_epoch" in plain:
        net.best_ = _best(net, arrays, plain)
    net.optimizer_.state.clear()
    moments = unpack(part_of(arrays, "optimizer/"))
    _restore_optimizer(net.optimizer_, moments, plain["optimizer"])


def _count(plain: Mapping[str, Any], name: str) -> int:
    value = plain.get(name)
    if not isinstance(value, int) or value < 0:
        raise BadInputError(f"The state of the net has {name}={value!r}")
    return value


def _load(module: nn.Module, tensors: dict[str, torch.Tensor], what: str) -> None:
    check_tensors(module, tensors, what)
    extra = {k: v for k, v in module.state_dict().items() if k not in tensors}
    module.load_state_dict({**tensors, **extra})


def check_tensors(
    module: nn.Module, tensors: Mapping[str, torch.Tensor], what: str
) -> None:
    """Require the names, shapes and dtypes of a module's own tensors.

    Raises
    ------
    BadInputError
        Naming the first tensor that differs.
    """
    own = {k: v for k, v in module.state_dict().items() if isinstance(v, torch.Tensor)}
    for name in sorted({*own, *tensors}):
        there, wanted = tensors.get(name), own.get(name)
        if there is None or wanted is None:
            which = "lack" if there is None else "have the unknown"
            raise BadInputError(f"The {what} {which} {name!r}")
        if there.shape != wanted.shape or there.dtype != wanted.dtype:
            raise BadInputError(
                f"The {what} are of another shape: {name!r} is {_shape(there)}, this "
                f"net has {_shape(wanted)}"
            )


def _shape(tensor: torch.Tensor) -> str:
    return f"{tuple(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}"


def _set_generators(
    generators: Iterable[torch.Generator], states: dict[str, np.ndarray], n_nets: int
) -> None:
    if states.keys() != {str(k) for k in range(n_nets)}:
        raise BadInputError(f"The state has {len(states)} generators, not {n_nets}")
    for k, generator in enumerate(generators):
        set_generator(generator, states[str(k)])


def set_generator(generator: Any, state: np.ndarray) -> None:
    """Set the state of a generator, or of torch's global one (``torch.random``).

    Raises
    ------
    BadInputError
        If it is none.
    """
    setter = getattr(generator, "set_rng_state", None) or generator.set_state
    try:
        setter(torch.from_numpy(np.array(state)))
    except (RuntimeError, TypeError) as exc:
        raise BadInputError(f"The state of a generator is invalid: {exc}") from exc


def _restore_history(net: Any, plain: Mapping[str, Any]) -> None:
    if "history" not in plain:
        del net.history[_count(plain, "n_epochs") :]
        return
    rows = plain["history"]
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and isinstance(row.get("batches"), list) for row in rows
    ):
        raise BadInputError("The history of the net is no list of epochs")
    net.history.clear()
    net.history.extend(dict(row) for row in rows)


def _best(
    net: Any, arrays: Mapping[str, np.ndarray], plain: Mapping[str, Any]
) -> BestWeights:
    best = BestWeights(net.module_, net.n_nets, net.plan)
    best.epoch = _count(plain, "best_epoch")
    told = unpack(part_of(arrays, "best/"))
    for name in ("losses", "epochs", "done"):
        now = getattr(best, name)
        if name not in told or told[name].shape != now.shape:
            raise BadInputError(f"The best {name} are not of {net.n_nets} nets")
        setattr(best, name, told[name].to(now.dtype))
    kept = unpack(part_of(arrays, "kept/"))
    if kept:
        check_tensors(net.module_, kept, "best weights")
        own = net.module_.state_dict()
        best.kept = {
            name: kept[name].to(value.device)
            for name, value in own.items()
            if name in kept
        }
    return best


def _is_alike(own: Any, value: Any) -> bool:
    """Whether an option of this value may take the place of an own one."""
    if isinstance(own, (tuple, list)):
        return (
            isinstance(value, list)
            and len(value) == len(own)
            and all(_is_alike(a, b) for a, b in zip(own, value, strict=True))
        )
    if isinstance(own, bool) or own is None:
        return value is own
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _restore_optimizer(
    optimizer: torch.optim.Optimizer,
    tensors: dict[str, torch.Tensor],
    plain: Mapping[str, Any],
) -> None:
    state = optimizer.state_dict()
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    shipped = type(optimizer) in OPTIMIZERS.values()
    own: dict[int, dict[str, Any]] = {}
    for name, value in {**tensors, **plain["values"]}.items():
        index, _, key = name.partition("/")
        if not index.isdecimal() or int(index) >= len(parameters):
            raise BadInputError(f"The optimizer's state {name!r} is of no parameter")
        shape = parameters[int(index)].shape
        # Compiled steps follow these without a check.
        if shipped and isinstance(value, torch.Tensor):
            whole = value.dim() == 0 if key in _SCALARS else value.shape == shape
            if not whole or not value.is_floating_point():
                raise BadInputError(
                    f"The optimizer's state {name!r} is {_shape(value)}, its parameter "
                    f"has the shape {tuple(shape)}"
                )
        own.setdefault(int(index), {})[key] = value
    if shipped and len({frozenset(each) for each in own.values()}) > 1:
        raise BadInputError("The optimizer's state differs from parameter to parameter")
    groups = plain["groups"]
    if len(groups) != len(state["param_groups"]):
        raise BadInputError("The optimizer's groups are other ones")
    for group, told in zip(state["param_groups"], groups, strict=True):
        for key, value in told.items():
            if key in _LOCAL_OPTIONS or key not in group:
                continue
            if not _is_alike(group[key], value):
                raise BadInputError(
                    f"The optimizer's option {key!r} is {value!r}, not {group[key]!r}"
                )
            group[key] = tuple(value) if isinstance(group[key], tuple) else value
    state["state"] = own
    optimizer.load_state_dict(state)


# Numbers of a whole parameter in the states of torch's own optimizers.
_SCALARS = {"step", "mu_product"}
