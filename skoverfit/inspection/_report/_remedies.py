# SPDX-License-Identifier: BSD-3-Clause
"""Which part of an estimator learns, and which remedies can be put around it."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from skoverfit.catalogue import get_remedy
from skoverfit.inspection._report._problem import Problem
from skoverfit.model_selection._apply import reason_against

__all__ = ["learner_in", "remedies_for"]

# A wrapper hands its table to the estimator in one of these.
_WRAPPED = ("estimator", "regressor", "classifier")
# A search chooses the parameters of what it wraps by itself.
_SEARCHES = ("param_grid", "param_distributions", "search_spaces")


def learner_in(estimator: Any) -> tuple[str, Any]:
    """Return the prefix of the parameters of what learns, and that estimator.

    The last step of a pipeline, or what a wrapper wraps. For a search it is the search
    itself.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn.svm import SVC
    >>> from skoverfit.inspection._report._remedies import learner_in
    >>> learner_in(make_pipeline(StandardScaler(), SVC()))
    ('svc__', SVC())
    """
    prefix = ""
    while True:
        steps = getattr(estimator, "steps", None)
        if steps and isinstance(steps[-1][1], BaseEstimator):
            name, inner = steps[-1]
        else:
            params = estimator.get_params(deep=False)
            found = [p for p in _WRAPPED if isinstance(params.get(p), BaseEstimator)]
            if not found or any(p in params for p in _SEARCHES):
                return prefix, estimator
            name = found[0]
            inner = params[name]
        prefix, estimator = f"{prefix}{name}__", inner


def remedies_for(problem: Problem, *names: str) -> tuple[str, ...]:
    """Return those remedies of the catalogue that apply to the estimator.

    They are for classifiers, but for those whose name says "regressor".
    """
    estimator = learner_in(problem.estimator)[1]
    counts = None if problem.classes is None else np.bincount(problem.y)
    kept = []
    for name in names:
        remedy = get_remedy(name)
        if (problem.classes is None) != name.endswith("regressor"):
            continue
        if not reason_against(remedy, estimator, counts):
            kept.append(name)
    return tuple(kept)
