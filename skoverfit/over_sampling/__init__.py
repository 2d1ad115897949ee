# SPDX-License-Identifier: BSD-3-Clause
"""Samplers that add rows."""

from __future__ import annotations

from skoverfit.over_sampling._smote import SMOTE as SMOTE

__all__ = ["SMOTE"]
