# SPDX-License-Identifier: BSD-3-Clause
"""Which columns somebody named: by position, by name or by a mask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from skoverfit._core._arrays import to_numpy
from skoverfit._core._names import suggest

__all__ = ["column_positions"]


def column_positions(
    chosen: Any, names: Sequence[Any], *, named: bool, parameter: str
) -> list[int]:
    """Return the positions of the columns that a parameter names.

    Parameters
    ----------
    chosen : array-like of int, str or bool
        Positions (negative ones count from the end), names or a mask. A name that
        occurs twice in the table means both columns.
    names : sequence
        Names of all columns; positions where the table has none.
    named : bool
        Whether the table has names.
    parameter : str
        How messages call it.

    Returns
    -------
    list of int
        Ascending, each once.

    Raises
    ------
    ValueError
        Where a position or a name doesn't exist.
    TypeError
        Where something else than positions, names or a mask is given.

    Examples
    --------
    >>> from skoverfit._core._columns._choice import column_positions
    >>> column_positions(["b", "a"], ["a", "b", "c"], named=True, parameter="p")
    [0, 1]
    """
    items = [chosen] if isinstance(chosen, (str, int)) else _listed(chosen, parameter)
    n = len(names)
    if items and all(isinstance(item, (bool, np.bool_)) for item in items):
        if len(items) != n:
            raise ValueError(
                f"{parameter} is a mask of {len(items)} columns, but X has {n}."
            )
        return [position for position, flag in enumerate(items) if flag]
    found: set[int] = set()
    for item in items:
        if isinstance(item, (int, np.integer)) and not isinstance(item, bool):
            if not -n <= item < n:
                raise ValueError(
                    f"{parameter} names column {int(item)}, but X has the columns "
                    f"0 to {n - 1}; all features must be indices of existing columns."
                )
            found.add(int(item) % n)
        elif isinstance(item, str):
            found.update(_by_name(item, names, named, parameter))
        else:
            raise TypeError(
                f"{parameter} must hold column positions, column names or a mask. "
                f"Got {item!r}."
            )
    return sorted(found)


def _listed(chosen: Any, parameter: str) -> list[Any]:
    if isinstance(chosen, slice) or not hasattr(chosen, "__len__"):
        raise TypeError(
            f"{parameter} must be 'auto', None, or an array-like of column positions, "
            f"names or booleans. Got {chosen!r}."
        )
    if isinstance(chosen, (list, tuple)):
        return list(chosen)
    return list(to_numpy(chosen).ravel())


def _by_name(item: str, names: Sequence[Any], named: bool, parameter: str) -> list[int]:
    if not named:
        raise ValueError(
            f"{parameter} names the column {item!r}, but X has no column names; give "
            "positions, or a pandas or polars frame."
        )
    places = [position for position, name in enumerate(names) if name == item]
    if not places:
        raise ValueError(
            f"{parameter} names the column {item!r}, which X does not have. "
            f"{suggest(item, names)}"
        )
    return places
