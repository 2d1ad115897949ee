# SPDX-License-Identifier: BSD-3-Clause
"""Applying remedies to an estimator, and asking whether rows or epochs are short."""

from __future__ import annotations

from skoverfit.model_selection._repetition_curve import (
    repetition_curve as repetition_curve,
)

__all__ = ["repetition_curve"]
