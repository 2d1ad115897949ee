# SPDX-License-Identifier: BSD-3-Clause
"""Row-aligned arguments on their way through samplers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples

from skoverfit.pipeline._steps import (
    Resampled,
    is_passthrough,
    maps_rows,
    resamples,
    takes,
)

__all__ = ["Flow", "check_rows_can_be_carried", "is_row_aligned"]


def is_row_aligned(value: Any, n_rows: int) -> bool:
    """Whether an argument has one entry a row.

    As in scikit-learn's cross-validation, any array-like of that length has; strings,
    mappings and tuples (of validation sets) have not.
    """
    if value is None or isinstance(value, (str, bytes, dict, tuple)):
        return False
    try:
        return _num_samples(value) == n_rows
    except TypeError:
        return False


@dataclass
class Flow:
    """The rows of one fit and everything that is aligned with them.

    Parameters
    ----------
    X, y : array-like
        The rows as they stand.
    routed : dict
        Step name -> method -> argument -> value, for the steps that are to come.
    raw : dict
        The arguments as the user named them.
    frozen : set of str
        Names of arguments that are no rows of X: those of ``transform_input``.
    row_map : ndarray or None
        The row of the input that each row came from; None once that is unknown.
    """

    X: Any
    y: Any
    routed: dict[str, Any]
    raw: dict[str, Any]
    frozen: set[str] = field(default_factory=set)
    row_map: np.ndarray | None = None
    resampled: bool = False

    def values(self, later: Sequence[str]) -> Iterator[tuple[str, str, dict]]:
        """Yield (step, argument, the dictionary that holds it) for later steps."""
        for step in later:
            for given in self.routed[step].values():
                for name in given:
                    if name not in self.frozen:
                        yield step, name, given

    def take(self, step: str, passed: dict[str, Any], made: Resampled) -> None:
        """Go on with the rows that a step made; re-align what later steps ask for."""
        n_before = _num_samples(self.X)
        n_after = _num_samples(made.X)
        names = list(self.routed)
        aligner = _Aligner(step, n_before, n_after, passed, made)
        holders = [
            (name, given)
            for _, name, given in self.values(names[names.index(step) + 1 :])
        ]
        moved = [(given, name, aligner(name, given[name])) for name, given in holders]
        raw = {
            name: value if name in self.frozen else aligner(name, value, required=False)
            for name, value in self.raw.items()
        }
        for given, name, value in moved:
            given[name] = value
        self.raw = raw
        self._take_row_map(made, n_before)
        self.X, self.y, self.resampled = made.X, made.y, True

    def _take_row_map(self, made: Resampled, n_before: int) -> None:
        if made.row_map is None or (self.resampled and self.row_map is None):
            self.row_map = None
        else:
            before = np.arange(n_before) if self.row_map is None else self.row_map
            self.row_map = before[made.row_map]


class _Aligner:
    """Re-aligns arguments after one step, each array once."""

    def __init__(
        self,
        step: str,
        n_before: int,
        n_after: int,
        passed: dict[str, Any],
        made: Resampled,
    ) -> None:
        self._step = step
        self._n_before = n_before
        self._row_map = made.row_map
        self._moved: dict[int, Any] = {}
        self._by_name: dict[tuple[int, str], Any] = {}
        for name, value in made.carried.items():
            if value is None or name not in passed:
                continue
            if _num_samples(value) != n_after:
                raise ValueError(
                    f"Step {step!r} made {n_after} rows, but its {name}_ has "
                    f"{_num_samples(value)} entries."
                )
            self._moved.setdefault(id(passed[name]), value)
            self._by_name[id(passed[name]), name] = value
        if made.row_map is not None and len(made.row_map) != n_after:
            raise ValueError(
                f"Step {step!r} made {n_after} rows, but its sample_indices_ has "
                f"{len(made.row_map)} entries."
            )

    def __call__(self, name: str, value: Any, *, required: bool = True) -> Any:
        if (id(value), name) in self._by_name:
            return self._by_name[id(value), name]
        if id(value) in self._moved:
            return self._moved[id(value)]
        if not is_row_aligned(value, self._n_before):
            return value
        if self._row_map is None:
            if required:
                raise ValueError(_cannot_carry(self._step, name))
            return None
        indexable = value if hasattr(value, "__getitem__") else np.asarray(value)
        self._moved[id(value)] = _safe_indexing(indexable, self._row_map)
        return self._moved[id(value)]


def check_rows_can_be_carried(steps: Sequence[tuple[str, Any]], flow: Flow) -> None:
    """Refuse, before any fit, what some sampler would leave without its rows.

    Parameters
    ----------
    steps : list of (str, estimator)
        All steps in order.
    flow : Flow
        The rows before the first step.

    Raises
    ------
    ValueError
        If a later step is to get a row-aligned argument that a sampler before it
        neither takes itself nor can be followed by its row map.
    """
    names = [name for name, _ in steps]
    for position, (step_name, step) in enumerate(steps):
        if is_passthrough(step) or not resamples(step) or maps_rows(step):
            continue
        passed = flow.routed[step_name].get("fit_resample", {})
        carried = {
            id(value)
            for name, value in passed.items()
            if takes(step, "fit_resample", name)
        }
        for later, name, given in flow.values(names[position + 1 :]):
            value = given[name]
            if id(value) not in carried and is_row_aligned(value, _num_samples(flow.X)):
                raise ValueError(_cannot_carry(step_name, name, step, later))


def _cannot_carry(
    step: str, name: str, sampler: Any = None, later: str | None = None
) -> str:
    kind = f" ({type(sampler).__name__})" if sampler is not None else ""
    asker = f" that step {later!r} is to get" if later is not None else ""
    return (
        f"Step {step!r}{kind} can't carry the argument {name!r}{asker}: the sampler "
        "neither takes it in fit_resample nor says from which row each new row came "
        "(sample_indices_). Use the sampler of the same name in skoverfit, or do not "
        f"pass {name!r}."
    )
