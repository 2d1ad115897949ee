# SPDX-License-Identifier: BSD-3-Clause
"""Devices: which one, what fits it, and random generators that stay untouched."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

from skoverfit.exceptions import BadInputError

__all__ = ["fork_generators", "get_device", "placed", "seed_generators"]

# A table may fill this share of the free memory of a device; nets need the rest.
_SHARE = 0.5


def get_device(device: Any) -> torch.device:
    """Return a device that is there; "auto" is the best one.

    Raises
    ------
    BadInputError
        If the device is not there or has no such name.
    """
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError) as exc:
        raise BadInputError(
            "The 'device' parameter must be 'auto', 'cpu', 'cuda', 'mps' or another "
            f"device of torch. Got {device!r} instead."
        ) from exc
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available()
        and (found.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not there.get(found.type, False):
        have = [name for name, is_there in there.items() if is_there]
        raise BadInputError(
            f"The device {str(found)!r} is not there: this installation of torch has "
            f"{', '.join(map(repr, have))}. Use device='auto' for the best of them."
        )
    return found


@contextlib.contextmanager
def fork_generators(device: torch.device) -> Iterator[None]:
    """Give torch's global generators back as they were."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        if device.type != "mps":
            yield
            return
        before = torch.mps.get_rng_state()
        try:
            yield
        finally:
            torch.mps.set_rng_state(before)


def seed_generators(seed: int, device: torch.device) -> None:
    """Seed torch's generators of the main memory and of a device, but no others."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)


def placed(
    tensors: dict[str, torch.Tensor | None], device: torch.device
) -> dict[str, torch.Tensor | None]:
    """Move a table to a device; it stays in main memory where it does not fit.

    Parameters
    ----------
    tensors : dict of tensor
        The table; None stays None.
    device : torch.device
        Where it is needed.

    Returns
    -------
    dict of tensor
        All on one device.
    """
    there = [v for v in tensors.values() if v is not None]
    size = sum(v.element_size() * v.nelement() for v in there)
    if device.type == "cuda" and size > _SHARE * torch.cuda.mem_get_info(device)[0]:
        return tensors
    return {k: None if v is None else v.to(device) for k, v in tensors.items()}
