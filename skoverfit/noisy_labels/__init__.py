# SPDX-License-Identifier: BSD-3-Clause
"""Classifiers that survive wrong labels, detectors of them, and scores for rows."""

from __future__ import annotations

__all__: list[str] = []
