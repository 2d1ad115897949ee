# SPDX-License-Identifier: BSD-3-Clause
"""The compiled module, where it was built, and its passes over whole arrays."""

from __future__ import annotations

import importlib
import os
from functools import cache
from typing import Any

import numpy as np

__all__ = ["SWITCH", "all_finite", "available", "fingerprint", "interpolate", "module"]

# Set to anything but "" or "0" to measure or test what runs where nothing was compiled.
SWITCH = "SKOVERFIT_NO_KERNEL"

_NAME = "skoverfit._core._knn"


@cache
def module() -> Any:
    """Return the compiled module, or None where none was built."""
    try:
        return importlib.import_module(_NAME)
    except ModuleNotFoundError as exc:
        if exc.name != _NAME:
            raise
        return None


def available() -> bool:
    """Whether the kernel was built and is not switched off."""
    return os.environ.get(SWITCH, "0") in ("", "0") and module() is not None


def all_finite(values: np.ndarray) -> bool:
    """Whether certainly no value of a float array is NaN or infinite, in one pass.

    Without the kernel, or where the array has gaps, its sum decides: False then is no
    proof, since the sum of finite values may overflow.
    """
    ordered = values.flags.c_contiguous or values.flags.f_contiguous
    native = values.dtype in (np.float32, np.float64) and values.dtype.isnative
    if ordered and native and available():
        return bool(module().all_finite(values.ravel(order="K")))
    with np.errstate(all="ignore"):
        return bool(np.isfinite(values.sum(dtype=np.float64)))


@cache
def _keys() -> np.ndarray:
    return np.frombuffer(os.urandom(module().n_keys), dtype=np.uint8)


def fingerprint(data: Any) -> bytes:
    """Return numbers that stand for the bytes of a contiguous buffer, in this process.

    Buffers of one length that differ get equal numbers with probability 2^-128. The
    keys are drawn once a process and inherited by forks; another process finds other
    numbers. A 128th of the data in length. Needs the kernel.
    """
    return bytes(module().fingerprint(np.frombuffer(data, dtype=np.uint8), _keys()))


def interpolate(
    values: np.ndarray,
    base: np.ndarray,
    partner: np.ndarray,
    step: np.ndarray,
    out: np.ndarray,
    n_threads: int = 1,
) -> None:
    """Write base + step * (partner - base) into ``out``, in one pass over the memory.

    A negative partner stands for the base itself. ``values`` and ``out`` are
    C-contiguous and of one float type, ``base`` and ``partner`` of one integer type.
    Needs the kernel.
    """
    module().interpolate(values, base, partner, step, out, n_threads)
