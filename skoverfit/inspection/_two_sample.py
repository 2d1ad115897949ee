# SPDX-License-Identifier: BSD-3-Clause
"""Can a classifier tell made rows from real ones? The area under its ROC curve."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

from skoverfit._core._statistics import wilson_interval

__all__ = ["clustered_auc", "out_of_fold_scores"]


def out_of_fold_scores(
    features: np.ndarray,
    made: np.ndarray,
    groups: np.ndarray,
    *,
    cv: int,
    seed: int,
    n_jobs: int | None,
) -> np.ndarray:
    """Return the probability of being made, each row's by a forest without its group.

    A group goes into one fold as a whole: a forest that has seen the copies of a real
    row would otherwise take the row itself for one more copy, and its area under the
    ROC curve would be far below one half.
    """
    forest = RandomForestClassifier(
        n_estimators=60,
        min_samples_leaf=5,
        class_weight="balanced",
        random_state=seed,
        n_jobs=n_jobs,
    )
    folds = StratifiedGroupKFold(cv, shuffle=True, random_state=seed)
    scores: Any = cross_val_predict(
        forest, features, made, groups=groups, cv=folds, method="predict_proba"
    )
    return scores[:, 1]


def clustered_auc(
    scores: np.ndarray, made: np.ndarray, groups: np.ndarray, confidence: float
) -> tuple[float, float, float]:
    """Return the area under the ROC curve and its normal interval.

    The variance is DeLong's, summed over clusters [1]_: rows made from one real row
    are not independent. With clusters of one row it is DeLong's own. An area of 0 or
    1 has no variance; its interval is Wilson's for as many agreeing clusters as the
    smaller sample has.

    References
    ----------
    .. [1] N. A. Obuchowski (1997). "Nonparametric analysis of clustered ROC curve
       data". Biometrics 53, 567-578.

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit.inspection._two_sample import clustered_auc
    >>> area, lower, upper = clustered_auc(
    ...     np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1]), np.arange(4), 0.95
    ... )
    >>> area
    0.75
    """
    made = made.astype(bool)
    m, n = int(made.sum()), int((~made).sum())
    ranks = rankdata(scores)
    # Placement values: share of the other sample below (made) or above (real).
    above = np.empty(len(scores))
    above[made] = (ranks[made] - rankdata(scores[made])) / n
    above[~made] = 1.0 - (ranks[~made] - rankdata(scores[~made])) / m
    area = float(above[made].mean())
    _, cluster = np.unique(groups, return_inverse=True)
    size = cluster.max() + 1
    n_clusters = []
    residuals = []
    for mine in (made, ~made):
        counts = np.bincount(cluster[mine], minlength=size)
        sums = np.bincount(cluster[mine], above[mine], minlength=size)
        n_clusters.append(int((counts > 0).sum()))
        residuals.append(sums - counts * area)
    first, second = residuals
    variance = 0.0
    for rows, clusters, residual in zip((m, n), n_clusters, residuals, strict=True):
        if clusters > 1:
            variance += clusters / (clusters - 1) * float(residual @ residual) / rows**2
    if size > 1:
        variance += 2 * size / (size - 1) * float(first @ second) / (m * n)
    if variance <= 1e-15:
        trials = min(n_clusters)
        lower, upper = wilson_interval(area * trials, trials, confidence)
        return area, float(lower), float(upper)
    half = float(ndtri(0.5 + 0.5 * confidence)) * variance**0.5
    return area, max(area - half, 0.0), min(area + half, 1.0)
