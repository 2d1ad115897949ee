# SPDX-License-Identifier: BSD-3-Clause
"""Pipelines in which weights and groups survive resampling."""

from __future__ import annotations

from skoverfit.pipeline._fold_cache import (
    clear_fold_cache as clear_fold_cache,
    set_fold_cache_limit as set_fold_cache_limit,
)
from skoverfit.pipeline._make_pipeline import make_pipeline as make_pipeline
from skoverfit.pipeline._pipeline import Pipeline as Pipeline
from skoverfit.pipeline._resampled_classifier import (
    ResampledClassifier as ResampledClassifier,
)

__all__ = [
    "Pipeline",
    "ResampledClassifier",
    "clear_fold_cache",
    "make_pipeline",
    "set_fold_cache_limit",
]
