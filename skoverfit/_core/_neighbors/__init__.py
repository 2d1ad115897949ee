# SPDX-License-Identifier: BSD-3-Clause
"""The one neighbour engine: every sampler, filter and diagnostic asks it."""

from __future__ import annotations

from skoverfit._core._neighbors._engine import (
    find_neighbors as find_neighbors,
    find_own_and_all_neighbors as find_own_and_all_neighbors,
)
from skoverfit._core._neighbors._table import NeighborTable as NeighborTable

__all__ = ["NeighborTable", "find_neighbors", "find_own_and_all_neighbors"]
