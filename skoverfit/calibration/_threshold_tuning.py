# SPDX-License-Identifier: BSD-3-Clause
"""Between scorers and the search: the objective over decided classes."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import balanced_accuracy_score, check_scoring
from sklearn.utils import _safe_indexing

from skoverfit.calibration._threshold_search import (
    Objective,
    SearchResult,
    balanced_accuracy_values,
    decide,
    log_probabilities,
    search_offsets,
)

__all__ = ["decision_scorer", "tune"]


def decision_scorer(estimator: Any, scoring: Any) -> Any:
    """Return the scorer object, or refuse one that does not judge decisions."""
    scorer = check_scoring(estimator, scoring=scoring)
    method = getattr(scorer, "_response_method", None)
    if method != "predict":
        raise ValueError(
            "The 'scoring' parameter must name a scorer of decisions, such as "
            "'balanced_accuracy' or 'f1_macro', or be made by make_scorer with "
            f"response_method='predict'. Got {scoring!r}, which "
            + (f"judges {method}." if method else "is not such a scorer.")
        )
    return scorer


def tune(
    p: np.ndarray,
    y: np.ndarray,
    classes: np.ndarray,
    class_totals: np.ndarray,
    scorer: Any,
    score_params: dict[str, Any],
    max_iter: int,
) -> tuple[SearchResult, float]:
    """Search the class offsets that maximise the scorer.

    Parameters
    ----------
    p : ndarray of shape (n_rows, n_classes)
        Out-of-fold probabilities.
    y : ndarray of shape (n_rows,)
        Labels of the same rows.
    classes : ndarray of shape (n_classes,)
        Sorted labels, one a column.
    class_totals : ndarray of shape (n_classes or fewer,)
        Weight of each class among all training rows; may be 0.
    scorer : scorer object
        As `decision_scorer` returns it.
    score_params : dict
        Metadata of the score, one entry a row, such as ``sample_weight``.
    max_iter : int
        Most sweeps over the classes.

    Returns
    -------
    SearchResult, float
        The offsets, and what the scorer says about them.
    """
    weights = np.ones(len(y))
    if score_params.get("sample_weight") is not None:
        weights = np.asarray(score_params["sample_weight"], dtype=np.float64)
        kept = np.flatnonzero(weights > 0)  # other rows must not place a cut point
        p, y, weights = p[kept], y[kept], weights[kept]
        score_params = {k: _safe_indexing(v, kept) for k, v in score_params.items()}
    codes = np.searchsorted(classes, y)
    kwargs = {**scorer._kwargs, **score_params}

    def score(decided: np.ndarray) -> float:
        return float(scorer._sign * scorer._score_func(y, classes[decided], **kwargs))

    values: np.ndarray | None = None
    objective: Objective = score
    if scorer._score_func is balanced_accuracy_score and scorer._sign > 0:
        # Its option adjusted=True is an increasing function of the plain one.
        values = per_row = balanced_accuracy_values(codes, weights)

        def objective(decided: np.ndarray) -> float:
            return float(per_row[decided == codes].sum())

    prior = np.zeros(len(classes))
    prior[: len(class_totals)] = class_totals
    prior[prior == 0] = prior[prior > 0].min()
    log_p = log_probabilities(p)
    with warnings.catch_warnings():
        # Some cut points decide a class nowhere: that is what is being tried.
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        result = search_offsets(
            log_p,
            codes,
            prior / prior.sum(),
            objective,
            values=values,
            max_iter=max_iter,
        )
    return result, score(decide(log_p, result.offsets))
