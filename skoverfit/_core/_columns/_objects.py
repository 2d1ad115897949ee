# SPDX-License-Identifier: BSD-3-Clause
"""Columns of numpy arrays: plain dtypes, and Python objects told apart by their types.

Objects are looked at by the set of their types, which C code collects; only then is a
column converted as a whole.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np

from skoverfit._core._arrays import missing_values
from skoverfit._core._columns._raw import (
    RawColumn,
    TimeUnits,
    no_missing,
    unsupported,
)

__all__ = ["factorize", "read_array", "read_objects", "time_column"]

_NAMES_OF_MISSING = ("NAType", "NaTType", "NoneType")
_NESTED = (list, dict, set, tuple, np.ndarray)


def factorize(values: np.ndarray) -> np.ndarray:
    """Return codes from 0 in the order of the sorted distinct values."""
    if values.dtype.kind in "biufmM":
        return np.unique(values, return_inverse=True)[1]
    seen: dict[Any, int] = {}
    codes = np.array([seen.setdefault(v, len(seen)) for v in values.tolist()], np.intp)
    try:
        order = sorted(seen)
    except TypeError:  # values of one type without an order: as they appeared
        return codes
    rank = np.empty(len(seen), dtype=np.intp)
    rank[[seen[value] for value in order]] = np.arange(len(seen))
    return rank[codes]


def read_array(values: np.ndarray, name: Any) -> RawColumn:
    """Read a one-dimensional array of any dtype."""
    dtype = values.dtype
    if dtype.kind == "O":
        return read_objects(values, name)
    if dtype.kind in "US":
        return RawColumn(content="text", values=factorize(values))
    if dtype.kind == "b":
        return RawColumn(
            content="boolean",
            values=values.astype(np.int64),
            build=_builder(dtype, name),
            bounds=(0, 1),
        )
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return RawColumn(
            content="integer",
            values=values,
            build=_builder(dtype, name),
            bounds=(int(info.min), int(info.max)),
        )
    if dtype.kind == "f":
        return RawColumn(
            content="float",
            values=values,
            missing=no_missing(np.isnan(values)),
            build=lambda made, missing: made.astype(dtype),
            is_short=dtype.itemsize <= 4,
        )
    if dtype.kind in "mM":
        return time_column(values, lambda made, missing: made)
    if dtype.kind == "c":
        raise ValueError(f"Complex data not supported: column {name!r} is {dtype}.")
    raise unsupported(name, dtype)


def _builder(dtype: np.dtype, name: Any) -> Callable[..., np.ndarray]:
    def build(made: np.ndarray, missing: np.ndarray | None) -> np.ndarray:
        if missing is not None:
            raise ValueError(f"Column {name!r} of dtype {dtype} can't hold NaN.")
        return made.astype(dtype)

    return build


def time_column(
    values: np.ndarray, finish: Callable[[np.ndarray, np.ndarray | None], Any]
) -> RawColumn:
    """Read datetime64 or timedelta64; ``finish`` turns such an array into a column."""
    dtype, (unit, step) = values.dtype, np.datetime_data(values.dtype)
    if unit not in TimeUnits:
        raise TypeError(
            f"Dates of dtype {dtype} can't be interpolated; convert them to "
            f"{dtype.kind}8[s] or to a unit between ns and D."
        )

    def build(ticks: np.ndarray, missing: np.ndarray | None) -> Any:
        made = ticks.astype(np.int64).view(dtype)
        if missing is not None:
            made[missing] = "NaT"
        return finish(made, missing)

    return RawColumn(
        content="time",
        values=values.astype(dtype, copy=True).view(np.int64),
        missing=no_missing(np.isnat(values)),
        build=build,
        bounds=(-(2**63) + 1, 2**63 - 1),
        tick=TimeUnits[unit] * step,
    )


def read_objects(values: np.ndarray, name: Any) -> RawColumn:
    """Read a column of Python objects, all of one kind beside the missing ones."""
    kinds = set(map(type, values.tolist()))
    gone = np.zeros(len(values), dtype=bool)
    if any(k.__name__ in _NAMES_OF_MISSING or issubclass(k, _REALS) for k in kinds):
        gone = missing_values(values)
    there = values[~gone] if gone.any() else values
    kinds = set(map(type, there.tolist()))
    family = _family(kinds, there, values, name)
    missing = no_missing(gone)
    if family in ("text", "other"):
        codes = np.zeros(len(values), dtype=np.intp)
        codes[~gone] = factorize(there)
        return RawColumn(content="text", values=codes, missing=missing)
    if family == "boolean":
        flags = np.zeros(len(values), dtype=np.int64)
        flags[~gone] = there.astype(bool)
        build = _object_builder(values, gone, bool)
        return RawColumn(
            content="boolean",
            values=flags,
            missing=missing,
            build=build,
            bounds=(0, 1),
        )
    if family in ("datetime", "timedelta"):
        return _read_time_objects(values, gone, name)
    if family == "decimal":
        return _read_decimals(values, gone)
    return _read_number_objects(values, gone, kinds)


_INTEGERS = (int, np.integer)
_REALS = (float, np.floating, np.datetime64, np.timedelta64, Decimal)
_TEXT = (str, bytes)


def _family_of(kind: type) -> str:
    if issubclass(kind, (bool, np.bool_)):
        return "boolean"
    if issubclass(kind, _TEXT):
        return "text" if issubclass(kind, str) else "bytes"
    if issubclass(kind, (datetime.timedelta, np.timedelta64)):
        return "timedelta"
    if issubclass(kind, (datetime.date, np.datetime64)):
        return "datetime"
    if issubclass(kind, (*_INTEGERS, float, np.floating)):
        return "number"
    if issubclass(kind, Decimal):
        return "decimal"
    if issubclass(kind, (complex, np.complexfloating)):
        return "complex"
    return "nested" if issubclass(kind, _NESTED) else f"of type {kind.__name__}"


_WORDS = {
    "boolean": "booleans",
    "bytes": "bytes",
    "datetime": "dates",
    "decimal": "decimals",
    "number": "numbers",
    "text": "strings",
    "timedelta": "durations",
}


def _family(kinds: set[type], there: np.ndarray, values: np.ndarray, name: Any) -> str:
    """Return what the objects are; refuse mixtures, nested values and complex ones."""
    families = {kind: _family_of(kind) for kind in kinds}
    for kind, family in families.items():
        if family in ("nested", "complex"):
            row = next(i for i, v in enumerate(values.tolist()) if type(v) is kind)
            cell = f"{values[row]!r:.60}"
            if family == "complex":
                raise ValueError(
                    f"Complex data not supported: column {name!r} has {cell} in row "
                    f"{row}."
                )
            raise TypeError(
                f"Column {name!r} has {cell} in row {row}; argument must be a string "
                f"or a number, not {kind.__name__!r}."
            )
    if len(set(families.values())) > 1:
        seen: dict[str, str] = {}
        for row, value in enumerate(values.tolist()):
            met = families.get(type(value))
            if met is not None and met not in seen and value == value:
                words = _WORDS.get(met, f"objects {met}")
                seen[met] = f"{words} ({value!r:.40} in row {row})"
        raise TypeError(
            f"Column {name!r} mixes {' and '.join(sorted(seen.values()))}; convert it "
            "to one type, for example to str."
        )
    found = next(iter(families.values()), "text")
    if found not in _WORDS or found == "bytes":
        _require_hashable(there, name)
        return "other"
    return found


def _require_hashable(there: np.ndarray, name: Any) -> None:
    try:
        hash(there[0])
    except TypeError:
        raise TypeError(
            f"A cell must be a number, a string or a date: column {name!r} has "
            f"{there[0]!r:.60}."
        ) from None


def _object_builder(
    values: np.ndarray, gone: np.ndarray, convert: Callable[[Any], Any]
) -> Callable[..., np.ndarray]:
    """Return a builder of Python objects; missing is what the column calls missing."""
    nothing = values[int(gone.argmax())] if gone.any() else None

    def build(made: np.ndarray, missing: np.ndarray | None) -> np.ndarray:
        out = np.empty(len(made), dtype=object)
        out[:] = [convert(value) for value in made.tolist()]
        if missing is not None:
            out[missing] = nothing
        return out

    return build


def _read_number_objects(
    values: np.ndarray, gone: np.ndarray, kinds: set[type]
) -> RawColumn:
    cls = next(iter(kinds)) if len(kinds) == 1 else float
    if any(not issubclass(kind, _INTEGERS) for kind in kinds):
        numbers = np.full(len(values), np.nan)
        numbers[~gone] = values[~gone].astype(np.float64)
        return RawColumn(
            content="float",
            values=numbers,
            missing=no_missing(gone),
            build=_object_builder(values, gone, cls),
        )
    cls = cls if len(kinds) == 1 else int
    whole = values[~gone]
    small = not len(whole) or (min(whole) >= -(2**63) and max(whole) < 2**63)
    exact = np.zeros(len(values), dtype=np.int64 if small else object)
    exact[~gone] = whole
    bounds = (-(2**63), 2**63 - 1) if small else (int(min(whole)), int(max(whole)))
    return RawColumn(
        content="integer",
        values=exact,
        missing=no_missing(gone),
        build=_object_builder(values, gone, cls),
        bounds=bounds,
    )


def _read_decimals(values: np.ndarray, gone: np.ndarray) -> RawColumn:
    """Read decimals as integers of the last place that the column uses."""
    there = values[~gone]
    places = max((max(-v.as_tuple().exponent, 0) for v in there), default=0)
    exact = np.zeros(len(values), dtype=object)
    exact[~gone] = [int(v.scaleb(places)) for v in there]
    bounds = (int(min(exact[~gone])), int(max(exact[~gone]))) if len(there) else (0, 0)
    return RawColumn(
        content="integer",
        values=exact,
        missing=no_missing(gone),
        build=_object_builder(values, gone, lambda v: Decimal(v).scaleb(-places)),
        bounds=bounds,
    )


def _read_time_objects(values: np.ndarray, gone: np.ndarray, name: Any) -> RawColumn:
    there = values[~gone]
    if any(getattr(value, "tzinfo", None) is not None for value in there):
        raise TypeError(
            f"Column {name!r} holds datetime objects with time zones; convert it to a "
            "datetime dtype of one zone."
        )
    cls = type(there[0])
    letter = "m" if hasattr(there[0], "total_seconds") else "M"
    if cls in (np.datetime64, np.timedelta64):
        exact = np.array(list(there))
    else:
        is_day = letter == "M" and not issubclass(cls, datetime.datetime)
        exact = there.astype(f"{letter}8[{'D' if is_day else 'us'}]")
    ticks = np.full(len(values), "NaT", dtype=exact.dtype)
    ticks[~gone] = exact
    plain = (datetime.datetime, datetime.date, datetime.timedelta)

    def finish(made: np.ndarray, missing: np.ndarray | None) -> np.ndarray:
        out = np.empty(len(made), dtype=object)
        out[:] = list(made) if cls in _NUMPY_TIMES else made.astype(object)
        if cls not in plain and cls not in _NUMPY_TIMES:
            out[:] = [None if v is None else cls(v) for v in out]
        if missing is not None:
            out[missing] = values[int(gone.argmax())]
        return out

    return time_column(ticks, finish)


_NUMPY_TIMES = (np.datetime64, np.timedelta64)
