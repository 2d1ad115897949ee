# SPDX-License-Identifier: BSD-3-Clause
"""Encoders that learn features without labels, or with few of them."""

from __future__ import annotations

from skoverfit.representation._contrastive_encoder import (
    ContrastiveEncoder as ContrastiveEncoder,
)
from skoverfit.representation._feature_corruption import (
    FeatureCorruption as FeatureCorruption,
)
from skoverfit.representation._image_views import ImageViews as ImageViews
from skoverfit.representation._mixed_barlow_twins import (
    MixedBarlowTwins as MixedBarlowTwins,
)
from skoverfit.representation._pretrained_classifier import (
    PretrainedClassifier as PretrainedClassifier,
)
from skoverfit.representation._pretrained_regressor import (
    PretrainedRegressor as PretrainedRegressor,
)
from skoverfit.representation._vime_encoder import VIMEEncoder as VIMEEncoder

__all__ = [
    "ContrastiveEncoder",
    "FeatureCorruption",
    "ImageViews",
    "MixedBarlowTwins",
    "PretrainedClassifier",
    "PretrainedRegressor",
    "VIMEEncoder",
]
