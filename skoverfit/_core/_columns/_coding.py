# SPDX-License-Identifier: BSD-3-Clause
"""Exact values to floats that a sampler can compute with, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from skoverfit._core._columns._raw import RawColumn, TimeUnits

__all__ = ["NominalColumn", "NumericColumn", "nominal_column", "numeric_column"]

_EXACT = 2**53  # float64 holds every integer up to here
_MAX_LEVELS = 65_535


@dataclass(kw_only=True)
class NumericColumn:
    """A numeric column: physical value = offset + unit * number."""

    position: int
    name: Any
    values: np.ndarray
    raw: RawColumn
    offset: int = 0
    unit: int = 1
    whole: bool = False  # a float column that takes whole numbers only

    @property
    def is_whole(self) -> bool:
        """Whether new values must be whole numbers."""
        return self.whole or self.raw.content != "float"

    def decode(self, numbers: np.ndarray) -> Any:
        """Turn new numbers, NaN where missing, into a column of the old dtype."""
        raw, gone = self.raw, np.isnan(numbers)
        missing = gone if gone.any() else None
        if missing is not None and raw.missing is None:
            raise ValueError(
                f"Column {self.name!r} has no missing value, so that no made row can "
                "have one."
            )
        assert raw.build is not None
        if raw.content == "float":
            return raw.build(np.rint(numbers) if self.whole else numbers, missing)
        exact = self._whole(np.where(gone, 0.0, numbers))
        return raw.build(exact, missing)

    def _whole(self, numbers: np.ndarray) -> np.ndarray:
        """Add the offset in integers, within the bounds of the dtype."""
        assert self.raw.bounds is not None
        least, most = self.raw.bounds
        # Out of the unit's grid the bounds would be left by less than one unit.
        low = -((self.offset - least) // self.unit)
        high = (most - self.offset) // self.unit
        whole = np.clip(np.rint(numbers), _inside(low, 1), _inside(high, -1))
        if self.raw.values.dtype == object:
            exact = np.empty(len(whole), dtype=object)
            exact[:] = [self.offset + self.unit * int(value) for value in whole]
            return exact
        # Modulo 2**64 the sum is right for signed and unsigned integers alike.
        steps = np.where(
            whole < 0,
            whole.clip(max=0).astype(np.int64).view(np.uint64),
            whole.clip(min=0).astype(np.uint64),
        )
        steps = steps * np.uint64(self.unit) + np.uint64(self.offset % 2**64)
        return steps if self.raw.values.dtype == np.uint64 else steps.view(np.int64)


def _inside(bound: int, towards: int) -> float:
    """Return the float nearest to a bound that is not beyond it."""
    value = float(bound)
    if int(value) * -towards > bound * -towards:
        value = float(np.nextafter(value, np.inf * towards))
    return value


@dataclass(kw_only=True)
class NominalColumn:
    """A nominal column: codes from 1, and a row of the table that has each level."""

    position: int
    name: Any
    codes: np.ndarray
    level_rows: np.ndarray  # level_rows[code]; -1 at 0 where nothing is missing


def numeric_column(raw: RawColumn, position: int, name: Any) -> NumericColumn:
    """Code a column as floats.

    Raises
    ------
    ValueError
        Where a value is infinite.
    """
    if raw.content == "float":
        values = np.asarray(raw.values)
        if np.isinf(values).any():
            row = int(np.isinf(values).argmax())
            raise ValueError(
                f"Input X contains infinity: column {name!r} has {float(values[row])} "
                f"in row {row}. Replace it by a number, or mark it as missing."
            )
        return NumericColumn(position=position, name=name, values=values, raw=raw)
    there = raw.values if raw.missing is None else raw.values[~raw.missing]
    if not len(there):
        numbers = np.full(len(raw.values), np.nan)
        return NumericColumn(position=position, name=name, values=numbers, raw=raw)
    least, most = int(there.min()), int(there.max())
    far = raw.content == "time" or max(-least, most) > _EXACT
    offset = least if far else 0
    differences = _subtract(raw.values, offset) if far else raw.values
    unit = 1
    if raw.content == "time":
        known = differences if raw.missing is None else differences[~raw.missing]
        unit = _natural_unit(known, raw.tick)
        differences = differences // differences.dtype.type(unit)
    numbers = differences.astype(np.float64)
    if raw.missing is not None:
        numbers[raw.missing] = np.nan
    return NumericColumn(
        position=position,
        name=name,
        values=numbers,
        raw=raw,
        offset=offset,
        unit=unit,
    )


def _subtract(values: np.ndarray, offset: int) -> np.ndarray:
    """Return values - offset, exact: offset is the least, so that uint64 holds it."""
    if values.dtype == object:
        return np.array([value - offset for value in values], dtype=object)
    wide = values.astype(np.int64 if values.dtype.kind == "i" else np.uint64)
    return wide.view(np.uint64) - np.uint64(offset % 2**64)


def _natural_unit(differences: np.ndarray, tick: int) -> int:
    """Return the ticks of the coarsest calendar unit that all differences keep.

    Days among days stay days, whatever the resolution of the dtype.
    """
    for nanoseconds in TimeUnits.values():  # from days to nanoseconds
        unit = nanoseconds // tick
        if unit >= 1 and nanoseconds % tick == 0 and not (differences % unit).any():
            return unit
    return 1


def nominal_column(raw: RawColumn, position: int, name: Any) -> NominalColumn:
    """Code a column as levels from 1 in the order of the values; 0 is missing.

    Raises
    ------
    ValueError
        Where there are more than 65535 levels, or an infinite number.
    """
    missing = raw.missing
    if raw.content == "float" and np.isinf(raw.values).any():
        numeric_column(raw, position, name)  # says which value is infinite
    values = raw.values if missing is None else raw.values[~missing]
    codes = np.zeros(len(raw.values), dtype=np.intp)
    there = slice(None) if missing is None else ~missing
    codes[there] = _ranks(values) + 1
    n_levels = int(codes.max(initial=0))
    if n_levels > _MAX_LEVELS:
        raise ValueError(
            f"Column {name!r} has {n_levels} distinct values, more than the "
            f"{_MAX_LEVELS} that a nominal column may have; drop it, or group its "
            "values."
        )
    level_rows = np.full(n_levels + 1, -1, dtype=np.intp)
    level_rows[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)  # the first row wins
    return NominalColumn(
        position=position, name=name, codes=codes, level_rows=level_rows
    )


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return the position of each value among the sorted distinct ones."""
    if not len(values):
        return np.empty(0, dtype=np.intp)
    if values.dtype.kind in "iu":
        least = int(values.min())
        span = int(values.max()) - least
        if span < 4 * len(values) + 1024:
            small = _subtract(values, least).astype(np.intp)
            used = np.zeros(span + 1, dtype=bool)
            used[small] = True
            return (np.cumsum(used) - 1)[small]
    return np.unique(values, return_inverse=True)[1]
