# SPDX-License-Identifier: BSD-3-Clause
"""Nothing, weights, thresholds and repaired probabilities."""

from __future__ import annotations

from skoverfit._core._catalogue._remedy import Remedy

__all__ = ["DECISIONS"]

DECISIONS: tuple[Remedy, ...] = (
    Remedy(
        name="nothing",
        title="nothing",
        path="",
        kind="none",
        role="baseline",
        tasks=("classification", "regression"),
    ),
    Remedy(
        name="class_weight",
        title="class weights",
        path="skoverfit.model_selection._apply.balance_class_weight",
        kind="imbalance",
        role="configure",
        applies="skoverfit.model_selection._apply.class_weight_applies",
        paper="King & Zeng (2001), Logistic Regression in Rare Events Data",
    ),
    Remedy(
        name="threshold",
        title="tuned threshold",
        path="skoverfit.calibration.MulticlassTunedThresholdClassifierCV",
        kind="decision",
        role="wrap",
        parameters={"cv": 3},
        search_space={"scoring": ["balanced_accuracy", "f1_macro"]},
        applies="skoverfit.model_selection._apply.probabilities_apply",
        cost=4.0,
        paper="Buda, Maki & Mazurowski (2018), Neural Networks 106, thresholding",
        test_params={
            "estimator": "new:sklearn.linear_model.LogisticRegression",
            "cv": 2,
            "random_state": 0,
        },
    ),
    Remedy(
        name="prior_threshold",
        title="class-share threshold",
        path="skoverfit.calibration.PriorCorrectedClassifier",
        kind="decision",
        role="wrap",
        parameters={"target_prior": "uniform"},
        applies="skoverfit.model_selection._apply.prior_threshold_applies",
        paper="Buda, Maki & Mazurowski (2018), Neural Networks 106, thresholding",
        test_params={"estimator": "new:sklearn.linear_model.LogisticRegression"},
    ),
    Remedy(
        name="temperature",
        title="temperature calibration",
        path="sklearn.calibration.CalibratedClassifierCV",
        kind="calibration",
        role="wrap",
        parameters={"method": "temperature", "cv": 3, "ensemble": False},
        search_space={"method": ["temperature", "sigmoid", "isotonic"]},
        cost=4.0,
        paper="Guo, Pleiss, Sun & Weinberger (2017), ICML, arXiv:1706.04599",
    ),
    Remedy(
        name="self_ensemble",
        title="self-ensembling",
        path="skoverfit.calibration.SelfEnsembleClassifier",
        kind="calibration",
        role="wrap",
        parameters={"combine": "auto", "cv": 3},
        search_space={"perturb": ["gaussian", "mask"], "scale": [0.1, 0.3]},
        cost=5.0,
        paper="Li, Zhou, Glavas, Korhonen & Vulic (2023), arXiv:2312.13772",
        # Twenty predictions of each row: only where it is named.
        in_bench=False,
        test_params={
            "estimator": "new:sklearn.linear_model.LogisticRegression",
            "n_variants": 5,
            "random_state": 0,
        },
    ),
)
