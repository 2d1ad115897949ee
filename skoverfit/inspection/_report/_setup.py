# SPDX-License-Identifier: BSD-3-Clause
"""Check the input of a report and put it into the form that sections read."""

from __future__ import annotations

import time as clock
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv
from sklearn.utils import indexable
from sklearn.utils.validation import has_fit_parameter

from skoverfit._core._arrays import kind_of, missing_values, n_rows, take_rows, to_numpy
from skoverfit._core._columns._table import column_names, table_of
from skoverfit._core._random import derive_seed, root_entropy
from skoverfit._core._resampling._strategy import plain
from skoverfit._core._row_keys import row_keys
from skoverfit._core._validation import check_labels
from skoverfit.inspection._report._judge import Judge
from skoverfit.inspection._report._problem import Plan, Problem, Split

__all__ = ["PLANS", "containers", "engine_splits", "plan_of", "problem_of"]

PLANS = {
    "fast": Plan(
        cv=5, n_repeats=2, n_bootstrap=20, n_permutations=19, train_sizes=5, n_subsets=0
    ),
    "full": Plan(
        cv=5,
        n_repeats=5,
        n_bootstrap=50,
        n_permutations=99,
        train_sizes=7,
        n_subsets=100,
    ),
}
# "fast" examines at most so many rows.
FAST_ROWS = 10_000
_FEWEST_ROWS = 10


def plan_of(report: Any) -> Plan:
    """Return the work of the budget, with what the user has set himself."""
    plan = PLANS["full" if report.budget == "full" else "fast"]
    set_by_user = {
        name: getattr(report, name)
        for name in ("n_repeats", "n_bootstrap", "n_permutations", "train_sizes")
        if getattr(report, name) is not None
    }
    return replace(plan, cv=report.cv, **set_by_user)


def problem_of(
    report: Any,
    X: Any,
    y: Any,
    groups: Any,
    time: Any,
    sample_weight: Any,
    X_new: Any,
) -> Problem:
    """Check everything, before any work, and order the rows by their content."""
    estimator = report.estimator
    classifier = is_classifier(estimator)
    if isinstance(estimator, FrozenEstimator):
        raise ValueError(
            "estimator is a fitted, frozen estimator; a report has to fit it on parts "
            "of the rows. Pass an unfitted one."
        )
    if not classifier and not is_regressor(estimator):
        raise ValueError(
            f"estimator must be a classifier or a regressor. Got {estimator!r}."
        )
    names, named = column_names(table_of(X))
    n = n_rows(X)
    if y is None:
        raise ValueError(
            "OverfittingReport requires y to be passed, but the target y is None."
        )
    if n == 0 or not names:
        raise ValueError(
            f"X has {n} sample(s) and {len(names)} feature(s) "
            f"(shape={(n, len(names))}) while a minimum of 1 is required."
        )
    if np.iscomplexobj(X):
        raise ValueError("Complex data not supported: X has complex numbers.")
    classes, codes = _targets(y, classifier)
    weights = _weights(sample_weight, n)
    groups = _groups(groups)
    _check_folds(report.cv, n, classes, codes, groups)
    entropy = root_entropy(report.random_state)
    keys = row_keys(X)
    ranks = _time_ranks(time)
    rows = _chosen_rows(report, keys, groups, entropy)
    extra = [codes, *(a for a in (groups, weights, ranks) if a is not None)]
    order = rows[np.lexsort([*(a[rows] for a in extra), keys[rows]])]

    def pick(values: np.ndarray | None) -> np.ndarray | None:
        return None if values is None else values[order]

    codes = codes[order]
    deadline = float("inf")
    if isinstance(report.budget, Real):
        deadline = clock.monotonic() + float(report.budget)
    scale = 1.0 if classifier else float(np.var(codes))
    scorer = None
    if report.scoring is not None:
        scorer = check_scoring(estimator, scoring=report.scoring)
    return Problem(
        estimator=estimator,
        X=take_rows(X, order),
        y=codes,
        labels=codes if classes is None else classes[codes],
        classes=classes,
        position=order,
        keys=keys[order],
        groups=pick(groups),
        time=pick(ranks),
        sample_weight=pick(weights),
        X_new=X_new,
        feature_names=tuple(str(c) if named else f"column {c}" for c in names),
        judge=Judge(
            classes=classes,
            scale=scale,
            scorer=scorer,
            has_proba=classifier and hasattr(estimator, "predict_proba"),
        ),
        plan=plan_of(report),
        confidence=report.confidence,
        rope=report.rope,
        entropy=entropy,
        n_jobs=report.n_jobs,
        fits_weight=has_fit_parameter(estimator, "sample_weight"),
        deadline=deadline,
    )


def containers(*tables: Any) -> tuple[Any, ...]:
    """Check that all have as many rows, and bring them into known containers."""
    return tuple(_container(values) for values in indexable(*tables))


def _container(values: Any) -> Any:
    """Return what the arrays bridge knows; anything else that is an array as one."""
    try:
        if values is not None:
            kind_of(values)
    except TypeError:
        return np.asarray(values)
    return values


