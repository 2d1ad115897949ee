# SPDX-License-Identifier: BSD-3-Clause
"""Samplers that drop or pick rows."""

from __future__ import annotations

__all__: list[str] = []
