# SPDX-License-Identifier: BSD-3-Clause
"""The way back over the arrays bridge: numpy arrays into containers, parts into one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from skoverfit._core._arrays import (
    ContainerSpec,
    Kind,
    as_narwhals,
    kind_of,
    missing_values,
    torch_of,
)

__all__ = ["concatenate_rows", "restore"]


def restore(array: Any, spec: ContainerSpec) -> Any:
    """Turn a numpy array into the kind of container that ``spec`` describes.

    Values are cast to the dtypes of the original; no value is changed by that beyond
    the rounding of a shorter float. A pandas result gets a new index 0..n-1.

    Parameters
    ----------
    array : ndarray, or a sparse matrix where spec.kind is "sparse"
        The values; for a frame two-dimensional with a column per name.
    spec : ContainerSpec
        From `container_of`.

    Returns
    -------
    container

    Raises
    ------
    ValueError
        Where the dtype can't hold a value, e.g. 0.5 in an integer column or an unknown
        category.

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit._core._arrays import container_of
    >>> from skoverfit._core._rebuild import restore
    >>> restore(np.array([1.0, 2.0]), container_of([7, 7]))
    [1.0, 2.0]
    """
    if spec.kind == "sparse":
        built = spec.template(array)
        return built.astype(spec.dtype, casting="same_kind").asformat(spec.format)
    array = np.asarray(array)
    if spec.kind == "numpy":
        return _cast_like(array, spec.dtype, "The input")
    if spec.kind in ("list", "tuple"):
        return array.tolist() if spec.kind == "list" else tuple(array.tolist())
    if spec.kind == "tensor":
        torch = sys.modules["torch"]
        if not (spec.dtype.is_floating_point or spec.dtype.is_complex):
            like = torch.empty(0, dtype=spec.dtype).numpy().dtype
            array = _cast_like(array, like, "The tensor")
        return torch.as_tensor(np.array(array)).to(spec.device, spec.dtype)
    if spec.kind == "series":
        return _restore_series(array, spec.template, spec.template.name)
    return _restore_frame(array, spec)


def _restore_frame(array: np.ndarray, spec: ContainerSpec) -> Any:
    names = spec.columns or ()
    if array.ndim != 2 or array.shape[1] != len(names):
        raise ValueError(
            f"The frame has {len(names)} columns, the array has shape {array.shape}."
        )
    template = spec.template
    if hasattr(template, "iloc"):
        columns = {
            j: _restore_series(array[:, j], template.iloc[:, j], name)
            for j, name in enumerate(names)
        }
        built = type(template)(columns, index=range(len(array)))
        built.columns = template.columns
        return built
    return type(template)(
        [_restore_series(array[:, j], template[n], n) for j, n in enumerate(names)]
    )


def _restore_series(values: np.ndarray, template: Any, name: Any) -> Any:
    """Build a series of the template's class and dtype."""
    dtype, what = template.dtype, f"Column {name!r}"
    if not hasattr(template, "iloc"):
        return type(template)(name, _with_none(values, template, what), dtype=dtype)
    if isinstance(dtype, np.dtype):
        values = _cast_like(values, dtype, what)
    elif hasattr(dtype, "categories"):
        unknown = dtype.categories.get_indexer_for(values) == -1
        unknown &= ~missing_values(values)
        if unknown.any():
            raise ValueError(
                f"{what} has no category for the value {values[unknown][0]!r}."
            )
    else:
        return type(template)(
            _with_none(values, template, what), dtype=dtype, name=name
        )
    return type(template)(values, dtype=dtype, name=name)


