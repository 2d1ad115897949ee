# SPDX-License-Identifier: BSD-3-Clause
"""Samplers that drop rows."""

from __future__ import annotations

from skoverfit.under_sampling._random_under_sampler import (
    RandomUnderSampler as RandomUnderSampler,
)

__all__ = ["RandomUnderSampler"]
