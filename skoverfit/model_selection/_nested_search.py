# SPDX-License-Identifier: BSD-3-Clause
"""The whole search inside outer folds: slow, and the measure of every correction."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils import _safe_indexing

from skoverfit._core._random import derive_seed
from skoverfit._core._statistics import corrected_mean_interval
from skoverfit.model_selection._search_cells import SearchData
from skoverfit.model_selection._search_folds import make_parts

__all__ = ["nested_scores"]

_OUTER_FOLDS = 5


def nested_scores(search: Any, data: SearchData, entropy: int) -> dict[str, Any]:
    """Search on the training rows of each outer fold, and score on the others.

    Parameters
    ----------
    search : RemedySearchCV
        Cloned. A report on all rows is not handed on: it has seen the outer folds.
    data : SearchData
        All rows.
    entropy : int
        Seed.

    Returns
    -------
    dict
        ``score`` and ``interval`` (Nadeau and Bengio), and of each fold its ``scores``
        and ``remedies``.
    """
    cv = _OUTER_FOLDS if search.outer_cv is None else search.outer_cv
    outer = make_parts(data, cv, 1, derive_seed(entropy, "outer"))
    scores, kept = [], []
    for number, part in enumerate(outer):
        inner = clone(search).set_params(
            correction="bbc",
            refit=True,
            report=None,
            random_state=derive_seed(entropy, "outer", number),
        )
        params = data.part(part.train)
        if data.groups is not None:
            params["groups"] = data.groups[part.train]
        X = _safe_indexing(data.X, part.train)
        inner.fit(X, data.labels[part.train], **params)
        X_test = _safe_indexing(data.X, part.test)
        scores.append(float(inner.score(X_test, data.labels[part.test])))
        kept.append(inner.best_remedy_)
    ratio = float(np.mean([len(p.test) / len(p.train) for p in outer]))
    mean, lower, upper = corrected_mean_interval(scores, test_train_ratio=ratio)
    return {
        "score": mean,
        "interval": (lower, upper),
        "scores": scores,
        "remedies": kept,
    }
