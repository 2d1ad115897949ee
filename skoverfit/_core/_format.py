# SPDX-License-Identifier: BSD-3-Clause
"""How the report writes numbers: always with as many digits as the interval allows."""

from __future__ import annotations

import math

__all__ = [
    "count",
    "interval",
    "number",
    "p_value",
    "percent",
    "ratio",
    "seconds",
    "signed",
    "with_interval",
]

NOT_ESTIMABLE = "not estimable"


def _decimals(lower: float, upper: float) -> int:
    width = upper - lower
    if not math.isfinite(width) or width <= 0:
        return 3
    return max(0 if width > 50 else 3, min(6, 1 - math.floor(math.log10(width))))


def _minus(text: str) -> str:
    if not text.strip("-+0."):
        text = text.lstrip("-+")
    return text.replace("-", "\N{MINUS SIGN}")


def number(value: float, decimals: int = 3) -> str:
    """Format a score; a value that is not finite is "not estimable"."""
    return _minus(f"{value:.{decimals}f}") if math.isfinite(value) else NOT_ESTIMABLE


def signed(value: float, decimals: int = 3) -> str:
    """Format a difference with its sign; zero has none."""
    return _minus(f"{value:+.{decimals}f}") if math.isfinite(value) else NOT_ESTIMABLE


def interval(
    lower: float, upper: float, *, sign: bool = False, decimals: int = -1
) -> str:
    """Format an interval; one with an infinite end is "not estimable".

    Examples
    --------
    >>> from skoverfit._core._format import interval
    >>> interval(0.1, 0.25)
    '[0.100, 0.250]'
    >>> interval(0.1, float("inf"))
    'not estimable'
    """
    if not (math.isfinite(lower) and math.isfinite(upper)):
        return NOT_ESTIMABLE
    if decimals < 0:
        decimals = _decimals(lower, upper)
    write = signed if sign else number
    return f"[{write(lower, decimals)}, {write(upper, decimals)}]"


def with_interval(
    value: float, lower: float, upper: float, *, sign: bool = False, decimals: int = -1
) -> tuple[str, str]:
    """Return value and interval as texts of the same precision.

    A negative number of decimals stands for two digits of the interval's width.
    """
    if decimals < 0:
        decimals = _decimals(lower, upper)
    write = signed if sign else number
    return write(value, decimals), interval(lower, upper, sign=sign, decimals=decimals)


def percent(value: float) -> str:
    """Format a probability as per cent; the ends are never claimed to be certain.

    Examples
    --------
    >>> from skoverfit._core._format import percent
    >>> percent(0.9999), percent(0.5)
    ('> 99 %', '50 %')
    """
    if not math.isfinite(value):
        return NOT_ESTIMABLE
    if value > 0.995:
        return "> 99 %"
    return "< 1 %" if value < 0.005 else f"{value:.0%}".replace("%", " %")


def p_value(value: float) -> str:
    """Format an adjusted p-value."""
    if not math.isfinite(value):
        return NOT_ESTIMABLE
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def seconds(value: float) -> str:
    """Format a duration of a fit with a unit that fits it."""
    if not math.isfinite(value):
        return NOT_ESTIMABLE
    if value < 1:
        return f"{value * 1000:.0f} ms" if value >= 0.001 else "< 1 ms"
    if value < 60:
        return f"{value:.1f} s"
    return f"{value / 60:.1f} min" if value < 3600 else f"{value / 3600:.1f} h"


def ratio(value: float) -> str:
    """Format a ratio of times."""
    if not math.isfinite(value):
        return NOT_ESTIMABLE
    return f"{value:.2g} ×" if value < 10 else f"{value:.0f} ×"


def count(value: int) -> str:
    """Format a count with thin groups of thousands."""
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
