# SPDX-License-Identifier: BSD-3-Clause
"""Pipelines that know samplers."""

from __future__ import annotations

from skoverfit._core._catalogue._remedy import Remedy

__all__ = ["PIPELINES"]

PIPELINES: tuple[Remedy, ...] = (
    Remedy(
        name="pipeline",
        title="pipeline that keeps weights",
        path="skoverfit.pipeline.Pipeline",
        kind="none",
        role="tool",
        paper="Lemaitre, Nogueira & Aridas (2017), JMLR 18(17), the pipeline extended",
        test_params={
            "steps": [
                ("scale", "new:sklearn.preprocessing.StandardScaler"),
                ("clean", "new:imblearn.under_sampling.TomekLinks"),
                ("model", "new:sklearn.linear_model.LogisticRegression"),
            ]
        },
    ),
    Remedy(
        name="resampled",
        title="sampler and classifier in one",
        path="skoverfit.pipeline.ResampledClassifier",
        kind="none",
        role="tool",
        paper="Lemaitre, Nogueira & Aridas (2017), JMLR 18(17), the pipeline extended",
        test_params={
            "sampler": "new:imblearn.under_sampling.TomekLinks",
            "estimator": "new:sklearn.linear_model.LogisticRegression",
        },
    ),
)
