# SPDX-License-Identifier: BSD-3-Clause
"""Names that a person may have meant; every "did you mean" comes from here."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["nearest", "suggest"]


def nearest(name: object, known: Iterable[object]) -> list[str]:
    """Return up to three known names that are near, whatever their case.

    Examples
    --------
    >>> from skoverfit._core._names import nearest
    >>> nearest("SMOT", ["smote", "threshold"])
    ['smote']
    """
    lowered = {str(other).lower(): str(other) for other in known}
    near = difflib.get_close_matches(str(name).lower(), list(lowered), n=3)
    return [lowered[other] for other in near]


def suggest(name: object, known: Iterable[object]) -> str:
    """Return a sentence with the nearest known names, or with all of them.

    Examples
    --------
    >>> from skoverfit._core._names import suggest
    >>> suggest("symetric", ["joint", "pair", "symmetric"])
    "Did you mean 'symmetric'?"
    """
    known = [str(item) for item in known]
    near = nearest(name, known)
    if near:
        return f"Did you mean {' or '.join(repr(item) for item in near)}?"
    return f"Known are: {', '.join(repr(item) for item in known)}."
