# SPDX-License-Identifier: BSD-3-Clause
"""The arrays bridge: what comes in decides what goes out.

numpy arrays, pandas and polars frames and series (through narwhals), scipy sparse
matrices and arrays, torch tensors, lists and tuples. Neither torch, pandas nor polars
is imported here: a tensor can only exist where torch is already loaded. `_rebuild`
turns arrays back into containers.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp

__all__ = [
    "ContainerSpec",
    "as_narwhals",
    "container_of",
    "copy_index",
    "kind_of",
    "missing_values",
    "n_rows",
    "take_rows",
    "to_numpy",
    "torch_of",
]

Kind = Literal["numpy", "list", "tuple", "dataframe", "series", "sparse", "tensor"]


@dataclass(frozen=True, kw_only=True)
class ContainerSpec:
    """What must be remembered of a container to build another of the same kind.

    Attributes
    ----------
    kind : str
        ``"numpy"``, ``"list"``, ``"tuple"``, ``"dataframe"``, ``"series"``,
        ``"sparse"`` or ``"tensor"``.
    ndim : int
        1 or more; 1 for flat lists.
    dtype : object
        dtype of the values; None for lists and frames, whose ``template`` has them.
    columns : tuple or None
        Column names of a frame.
    format : str
        Format of a sparse matrix, ``"csr"`` for example.
    device : object
        Device of a tensor.
    template : object
        The container without its rows (frame, series, sparse), from which a new one
        takes its class, names, dtypes and categories.
    """

    kind: Kind
    ndim: int
    dtype: Any = None
    columns: tuple[Any, ...] | None = None
    format: str = ""
    device: Any = None
    template: Any = field(default=None, compare=False)


def torch_of(X: Any) -> Any:
    """Return the torch module where X is a tensor, otherwise None."""
    torch = sys.modules.get("torch")
    tensor = getattr(torch, "Tensor", None)
    return torch if tensor is not None and isinstance(X, tensor) else None


def as_narwhals(X: Any) -> Any:
    """Wrap X for narwhals."""
    import narwhals.stable.v2 as nw

    return nw.from_native(X, eager_only=True, allow_series=True)


def kind_of(X: Any) -> Kind:
    if isinstance(X, np.ndarray):
        return "numpy"
    if sp.issparse(X):
        return "sparse"
    if isinstance(X, (list, tuple)):
        return "list" if isinstance(X, list) else "tuple"
    if torch_of(X) is not None:
        return "tensor"
    from narwhals.stable.v2 import dependencies

    if dependencies.is_into_series(X):
        return "series"
    if dependencies.is_into_dataframe(X):
        return "dataframe"
    raise TypeError(
        f"Got an object of type {type(X).__module__}.{type(X).__qualname__}; allowed "
        "are numpy arrays, pandas or polars frames and series, scipy sparse matrices "
        "and arrays, torch tensors, and lists."
    )


def n_rows(X: Any) -> int:
    """Return the number of rows of any container.

    Examples
    --------
    >>> from skoverfit._core._arrays import n_rows
    >>> n_rows([[1, 2], [3, 4], [5, 6]])
    3
    """
    if kind_of(X) in ("list", "tuple") or not hasattr(X, "shape"):  # pyarrow's columns
        return len(X)
    if len(X.shape) == 0:
        raise TypeError("Got a scalar array (0 dimensions); rows are needed.")
    return int(X.shape[0])


def container_of(X: Any) -> ContainerSpec:
    """Describe a container, so that `restore` can build another of the same kind.

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit._core._arrays import container_of
    >>> container_of(np.zeros((2, 3), dtype=np.float32)).kind
    'numpy'
    """
    kind = kind_of(X)
    if kind in ("list", "tuple"):
        nested = len(X) > 0 and isinstance(X[0], (list, tuple, np.ndarray))
        return ContainerSpec(kind=kind, ndim=np.ndim(X) if nested else 1)
    if kind == "dataframe":
        names = X.columns if hasattr(X, "iloc") else as_narwhals(X).columns
        return ContainerSpec(
            kind=kind, ndim=2, columns=tuple(names), template=take_rows(X, [])
        )
    if kind == "series":
        return ContainerSpec(
            kind=kind, ndim=1, dtype=X.dtype, template=take_rows(X, [])
        )
    if kind == "sparse":
        return ContainerSpec(
            kind=kind, ndim=X.ndim, dtype=X.dtype, format=X.format, template=type(X)
        )
    device = X.device if kind == "tensor" else None
    return ContainerSpec(kind=kind, ndim=X.ndim, dtype=X.dtype, device=device)


def _common_array(columns: list[np.ndarray], n: int) -> np.ndarray:
    """Stack columns under their common dtype; object where numpy knows none."""
    if not columns:
        return np.empty((n, 0))
    kinds = {column.dtype.kind for column in columns}
    if not (kinds <= set("biufc") or len({c.dtype for c in columns}) == 1):
        columns = [column.astype(object) for column in columns]
    return np.stack(columns, axis=1)


def _flag_to_float(values: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Write nullable booleans as 0, 1 and NaN."""
    out = np.full(len(values), np.nan)
    out[~missing] = values[~missing].astype(float)
    return out


