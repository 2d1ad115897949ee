# SPDX-License-Identifier: BSD-3-Clause
"""Which Display draws which section."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["FIGURES"]

# Each draws on axes and returns what the picture shows, as a sentence; "" for none.
FIGURES: dict[str, Callable[[Any, Any], str]] = {}
