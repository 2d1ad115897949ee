# SPDX-License-Identifier: BSD-3-Clause
"""Put a remedy of the catalogue around an estimator."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone, is_regressor
from sklearn.model_selection import GridSearchCV

from skoverfit.catalogue import Remedy, resolve
from skoverfit.model_selection._scorers import inner_scoring
from skoverfit.pipeline import Pipeline

__all__ = [
    "AppliedRemedy",
    "apply_remedy",
    "balance_class_weight",
    "class_weight_applies",
    "describe_remedy",
    "is_for",
    "mixup_applies",
    "prior_threshold_applies",
    "probabilities_apply",
    "reason_against",
    "regularization_applies",
    "sampler_applies",
    "strengthen_regularization",
    "takes_groups",
    "use_mixup",
    "use_pretraining",
]

# Settings that regularize more than scikit-learn's defaults, by the parameter's name.
# An estimator gets those of them that are stronger than what it has.
_STRONGER: dict[str, tuple[Callable[[float, float], bool], tuple[float, ...]]] = {
    "C": (lambda new, old: new < old, (0.1, 0.01, 0.001)),
    "alpha": (lambda new, old: new > old, (1e-3, 1e-2, 1e-1)),
    "n_neighbors": (lambda new, old: new > old, (15, 45)),
}
# Trees: leaves of at least so many rows. Boosting: small trees with shrunk leaves; its
# leaves hold 20 rows by default already, and more would leave a small table no split.
_STRONGER_TREES: tuple[dict[str, Any], ...] = (
    {"min_samples_leaf": 5},
    {"min_samples_leaf": 20},
)
_STRONGER_BOOSTING: tuple[dict[str, Any], ...] = (
    {"max_leaf_nodes": 6, "l2_regularization": 1.0},
    {"max_leaf_nodes": 3, "l2_regularization": 10.0},
)
# Nets: weight decay and dropout together.
_STRONGER_NETS: tuple[dict[str, Any], ...] = (
    {"weight_decay": 0.1, "dropout": 0.3},
    {"weight_decay": 1.0, "dropout": 0.5},
)


# What a classifier of its own takes over from the net that it replaces.
_SIZES = ("hidden_layer_sizes", "n_estimators", "batch_size", "device")


@dataclass(frozen=True)
class AppliedRemedy:
    """An unfitted estimator with the remedy in it, and remarks on how it was put in.

    A remedy that re-samples has a sampler. It is in the estimator, except where it
    re-samples raw rows: what it returns has to be encoded in between.
    """

    estimator: BaseEstimator
    notes: tuple[str, ...] = ()
    sampler: BaseEstimator | None = None


def class_weight_applies(
    estimator: BaseEstimator, class_counts: np.ndarray | None
) -> str:
    """Return "" or why class weights don't apply."""
    if "class_weight" not in estimator.get_params(deep=False):
        return f"{type(estimator).__name__} has no class_weight"
    if class_counts is not None and np.ptp(class_counts) == 0:
        return "the classes are even: there is nothing to weight"
    return ""


def sampler_applies(estimator: BaseEstimator, class_counts: np.ndarray | None) -> str:
    """Return "" or why re-sampling to even classes doesn't apply."""
    if class_counts is not None and np.ptp(class_counts) == 0:
        return "the classes are even: there is nothing to re-sample"
    return ""


def regularization_applies(
    estimator: BaseEstimator, class_counts: np.ndarray | None
) -> str:
    """Return "" or why no stronger regularization is known."""
    if not stronger_settings(estimator):
        return (
            f"no parameter of {type(estimator).__name__} is known whose value could "
            "regularize more"
        )
    return ""


def is_for(remedy: Remedy, estimator: BaseEstimator) -> bool:
    """Tell whether the remedy treats what the estimator predicts."""
    task = "regression" if is_regressor(estimator) else "classification"
    return task in remedy.tasks


def reason_against(
    remedy: Remedy, estimator: BaseEstimator, class_counts: np.ndarray | None = None
) -> str:
    """Return "" where the remedy applies, otherwise the reason why not.

    Without ``class_counts`` only what the estimator alone rules out is said.
    """
    if not is_for(remedy, estimator):
        treated, predicted = "numbers", "classes"
        if is_regressor(estimator):
            treated, predicted = predicted, treated
        name = type(estimator).__name__
        return f"it treats {treated}, and {name} predicts {predicted}"
    return (
        str(resolve(remedy.applies)(estimator, class_counts)) if remedy.applies else ""
    )


