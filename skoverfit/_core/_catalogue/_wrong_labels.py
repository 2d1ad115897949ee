# SPDX-License-Identifier: BSD-3-Clause
"""Against wrong labels: the sampler, detectors and repair."""

from __future__ import annotations

from skoverfit._core._catalogue._remedy import Remedy

__all__ = ["WRONG_LABELS"]

_SAMPLER_APPLIES = "skoverfit.model_selection._apply.sampler_applies"
_CONFIDENT_PAPER = "Northcutt, Jiang & Chuang (2021), JAIR 70, arXiv:1911.00068"

WRONG_LABELS: tuple[Remedy, ...] = (
    Remedy(
        name="rcal_sampler",
        title="calibrated Gaussians",
        path="skoverfit.over_sampling.CalibratedGaussianOverSampler",
        kind="label_noise",
        role="step",
        search_space={"gamma": [0.1, 0.3, 0.5]},
        applies=_SAMPLER_APPLIES,
        cost=2.0,
        paper="Zhang, Zhao, Yao, Yuan & Huang (2023), ICCV, arXiv:2211.10955",
        test_params={"random_state": 0},
    ),
    Remedy(
        name="rcal",
        title="RCAL",
        path="skoverfit.noisy_labels.RCALClassifier",
        kind="label_noise",
        role="replace",
        search_space={"beta": [0.1, 0.5], "gamma": [0.1, 0.3, 0.5]},
        # Beside its plain twin, not in the place of every estimator.
        applies="skoverfit.model_selection._net_losses.loss_applies",
        cost=3.0,
        paper="Zhang, Zhao, Yao, Yuan & Huang (2023), ICCV, arXiv:2211.10955",
        in_bench=False,
        test_params={
            "hidden_layer_sizes": (16,),
            "pretrain_epochs": 2,
            "max_epochs": 25,
            "learning_rate": 2e-2,
            "batch_size": 32,
            "device": "cpu",
            "random_state": 0,
        },
    ),
    Remedy(
        name="cleaned",
        title="suspect labels dropped",
        path="skoverfit.noisy_labels.CleanedClassifier",
        kind="label_noise",
        role="wrap",
        parameters={"cv": 3},
        search_space={"mode": ["drop", "weight", "relabel"]},
        applies="skoverfit.model_selection._apply.probabilities_apply",
        cost=4.0,
        paper=_CONFIDENT_PAPER,
        test_params={
            "estimator": "new:sklearn.linear_model.LogisticRegression",
            "cv": 2,
            "random_state": 0,
        },
    ),
    Remedy(
        name="confident_learning",
        title="confident-learning filter",
        path="skoverfit.noisy_labels.ConfidentLearningFilter",
        kind="label_noise",
        role="step",
        cost=6.0,
        paper=_CONFIDENT_PAPER,
        in_bench=False,
        test_params={"cv": 2, "random_state": 0},
    ),
    Remedy(
        name="cleaned_regressor",
        title="suspect numbers dropped",
        path="skoverfit.noisy_labels.CleanedRegressor",
        kind="label_noise",
        role="wrap",
        tasks=("regression",),
        parameters={"cv": 3},
        search_space={"mode": ["drop", "weight", "relabel"]},
        cost=6.0,
        paper="Iglewicz & Hoaglin (1993), How to Detect and Handle Outliers, ASQC",
        test_params={
            "estimator": "new:sklearn.linear_model.LinearRegression",
            "cv": 2,
            "random_state": 0,
        },
    ),
    Remedy(
        name="neighbor_disagreement",
        title="neighbour filter",
        path="skoverfit.noisy_labels.NeighborDisagreementFilter",
        kind="label_noise",
        role="step",
        paper="Smith, Martinez & Giraud-Carrier (2014), Machine Learning 95",
        in_bench=False,
    ),
    Remedy(
        name="forest_disagreement",
        title="forest filter",
        path="skoverfit.noisy_labels.ForestDisagreementFilter",
        kind="label_noise",
        role="step",
        cost=3.0,
        paper="Brodley & Friedl (1999), JAIR 11",
        in_bench=False,
        test_params={"n_estimators": 20, "random_state": 0},
    ),
    Remedy(
        name="small_loss",
        title="small-loss filter",
        path="skoverfit.noisy_labels.SmallLossFilter",
        kind="label_noise",
        role="step",
        cost=6.0,
        paper="Arazo, Ortego, Albert, O'Connor & McGuinness (2019), ICML, "
        "arXiv:1904.11238",
        in_bench=False,
        test_params={"cv": 2, "random_state": 0},
    ),
    Remedy(
        name="lof_class",
        title="LOF filter",
        path="skoverfit.noisy_labels.LOFClassFilter",
        kind="label_noise",
        role="step",
        paper="Zhang, Zhao, Yao, Yuan & Huang (2023), ICCV, arXiv:2211.10955",
        in_bench=False,
        test_params={"contamination": 0.1},
    ),
    Remedy(
        name="row_score",
        title="row-score filter",
        path="skoverfit.noisy_labels.RowScoreFilter",
        kind="label_noise",
        role="step",
        parameters={"scores": "loss"},
        cost=6.0,
        paper="Paul, Ganguli & Dziugaite (2021), NeurIPS, arXiv:2107.07075",
        in_bench=False,
        test_params={"scores": "loss", "contamination": 0.2, "random_state": 0},
    ),
    Remedy(
        name="detector_ensemble",
        title="detectors that vote",
        path="skoverfit.noisy_labels.DetectorEnsemble",
        kind="label_noise",
        role="step",
        parameters={
            "detectors": [("near", "neighbors"), ("trees", "forest"), ("lof", "lof")]
        },
        cost=8.0,
        paper="Brodley & Friedl (1999), JAIR 11",
        in_bench=False,
        test_params={
            "detectors": [
                ("model", "new:skoverfit.noisy_labels.ConfidentLearningFilter"),
                ("near", "new:skoverfit.noisy_labels.NeighborDisagreementFilter"),
            ],
            "voting": "any",
            "cv": 2,
            "random_state": 0,
        },
    ),
)
