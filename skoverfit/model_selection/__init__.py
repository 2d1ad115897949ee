# SPDX-License-Identifier: BSD-3-Clause
"""Searches and estimates that stay honest about their own selection."""

from skoverfit.model_selection._certified_search import (
    CertifiedSearchCV as CertifiedSearchCV,
)
from skoverfit.model_selection._temperature_weights import (
    temperature_weights as temperature_weights,
)

__all__ = ["CertifiedSearchCV", "temperature_weights"]
