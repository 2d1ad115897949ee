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

__all__ = ["ESTIMATOR_TITLES", "ONLY_BY_NAME", "describe_estimator", "make_estimators"]

ESTIMATOR_TITLES = {
    "logistic": "logistic regression",
    "boosting": "gradient boosting",
    "knn": "k-nearest neighbours",
    "forest": "random forest",
    "mlp": "tabular net",
}
# Tried only where they are named. A fit of the net takes about ten times as long as one
# of all others together (2 s on 768 rows), and a table needs hundreds of fits.
ONLY_BY_NAME = ("mlp",)


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
    return {name: made[name] for name in made if name in wanted}


def _net(*, small: bool) -> BaseEstimator:
    # Here, since torch takes seconds to load.
    from skoverfit.neural_network import TabularMLPClassifier

    # Times of cells compare on one device, and a GPU has no room for several workers.
    if small:
        return TabularMLPClassifier((32,), n_estimators=2, device="cpu")
    return TabularMLPClassifier(device="cpu")


def describe_estimator(estimator: BaseEstimator) -> dict[str, Any]:
    """Return what determines an estimator: its class and its parameters as text."""
    cls = type(estimator)
    return {
        "class": f"{cls.__module__}.{cls.__qualname__}",
        "parameters": _described(estimator.get_params(deep=False)),
    }


def _described(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: describe_estimator(value) if hasattr(value, "get_params") else repr(value)
        for name, value in sorted(parameters.items())
    }