def _with_none(values: np.ndarray, template: Any, what: str) -> list[Any]:
    """List values for a nullable column: None is missing, 1.0 may be 1 or True."""
    import narwhals.stable.v2 as nw

    dtype = as_narwhals(template).dtype
    there = ~missing_values(values)
    if dtype.is_integer() or dtype == nw.Boolean:
        target = np.dtype(bool if dtype == nw.Boolean else np.int64)
        if dtype == nw.UInt64:
            target = np.dtype(np.uint64)
        known = iter(_cast_like(values[there], target, what).tolist())
    else:
        known = iter(values[there].tolist())
    return [next(known) if present else None for present in there.tolist()]


def _cast_like(values: np.ndarray, dtype: np.dtype, what: str) -> np.ndarray:
    """Cast without changing a value beyond the rounding of a shorter float."""
    if values.dtype == dtype:
        return values
    if dtype.kind in "US" and values.dtype.kind in "USO":
        return values.astype(dtype.kind)  # of the width needed: never cut a string
    if dtype.kind in "biu" and values.dtype.kind in "biufO":
        cast = values.astype(dtype)
        if not np.array_equal(cast, values):
            raise ValueError(
                f"{what} has dtype {dtype} and can't hold the new values without "
                "changing them. Round them first, or convert the input to float."
            )
        return cast
    return values.astype(
        dtype, casting="unsafe" if values.dtype == object else "same_kind"
    )


def concatenate_rows(parts: Sequence[Any]) -> Any:
    """Put containers of one kind below each other; the first decides the dtype.

    A pandas result gets a new index 0..n-1, as imbalanced-learn's samplers give it.

    Raises
    ------
    TypeError
        Where the parts are of different kinds.
    ValueError
        Where a dtype can't hold the values of a later part, e.g. 0.5 in integers.

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit._core._rebuild import concatenate_rows
    >>> concatenate_rows([np.float32([1]), np.float64([2])]).dtype
    dtype('float32')
    """
    kind, first = _require_one_kind(parts), parts[0]
    if kind in ("list", "tuple"):
        return type(first)(row for part in parts for row in part)
    if kind == "tensor":
        return torch_of(first).cat([part.to(first) for part in parts])
    if kind == "sparse":
        cast = [part.astype(first.dtype, casting="same_kind") for part in parts]
        return sp.vstack(cast, format=first.format)
    if kind == "numpy":
        width = np.result_type(*parts) if first.dtype.kind in "US" else first.dtype
        cast = [_cast_like(p, width, "The first part") for p in parts]
        # numpy would turn a foreign byte order into its own.
        return np.concatenate(cast, dtype=width)
    return _concatenate_frames(parts, is_series=kind == "series")


def _require_one_kind(parts: Sequence[Any]) -> Kind:
    if not parts:
        raise ValueError("There is nothing to concatenate: got 0 parts.")
    kinds = {kind_of(part) for part in parts}
    if len(kinds) > 1:
        raise TypeError(f"Only parts of one kind can be joined, got {sorted(kinds)}.")
    return kinds.pop()


def _concatenate_frames(parts: Sequence[Any], *, is_series: bool) -> Any:
    import narwhals.stable.v2 as nw

    frames = [part.to_frame("values") if is_series else part for part in parts]
    wrapped = [as_narwhals(frame) for frame in frames]
    for number, frame in enumerate(frames):
        for name, dtype in zip(frames[0].columns, _dtypes(frames[0]), strict=True):
            if name not in frame.columns or frame[name].dtype != dtype:
                met = frame[name].dtype if name in frame.columns else "missing"
                raise TypeError(
                    f"Column {name!r} is {dtype} in the first part and {met} in part "
                    f"{number}; parts must agree. `restore` gives a part its dtypes."
                )
    joined = nw.concat(wrapped, how="vertical")
    if not is_series:
        native = joined.to_native()
        return native.reset_index(drop=True) if hasattr(native, "iloc") else native
    native = joined.get_column("values").alias(parts[0].name).to_native()
    return native.reset_index(drop=True) if hasattr(native, "iloc") else native


def _dtypes(frame: Any) -> list[Any]:
    """Return the native dtypes of the columns, in order."""
    return list(frame.dtypes)
