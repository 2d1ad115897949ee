# SPDX-License-Identifier: BSD-3-Clause
"""Columns of polars frames and others that narwhals knows."""

from __future__ import annotations

from typing import Any

import numpy as np

from skoverfit._core._arrays import as_narwhals
from skoverfit._core._columns._objects import factorize, read_array, time_column
from skoverfit._core._columns._raw import RawColumn, no_missing, unsupported

__all__ = ["read_series"]


def read_series(series: Any, name: Any) -> RawColumn:
    """Read a native series; ``build`` returns a native series of its dtype."""
    import narwhals.stable.v2 as nw

    column = as_narwhals(series)
    dtype = column.dtype
    gone = np.asarray(column.is_null().to_numpy())
    if dtype in (nw.Int128, nw.UInt128):
        raise unsupported(name, dtype)
    if dtype.is_integer() or dtype == nw.Boolean:
        fill = False if dtype == nw.Boolean else 0
        raw = read_array(np.asarray(column.fill_null(fill).to_numpy()), name)
        raw.build, raw.missing = _builder(column), no_missing(gone)
        return raw
    if dtype.is_float():
        values = np.array(column.to_numpy())
        raw = read_array(values, name)
        raw.build = _builder(column, nan_is_null=bool(gone.any()))
        return raw
    if dtype == nw.String:
        return _coded("text", column, gone)
    if dtype in (nw.Categorical, nw.Enum):
        return _read_enum(column, gone)
    if dtype == nw.Decimal:
        return _read_decimal(column, name)
    if dtype in (nw.Date, nw.Datetime, nw.Duration):
        return time_column(
            np.asarray(column.to_numpy()), lambda made, _: _time(made, column)
        )
    raise unsupported(name, dtype)


def _new(column: Any, values: Any, dtype: Any = None) -> Any:
    import narwhals.stable.v2 as nw

    return nw.new_series(column.name, values, dtype, backend=column.implementation)


def _builder(column: Any, *, nan_is_null: bool = True) -> Any:
    def build(made: np.ndarray, missing: np.ndarray | None) -> Any:
        if missing is None or not nan_is_null:
            series = _new(column, np.ascontiguousarray(made))
        else:
            cells = made.astype(object)
            cells[missing] = None
            series = _new(column, cells.tolist())
        return series.cast(column.dtype).to_native()

    return build


def _coded(content: Any, column: Any, gone: np.ndarray) -> RawColumn:
    import narwhals.stable.v2 as nw

    values = np.zeros(len(gone), dtype=np.intp)
    native = column.cast(nw.Categorical).to_native()
    if hasattr(native, "to_physical"):  # polars: equal texts have equal numbers
        numbers = as_narwhals(native.to_physical()).filter(~column.is_null()).to_numpy()
        _, first, codes = np.unique(numbers, return_index=True, return_inverse=True)
        rows = np.flatnonzero(~gone)[first]
        levels = column[rows].cast(nw.String).to_list()
        rank = np.empty(len(levels), dtype=np.intp)
        rank[sorted(range(len(levels)), key=levels.__getitem__)] = np.arange(len(rank))
        values[~gone] = rank[codes]
    else:
        text = np.asarray(column.cast(nw.String).to_numpy(), dtype=object)
        values[~gone] = factorize(text[~gone])
    return RawColumn(content=content, values=values, missing=no_missing(gone))


def _read_enum(column: Any, gone: np.ndarray) -> RawColumn:
    raw = _coded("category", column, gone)
    categories = getattr(column.dtype, "categories", None)
    if categories is None:
        return raw
    import narwhals.stable.v2 as nw

    names = np.array(list(categories), dtype=object)
    place = {category: code for code, category in enumerate(names.tolist())}
    text = np.asarray(column.cast(nw.String).to_numpy(), dtype=object)
    raw.values[~gone] = [place[value] for value in text[~gone].tolist()]

    def build(made: np.ndarray, missing: np.ndarray | None) -> Any:
        texts = names[made.astype(np.intp)]
        if missing is not None:
            texts[missing] = None
        return _new(column, texts.tolist(), nw.String).cast(column.dtype).to_native()

    raw.build, raw.bounds = build, (0, len(names) - 1)
    return raw


def _read_decimal(column: Any, name: Any) -> RawColumn:
    objects = np.empty(len(column), dtype=object)
    objects[:] = column.to_list()
    raw = read_array(objects, name)
    inner = raw.build
    assert inner is not None
    raw.build = lambda made, missing: (
        _new(column, list(inner(made, missing))).cast(column.dtype).to_native()
    )
    return raw


def _time(made: np.ndarray, column: Any) -> Any:
    series, zone = _new(column, made), getattr(column.dtype, "time_zone", None)
    if zone is not None:
        series = series.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    return series.cast(column.dtype).to_native()
