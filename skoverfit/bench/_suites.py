# SPDX-License-Identifier: BSD-3-Clause
"""Scenarios, and the suites on scikit-learn's embedded real tables."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.model_selection import train_test_split

from skoverfit._core._names import suggest
from skoverfit.bench._types import Table
from skoverfit.catalogue import REMEDIES
from skoverfit.datasets import make_label_noise, make_long_tail
from skoverfit.exceptions import BadInputError

__all__ = [
    "AS_IT_IS",
    "SMALL_SUITES",
    "SUITES",
    "SUITE_ESTIMATORS",
    "SUITE_REMEDIES",
    "Scenario",
    "embedded_tables",
    "suite_scenarios",
]

_QUICK_DIGITS_ROWS = 500


@dataclass(frozen=True)
class Scenario:
    """What is done to the training folds; test folds are never touched.

    Parameters
    ----------
    label : str
        What a report prints.
    imbalance_ratio : float, optional
        Training rows of the largest over those of the smallest class, with an
        exponential tail between them.
    noise_rate : float, optional
        Share of training labels that is replaced by another class.
    noise_kind : str, default="symmetric"
        See `skoverfit.datasets.make_label_noise`.

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit.bench import Scenario
    >>> y = np.repeat([0, 1], 40)
    >>> scenario = Scenario("1:20 imbalance", imbalance_ratio=20.0)
    >>> kept, given = scenario.apply(y, np.arange(80), random_state=0)
    >>> np.bincount(given)
    array([40,  2])
    """

    label: str
    imbalance_ratio: float | None = None
    noise_rate: float | None = None
    noise_kind: str = "symmetric"

    def spec(self) -> dict[str, Any]:
        """Return what determines the scenario, without its label.

        Returns
        -------
        dict of str to object
            Plain JSON values.
        """
        spec = asdict(self)
        del spec["label"]
        return spec

    def apply(
        self, y: np.ndarray, train: np.ndarray, random_state: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the training rows that are kept and the labels they are given.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            Coded labels of the whole table.
        train : ndarray of shape (n_train,)
            Row numbers of the training fold.
        random_state : int
            Seed of what is drawn.

        Returns
        -------
        kept : ndarray of shape (n_kept,)
            Those of ``train`` that remain.
        given : ndarray of shape (n_kept,)
            Their labels, some of them wrong if the scenario says so.
        """
        kept, given = train, y[train]
        if self.imbalance_ratio is not None:
            _, _, chosen = make_long_tail(
                np.arange(len(train))[:, None],
                given,
                imbalance_ratio=self.imbalance_ratio,
                class_order="frequency",
                return_indices=True,
                random_state=random_state,
            )
            kept, given = train[chosen], given[chosen]
        if self.noise_rate is not None:
            given = make_label_noise(
                given,
                kind=self.noise_kind,
                rate=self.noise_rate,
                random_state=random_state,
            )
        return kept, given


AS_IT_IS = Scenario("as it is")

SUITES: dict[str, tuple[Scenario, ...]] = {
    "quick": (
        AS_IT_IS,
        Scenario("1:20 imbalance", imbalance_ratio=20.0),
        Scenario("20 % wrong labels", noise_rate=0.2),
    ),
    # 1:50 would leave one training row of a class in the two small tables.
    "imbalance": tuple(
        Scenario(f"1:{ratio} imbalance", imbalance_ratio=float(ratio))
        for ratio in (5, 10, 20)
    ),
    "noise": (
        Scenario("10 % wrong labels", noise_rate=0.1),
        Scenario("20 % wrong labels", noise_rate=0.2),
        Scenario("40 % wrong labels", noise_rate=0.4),
        Scenario(
            "20 % confused with the next class", noise_rate=0.2, noise_kind="pair"
        ),
    ),
    "losses": (
        AS_IT_IS,
        Scenario("1:20 imbalance", imbalance_ratio=20.0),
        Scenario("20 % wrong labels", noise_rate=0.2),
    ),
}
# A remedy that costs more plain fits than that is measured only where it is named.
_MOST_COST = 20.0
# What a suite measures where nobody names estimators or remedies; otherwise all.
SUITE_ESTIMATORS: dict[str, tuple[str, ...]] = {
    "losses": ("plain_mlp", "mlp"),
    # A net is among them: half of the remedies of wrong labels are for nets only.
    "noise": ("logistic", "boosting", "knn", "mlp"),
}
# Small estimators: hundreds of folds of slow remedies have to end.
SMALL_SUITES = ("quick", "noise")
SUITE_REMEDIES: dict[str, tuple[str, ...]] = {
    "losses": (
        "smote",
        "random_over",
        "random_under",
        "rcal_sampler",
        "class_weight",
        "mixup",
        "logit_adjusted",
        "ldam",
        "generalized_cross_entropy",
        "label_smoothing",
        "ens_loss",
        "weight_decay",
        "early_stopping",
    ),
    # All of the catalogue against wrong labels, and what is said to help in passing.
    "noise": (
        *(
            remedy.name
            for remedy in REMEDIES
            if remedy.kind == "label_noise"
            and remedy.role != "tool"
            and remedy.cost <= _MOST_COST
        ),
        "regularization",
        "mixup",
        "label_smoothing",
    ),
}


def suite_scenarios(name: str) -> tuple[Scenario, ...]:
    """Return the scenarios of a suite.

    Raises
    ------
    BadInputError
        If there is no suite of this name.
    """
    if name not in SUITES:
        raise BadInputError(f"There is no suite {name!r}. {suggest(name, SUITES)}")
    return SUITES[name]


def embedded_tables(*, small: bool = True) -> Iterator[Table]:
    """Yield scikit-learn's embedded real classification tables.

    Parameters
    ----------
    small : bool, default=True
        Digits with 500 rows (stratified, fixed) instead of 1797.

    Yields
    ------
    Table
        Iris, wine, breast cancer and digits, in this order.

    Examples
    --------
    >>> from skoverfit.bench import embedded_tables
    >>> [(table.name, len(table.y)) for table in embedded_tables()]
    [('iris', 150), ('wine', 178), ('breast_cancer', 569), ('digits', 500)]
    """
    loaders = {
        "iris": load_iris,
        "wine": load_wine,
        "breast_cancer": load_breast_cancer,
        "digits": load_digits,
    }
    for name, loader in loaders.items():
        bunch = loader()
        X, y = bunch.data.astype(float), bunch.target.astype(np.int64)
        if name == "digits" and small:
            X, _, y, _ = train_test_split(
                X, y, train_size=_QUICK_DIGITS_ROWS, stratify=y, random_state=0
            )
        classes = tuple(map(str, bunch.target_names))
        if name == "breast_cancer":
            # Malignant is the rarer class and the one that is looked for.
            y, classes = 1 - y, classes[::-1]
        digest = hashlib.sha256(X.tobytes() + y.tobytes()).hexdigest()
        yield Table(
            name=name,
            X=X,
            y=y,
            class_names=classes,
            content_hash=digest,
            source=f"scikit-learn's embedded {name}",
        )
