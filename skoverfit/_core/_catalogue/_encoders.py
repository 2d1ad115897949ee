# SPDX-License-Identifier: BSD-3-Clause
"""Features that are learnt without labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skoverfit._core._catalogue._remedy import Remedy

__all__ = ["ENCODERS"]

_ENCODER_TEST_PARAMS: Mapping[str, Any] = {
    "hidden_layer_sizes": (8,),
    "max_epochs": 3,
    "batch_size": 64,
    "random_state": 0,
}

ENCODERS: tuple[Remedy, ...] = (
    Remedy(
        name="contrastive",
        title="contrastive encoder",
        path="skoverfit.representation.ContrastiveEncoder",
        kind="none",
        role="tool",
        paper="Bahri, Jiang, Tay & Metzler (2022), ICLR, arXiv:2106.15147",
        in_bench=False,
        test_params=_ENCODER_TEST_PARAMS,
    ),
    Remedy(
        name="vime",
        title="VIME encoder",
        path="skoverfit.representation.VIMEEncoder",
        kind="none",
        role="tool",
        paper="Yoon, Zhang, Jordon & van der Schaar (2020), NeurIPS, VIME",
        in_bench=False,
        test_params=_ENCODER_TEST_PARAMS,
    ),
    Remedy(
        name="mixed_barlow_twins",
        title="Barlow Twins with mixed samples",
        path="skoverfit.representation.MixedBarlowTwins",
        kind="regularization",
        role="tool",
        paper="Bandara, De Melo & Patel (2023), arXiv:2312.02151",
        in_bench=False,
        test_params=_ENCODER_TEST_PARAMS,
    ),
    Remedy(
        name="pretraining",
        title="features learnt without targets",
        path="skoverfit.model_selection._apply.use_pretraining",
        kind="regularization",
        role="configure",
        tasks=("classification", "regression"),
        cost=3.0,
        paper="Ge, Tang, Fan & Jin (2024), ICLR, arXiv:2303.01566",
        in_bench=False,
    ),
    Remedy(
        name="pretrained",
        title="unsupervised pretraining",
        path="skoverfit.representation.PretrainedClassifier",
        kind="regularization",
        role="tool",
        paper="Ge, Tang, Fan & Jin (2024), ICLR, arXiv:2303.01566",
        in_bench=False,
        # Some checks have the labels -1 and 1, or classes that no single factor tells.
        test_params={
            "encoder": "factor",
            "append_input": True,
            "unlabeled_label": None,
            "random_state": 0,
        },
    ),
    Remedy(
        name="pretrained_regressor",
        title="unsupervised pretraining, regressor",
        path="skoverfit.representation.PretrainedRegressor",
        kind="regularization",
        role="tool",
        paper="Ge, Tang, Fan & Jin (2024), ICLR, arXiv:2303.01566",
        in_bench=False,
        test_params={"encoder": "factor", "append_input": True, "random_state": 0},
    ),
)
