# SPDX-License-Identifier: BSD-3-Clause
"""What is examined, and the one way in which every section fits models."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
)

from skoverfit._core._arrays import take_rows
from skoverfit._core._columns import ColumnPlan, analyse_columns
from skoverfit._core._random import derive_generator, derive_seed
from skoverfit._core._statistics import Comparison, row_comparison
from skoverfit.inspection._report._judge import Answer, Judge
from skoverfit.inspection._report._types import NotRun

__all__ = ["FoldFit", "Plan", "Problem", "Split"]

Split = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much work the budget allows."""

    cv: Any
    n_repeats: int
    n_bootstrap: int
    n_permutations: int
    train_sizes: int
    n_subsets: int  # of 70 % of the rows, for memorization; 0: the folds are used


@dataclass(frozen=True, kw_only=True)
class FoldFit:
    """One fit: rows by number, what it says of its test rows and (asked for) others.

    ``train_score``, ``test_score`` and ``test_signal`` are scores (higher is better);
    ``train`` is None where the training rows were not asked for.
    """

    train_rows: np.ndarray
    test_rows: np.ndarray
    test: Answer
    test_score: float
    test_signal: float
    train: Answer | None
    train_score: float
    seconds: float
    model: Any = None


@dataclass(frozen=True, kw_only=True)
class Problem:
    """The estimator, its table, and the settings of the report.

    Rows are in an order that depends on their content only, so that results don't
    depend on the order in which they came: row i is row ``position[i]`` of the user.

    Attributes
    ----------
    estimator : estimator
        Never fitted here; cloned.
    X : table of n_samples rows
        In the container of the user.
    y : ndarray of shape (n_samples,)
        Class codes, or float targets.
    labels : ndarray of shape (n_samples,)
        What the estimator is fitted on.
    classes : ndarray or None
        None for regression.
    groups : ndarray of codes or None
        Rows of a group are never parted by `splits`.
    time : ndarray of ranks or None
        Place of each row in time.
    sample_weight : ndarray or None
    X_new : table or None
        Rows that the model will meet, without labels.
    keys : ndarray of uint64
        `row_keys` of X.
    deadline : float
        `time.monotonic` at which sections have to end; infinite without one.
    """

    estimator: BaseEstimator
    X: Any
    y: np.ndarray
    labels: np.ndarray
    classes: np.ndarray | None
    position: np.ndarray
    keys: np.ndarray
    groups: np.ndarray | None
    time: np.ndarray | None
    sample_weight: np.ndarray | None
    X_new: Any
    feature_names: tuple[str, ...]
    judge: Judge
    plan: Plan
    confidence: float
    rope: float
    entropy: int
    n_jobs: int | None
    fits_weight: bool
    deadline: float = float("inf")

    @property
    def n_samples(self) -> int:
        return len(self.y)

    @property
    def is_classification(self) -> bool:
        return self.classes is not None

    @property
    def alpha(self) -> float:
        return 1.0 - self.confidence

    def generator(self, *path: str | int) -> np.random.Generator:
        """Return the stream of random numbers with this path of names."""
        return derive_generator(self.entropy, *path)

    def seconds_left(self) -> float:
        return self.deadline - time.monotonic()

    def require_time(self, n_fits: float, seconds_per_fit: float) -> None:
        """Raise NotRun where so many fits don't end before the deadline."""
        needed, left = n_fits * seconds_per_fit, self.seconds_left()
        if needed > left:
            raise NotRun(
                f"it would take about {needed:.0f} s and {max(left, 0):.0f} s of the "
                "budget are left"
            )

    @cached_property
    def columns(self) -> ColumnPlan:
        """The table as numbers and codes, for measures of distance and of columns.

        `numeric` are floats (missing: NaN), `codes` the categories.
        """
        return analyse_columns(
            self.X, allow_all_missing=True, warn_of_identifiers=False
        )

    def compare_rows(self, differences: np.ndarray) -> Comparison:
        """Return the mean of a difference of losses, > 0 is worse for the first.

        See `row_comparison`; weights count, and rows of a group are not independent.
        """
        return row_comparison(
            differences,
            clusters=self.groups,
            sample_weight=self.sample_weight,
            rope=self.rope,
            confidence=self.confidence,
        )

    def splits(
        self, *path: str | int, n_repeats: int = 1, by_groups: bool = True
    ) -> list[Split]:
        """Return shuffled folds: stratified for classes, of whole groups if there are.

        Parameters
        ----------
        *path : str or int
            Names the random stream; the same path gives the same folds.
        n_repeats : int, default=1
            Repetitions, one after the other.
        by_groups : bool, default=True
            False parts groups, to see what that would pretend.
        """
        groups = self.groups if by_groups else None
        return self.folds_of(groups, *path, n_repeats=n_repeats)

    def folds_of(
        self, groups: np.ndarray | None, *path: str | int, n_repeats: int = 1
    ) -> list[Split]:
        """Return shuffled folds that keep these groups together."""
        k = self.plan.cv
        if not isinstance(k, Integral):
            k = 5
        if groups is not None:
            k = min(k, len(np.unique(groups)))
        kinds: Any = (
            (KFold, GroupKFold)
            if self.classes is None
            else (StratifiedKFold, StratifiedGroupKFold)
        )
        found: list[Split] = []
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The least populated class")
            for repeat in range(n_repeats):
                seed = derive_seed(self.entropy, "folds", *path, repeat)
                splitter = kinds[groups is not None](k, shuffle=True, random_state=seed)
                found += [
                    (np.asarray(a), np.asarray(b))
                    for a, b in splitter.split(self.y, self.y, groups)
                ]
        return found

    def fit_folds(
        self,
        splits: Sequence[Split],
        *path: str | int,
        estimator: BaseEstimator | None = None,
        X: Any = None,
        y: np.ndarray | None = None,
        train_too: bool = False,
        everything: bool = False,
        keep_models: bool = False,
    ) -> list[FoldFit]:
        """Fit a clone on each training part and let it answer for the test part.

        Parameters
        ----------
        splits : sequence of (train, test)
            Row numbers; test parts may overlap with anything.
        *path : str or int
            Names the random streams of the fits: of the random states that the user
            left None, not of those that are set.
        estimator : estimator, optional
            Another one than the problem's.
        X : table, optional
            Other columns for the same rows.
        y : ndarray, optional
            Other targets (codes or numbers) for the same rows.
        train_too : bool, default=False
            Whether it also answers for its training rows.
        everything : bool, default=False
            Whether ``test`` answers for all rows of the table instead (its scores are
            still those of the test rows).
        keep_models : bool, default=False
            Whether the fitted models are returned too.

        Returns
        -------
        list of FoldFit
            In the order of the splits.
        """
        estimator = self.estimator if estimator is None else estimator
        X = self.X if X is None else X
        y = self.y if y is None else y
        labels = y if self.classes is None else self.classes[y]
        everything_rows = np.arange(self.n_samples) if everything else None

        def one(number: int, train: np.ndarray, test: np.ndarray) -> FoldFit:
            start = time.perf_counter()
            model = seeded_clone(estimator, self.entropy, *path, number)
            rows = take_rows(X, train)
            params = {}
            if self.sample_weight is not None and self.fits_weight:
                params["sample_weight"] = self.sample_weight[train]
            model.fit(rows, labels[train], **params)
            asked = test if everything_rows is None else everything_rows
            asked_X = X if everything_rows is not None else take_rows(X, test)
            answer = self.judge.answer(model, asked_X, y[asked], len(train))
            tested = answer if everything_rows is None else _part(answer, test)
            weight = None if self.sample_weight is None else self.sample_weight[test]
            test_X = take_rows(X, test) if self.judge.scorer is not None else None
            test_score = self.judge.score(model, test_X, labels[test], tested, weight)
            train_answer, train_score = None, float("nan")
            if train_too:
                train_answer = (
                    _part(answer, train)
                    if everything_rows is not None
                    else self.judge.answer(model, rows, y[train], len(train))
                )
                weight = (
                    None if self.sample_weight is None else self.sample_weight[train]
                )
                train_score = self.judge.score(
                    model, rows, labels[train], train_answer, weight
                )
            return FoldFit(
                train_rows=train,
                test_rows=test,
                test=answer,
                test_score=test_score,
                test_signal=self.judge.signal(y[test], tested),
                train=train_answer,
                train_score=train_score,
                seconds=time.perf_counter() - start,
                model=model if keep_models else None,
            )

        return list(
            Parallel(n_jobs=self.n_jobs)(
                delayed(one)(number, *split) for number, split in enumerate(splits)
            )
        )


def seeded_clone(estimator: BaseEstimator, entropy: int, *path: str | int) -> Any:
    """Clone, and give every random state that is None a seed of its own."""
    model = clone(estimator)
    open_seeds = {
        name: derive_seed(entropy, "model", name, *path)
        for name, value in sorted(model.get_params(deep=True).items())
        if value is None and (name == "random_state" or name.endswith("__random_state"))
    }
    return model.set_params(**open_seeds) if open_seeds else model


def _part(answer: Answer, rows: np.ndarray) -> Answer:
    return Answer(
        loss=answer.loss[rows],
        prediction=answer.prediction[rows],
        proba=None if answer.proba is None else answer.proba[rows],
        ranking=None if answer.ranking is None else answer.ranking[rows],
    )
