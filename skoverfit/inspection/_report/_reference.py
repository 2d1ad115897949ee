# SPDX-License-Identifier: BSD-3-Clause
"""A plain, strongly regularized linear model: what any table can be asked."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from sklearn.linear_model import Ridge

from skoverfit.inspection._report._judge import Answer
from skoverfit.inspection._report._problem import Problem, Split

__all__ = ["reference_columns", "reference_signal"]

_MOST_CELLS = 2e7
_MOST_LEVELS = 20


def reference_columns(problem: Problem) -> np.ndarray | None:
    """Return standardized columns without missing values; None for huge tables.

    Columns of more than 20 categories are left out. Nothing here looks at the target.
    """
    X = problem.X
    n_columns = len(problem.feature_names)
    if problem.n_samples * n_columns > _MOST_CELLS:
        return None
    if sp.issparse(X):
        numeric, parts = np.asarray(X.toarray(), dtype=np.float64), []
    else:
        plan = problem.columns
        numeric = np.array(plan.numeric, dtype=np.float64)
        parts = [
            codes[:, None] == np.arange(codes.max() + 1)
            for codes in np.asarray(plan.codes).T
            if codes.max() < _MOST_LEVELS
        ]
    table = np.hstack([numeric, *(part.astype(np.float64) for part in parts)])
    if table.shape[1] == 0 or table.size > _MOST_CELLS:
        return None
    there = np.isfinite(table)
    count = np.maximum(there.sum(axis=0), 1)
    table = np.where(there, table, 0.0)
    table = np.where(there, table - table.sum(axis=0) / count, 0.0)
    spread = np.sqrt((table**2).sum(axis=0) / count)
    return table[:, spread > 0] / spread[spread > 0]


def reference_signal(
    problem: Problem, columns: np.ndarray, splits: list[Split]
) -> float:
    """Return the mean signal on the test parts of a ridge regression of the target.

    Its penalty is the number of training rows: half of what uncorrelated columns say.
    """
    y = problem.y
    target = y.astype(np.float64)
    if problem.classes is not None:
        target = (y[:, None] == np.arange(len(problem.classes))).astype(np.float64)
    signals = []
    for train, test in splits:
        weight = None if problem.sample_weight is None else problem.sample_weight[train]
        model = Ridge(alpha=float(len(train)))
        model.fit(columns[train], target[train], sample_weight=weight)
        scores = model.predict(columns[test])
        if problem.classes is None:
            prediction, ranking = scores, None
        else:
            prediction, ranking = scores.argmax(axis=1), scores
        answer = Answer(
            loss=np.zeros(len(test)),
            prediction=prediction,
            proba=None,
            ranking=ranking,
        )
        signals.append(problem.judge.signal(y[test], answer))
    return float(np.mean(signals))
