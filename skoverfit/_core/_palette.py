# SPDX-License-Identifier: BSD-3-Clause
"""The colours, markers and lines of every figure, told apart without colour vision."""

from __future__ import annotations

from typing import Any

__all__ = ["COLOURS", "INK", "LINES", "MARKERS", "MUTED", "RULE", "class_style"]

# Okabe and Ito (2008), darkened where they are too faint on white: the colours that
# the benchmark's report has on a light page (`--c0` ... `--c7` of its style sheet).
COLOURS = (
    "#1a1e24",
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#b85a93",
    "#c98a00",
    "#2f93cc",
    "#7a7200",
)
INK, MUTED, RULE = "#1a1e24", "#57606c", "#d9dde3"

# The n-th series has the n-th marker and line beside the n-th colour.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
LINES: tuple[Any, ...] = (
    "-",
    "--",
    "-.",
    ":",
    (0, (5, 1)),
    (0, (3, 1, 1, 1)),
    (0, (1, 1)),
    (0, (6, 2, 1, 2)),
)


def class_style(position: int) -> tuple[str, str]:
    """Return colour and marker of the class at this position; 56 pairs differ.

    Ink is left to what is not a class (axes, text).

    Examples
    --------
    >>> from skoverfit._core._palette import class_style
    >>> class_style(0), class_style(7)
    (('#0072b2', 'o'), ('#0072b2', 's'))
    """
    turn, place = divmod(position, len(COLOURS) - 1)
    return COLOURS[1 + place], MARKERS[(place + turn) % len(MARKERS)]
