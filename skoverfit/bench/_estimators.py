# SPDX-License-Identifier: BSD-3-Clause
"""The estimators that remedies are tried on, and how an estimator is written down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from skoverfit._core._names import suggest
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
    "boosting": "gradient boosting",
    "knn": "k-nearest neighbours",
    "forest": "random forest",
    "mlp": "tabular net",
    "plain_mlp": "plain net",
}
# Tried only where they are named. A fit of the net takes about ten times as long as one
# of all others together (2 s on 768 rows), and a table needs hundreds of fits.
ONLY_BY_NAME = ("mlp", "plain_mlp")


def make_estimators(
    names: Iterable[str] | None = None, *, small: bool = False
) -> dict[str, BaseEstimator]:
    """Return fresh estimators by name.

    Parameters
    ----------
    names : iterable of str, optional
        Some of `ESTIMATOR_TITLES`; all of them by default, less those that take most
        of the time (`ONLY_BY_NAME`).
    small : bool, default=False
        Fewer trees and smaller nets, for the quick suite.

    Returns
    -------
    dict of str to estimator
        Unfitted classifiers with ``predict_proba``.

    Raises
    ------
    BadInputError
        If a name is unknown.

    Examples
    --------
    >>> from skoverfit.bench import make_estimators
    >>> list(make_estimators())
    ['logistic', 'boosting', 'knn', 'forest']
    >>> make_estimators(["mlp"])["mlp"]
    TabularMLPClassifier(device='cpu')
    """
    if names is None:
        wanted = [name for name in ESTIMATOR_TITLES if name not in ONLY_BY_NAME]
    else:
        wanted = list(names)
        for name in wanted:
            if name not in ESTIMATOR_TITLES:
                raise BadInputError(
                    f"There is no estimator {name!r}. {suggest(name, ESTIMATOR_TITLES)}"
                )
    made: dict[str, BaseEstimator] = {
        "logistic": LogisticRegression(max_iter=1000),
        # Early stopping off: on by itself above 10 000 rows, it would be a remedy that
        # "nothing" has.
        "boosting": HistGradientBoostingClassifier(
            max_iter=25 if small else 100, early_stopping=False
        ),
        "knn": KNeighborsClassifier(),
        "forest": RandomForestClassifier(n_estimators=30 if small else 100),
    }
    if "mlp" in wanted:
        made["mlp"] = _net(small=small)
    if "plain_mlp" in wanted:
        made["plain_mlp"] = _plain_net(small=small)
    return {name: made[name] for name in made if name in wanted}


def _net(*, small: bool) -> BaseEstimator:
    # Here, since torch takes seconds to load.
    from skoverfit.neural_network import TabularMLPClassifier

    # Times of cells compare on one device, and a GPU has no room for several workers.
    if small:
        return TabularMLPClassifier((32,), n_estimators=2, device="cpu")
    return TabularMLPClassifier(device="cpu")


def _plain_net(*, small: bool) -> BaseEstimator:
    """Return a net without what protects the other one: something to be treated."""
    from skoverfit.neural_network import TabularMLPClassifier

    return TabularMLPClassifier(
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
