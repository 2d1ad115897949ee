# SPDX-License-Identifier: BSD-3-Clause
"""Rows and folds of a remedy search."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    check_cv,
)
from sklearn.utils import assert_all_finite, column_or_1d, indexable
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight

from skoverfit._core._random import derive_seed
from skoverfit.exceptions import BadInputError
from skoverfit.model_selection._racing import Part
from skoverfit.model_selection._search_cells import SearchData

__all__ = ["checked_data", "make_parts"]


def checked_data(
    search: Any, X: Any, y: Any, groups: Any, params: dict[str, Any]
) -> SearchData:
    """Return the rows, or refuse them in one sentence."""
    name = type(search).__name__
    if y is None:
        raise ValueError(f"{name} requires y to be passed, but the target y is None.")
    X, y, groups = indexable(X, y, groups)
    shape = np.shape(y)
    if len(shape) == 2 and shape[1] > 1:
        raise ValueError(
            "Multilabel and multioutput targets are not supported. y must have "
            f"one column; got {shape[1]}."
        )
    labels = column_or_1d(y, warn=True)
    if len(labels) < 2:
        raise ValueError(
            f"Found array with {len(labels)} sample(s) while a minimum of 2 is "
            f"required by {name}."
        )
    assert_all_finite(labels, input_name="y")
    classes = None
    if is_classifier(search.estimator):
        check_classification_targets(labels)
        classes, codes = np.unique(labels, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(
                f"y has only one class, {classes[0]!s}: there is nothing to tell apart."
            )
    else:
        codes = labels.astype(np.float64)
    owners = None
    if groups is not None:
        owners = np.unique(column_or_1d(groups), return_inverse=True)[1]
        if owners.max() == 0:
            raise BadInputError(
                "groups has one value alone; rows of one group never straddle folds."
            )
    if "sample_weight" in params:
        weight = _check_sample_weight(
            params["sample_weight"], X, ensure_non_negative=True
        )
        params = {**params, "sample_weight": weight}
    return SearchData(X, labels, codes, classes, owners, params)


def make_parts(data: SearchData, cv: Any, n_repeats: int, seed: int) -> list[Part]:
    """Return the folds, in repeats in which no row is held out twice.

    Raises
    ------
    ValueError
        Fewer than two folds, rows or groups that can't be spread over so many.
    """
    rows = np.zeros(len(data))
    if isinstance(cv, (int, np.integer)) or cv is None:
        n_splits = 5 if cv is None else int(cv)
        parts = []
        for repeat in range(n_repeats):
            split = _split(data, n_splits, derive_seed(seed, "repeat", repeat))
            parts += [Part(repeat, train, test) for train, test in split]
        return parts
    if n_repeats > 1:
        raise BadInputError(
            f"n_repeats={n_repeats} redraws folds that a number of cv makes; give a "
            "splitter that repeats, or cv as a number."
        )
    splitter = check_cv(cv, data.labels, classifier=data.classes is not None)
    parts, held, repeat = [], np.zeros(len(data), dtype=bool), 0
    for train, test in splitter.split(rows, data.labels, data.groups):
        test = np.sort(_numbers(test))
        if held[test].any():
            held[:], repeat = False, repeat + 1
        held[test] = True
        parts.append(Part(repeat, np.sort(_numbers(train)), test))
    if len(parts) < 2:
        raise BadInputError(f"cv={cv!r} makes {len(parts)} fold; two are needed.")
    return parts


def _numbers(rows: Any) -> np.ndarray:
    rows = np.asarray(rows)
    return np.flatnonzero(rows) if rows.dtype == bool else rows


def _split(
    data: SearchData, n_splits: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    if n_splits < 2:
        raise BadInputError(f"cv={n_splits} must be at least 2.")
    rows = np.zeros(len(data))
    options = {"n_splits": n_splits, "shuffle": True, "random_state": seed}
    if data.classes is not None:
        counts = data.counts(np.arange(len(data)))
        rarest = int(counts.argmin())
        if counts[rarest] < n_splits:
            raise BadInputError(
                f"cv={n_splits} is more than the {counts[rarest]} rows of class "
                f"{data.classes[rarest]!s}; take fewer folds, or merge or drop that "
                "class."
            )
    elif len(data) < n_splits:
        raise BadInputError(f"cv={n_splits} is more than the {len(data)} rows.")
    if data.groups is not None:
        n_groups = len(np.unique(data.groups))
        if n_groups < n_splits:
            raise BadInputError(
                f"cv={n_splits} is more than the {n_groups} groups; rows of one group "
                "never straddle folds."
            )
        grouped = GroupKFold if data.classes is None else StratifiedGroupKFold
        return iter(grouped(**options).split(rows, data.y, data.groups))
    plain = KFold if data.classes is None else StratifiedKFold
    return iter(plain(**options).split(rows, data.y))
