# SPDX-License-Identifier: BSD-3-Clause
"""The neighbour engine as a scikit-learn object."""

from __future__ import annotations

from skoverfit._core._neighbors._cache import (
    cache_info as cache_info,
    clear_cache as clear_cache,
    set_cache_limit as set_cache_limit,
)
from skoverfit.neighbors._fast_nearest_neighbors import (
    FastNearestNeighbors as FastNearestNeighbors,
)

__all__ = [
    "FastNearestNeighbors",
    "cache_info",
    "clear_cache",
    "set_cache_limit",
]
