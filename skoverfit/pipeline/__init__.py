# SPDX-License-Identifier: BSD-3-Clause
"""Pipelines in which weights and groups survive resampling."""

from __future__ import annotations

__all__: list[str] = []
