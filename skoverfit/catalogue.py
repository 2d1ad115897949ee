# SPDX-License-Identifier: BSD-3-Clause
"""The one table of all remedies.

A remedy that is not here does not exist: the API reference, the common tests, the
benchmark and the remedy search are all driven by this table. Entries are data: classes
are named by dotted path and none is imported until `Remedy.resolve` is called.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from skoverfit._core._names import suggest
from skoverfit.exceptions import BadInputError

__all__ = ["REMEDIES", "Remedy", "get_remedies", "get_remedy"]

Kind = Literal[
    "none", "imbalance", "decision", "calibration", "regularization", "label_noise"
]
Role = Literal["baseline", "step", "wrap", "replace", "configure", "tool"]


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """One row of the catalogue.

    Parameters
    ----------
    name : str
        What a person types (``--remedies smote``).
    title : str
        What a report prints.
    path : str
        Dotted path of the class (roles ``step``, ``wrap``, ``replace``) or of a
        function ``estimator -> estimator`` (role ``configure``); empty for the
        baseline.
    kind : str
        The disease it treats.
    role : {"baseline", "step", "wrap", "replace", "configure", "tool"}
        ``step`` goes before the estimator in a pipeline, ``wrap`` takes the estimator
        as its first parameter, ``replace`` is a classifier of its own, ``configure``
        is a function that returns the estimator with other parameters. A ``tool`` is
        an estimator that treats nothing itself (a pipeline, a neighbour search, a net),
        or whose target is no class (`SMOGN`), so that no classifier can be behind it.
    parameters : mapping, default={}
        Constructor parameters of the benchmark. One that has ``cv`` tunes something
        on inner folds and gets those of the benchmark.
    search_space : mapping, default={}
        Lists of values for a search.
    applies : str, default=""
        Dotted path of a predicate ``(estimator, class_counts) -> str``; it returns
        "" where the remedy applies, otherwise the reason why not.
    cost : float, default=1.0
        Rough number of plain fits that one fit costs.
    paper : str, default=""
        Where it was published.
    input : {"prepared", "raw"}, default="prepared"
        What the benchmark hands to a ``step``: encoded, complete, scaled columns, or
        the rows of the table as they were read; then it has to have ``sample_indices_``
        and ``is_synthetic_`` afterwards.
    in_bench : bool, default=True
        Whether the benchmark tries it when nobody names remedies. False for second
        names of one remedy, and for what takes long.
    test_params : mapping, default={}
        Parameters of the common tests: cheap, with a fixed ``random_state``. A value
        ``"new:dotted.path"`` is an instance of that class, also inside a list or tuple;
        ``{"new:dotted.path": parameters}`` is one with parameters.

    Examples
    --------
    >>> from skoverfit.catalogue import get_remedy
    >>> remedy = get_remedy("temperature")
    >>> remedy.kind, remedy.role
    ('calibration', 'wrap')
    >>> remedy.resolve()(**remedy.parameters)
    CalibratedClassifierCV(cv=3, ensemble=False, method='temperature')
    """

    name: str
    title: str
    path: str
    kind: Kind
    role: Role
    parameters: Mapping[str, Any] = field(default_factory=dict)
    search_space: Mapping[str, Any] = field(default_factory=dict)
    applies: str = ""
    cost: float = 1.0
    paper: str = ""
    input: Literal["prepared", "raw"] = "prepared"
    in_bench: bool = True
    test_params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_ours(self) -> bool:
        """Whether the class is one of this library's."""
        return self.path.startswith("skoverfit.") and self.role != "configure"

    def resolve(self) -> Any:
        """Import and return the class or function.

        Returns
        -------
        type or callable
            What ``path`` names.
        """
        return resolve(self.path)

    def test_instance(self) -> Any:
        """Return an instance for the common tests.

        Returns
        -------
        object
            A fresh instance with ``test_params``.
        """
        return self.resolve()(**{k: _made(v) for k, v in self.test_params.items()})


def resolve(path: str) -> Any:
    """Import the object with this dotted path."""
    module, _, attribute = path.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def _made(value: Any) -> Any:
    """Replace every "new:dotted.path" in a test parameter by an instance."""
    if isinstance(value, str) and value.startswith("new:"):
        return resolve(value.removeprefix("new:"))()
    if isinstance(value, (list, tuple)):
        return type(value)(_made(item) for item in value)
    if isinstance(value, dict):
        [*names] = value
        if len(names) == 1 and names[0].startswith("new:"):
            made = {k: _made(v) for k, v in value[names[0]].items()}
            return resolve(names[0].removeprefix("new:"))(**made)
    return value


