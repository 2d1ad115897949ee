# SPDX-License-Identifier: BSD-3-Clause
"""Regularization, losses and nets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skoverfit._core._catalogue._remedy import Remedy

__all__ = ["NETS"]

_NET_PAPER = "Holzmueller, Grinsztajn & Steinwart (2024), NeurIPS, arXiv:2407.04491"
# Full batches without masks or held-out rows, in double precision: only so are weights
# repetition to the last digits, as scikit-learn's checks demand (and as it tests its
# own MLP).
_NET_TEST_PARAMS: Mapping[str, Any] = {
    "hidden_layer_sizes": (16,),
    "dropout": 0.0,
    "linear_start": False,
    "n_estimators": 1,
    "learning_rate": 0.01,
    "batch_size": 4096,
    "max_epochs": 60,
    "early_stopping": False,
    "dtype": "float64",
    "random_state": 0,
}

NETS: tuple[Remedy, ...] = (
    Remedy(
        name="regularization",
        title="stronger regularization",
        path="skoverfit.model_selection._apply.strengthen_regularization",
        kind="regularization",
        role="configure",
        tasks=("classification", "regression"),
        parameters={"cv": 3},
        applies="skoverfit.model_selection._apply.regularization_applies",
        cost=10.0,
        paper="Hastie, Tibshirani & Friedman (2009), Elements of Statistical "
        "Learning, ch. 7",
    ),
    Remedy(
        name="mixup",
        title="mixup",
        path="skoverfit.model_selection._apply.use_mixup",
        kind="regularization",
        role="configure",
        tasks=("classification", "regression"),
        applies="skoverfit.model_selection._apply.mixup_applies",
        paper="Zhang, Cisse, Dauphin & Lopez-Paz (2018), ICLR, arXiv:1710.09412",
    ),
    Remedy(
        name="tabular_mlp",
        title="tabular net",
        path="skoverfit.neural_network.TabularMLPClassifier",
        kind="none",
        role="tool",
        paper=_NET_PAPER,
        test_params=_NET_TEST_PARAMS,
    ),
    Remedy(
        name="tabular_mlp_regressor",
        title="tabular net, regression",
        path="skoverfit.neural_network.TabularMLPRegressor",
        kind="none",
        role="tool",
        paper=_NET_PAPER,
        test_params=_NET_TEST_PARAMS,
    ),
    Remedy(
        name="stacked_grid_search",
        title="grid search that trains nets at once",
        path="skoverfit.neural_network.StackedGridSearchCV",
        kind="none",
        role="tool",
        paper=_NET_PAPER,
        test_params={
            "estimator": {
                "new:skoverfit.neural_network.TabularMLPClassifier": _NET_TEST_PARAMS
            },
            "param_grid": {"learning_rate": [0.01, 0.02]},
            "cv": 2,
            "error_score": "raise",
        },
    ),
    Remedy(
        name="logit_adjusted",
        title="logit-adjusted loss",
        path="skoverfit.model_selection._net_losses.use_loss",
        kind="imbalance",
        role="configure",
        parameters={"loss": "logit_adjusted"},
        applies="skoverfit.model_selection._net_losses.loss_for_rare_classes_applies",
        paper="Menon et al. (2021), ICLR, arXiv:2007.07314",
    ),
    Remedy(
        name="ldam",
        title="margins for rare classes (LDAM)",
        path="skoverfit.model_selection._net_losses.use_loss",
        kind="imbalance",
        role="configure",
        parameters={"loss": "ldam"},
        applies="skoverfit.model_selection._net_losses.loss_for_rare_classes_applies",
        paper="Cao, Wei, Gaidon, Arechiga & Ma (2019), NeurIPS, arXiv:1906.07413",
    ),
    Remedy(
        name="generalized_cross_entropy",
        title="generalized cross-entropy",
        path="skoverfit.model_selection._net_losses.use_loss",
        kind="label_noise",
        role="configure",
        parameters={"loss": "generalized_cross_entropy"},
        applies="skoverfit.model_selection._net_losses.loss_applies",
        paper="Zhang & Sabuncu (2018), NeurIPS, arXiv:1805.07836",
    ),
    Remedy(
        name="symmetric_cross_entropy",
        title="symmetric cross-entropy",
        path="skoverfit.model_selection._net_losses.use_loss",
        kind="label_noise",
        role="configure",
        parameters={"loss": "symmetric_cross_entropy"},
        applies="skoverfit.model_selection._net_losses.loss_applies",
        paper="Wang, Ma, Chen, Luo, Yi & Bailey (2019), ICCV, arXiv:1908.06112",
    ),
    Remedy(
        name="label_smoothing",
        title="label smoothing",
        path="skoverfit.model_selection._net_losses.use_label_smoothing",
        kind="regularization",
        role="configure",
        parameters={"amount": 0.1},
        applies="skoverfit.model_selection._net_losses.loss_applies",
        paper="Szegedy, Vanhoucke, Ioffe, Shlens & Wojna (2016), CVPR, "
        "arXiv:1512.00567",
    ),
    Remedy(
        name="ens_loss",
        title="EnsLoss",
        path="skoverfit.model_selection._net_losses.use_ens_loss",
        kind="regularization",
        role="configure",
        parameters={"cv": 3},
        applies="skoverfit.model_selection._net_losses.loss_applies",
        paper="Dai (2025), ICML, arXiv:2409.00908",
    ),
    Remedy(
        name="weight_decay",
        title="weight decay",
        path="skoverfit.model_selection._net_losses.tune_weight_decay",
        kind="regularization",
        role="configure",
        tasks=("classification", "regression"),
        parameters={"cv": 3},
        applies="skoverfit.model_selection._net_losses.weight_decay_applies",
        cost=10.0,
        paper="Loshchilov & Hutter (2019), ICLR, arXiv:1711.05101",
    ),
    Remedy(
        name="weight_averaging",
        title="averaged weights",
        path="skoverfit.model_selection._net_losses.use_weight_averaging",
        kind="regularization",
        role="configure",
        tasks=("classification", "regression"),
        applies="skoverfit.model_selection._net_losses.weight_averaging_applies",
        paper="Izmailov, Podoprikhin, Garipov, Vetrov & Wilson (2018), UAI, "
        "arXiv:1803.05407",
    ),
    Remedy(
        name="early_stopping",
        title="early stopping",
        path="skoverfit.model_selection._net_losses.use_early_stopping",
        kind="regularization",
        role="configure",
        tasks=("classification", "regression"),
        applies="skoverfit.model_selection._net_losses.early_stopping_applies",
        paper="Prechelt (1998), Early Stopping - But When?",
    ),
    Remedy(
        name="ens_loss_classifier",
        title="tabular net by EnsLoss",
        path="skoverfit.neural_network.EnsLossClassifier",
        kind="none",
        role="tool",
        paper="Dai (2025), ICML, arXiv:2409.00908",
        # Expected ranks, where weights can be repetition.
        test_params={**_NET_TEST_PARAMS, "sampling": "expected"},
    ),
    Remedy(
        name="co_teaching",
        title="co-teaching",
        path="skoverfit.noisy_labels.CoTeachingClassifier",
        kind="label_noise",
        role="replace",
        search_space={"compression": [None, "dropout", "nested"]},
        # Beside its plain twin, not in the place of every estimator.
        applies="skoverfit.model_selection._net_losses.loss_applies",
        cost=2.0,
        paper="Han et al. (2018), NeurIPS, arXiv:1804.06872",
        # A share of a batch of all rows is left out from the first epoch on.
        test_params={
            **{
                name: value
                for name, value in _NET_TEST_PARAMS.items()
                if name not in ("early_stopping", "linear_start")
            },
            "n_estimators": 2,
            "forget_rate": 0.1,
            "n_gradual": 0,
        },
    ),
    Remedy(
        name="compressed_mlp",
        title="net with compressed features",
        path="skoverfit.noisy_labels.CompressedMLPClassifier",
        kind="label_noise",
        role="replace",
        search_space={"compression": ["dropout", "nested"]},
        applies="skoverfit.model_selection._net_losses.loss_applies",
        paper="Chen, Hu, Shen, Ai & Suykens (2022), IEEE TNNLS, arXiv:2206.13140",
        # Whatever the widths, the features of one net are not masked to nothing.
        test_params={
            **{k: v for k, v in _NET_TEST_PARAMS.items() if k != "linear_start"},
            "sigma": 1000.0,
        },
    ),
    Remedy(
        name="noise_corrected",
        title="loss corrected for label noise",
        path="skoverfit.noisy_labels.NoiseCorrectedClassifier",
        kind="label_noise",
        role="wrap",
        search_space={"correction": ["forward", "revision"]},
        applies="skoverfit.model_selection._net_losses.loss_applies",
        cost=2.0,
        paper="Patrini, Rozza, Menon, Nock & Qu (2017), CVPR, arXiv:1609.03683",
        test_params={
            "estimator": {
                "new:skoverfit.neural_network.TabularMLPClassifier": _NET_TEST_PARAMS
            },
            "transition_matrix": 0.1,
            "random_state": 0,
        },
    ),
    Remedy(
        name="transition_matrix",
        title="estimate of how labels are confused",
        path="skoverfit.noisy_labels.TransitionMatrixEstimator",
        kind="label_noise",
        role="tool",
        paper="Northcutt, Jiang & Chuang (2021), JAIR 70, arXiv:1911.00068",
        test_params={
            "estimator": "new:sklearn.linear_model.LogisticRegression",
            "random_state": 0,
        },
    ),
)
