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

__all__ = ["ESTIMATOR_TITLES", "describe_estimator", "make_estimators"]

ESTIMATOR_TITLES = {
    "logistic": "logistic regression",
    "boosting": "gradient boosting",
    "knn": "k-nearest neighbours",
    "forest": "random forest",
}


def make_estimators(
    names: Iterable[str] | None = None, *, small: bool = False
) -> dict[str, BaseEstimator]:
    """Return fresh estimators by name, all for None.

    Parameters
    ----------
    names : iterable of str, optional
        Some of `ESTIMATOR_TITLES`.
    small : bool, default=False
        Fewer trees, for the quick suite.

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
    """
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
    if names is None:
        return made
    wanted = list(names)
    for name in wanted:
        if name not in made:
            raise BadInputError(
                f"There is no estimator {name!r}. {suggest(name, made)}"
            )
    return {name: made[name] for name in made if name in wanted}


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
