# SPDX-License-Identifier: BSD-3-Clause
"""What the samplers share: checks, counts, and where each row came from."""

from __future__ import annotations

from skoverfit._core._resampling._base import (
    Resampled as Resampled,
    ResamplerMixin as ResamplerMixin,
)
from skoverfit._core._resampling._data import ResamplingData as ResamplingData

__all__ = ["Resampled", "ResamplerMixin", "ResamplingData"]
