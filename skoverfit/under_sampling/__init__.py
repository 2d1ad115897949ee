# SPDX-License-Identifier: BSD-3-Clause
"""Samplers that drop rows."""

from __future__ import annotations

from skoverfit.under_sampling._el2n_pruner import EL2NPruner as EL2NPruner
from skoverfit.under_sampling._facility_location_sampler import (
    FacilityLocationSampler as FacilityLocationSampler,
)
from skoverfit.under_sampling._random_under_sampler import (
    RandomUnderSampler as RandomUnderSampler,
)

__all__ = ["EL2NPruner", "FacilityLocationSampler", "RandomUnderSampler"]
