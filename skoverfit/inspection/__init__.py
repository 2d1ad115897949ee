# SPDX-License-Identifier: BSD-3-Clause
"""Read-only: what a model or a sampler did, and pictures of it."""

from __future__ import annotations

from skoverfit.inspection._resampling_display import (
    ResamplingDisplay as ResamplingDisplay,
)

__all__ = ["ResamplingDisplay"]
