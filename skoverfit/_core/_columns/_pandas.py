# SPDX-License-Identifier: BSD-3-Clause
"""Columns of pandas frames, read and written by their own methods: no import here."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from skoverfit._core._columns._objects import read_array, time_column
from skoverfit._core._columns._raw import RawColumn, TimeUnits, no_missing, unsupported

__all__ = ["read_pandas"]


def read_pandas(series: Any, name: Any) -> RawColumn:
    """Read a pandas series of any dtype; ``build`` returns a series of that dtype."""
    dtype = series.dtype
    if isinstance(dtype, np.dtype):
        raw = read_array(series.to_numpy(), name)
        return _wrapped(raw, series)
    kind = type(dtype).__name__
    if kind == "CategoricalDtype":
        return _read_category(series)
    if kind == "StringDtype":
        return _read_text(series)
    if kind == "ArrowDtype":
        return _read_arrow(series, name)
    if kind == "DatetimeTZDtype":
        plain = series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
        cls = type(series)
        return time_column(
            plain,
            lambda made, missing: (
                cls(made).dt.tz_localize("UTC").dt.tz_convert(dtype.tz)
            ),
        )
    if kind == "SparseDtype":
        return _wrapped(read_array(series.to_numpy(), name), series)
    if kind == "PeriodDtype":
        return _read_period(series)
    if hasattr(dtype, "numpy_dtype"):
        return _read_masked(series, name)
    raise unsupported(name, dtype)


def _wrapped(raw: RawColumn, series: Any) -> RawColumn:
    """Let the builder of an array return a series."""
    inner, cls, dtype = raw.build, type(series), series.dtype
    if inner is not None:
        raw.build = lambda made, missing: cls(inner(made, missing), dtype=dtype)
    return raw


def _read_category(series: Any) -> RawColumn:
    dtype = series.dtype
    codes = series.cat.codes.to_numpy()
    missing = no_missing(codes < 0)
    cls, from_codes = type(series), dtype.construct_array_type().from_codes

    def build(made: np.ndarray, gone: np.ndarray | None) -> Any:
        made = made.astype(np.intp)
        if gone is not None:
            made[gone] = -1
        return cls(from_codes(made, dtype=dtype))

    return RawColumn(
        content="ordered" if dtype.ordered else "category",
        values=codes,
        missing=missing,
        build=build,
        bounds=(0, len(dtype.categories) - 1),
    )


def _read_text(series: Any) -> RawColumn:
    codes, _ = series.factorize(sort=True)
    return RawColumn(content="text", values=codes, missing=no_missing(codes < 0))


def _read_period(series: Any) -> RawColumn:
    cls, dtype = type(series), series.dtype
    array = dtype.construct_array_type()

    def build(made: np.ndarray, missing: np.ndarray | None) -> Any:
        ordinals = made.astype(np.int64)
        if missing is not None:
            ordinals[missing] = np.iinfo(np.int64).min
        return cls(array(ordinals, dtype=dtype))

    return RawColumn(
        content="integer",
        values=series.array.asi8,
        missing=no_missing(series.isna().to_numpy()),
        build=build,
        bounds=(-(2**63) + 1, 2**63 - 1),
    )


def _read_masked(series: Any, name: Any) -> RawColumn:
    """Read Int64, Float64, boolean and their relatives."""
    dtype, cls = series.dtype, type(series)
    plain = np.dtype(dtype.numpy_dtype)
    gone = series.isna().to_numpy()
    values = series.to_numpy(dtype=plain, na_value=plain.type(0))
    array = dtype.construct_array_type()

    def build(made: np.ndarray, missing: np.ndarray | None) -> Any:
        if missing is None:
            missing = np.zeros(len(made), dtype=bool)
        made = np.where(missing, 0, made).astype(plain)
        return cls(array(made, missing.copy()))

    raw = read_array(values, name)
    if raw.content == "float" and raw.missing is not None:
        gone = gone | raw.missing  # NaN inside a nullable column, apart from NA
    if raw.content == "float":
        raw.values = np.where(gone, np.nan, raw.values).astype(plain)
    raw.build, raw.missing = build, no_missing(gone)
    return raw


def _read_arrow(series: Any, name: Any) -> RawColumn:
    """Read a column that pyarrow holds."""
    dtype, cls = series.dtype, type(series)
    arrow = dtype.pyarrow_dtype
    pyarrow: Any = sys.modules["pyarrow"]
    types, label = pyarrow.types, str(arrow)
    data = series.array.__arrow_array__()
    gone = series.isna().to_numpy()

    def build(made: np.ndarray, missing: np.ndarray | None, via: str = "") -> Any:
        array = pyarrow.array(made, mask=missing)
        if via:
            array = array.cast(via)
        return cls(dtype.construct_array_type()(array.cast(arrow)))

    if types.is_dictionary(arrow) or label in ("string", "large_string", "string_view"):
        return _read_text(series)
    if types.is_boolean(arrow) or types.is_integer(arrow) or types.is_floating(arrow):
        plain = np.dtype(arrow.to_pandas_dtype())
        raw = read_array(
            series.to_numpy(dtype=plain, na_value=plain.type(0)),
            name,
        )
        if raw.content == "float":
            raw.values = np.where(gone, np.nan, raw.values).astype(plain)
            gone = np.isnan(raw.values)
        raw.build, raw.missing = build, no_missing(gone)
        return raw
    if types.is_decimal(arrow):
        return _read_arrow_decimal(series, name)
    if types.is_temporal(arrow) and label not in ("month_day_nano_interval",):
        via = "int32" if arrow.bit_width == 32 else "int64"
        ticks = data.cast(via).fill_null(0).to_numpy().astype(np.int64)
        unit = {"date32[day]": "D", "date64[ms]": "ms"}.get(label) or arrow.unit
        info = np.iinfo(via)
        return RawColumn(
            content="time",
            values=ticks,
            missing=no_missing(gone),
            build=lambda made, missing: build(made, missing, via),
            bounds=(int(info.min), int(info.max)),
            tick=TimeUnits[unit],
        )
    raise unsupported(name, dtype)


def _read_arrow_decimal(series: Any, name: Any) -> RawColumn:
    objects = series.to_numpy(dtype=object, na_value=None)
    raw = read_array(objects, name)
    inner, cls, dtype = raw.build, type(series), series.dtype
    assert inner is not None
    raw.build = lambda made, missing: cls(list(inner(made, missing)), dtype=dtype)
    return raw