_SAMPLER_APPLIES = "skoverfit.model_selection._apply.sampler_applies"
_SMOTE_PAPER = "Chawla, Bowyer, Hall & Kegelmeyer (2002), JAIR 16"
_CONFIDENT_PAPER = "Northcutt, Jiang & Chuang (2021), JAIR 70, arXiv:1911.00068"
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
_ENCODER_TEST_PARAMS: Mapping[str, Any] = {
    "hidden_layer_sizes": (8,),
    "max_epochs": 3,
    "batch_size": 64,
    "random_state": 0,
}

REMEDIES: tuple[Remedy, ...] = (
    Remedy(
        name="nothing",
        title="nothing",
        path="",
        kind="none",
        role="baseline",
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
        applies="skoverfit.model_selection._apply.sampler_applies",
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
    Remedy(
        name="smote",
        title="SMOTE",
        path="skoverfit.over_sampling.SMOTE",
        kind="imbalance",
        role="step",
        input="raw",
        parameters={"scaling": "standard"},
        search_space={"k_neighbors": [3, 5, 10]},
        applies=_SAMPLER_APPLIES,
        cost=2.0,
        paper=_SMOTE_PAPER,
        test_params={"random_state": 0},
    ),
    Remedy(
        name="smoten",
        title="SMOTEN",
        path="skoverfit.over_sampling.SMOTEN",
        kind="imbalance",
        role="step",
        input="raw",
        applies=_SAMPLER_APPLIES,
        cost=2.0,
        paper=_SMOTE_PAPER,
        in_bench=False,
        test_params={"random_state": 0},
    ),
    Remedy(
        name="smotenc",
        title="SMOTENC",
        path="skoverfit.over_sampling.SMOTENC",
        kind="imbalance",
        role="step",
        input="raw",
        parameters={"categorical_features": "auto", "scaling": "standard"},
        applies=_SAMPLER_APPLIES,
        cost=2.0,
        paper=_SMOTE_PAPER,
        in_bench=False,
        test_params={"categorical_features": [0], "random_state": 0},
    ),
    Remedy(
        name="smoter",
        title="SMOTER",
        path="skoverfit.over_sampling.SMOTER",
        kind="imbalance",
        role="tool",
        input="raw",
        paper="Torgo, Ribeiro, Pfahringer & Branco (2013), EPIA",
        in_bench=False,
        # Whatever y a check has, its smallest values are rare.
        test_params={"relevance": [[0.0, 1.0], [1.0, 0.0]], "random_state": 0},
    ),
    Remedy(
        name="smogn",
        title="SMOGN",
        path="skoverfit.over_sampling.SMOGN",
        kind="imbalance",
        role="tool",
        input="raw",
        paper="Branco, Torgo & Ribeiro (2017), PMLR 74",
        in_bench=False,
        test_params={"relevance": [[0.0, 1.0], [1.0, 0.0]], "random_state": 0},
    ),
    Remedy(
        name="mlsmote",
        title="MLSMOTE",
        path="skoverfit.over_sampling.MLSMOTE",
        kind="imbalance",
        role="tool",
        input="raw",
        paper="Charte, Rivera, del Jesus & Herrera (2015), Knowledge-Based Systems 89",
        in_bench=False,
        test_params={"random_state": 0},
    ),
    Remedy(
        name="random_over",
        title="random over-sampling",
        path="skoverfit.over_sampling.RandomOverSampler",
        kind="imbalance",
        role="step",
        applies=_SAMPLER_APPLIES,
        cost=1.8,
        paper="Buda, Maki & Mazurowski (2018), Neural Networks 106",
        test_params={"random_state": 0},
    ),
    Remedy(
        name="temperature_over",
        title="over-sampling by temperature",
        path="skoverfit.over_sampling.TemperatureOverSampler",
        kind="imbalance",
        role="step",
        search_space={"tau": [1.5, 2.0, 5.0]},
        applies=_SAMPLER_APPLIES,
        cost=1.5,
        paper="Li, Xu, Tan, Murray & Khashabi (2025), NAACL, arXiv:2410.04579",
        in_bench=False,
        # The ready-made checks demand even classes.
        test_params={"tau": float("inf"), "random_state": 0},
    ),
    Remedy(
        name="random_under",
        title="random under-sampling",
        path="skoverfit.under_sampling.RandomUnderSampler",
        kind="imbalance",
        role="step",
        applies=_SAMPLER_APPLIES,
        cost=0.3,
        paper="Buda, Maki & Mazurowski (2018), Neural Networks 106",
        test_params={"random_state": 0},
    ),
    Remedy(
        name="el2n",
        title="hard rows only (EL2N)",
        path="skoverfit.under_sampling.EL2NPruner",
        kind="none",
        role="step",
        in_bench=False,
        search_space={"keep": [0.5, 0.7], "offset": [0.0, 0.1]},
        cost=6.0,
        paper="Paul, Ganguli & Dziugaite (2021), NeurIPS, arXiv:2107.07075",
        test_params={
            "estimator": "new:sklearn.linear_model.LogisticRegression",
            "n_runs": 1,
            "random_state": 0,
        },
    ),
    Remedy(
        name="facility_location",
        title="coreset by facility location",
        path="skoverfit.under_sampling.FacilityLocationSampler",
        kind="none",
        role="step",
        in_bench=False,
        search_space={"fraction": [0.3, 0.5]},
        cost=2.0,
        paper="Liu & Mirzasoleiman (2022), NeurIPS, arXiv:2210.08363",
        test_params={"random_state": 0},
    ),
    Remedy(
        name="coreset_augmentation",
        title="augmented coreset",
        path="skoverfit.over_sampling.CoresetAugmentation",
        kind="regularization",
        role="step",
        in_bench=False,
        search_space={"fraction": [0.1, 0.3], "strength": [0.1, 0.3]},
        cost=2.0,
        paper="Liu & Mirzasoleiman (2022), NeurIPS, arXiv:2210.08363",
        test_params={"random_state": 0},
    ),
    Remedy(
        name="memorization",
        title="memorized rows dropped",
        path="skoverfit.noisy_labels.MemorizationFilter",
        kind="label_noise",
        role="step",
        in_bench=False,
        search_space={"threshold": [0.25, 0.5, 0.75]},
        cost=60.0,
        paper="Feldman & Zhang (2020), NeurIPS, arXiv:2008.03703",
        test_params={
            "estimator": {
                "new:sklearn.neighbors.KNeighborsClassifier": {"n_neighbors": 1}
            },
            "n_runs": 40,
            "random_state": 0,
        },
    ),
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
        title="confident learning as a step",
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
        role="tool",
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
        title="rows that neighbours contradict, dropped",
        path="skoverfit.noisy_labels.NeighborDisagreementFilter",
        kind="label_noise",
        role="step",
        paper="Smith, Martinez & Giraud-Carrier (2014), Machine Learning 95",
        in_bench=False,
    ),
    Remedy(
        name="forest_disagreement",
        title="rows that a forest contradicts, dropped",
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
        title="rows of large loss dropped",
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
        title="outliers within a class dropped",
        path="skoverfit.noisy_labels.LOFClassFilter",
        kind="label_noise",
        role="step",
        paper="Zhang, Zhao, Yao, Yuan & Huang (2023), ICCV, arXiv:2211.10955",
        in_bench=False,
        test_params={"contamination": 0.1},
    ),
    Remedy(
        name="row_score",
        title="rows of large score dropped",
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
    Remedy(
        name="regularization",
        title="stronger regularization",
        path="skoverfit.model_selection._apply.strengthen_regularization",
        kind="regularization",
        role="configure",
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
        parameters={"cv": 3},
        applies="skoverfit.model_selection._net_losses.weight_decay_applies",
        cost=10.0,
        paper="Loshchilov & Hutter (2019), ICLR, arXiv:1711.05101",
    ),
    Remedy(
        name="early_stopping",
        title="early stopping",
        path="skoverfit.model_selection._net_losses.use_early_stopping",
        kind="regularization",
        role="configure",
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

_BY_NAME = {remedy.name: remedy for remedy in REMEDIES}


def get_remedy(name: str) -> Remedy:
    """Return the remedy of this name.

    Parameters
    ----------
    name : str
        Its ``name`` in `REMEDIES`.

    Returns
    -------
    Remedy
        The row of the catalogue.

    Raises
    ------
    BadInputError
        If there is none; the message offers the nearest names.

    Examples
    --------
    >>> from skoverfit.catalogue import get_remedy
    >>> get_remedy("smote").path
    'skoverfit.over_sampling.SMOTE'
    """
    try:
        return _BY_NAME[name]
    except KeyError:
        raise BadInputError(
            f"There is no remedy {name!r}. {suggest(name, _BY_NAME)}"
        ) from None


def get_remedies(names: Iterable[str] | None = None) -> tuple[Remedy, ...]:
    """Return the remedies of these names in the catalogue's order.

    Parameters
    ----------
    names : iterable of str, optional
        Names in `REMEDIES`; one that is given twice is returned once. None gives
        those that the benchmark tries by default (``in_bench`` and no ``tool``).

    Returns
    -------
    tuple of Remedy
        The rows of the catalogue.

    Raises
    ------
    BadInputError
        If a name is unknown.

    Examples
    --------
    >>> from skoverfit.catalogue import get_remedies
    >>> [remedy.title for remedy in get_remedies(["smote", "class_weight"])]
    ['class weights', 'SMOTE']
    """
    if names is None:
        return tuple(r for r in REMEDIES if r.in_bench and r.role != "tool")
    wanted = [get_remedy(name) for name in names]
    return tuple(remedy for remedy in REMEDIES if remedy in wanted)
