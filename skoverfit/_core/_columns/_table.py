# SPDX-License-Identifier: BSD-3-Clause
"""Tables as columns, and columns put below the rows that they were made from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from skoverfit._core._arrays import (
    as_narwhals,
    container_of,
    kind_of,
    take_rows,
    to_numpy,
    torch_of,
)
from skoverfit._core._rebuild import concatenate_rows

__all__ = ["column_names", "column_of", "join_columns", "table_of"]


def table_of(X: Any) -> Any:
    """Return a frame as it is, anything else as a two-dimensional array."""
    kind = kind_of(X)
    if kind == "dataframe":
        return X
    if kind in ("list", "tuple") and len(X) and torch_of(X[0]) is None:
        try:
            table = np.array(X, dtype=object)
        except ValueError:  # numpy can't broadcast rows of different shape
            table = np.empty(len(X), dtype=object)
        if table.ndim == 1 and len({np.size(row) for row in X}) > 1:
            raise ValueError("The rows of X have different lengths; a table is needed.")
    else:
        table = np.asarray(to_numpy(X))
    if table.ndim != 2:
        raise ValueError(
            f"Expected 2D array, got {table.ndim}D array instead: X must be a table of "
            f"rows and columns, its shape is {table.shape}. Reshape your data."
        )
    return table


def column_names(table: Any) -> tuple[tuple[Any, ...], bool]:
    """Return the names of the columns, and whether the table has any."""
    if isinstance(table, np.ndarray):
        return tuple(range(table.shape[1])), False
    if hasattr(table, "iloc"):
        return tuple(table.columns), True
    return tuple(as_narwhals(table).columns), True


def column_of(table: Any, position: int) -> Any:
    """Return a column by position, as an array or a native series."""
    if isinstance(table, np.ndarray):
        return table[:, position]
    if hasattr(table, "iloc"):  # pandas allows two columns of one name
        return table.iloc[:, position]
    frame = as_narwhals(table)
    return frame.get_column(frame.columns[position]).to_native()


def join_columns(
    source: Any, table: Any, kept: Any, made: Sequence[Any], n_made: int
) -> Any:
    """Put made columns below the kept rows of a table, in the source's container."""
    kind = kind_of(source)
    if kind == "dataframe":
        rows = source if kept is None else take_rows(source, kept)
        if hasattr(source, "iloc"):
            return _join_pandas(rows, made, n_made)
        return _join_frame(rows, made, n_made)
    if kind in ("list", "tuple"):
        rows = source if kept is None else take_rows(source, kept)
        cells = zip(*(column.tolist() for column in made), strict=True)
        return type(source)([*(_copy_row(row) for row in rows), *_rows(cells, source)])
    if kind == "numpy":
        return _join_array(table, kept, made, n_made)
    below = np.stack(made, axis=1) if made else np.empty((n_made, 0))
    rows = source if kept is None else take_rows(source, kept)
    if kind == "tensor":
        tensor = torch_of(source).from_numpy(np.ascontiguousarray(below))
        return concatenate_rows([rows, tensor])
    spec = container_of(source)
    return concatenate_rows([rows, spec.template(below.astype(source.dtype))])


def _copy_row(row: Any) -> Any:
    return row.copy() if hasattr(row, "copy") else row


def _rows(cells: Any, source: Any) -> list[Any]:
    """Return made rows of the type that the source's rows have."""
    first = source[0]
    if isinstance(first, (list, tuple)):
        return [type(first)(row) for row in cells]
    return [np.array(row, dtype=first.dtype) for row in cells]


def _join_array(
    table: np.ndarray, kept: Any, made: Sequence[Any], n_made: int
) -> np.ndarray:
    n_kept = len(table) if kept is None else len(kept)
    out = np.empty((n_kept + n_made, table.shape[1]), dtype=table.dtype)
    if kept is None:
        out[:n_kept] = table
    else:
        np.take(table, kept, axis=0, out=out[:n_kept], mode="clip")
    for position, column in enumerate(made):
        out[n_kept:, position] = column
    return out


def _join_pandas(rows: Any, made: Sequence[Any], n_made: int) -> Any:
    """Join by position, so that two columns may have one name."""
    import narwhals.stable.v2 as nw

    if n_made == 0:
        return rows.reset_index(drop=True)
    names = rows.columns
    upper = rows.set_axis(range(len(names)), axis=1)
    series = {
        position: column.reset_index(drop=True) for position, column in enumerate(made)
    }
    lower = type(upper)(series, index=range(n_made))
    joined = nw.get_native_namespace(rows).concat([upper, lower], ignore_index=True)
    joined.columns = names
    return joined


def _join_frame(rows: Any, made: Sequence[Any], n_made: int) -> Any:
    import narwhals.stable.v2 as nw

    if n_made == 0:
        return rows
    upper = as_narwhals(rows)
    lower = upper.head(0)
    columns = [as_narwhals(column) for column in made]
    named = [c.alias(name) for c, name in zip(columns, lower.columns, strict=True)]
    lower = named[0].to_frame()
    if len(named) > 1:
        lower = lower.with_columns(*named[1:])
    return nw.concat([upper, lower], how="vertical").to_native()
