# SPDX-License-Identifier: BSD-3-Clause
"""Neighbours, searches and learning curves."""

from __future__ import annotations

from skoverfit._core._catalogue._remedy import Remedy

__all__ = ["SEARCHES"]

SEARCHES: tuple[Remedy, ...] = (
    Remedy(
        name="nearest_neighbors",
        title="neighbour search",
        path="skoverfit.neighbors.FastNearestNeighbors",
        kind="none",
        role="tool",
        paper="Dixon (1979), IEEE Trans. SMC 9(10), partial distance",
        test_params={"n_neighbors": 3, "random_state": 0},
    ),
    Remedy(
        name="certified_search",
        title="certified search",
        path="skoverfit.model_selection.CertifiedSearchCV",
        kind="regularization",
        role="tool",
        paper="Akinwande, Jiang, Sam & Kolter (2024), ICLR, arXiv:2310.03957",
        test_params={
            "estimator": "new:sklearn.linear_model.LogisticRegression",
            "param_grid": {"C": [0.1, 1.0]},
            "random_state": 0,
        },
    ),
    Remedy(
        name="remedy_search",
        title="remedy search",
        path="skoverfit.model_selection.RemedySearchCV",
        kind="none",
        role="tool",
        paper="Tsamardinos, Greasidou & Borboudakis (2018), Machine Learning 107",
        test_params={
            "estimator": "new:sklearn.linear_model.LogisticRegression",
            "remedies": ["class_weight"],
            "cv": 2,
            "n_bootstrap": 20,
            "random_state": 0,
        },
    ),
    Remedy(
        name="single_pass",
        title="single pass with its own learning curve",
        path="skoverfit.model_selection.SinglePassLearner",
        kind="regularization",
        role="tool",
        paper="Komatsuzaki (2019), arXiv:1906.06669",
        test_params={
            "estimator": {
                # Not so fast that a hundred unscaled rows lose a class.
                "new:sklearn.linear_model.SGDClassifier": {
                    "loss": "log_loss",
                    "learning_rate": "constant",
                    "eta0": 0.01,
                    "random_state": 0,
                }
            },
            "batch_size": 4,
            "random_state": 0,
        },
    ),
    Remedy(
        name="overfitting_report",
        title="overfitting report",
        path="skoverfit.inspection.OverfittingReport",
        kind="none",
        role="tool",
        paper="Nadeau & Bengio (2003), Machine Learning 52",
        test_params={
            "estimator": "new:sklearn.linear_model.LogisticRegression",
            "cv": 3,
            "n_repeats": 1,
            "n_bootstrap": 2,
            "n_permutations": 9,
            "random_state": 0,
        },
    ),
    Remedy(
        name="learning_curve",
        title="learning-curve extrapolation",
        path="skoverfit.model_selection.LearningCurveExtrapolator",
        kind="none",
        role="tool",
        paper="Viering & Loog (2023), IEEE TPAMI 45, arXiv:2103.10948",
        test_params={
            "estimator": "new:sklearn.naive_bayes.GaussianNB",
            "train_sizes": [0.4, 0.55, 0.7, 0.85, 1.0],
            "cv": 2,
            "backtest": 1,
            "n_bootstrap": 2,
            "random_state": 0,
        },
    ),
    Remedy(
        name="scaling_law",
        title="scaling law",
        path="skoverfit.model_selection.ScalingLaw",
        kind="none",
        role="tool",
        paper="Gadre et al. (2025), ICLR, arXiv:2403.08540",
        test_params={"n_bootstrap": 3, "random_state": 0},
    ),
)
