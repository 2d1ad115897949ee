# SPDX-License-Identifier: BSD-3-Clause
"""A table of mixed columns as numbers and codes, and back without a changed cell."""

from __future__ import annotations

from skoverfit._core._columns._plan import (
    ColumnPlan as ColumnPlan,
    analyse_columns as analyse_columns,
)

__all__ = ["ColumnPlan", "analyse_columns"]