def takes_groups(sampler: Any) -> bool:
    """Tell whether there is a sampler and its ``fit_resample`` takes ``groups``."""
    if sampler is None:
        return False
    return "groups" in inspect.signature(sampler.fit_resample).parameters


def probabilities_apply(
    estimator: BaseEstimator, class_counts: np.ndarray | None
) -> str:
    """Return "" or why nothing can be done by the estimator's probabilities."""
    if not hasattr(estimator, "predict_proba"):
        return f"{type(estimator).__name__} has no predict_proba"
    return ""


def prior_threshold_applies(
    estimator: BaseEstimator, class_counts: np.ndarray | None
) -> str:
    """Return "" or why thresholds by the classes' shares don't apply."""
    return probabilities_apply(estimator, class_counts) or sampler_applies(
        estimator, class_counts
    )


def balance_class_weight(estimator: BaseEstimator) -> BaseEstimator:
    """Return a clone with ``class_weight="balanced"``."""
    return clone(estimator).set_params(class_weight="balanced")


def mixup_applies(estimator: BaseEstimator, class_counts: np.ndarray | None) -> str:
    """Return "" or why mixup doesn't apply."""
    if "batch_step" not in estimator.get_params(deep=False):
        return f"{type(estimator).__name__} is no net: it has no batch_step"
    return ""


def use_mixup(estimator: BaseEstimator) -> BaseEstimator:
    """Return a clone that trains on mixtures of rows."""
    return clone(estimator).set_params(batch_step="mixup")


def use_pretraining(estimator: BaseEstimator) -> BaseEstimator:
    """Return the estimator on the rows beside features learnt without targets."""
    kind = "Regressor" if is_regressor(estimator) else "Classifier"
    pretrained = resolve(f"skoverfit.representation.Pretrained{kind}")
    options: dict[str, Any] = {"append_input": True}
    if kind == "Classifier":
        options["unlabeled_label"] = None  # every label is one, -1 too
    return pretrained(estimator=clone(estimator), **options)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def stronger_settings(estimator: BaseEstimator) -> list[dict[str, Any]]:
    """Return the settings that regularize this estimator more than it does now."""
    parameters = estimator.get_params(deep=False)
    if {"l2_regularization", "max_leaf_nodes"} <= set(parameters):
        return [dict(setting) for setting in _STRONGER_BOOSTING]
    if {"weight_decay", "dropout"} <= set(parameters):
        return [
            dict(setting)
            for setting in _STRONGER_NETS
            if all(value > parameters[name] for name, value in setting.items())
        ]
    if "min_samples_leaf" in parameters:
        return [
            dict(setting)
            for setting in _STRONGER_TREES
            if setting["min_samples_leaf"] > parameters["min_samples_leaf"]
        ]
    if is_regressor(estimator) and _is_number(parameters.get("alpha")):
        # A ridge's or a lasso's penalty has the scale of the table, not of a loss.
        # A ridge without one needs one that counts, not a hundred times nothing.
        alpha = parameters["alpha"]
        if "Ridge" in type(estimator).__name__:
            alpha = max(alpha, 0.1)
        return [{"alpha": alpha * times} for times in (10, 100, 1000) if alpha > 0]
    for name, (is_stronger, values) in _STRONGER.items():
        old = parameters.get(name)
        if _is_number(old):
            return [{name: value} for value in values if is_stronger(value, old)]
    return []


def strengthen_regularization(estimator: BaseEstimator, cv: Any = 3) -> BaseEstimator:
    """Return a search over the stronger settings, chosen by inner log-loss.

    A regressor's are chosen by the squared error.
    """
    grid = [
        {name: [value] for name, value in setting.items()}
        for setting in stronger_settings(estimator)
    ]
    return GridSearchCV(clone(estimator), grid, scoring=inner_scoring(estimator), cv=cv)


def _set_random_state(estimator: BaseEstimator, seed: int) -> BaseEstimator:
    if "random_state" in estimator.get_params(deep=False):
        estimator.set_params(random_state=seed)
    return estimator


