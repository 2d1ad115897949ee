# SPDX-License-Identifier: BSD-3-Clause
"""The neighbour engine as a scikit-learn object."""

from __future__ import annotations

__all__: list[str] = []
