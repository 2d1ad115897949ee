# SPDX-License-Identifier: BSD-3-Clause
"""Encoders that learn features without labels, or with few of them."""

from __future__ import annotations

__all__: list[str] = []