def _sampler(remedy: Remedy, smallest: int) -> tuple[BaseEstimator, tuple[str, ...]]:
    """Return the sampler, and a remark if its neighbours are more than the rows."""
    sampler = remedy.resolve()(**remedy.parameters)
    wanted = sampler.get_params(deep=False).get("k_neighbors")
    if not isinstance(wanted, int) or wanted <= smallest - 1:
        return sampler, ()
    if remedy.is_ours:
        # Ours lowers k itself, for the classes that need it, and has an answer to one
        # row; other classes keep what was wanted.
        if smallest < 2:
            return sampler, (
                "the smallest class has 1 training row: its new rows have no "
                "neighbours to lie between",
            )
        lowered = smallest - 1
    elif smallest < 2:
        raise ValueError(
            f"{type(sampler).__name__} needs at least 2 rows of a class to add "
            f"rows between them; the smallest class has {smallest} training row"
        )
    else:
        lowered = smallest - 1
        sampler.set_params(k_neighbors=lowered)
    return sampler, (
        f"k_neighbors was lowered from {wanted} to {lowered}: the "
        f"smallest class has {smallest} training rows",
    )


def describe_remedy(remedy: Remedy) -> dict[str, Any]:
    """Return what determines a remedy."""
    return {
        "name": remedy.name,
        "path": remedy.path,
        "parameters": {k: repr(v) for k, v in sorted(remedy.parameters.items())},
        "input": remedy.input,
    }


def _replacement(
    remedy: Remedy, estimator: BaseEstimator
) -> tuple[BaseEstimator, tuple[str, ...]]:
    """Return the classifier of its own, of the size of the net that it replaces.

    Otherwise width and number of nets would pass for the remedy.
    """
    made = remedy.resolve()(**remedy.parameters)
    theirs, own = estimator.get_params(deep=False), made.get_params(deep=False)
    shared = {k: theirs[k] for k in _SIZES if k in theirs and k in own}
    if "exchange" in own and "n_estimators" in shared:
        shared["n_estimators"] += shared["n_estimators"] % 2  # nets in pairs
    shared = {k: v for k, v in shared.items() if k not in remedy.parameters}
    if not shared:
        return made, ()
    told = ", ".join(f"{k}={v!r}" for k, v in shared.items() if k != "device")
    return made.set_params(**shared), (
        f"replaces the net by one of its size ({told}); the rest of its training is "
        "its own",
    )


def apply_remedy(
    remedy: Remedy,
    estimator: BaseEstimator,
    *,
    class_counts: np.ndarray,
    inner_cv: Sequence[tuple[np.ndarray, np.ndarray]] | Any = 3,
    random_state: int = 0,
    reseed: bool = True,
) -> AppliedRemedy:
    """Return the estimator with the remedy in it, unfitted.

    Parameters
    ----------
    remedy : Remedy
        Row of the catalogue.
    estimator : estimator
        Left unchanged.
    class_counts : ndarray of int, shape (n_classes,)
        Training rows of each class; of a regressor one number, all of them.
    inner_cv : int, splitter or list of (train, test), default=3
        Inner folds for remedies that tune something.
    random_state : int, default=0
        Seed for every part that draws.
    reseed : bool, default=True
        Whether the estimator itself gets this seed too; False keeps its own.

    Returns
    -------
    AppliedRemedy
        The estimator and remarks, e.g. that ``k_neighbors`` had to be lowered; for a
        step the sampler too, which on raw rows is not in the estimator.

    Raises
    ------
    ValueError
        If the remedy can't be used with so few rows of a class, or is a tool.
    """
    if remedy.role == "tool":
        raise ValueError(f"{remedy.title!r} is a tool: no remedy by itself")
    plain = clone(estimator)
    if reseed:
        _set_random_state(plain, random_state)
    present = class_counts[class_counts > 0]
    smallest = int(present.min())
    if remedy.role == "baseline":
        return AppliedRemedy(plain)
    if remedy.role == "step":
        sampler, notes = _sampler(remedy, smallest)
        _set_random_state(sampler, random_state)
        if remedy.input == "raw":
            return AppliedRemedy(plain, notes, sampler)
        steps = [("sampler", sampler), ("classifier", plain)]
        # Nothing is kept between fits: the time of each is measured.
        return AppliedRemedy(Pipeline(steps, cache=None), notes, sampler)
    if remedy.role == "replace":
        replacement, notes = _replacement(remedy, estimator)
        return AppliedRemedy(_set_random_state(replacement, random_state), notes)
    parameters = dict(remedy.parameters)
    if "cv" in parameters:
        if smallest < 2:
            raise ValueError(
                f"'{remedy.title}' tunes on inner folds and needs at least 2 training "
                f"rows of each class; the smallest class has {smallest}"
            )
        parameters["cv"] = inner_cv
    # A function of role "configure" takes the estimator first, as a wrapper does.
    treated = remedy.resolve()(plain, **parameters)
    if remedy.role == "configure" and not reseed:
        return AppliedRemedy(treated)
    return AppliedRemedy(_set_random_state(treated, random_state))
