# SPDX-License-Identifier: BSD-3-Clause
"""Searches and estimates that stay honest about their own selection."""

from skoverfit.model_selection._certified_search import (
    CertifiedSearchCV as CertifiedSearchCV,
)

__all__ = ["CertifiedSearchCV"]