def _series_to_numpy(series: Any) -> np.ndarray:
    import narwhals.stable.v2 as nw

    values = np.asarray(series.to_numpy())
    if series.dtype == nw.Boolean and values.dtype == object:
        return _flag_to_float(values, series.is_null().to_numpy())
    return values


def to_numpy(X: Any) -> np.ndarray:
    """Return the values as a dense numpy array, with as little change as possible.

    A numpy array is returned as it is, not copied. Frames get the common dtype of
    their columns: float32 stays float32, a missing value in a nullable column becomes
    NaN, and columns without a common numeric dtype give an object array. Tensors are
    detached and brought to main memory; bfloat16, which numpy lacks, becomes float32.

    Parameters
    ----------
    X : container
        See the module.

    Returns
    -------
    ndarray of shape (n_rows, ...)

    Examples
    --------
    >>> import pandas as pd
    >>> from skoverfit._core._arrays import to_numpy
    >>> to_numpy(pd.DataFrame({"a": [1, 2], "b": [0.5, None]}))
    array([[1. , 0.5],
           [2. , nan]])
    """
    kind = kind_of(X)
    if kind == "numpy":
        return X
    if kind == "sparse":
        return X.toarray()
    if kind == "tensor":
        torch = torch_of(X)
        X = X.detach().cpu()
        return (X.float() if X.dtype == torch.bfloat16 else X).numpy()
    if kind == "series":
        return _series_to_numpy(as_narwhals(X))
    if kind == "dataframe":
        if hasattr(X, "iloc"):  # pandas allows two columns of one name
            columns = [X.iloc[:, j] for j in range(X.shape[1])]
        else:
            columns = [X[name] for name in as_narwhals(X).columns]
        return _common_array(
            [_series_to_numpy(as_narwhals(c)) for c in columns], len(X)
        )
    if kind in ("list", "tuple") and any(torch_of(row) is not None for row in X):
        X = [to_numpy(row) if torch_of(row) is not None else row for row in X]
    return np.asarray(X)


def _row_numbers(indices: Any, n: int) -> np.ndarray:
    rows = to_numpy(indices) if not np.isscalar(indices) else np.asarray(indices)
    if rows.ndim != 1:
        raise ValueError(
            f"Row numbers must be one-dimensional, got {rows.ndim} dimensions."
        )
    if rows.dtype == bool:
        if len(rows) != n:
            raise IndexError(f"A mask of {len(rows)} rows does not fit {n} rows.")
        return np.flatnonzero(rows)
    if len(rows) == 0:
        return np.empty(0, dtype=np.intp)
    if rows.dtype.kind not in "iu":
        raise TypeError(f"Row numbers must be integers, got dtype {rows.dtype}.")
    if rows.min() < 0 or rows.max() >= n:
        raise IndexError(
            f"Row numbers must lie in 0..{n - 1}; got {rows.min()}..{rows.max()}."
        )
    return rows.astype(np.intp, copy=False)


def take_rows(X: Any, indices: Any) -> Any:
    """Select rows by number or mask; the same kind of container comes out.

    dtypes, categories, column names, the sparse format and the device are kept. A
    pandas result keeps the index labels of the rows taken.

    Parameters
    ----------
    X : container
        See the module.
    indices : array-like of int or bool
        Row numbers from 0 on, repeated ones allowed, or a mask of ``n_rows`` values.

    Returns
    -------
    container
        A copy, never a view. A tensor stays attached to its graph.

    Raises
    ------
    IndexError
        Where a row number is negative or too large.

    Examples
    --------
    >>> from skoverfit._core._arrays import take_rows
    >>> take_rows(["a", "b", "c"], [2, 2, 0])
    ['c', 'c', 'a']
    """
    kind, rows = kind_of(X), _row_numbers(indices, n_rows(X))
    if kind == "numpy":
        return np.take(X, rows, axis=0)
    if kind in ("list", "tuple"):
        taken = [X[row] for row in rows]
        return taken if kind == "list" else tuple(taken)
    if kind == "sparse":  # the other formats can't be indexed
        sliceable = X if X.format in ("csr", "csc") else X.tocsr()
        return sliceable[rows].asformat(X.format)
    if kind == "tensor":
        torch = torch_of(X)
        return X.index_select(0, torch.from_numpy(rows.astype("int64")).to(X.device))
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    return as_narwhals(X)[rows].to_native()


def copy_index(X: Any, source: Any) -> Any:
    """Give a pandas container the index of another one; others pass unchanged.

    Needed where rows were replaced in place, and not selected.
    """
    if hasattr(X, "iloc") and hasattr(source, "iloc"):
        X = X.copy()
        X.index = source.index
    return X


def missing_values(values: np.ndarray) -> np.ndarray:
    """Return where a value is None, NaN, NaT or pandas.NA."""
    if values.dtype.kind in "fcmM":
        return np.isnan(values) if values.dtype.kind in "fc" else np.isnat(values)
    if values.dtype != object:
        return np.zeros(values.shape, dtype=bool)
    # pandas.NA has no truth value, so it and NaT are told by the name of their type.
    flags = [
        v is None
        or type(v).__name__ in ("NAType", "NaTType")
        or (isinstance(v, (float, np.floating, np.datetime64)) and v != v)
        for v in values.ravel()
    ]
    return np.array(flags, dtype=bool).reshape(values.shape)
