# SPDX-License-Identifier: BSD-3-Clause
"""Probabilities of every row by models that did not train on it."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from inspect import isgenerator
from numbers import Integral
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, check_cv
from sklearn.utils.validation import has_fit_parameter

from skoverfit._core._arrays import take_rows
from skoverfit._core._random import derive_seed
from skoverfit._core._resampling._strategy import plain
from skoverfit.noisy_labels._judged import warn_of_unjudged

__all__ = ["checked_splits", "mean_over_folds", "out_of_fold_proba", "refuse_fitted"]

Split = tuple[np.ndarray, np.ndarray]


def refuse_fitted(estimator: Any, name: str) -> None:
    """Refuse a frozen model, alone or inside: nobody knows which rows it has seen.

    A frozen transformer may stay: it has seen no label.
    """
    frozen = isinstance(estimator, FrozenEstimator)
    if not frozen and hasattr(estimator, "get_params"):
        frozen = any(
            isinstance(part, FrozenEstimator)
            and (is_classifier(part) or is_regressor(part))
            for part in estimator.get_params(deep=True).values()
        )
    if frozen:
        raise ValueError(
            f"{name} is or has a fitted, frozen estimator: its answers on rows that it "
            "trained on agree with their labels, wrong or not. Pass an unfitted one, "
            "or probabilities that were made out of fold."
        )


def checked_splits(
    cv: Any,
    X: Any,
    codes: np.ndarray,
    groups: np.ndarray | None,
    entropy: int,
    *,
    stratify: bool = True,
) -> list[Split]:
    """Return folds in which every row is tested, and by no model that saw its group.

    Raises
    ------
    ValueError
        Where a row is never tested, is tested by a model that trained on it, or has
        its group on both sides.
    """
    n = len(codes)
    counts = np.bincount(codes)
    if cv is None or isinstance(cv, Integral):
        wanted = 5 if cv is None else int(cv)
        units = n if groups is None else len(np.unique(groups))
        if wanted < 2 or (wanted > units and cv is not None) or units < 2:
            what = "samples" if groups is None else "groups"
            raise ValueError(
                f"cv={cv} must be from 2 to the number of {what}, and n_{what}={units}."
            )
        wanted = min(wanted, units)
        seed = derive_seed(entropy, "folds")
        if not stratify:
            codes = np.zeros(n, dtype=int)
        else:
            # The folds that the most common class can fill.
            wanted = max(2, min(wanted, int(counts.max())))
            if counts.max() < 2:
                raise ValueError(
                    "No row can be judged: every label of y has a single row. Labels "
                    "of classes are needed, and of several rows each."
                )
        kind = StratifiedKFold if groups is None else StratifiedGroupKFold
        cv = kind(wanted, shuffle=True, random_state=seed)
    elif isgenerator(cv) or (isinstance(cv, Iterable) and not hasattr(cv, "split")):
        cv = list(cv)
    splitter = check_cv(cv, y=codes, classifier=stratify)
    rows = np.arange(n)
    with warnings.catch_warnings():
        # Rare classes are told of below, where a model misses one.
        warnings.filterwarnings("ignore", message="The least populated class")
        # A splitter that ignores groups is refused below, where it matters.
        warnings.filterwarnings("ignore", message="The groups parameter is ignored")
        found = splitter.split(X, codes, groups)
        splits = [(rows[train], rows[test]) for train, test in found]
    _check(splits, n, groups)
    return splits


def _check(splits: list[Split], n: int, groups: np.ndarray | None) -> None:
    tested = np.zeros(n, dtype=bool)
    for number, (train, test) in enumerate(splits):
        tested[test] = True
        both = np.intersect1d(train, test)
        if len(both):
            raise ValueError(
                f"Fold {number} of cv tests row {both[0]} with a model that trained on "
                "it; probabilities must be out of fold."
            )
        if groups is not None:
            shared = np.intersect1d(groups[train], groups[test])
            if len(shared):
                raise ValueError(
                    f"Fold {number} of cv has group {plain(shared[0])!r} in training "
                    "and test; use a splitter that keeps groups together, such as "
                    "StratifiedGroupKFold, or cv=None."
                )
    if not tested.all():
        raise ValueError(
            f"cv never tests row {int(np.flatnonzero(~tested)[0])}; every row must be "
            "in a test part."
        )


def mean_over_folds(
    estimator: Any,
    X: Any,
    y: np.ndarray,
    splits: list[Split],
    answer: Any,
    sample_weight: np.ndarray | None = None,
    n_jobs: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of ``answer(model, rows of X)`` over the folds that test a row.

    The second array tells how often each row was tested.
    """
    weighted = sample_weight is not None and has_fit_parameter(
        estimator, "sample_weight"
    )

    def one(train: np.ndarray, test: np.ndarray) -> np.ndarray:
        params = {}
        if weighted and sample_weight is not None:
            params["sample_weight"] = sample_weight[train]
        model = clone(estimator).fit(take_rows(X, train), y[train], **params)
        return answer(model, take_rows(X, test))

    answers = Parallel(n_jobs=n_jobs)(delayed(one)(*split) for split in splits)
    total = np.zeros((len(y), *np.shape(answers[0])[1:]))
    times = np.zeros(len(y))
    for (_, test), part in zip(splits, answers, strict=True):
        np.add.at(total, test, part)
        np.add.at(times, test, 1)
    return total / times.reshape(-1, *[1] * (total.ndim - 1)), times


def out_of_fold_proba(
    estimator: Any,
    X: Any,
    classes: np.ndarray,
    codes: np.ndarray,
    splits: list[Split],
    sample_weight: np.ndarray | None = None,
    n_jobs: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return out-of-fold probabilities, and which rows they can judge.

    A row whose class is missing in the training part of its fold is not judged: a
    model that never met the class gives it no probability, whatever the row is.

    Returns
    -------
    proba : ndarray of shape (n, n_classes)
    judged : ndarray of shape (n,), bool

    Raises
    ------
    ValueError
        Where probabilities are none, or no row can be judged.
    """
    judged = np.ones(len(codes), dtype=bool)
    for train, test in splits:
        known = np.bincount(codes[train], minlength=len(classes)) > 0
        judged[test] &= known[codes[test]]
    if not judged.any():
        raise ValueError(
            "No row can be judged: no fold of cv has a class both in its training and "
            "in its test part. Use a stratified splitter, or cv=None, and groups that "
            "don't hold whole classes."
        )

    name = type(estimator).__name__

    def answer(model: Any, rows: Any) -> np.ndarray:
        p = np.asarray(model.predict_proba(rows), dtype=np.float64)
        if not (np.isfinite(p).all() and (p >= 0).all() and (p.sum(axis=1) > 0).all()):
            raise ValueError(
                f"{name}.predict_proba must return finite, non-negative rows with a "
                "positive entry."
            )
        full = np.zeros((len(p), len(classes)))
        full[:, np.searchsorted(classes, model.classes_)] = p
        return full

    proba, _ = mean_over_folds(
        estimator, X, classes[codes], splits, answer, sample_weight, n_jobs
    )
    why = "no row of their class is in the training part of their fold"
    warn_of_unjudged(judged, codes, classes, why)
    return proba, judged
