# SPDX-License-Identifier: BSD-3-Clause
"""One column, read: what it holds, and how to write new values of its dtype."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

__all__ = ["RawColumn", "TimeUnits", "no_missing", "unsupported"]

Content = Literal["integer", "float", "boolean", "time", "text", "category", "ordered"]

# Nanoseconds or fractions of a second in one tick of a numpy time unit.
TimeUnits = {
    "D": 86_400 * 10**9,
    "h": 3_600 * 10**9,
    "m": 60 * 10**9,
    "s": 10**9,
    "ms": 10**6,
    "us": 10**3,
    "ns": 1,
}


@dataclass(kw_only=True)
class RawColumn:
    """A column in its exact physical values.

    Attributes
    ----------
    content : str
        ``"integer"`` (also decimals of fixed places), ``"float"``, ``"boolean"``,
        ``"time"``, ``"text"`` and ``"category"`` (codes), ``"ordered"`` (codes whose
        order means something).
    values : ndarray of shape (n,)
        Integers, floats, 0/1, ticks; for text and categories codes from 0. Where
        ``missing`` is True the value means nothing.
    missing : ndarray of bool of shape (n,) or None
        None where no value is missing.
    build : callable
        ``(physical values, missing or None) -> column`` of the same dtype; None for
        columns whose new values are always copies (text, unordered categories).
    bounds : tuple of int, optional
        Least and largest integer that the dtype holds; of ordered categories the
        number of them.
    tick : int
        Nanoseconds of one tick of a time.
    is_short : bool
        Whether float32 holds all values of the dtype.
    """

    content: Content
    values: np.ndarray
    missing: np.ndarray | None = None
    build: Callable[[np.ndarray, np.ndarray | None], Any] | None = None
    bounds: tuple[int, int] | None = None
    tick: int = 0
    is_short: bool = False

    @property
    def is_nominal(self) -> bool:
        """Whether the column is nominal where nobody says otherwise."""
        return self.content in ("text", "category", "boolean")


def no_missing(missing: np.ndarray) -> np.ndarray | None:
    """Return the mask, or None where it is False throughout."""
    return missing if missing.any() else None


def unsupported(name: Any, dtype: Any) -> TypeError:
    return TypeError(
        f"Column {name!r} has dtype {dtype}, which is no number, text, category, "
        "boolean or date; convert the column, or drop it."
    )
