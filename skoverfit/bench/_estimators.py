# SPDX-License-Identifier: BSD-3-Clause
"""The estimators that remedies are tried on, and how an estimator is written down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from skoverfit._core._names import suggest
from skoverfit.bench._types import Task
from skoverfit.exceptions import BadInputError

__all__ = [
    "ESTIMATOR_TITLES",
    "ONLY_BY_NAME",
    "describe_estimator",
    "estimator_note",
    "make_estimators",
]

ESTIMATOR_TITLES = {
    "logistic": "logistic regression",
    "ridge": "ridge regression",
    "boosting": "gradient boosting",
    "knn": "k-nearest neighbours",
    "forest": "random forest",
    "mlp": "tabular net",
    "plain_mlp": "plain net",
}
# Tried only where they are named. A fit of the net takes about ten times as long as one
# of all others together (2 s on 768 rows), and a table needs hundreds of fits.
ONLY_BY_NAME = ("mlp", "plain_mlp")
# Which of them predict what; the others have a form for each.
_ONLY_FOR: dict[str, Task] = {"logistic": "classification", "ridge": "regression"}


def make_estimators(
    names: Iterable[str] | None = None,
    *,
    small: bool = False,
    task: Task = "classification",
) -> dict[str, BaseEstimator]:
    """Return fresh estimators by name.

    Parameters
    ----------
    names : iterable of str, optional
        Some of "logistic" or, for numbers, "ridge", and "boosting", "knn", "forest",
        "mlp" and "plain_mlp"; by default all but the two nets, which take most of the
        time.
    small : bool, default=False
        Fewer trees and smaller nets, for the quick suite.
    task : {"classification", "regression"}, default="classification"
        What they predict.

    Returns
    -------
    dict of str to estimator
        Unfitted classifiers with ``predict_proba``, or regressors.

    Raises
    ------
    BadInputError
        If a name is unknown, or is one of the other task.

    Examples
    --------
    >>> from skoverfit.bench import make_estimators
    >>> list(make_estimators())
    ['logistic', 'boosting', 'knn', 'forest']
    >>> list(make_estimators(task="regression"))
    ['ridge', 'boosting', 'knn', 'forest']
    >>> make_estimators(["mlp"])["mlp"]
    TabularMLPClassifier(device='cpu')
    """
    known = [name for name in ESTIMATOR_TITLES if _ONLY_FOR.get(name, task) == task]
    if names is None:
        wanted = [name for name in known if name not in ONLY_BY_NAME]
    else:
        wanted = list(names)
        for name in wanted:
            if name not in ESTIMATOR_TITLES:
                raise BadInputError(
                    f"There is no estimator {name!r}. {suggest(name, known)}"
                )
            if name not in known:
                raise BadInputError(
                    f"The estimator {name!r} is one for {_ONLY_FOR[name]}, and this is "
                    f"a {task} target; there are {', '.join(known)}."
                )
    made = _numbers(small) if task == "regression" else _classes(small)
    if "mlp" in wanted:
        made["mlp"] = _net(task, small=small)
    if "plain_mlp" in wanted:
        made["plain_mlp"] = _plain_net(task, small=small)
    return {name: made[name] for name in made if name in wanted}


def _classes(small: bool) -> dict[str, BaseEstimator]:
    return {
        "logistic": LogisticRegression(max_iter=1000),
        # Early stopping off: on by itself above 10 000 rows, it would be a remedy that
        # "nothing" has.
        "boosting": HistGradientBoostingClassifier(
            max_iter=25 if small else 100, early_stopping=False
        ),
        "knn": KNeighborsClassifier(),
        "forest": RandomForestClassifier(n_estimators=30 if small else 100),
    }


def _numbers(small: bool) -> dict[str, BaseEstimator]:
    return {
        "ridge": Ridge(),
        "boosting": HistGradientBoostingRegressor(
            max_iter=25 if small else 100, early_stopping=False
        ),
        "knn": KNeighborsRegressor(),
        "forest": RandomForestRegressor(n_estimators=30 if small else 100),
    }


def _net_class(task: Task) -> Any:
    # Here, since torch takes seconds to load.
    from skoverfit import neural_network

    if task == "regression":
        return neural_network.TabularMLPRegressor
    return neural_network.TabularMLPClassifier


def _net(task: Task, *, small: bool) -> BaseEstimator:
    # Times of cells compare on one device, and a GPU has no room for several workers.
    net = _net_class(task)
    if small:
        return net((32,), n_estimators=2, device="cpu")
    return net(device="cpu")


def _plain_net(task: Task, *, small: bool) -> BaseEstimator:
    """Return a net without what protects the other one: something to be treated."""
    return _net_class(task)(
        (32,) if small else (64, 64),
        n_estimators=1,
        dropout=0.0,
        weight_decay=0.0,
        early_stopping=False,
        linear_start=False,
        numeric_embedding=None,
        schedule="cosine",
        max_epochs=50 if small else 100,
        device="cpu",
    )


def describe_estimator(estimator: BaseEstimator) -> dict[str, Any]:
    """Return what determines an estimator: its class and its parameters as text."""
    cls = type(estimator)
    return {
        "class": f"{cls.__module__}.{cls.__qualname__}",
        "parameters": _described(estimator.get_params(deep=False)),
    }


def estimator_note(name: str, described: Mapping[str, Any]) -> str:
    """Return what a report has to say of an estimator, "" if nothing.

    Remedies are compared with it, and one that lacks every protection is easy to help.

    Examples
    --------
    >>> estimator_note("knn", {"class": "KNeighborsClassifier", "parameters": {}})
    ''
    """
    parameters = described["parameters"]
    if name != "plain_mlp" or parameters.get("early_stopping") != "False":
        return ""
    return (
        f"{ESTIMATOR_TITLES[name]}: one net with hidden layers "
        f"{parameters['hidden_layer_sizes']}, trained for {parameters['max_epochs']} "
        "epochs to the end, without early stopping, weight decay, dropout, ensemble or "
        "linear start. It is there to be treated: what helps it need not help a net "
        "that has these"
    )


def _described(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: describe_estimator(value) if hasattr(value, "get_params") else repr(value)
        for name, value in sorted(parameters.items())
    }
