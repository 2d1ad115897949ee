# SPDX-License-Identifier: BSD-3-Clause
"""Samplers that add rows."""

from __future__ import annotations

from skoverfit.over_sampling._calibrated_gaussian import (
    CalibratedGaussianOverSampler as CalibratedGaussianOverSampler,
)
from skoverfit.over_sampling._coreset_augmentation import (
    CoresetAugmentation as CoresetAugmentation,
)
from skoverfit.over_sampling._mlsmote import MLSMOTE as MLSMOTE
from skoverfit.over_sampling._random_over_sampler import (
    RandomOverSampler as RandomOverSampler,
)
from skoverfit.over_sampling._smogn import SMOGN as SMOGN
from skoverfit.over_sampling._smote import SMOTE as SMOTE
from skoverfit.over_sampling._smoten import SMOTEN as SMOTEN
from skoverfit.over_sampling._smotenc import SMOTENC as SMOTENC
from skoverfit.over_sampling._smoter import SMOTER as SMOTER
from skoverfit.over_sampling._temperature_over_sampler import (
    TemperatureOverSampler as TemperatureOverSampler,
)

__all__ = [  # noqa: RUF022 - the plain order, as in every room
    "CalibratedGaussianOverSampler",
    "CoresetAugmentation",
    "MLSMOTE",
    "RandomOverSampler",
    "SMOGN",
    "SMOTE",
    "SMOTEN",
    "SMOTENC",
    "SMOTER",
    "TemperatureOverSampler",
]