def engine_splits(
    problem: Problem, cv: Any, X: Any, y: Any, groups: Any
) -> tuple[list[Split], int]:
    """Return the folds of the one cross-validation and how often it is repeated."""
    if isinstance(cv, Integral):
        n_repeats = problem.plan.n_repeats
        return problem.splits("engine", n_repeats=n_repeats), n_repeats
    # A splitter may go by the place of a row, so it gets the table as it came.
    splitter = check_cv(cv, y=y, classifier=problem.is_classification)
    place = np.full(n_rows(X), -1)
    place[problem.position] = np.arange(problem.n_samples)
    rows = np.arange(n_rows(X))
    splits = []
    for train, test in splitter.split(X, y, groups):
        parts = place[rows[train]], place[rows[test]]
        splits.append((parts[0][parts[0] >= 0], parts[1][parts[1] >= 0]))
    tested = np.zeros(problem.n_samples, dtype=int)
    for train, test in splits:
        tested[test] += 1
        if len(np.intersect1d(train, test)):
            raise ValueError(f"cv={cv!r} tests rows that it trains on.")
    if len(splits) < 2 or (tested != 1).any():
        raise ValueError(
            f"cv={cv!r} must test every row exactly once, in at least two folds; "
            "repeats are n_repeats, and time has a section of its own."
        )
    return splits, 1


def _targets(y: Any, classifier: bool) -> tuple[np.ndarray | None, np.ndarray]:
    if classifier:
        classes, codes = check_labels(y)
        if len(classes) < 2:
            raise ValueError(
                f"y has one class, {plain(classes[0])!r}; two are needed for a report."
            )
        return classes, codes
    targets = np.asarray(to_numpy(y), dtype=np.float64)
    if targets.ndim != 1:
        raise ValueError(f"y must have one dimension. Got shape {targets.shape}.")
    if not np.isfinite(targets).all():
        raise ValueError("y contains NaN or infinity.")
    if np.ptp(targets) == 0:
        raise ValueError(
            f"y has a single value, {targets[0]:g}; there is nothing to learn."
        )
    return None, targets


def _weights(sample_weight: Any, n: int) -> np.ndarray | None:
    if sample_weight is None:
        return None
    weights = np.asarray(to_numpy(sample_weight), dtype=np.float64)
    if weights.shape != (n,) or not np.isfinite(weights).all() or weights.min() < 0:
        raise ValueError("sample_weight must be one number >= 0 for each row.")
    if weights.sum() == 0:
        raise ValueError("Every sample_weight is zero; one must be positive.")
    return weights


def _groups(groups: Any) -> np.ndarray | None:
    if groups is None:
        return None
    values, codes = np.unique(np.asarray(to_numpy(groups)), return_inverse=True)
    if len(values) < 2:
        raise ValueError(
            f"groups has a single group, {plain(values[0])!r}; folds of whole groups "
            "need at least two."
        )
    return codes


def _time_ranks(time: Any) -> np.ndarray | None:
    """Return the place in time; rows of equal time share one."""
    if time is None:
        return None
    values = np.asarray(to_numpy(time))
    if values.ndim != 1:
        raise ValueError(f"time must have one dimension. Got shape {values.shape}.")
    missing = missing_values(values)
    if missing.any():
        raise ValueError(f"time is missing in row {int(np.flatnonzero(missing)[0])}.")
    return np.unique(values, return_inverse=True)[1]


def _check_folds(
    cv: Any, n: int, classes: Any, codes: np.ndarray, groups: np.ndarray | None
) -> None:
    if n < _FEWEST_ROWS:
        raise ValueError(f"X has {n} rows; a report needs at least {_FEWEST_ROWS}.")
    if not isinstance(cv, Integral):
        return
    cv = int(cv)
    if cv < 2 or cv > n:
        raise ValueError(f"cv={cv} must be from 2 to the number of rows, {n}.")
    if groups is not None and groups.max() + 1 < cv:
        raise ValueError(
            f"cv={cv} is more than the {groups.max() + 1} groups; choose fewer folds."
        )
    if classes is not None:
        counts = np.bincount(codes)
        if counts.max() < cv:
            raise ValueError(
                f"cv={cv} is more than the rows of the most common class, "
                f"{counts.max()}; choose fewer folds."
            )


def _chosen_rows(
    report: Any, keys: np.ndarray, groups: np.ndarray | None, entropy: int
) -> np.ndarray:
    """Return all rows, or a random part that keeps copies and groups together."""
    limit = report.max_samples
    if limit is None and report.budget != "full":
        limit = FAST_ROWS
    if limit is None or len(keys) <= limit:
        return np.arange(len(keys))
    units = keys if groups is None else groups
    values, unit = np.unique(units, return_inverse=True)
    rng = np.random.default_rng(derive_seed(entropy, "rows"))
    place = rng.permutation(len(values))[unit]
    sizes = np.bincount(place)
    last = int(np.searchsorted(np.cumsum(sizes), limit, side="right"))
    return np.flatnonzero(place < max(last, 1))
