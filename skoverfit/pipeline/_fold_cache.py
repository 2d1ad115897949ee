# SPDX-License-Identifier: BSD-3-Clause
"""Resampled folds, kept in memory between candidates that differ only downstream."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np
from imblearn.utils._tags import get_tags
from sklearn import get_config
from sklearn.base import clone
from sklearn.utils.metaestimators import _BaseComposition

from skoverfit._core._memory_cache import BoundedCache, CacheInfo, content_hash
from skoverfit.pipeline._rows import Flow
from skoverfit.pipeline._steps import is_passthrough, resamples

__all__ = [
    "PrefixCache",
    "clear_fold_cache",
    "fold_cache_info",
    "set_fold_cache_limit",
]

DEFAULT_LIMIT = 512 * 2**20
_FOLDS = BoundedCache(DEFAULT_LIMIT)

# Only code whose results are known to follow from its parameters and its input.
_STEP_PACKAGES = {"sklearn", "imblearn", "skoverfit"}
_VALUE_PACKAGES = _STEP_PACKAGES | {"numpy", "scipy", "builtins"}
_DATA_PACKAGES = {"numpy", "scipy", "pandas", "polars", "builtins"}
_PLAIN = (type(None), bool, int, float, complex, str, bytes, np.generic, np.dtype)


def clear_fold_cache() -> None:
    """Forget all resampled folds that pipelines of this process have kept.

    Examples
    --------
    >>> from skoverfit.pipeline import clear_fold_cache
    >>> clear_fold_cache()
    """
    _FOLDS.clear()


def set_fold_cache_limit(max_bytes: int) -> None:
    """Bound the memory that pipelines of this process keep resampled folds in.

    Parameters
    ----------
    max_bytes : int
        The bound in bytes; 0 keeps nothing. It starts at 512 MiB a process. A search
        gains only if one resampled copy of every fold fits.

    Raises
    ------
    ValueError
        If it is negative or no integer.

    Examples
    --------
    >>> from skoverfit.pipeline import set_fold_cache_limit
    >>> set_fold_cache_limit(512 * 2**20)
    """
    if (
        isinstance(max_bytes, bool)
        or not isinstance(max_bytes, (int, np.integer))
        or max_bytes < 0
    ):
        raise ValueError(
            "The 'max_bytes' parameter of set_fold_cache_limit must be an int in the "
            f"range [0, inf). Got {max_bytes!r} instead."
        )
    _FOLDS.resize(int(max_bytes))


def fold_cache_info() -> CacheInfo:
    """Return what the cache of folds holds and how it did."""
    return _FOLDS.info()


class PrefixCache:
    """The cache as one fit of one pipeline sees it.

    Parameters
    ----------
    steps : list of (str, estimator)
        All steps of the pipeline.
    flow : Flow
        The rows before the first step.
    """

    def __init__(self, steps: Sequence[tuple[str, Any]], flow: Flow) -> None:
        self._keys: dict[int, str] = {}
        last = _last_cacheable(steps)
        if last is None or not _is_data(flow.X) or not _is_data(flow.y):
            return
        try:
            key = content_hash(
                flow.X, flow.y, _as_dict(flow.routed), flow.raw, get_config()
            )
            for position, (name, step) in enumerate(steps[: last + 1]):
                blank = None if is_passthrough(step) else clone(step)
                key = content_hash(key, name, blank)
                # Folds are kept behind a sampler, and where all that can be kept ends.
                if position == last or resamples(step):
                    self._keys[position] = key
        except Exception:
            # What can't be hashed (a lock among the fit parameters) is not kept: the
            # pipeline then simply fits, so nothing is hidden from the user.
            self._keys = {}

    def restore(self, steps: list[tuple[str, Any]], flow: Flow) -> int:
        """Restore the longest known beginning; return how many steps it has."""
        for position in sorted(self._keys, reverse=True):
            kept = _FOLDS.get(self._keys[position])
            if kept is None:
                continue
            del self._keys[position]
            fitted, state = pickle.loads(kept)
            for (_, step), copy in zip(steps, fitted, strict=False):
                if not is_passthrough(step):
                    _take_over(step, copy)
            vars(flow).update(state)
            return position + 1
        return 0

    def keep(self, position: int, steps: Sequence[tuple[str, Any]], flow: Flow) -> None:
        """Keep what there is after the step at this position."""
        key = self._keys.get(position)
        if key is None:
            return
        try:
            # Pickled bytes: nobody can change them through what they got.
            kept = pickle.dumps(
                ([step for _, step in steps[: position + 1]], vars(flow)), protocol=5
            )
        except Exception:  # as above: not kept, and fitted as always
            return
        _FOLDS.put(key, kept, len(kept))


def _as_dict(routed: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {method: dict(given) for method, given in methods.items() if given}
        for name, methods in routed.items()
    }


def _take_over(step: Any, fitted: Any) -> None:
    """Make a step what an equal one was after its fit."""
    own = {} if isinstance(step, _BaseComposition) else step.get_params(deep=False)
    vars(step).clear()
    vars(step).update(vars(fitted))
    for name, value in own.items():
        setattr(step, name, value)


def _last_cacheable(steps: Sequence[tuple[str, Any]]) -> int | None:
    """Return the last position up to which all is deterministic, if it resamples."""
    last, useful = None, False
    if not any(resamples(step) for _, step in steps[:-1] if not is_passthrough(step)):
        return None
    for position, (_, step) in enumerate(steps[:-1]):
        if not is_passthrough(step):
            if not _is_deterministic(step):
                break
            useful = useful or resamples(step)
        last = position
    return last if useful else None


def _is_deterministic(step: Any) -> bool:
    """Whether equal parameters and rows are known to give an equal result."""
    if getattr(step, "_skl_callbacks", None) or not hasattr(step, "get_params"):
        return False
    if _package(step) not in _STEP_PACKAGES or not hasattr(step, "__dict__"):
        return False
    try:
        if get_tags(step).non_deterministic:
            return False
    except Exception:  # a class whose tags are broken: nothing is known about it
        return False
    return all(
        _is_known(value) and (not _names_seed(name) or _is_seed(value))
        for name, value in step.get_params(deep=True).items()
    )


def _names_seed(name: str) -> bool:
    return name == "random_state" or name.endswith("__random_state")


def _is_seed(value: Any) -> bool:
    return isinstance(value, (int, np.integer))


def _is_known(value: Any) -> bool:
    if isinstance(value, _PLAIN):
        return True
    if isinstance(value, (list, tuple, set, frozenset)):
        return all(_is_known(item) for item in value)
    if isinstance(value, dict):
        return all(_is_known(k) and _is_known(v) for k, v in value.items())
    if isinstance(value, np.ndarray):
        return not value.dtype.hasobject
    if not _is_seed(getattr(value, "random_state", 0)):
        return False
    if inspect.isroutine(value) and "random" in str(value.__module__ or "random"):
        return False  # a method of a generator has no module
    return _package(value) in _VALUE_PACKAGES


def _package(value: Any) -> str:
    module = getattr(value, "__module__", None) or type(value).__module__
    return str(module).partition(".")[0]


def _is_data(value: Any) -> bool:
    return type(value).__module__.partition(".")[0] in _DATA_PACKAGES
