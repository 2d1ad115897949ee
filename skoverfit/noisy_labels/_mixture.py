# SPDX-License-Identifier: BSD-3-Clause
"""Two normal distributions in the scores of a class: right labels and wrong ones."""

from __future__ import annotations

import numpy as np
from sklearn import config_context
from sklearn.mixture import GaussianMixture

__all__ = ["upper_share"]

# Fewer rows do not show two distributions.
_FEWEST = 10


def upper_share(
    scores: np.ndarray, codes: np.ndarray, n_classes: int, apart: float = 0.0
) -> np.ndarray:
    """Return for each row the probability that its score is of the upper distribution.

    Two normal distributions are fitted to the scores of each class, from the lower and
    the upper half of their range. Rows of classes with few rows, or whose means are
    not further apart than ``apart`` standard deviations, get 0.
    """
    # The start by k-means, which chooses the deviations, is for numpy only.
    with config_context(array_api_dispatch=False):
        return _upper_share(scores, codes, n_classes, apart)


def _upper_share(
    scores: np.ndarray, codes: np.ndarray, n_classes: int, apart: float
) -> np.ndarray:
    out = np.zeros(len(scores))
    for k in range(n_classes):
        rows = np.flatnonzero(codes == k)
        values = scores[rows]
        if len(rows) < _FEWEST or np.ptp(values) <= 1e-9:
            continue
        low, high = values.min(), values.max()
        mixture = GaussianMixture(
            2,
            means_init=[[low], [high]],
            weights_init=[0.5, 0.5],
            reg_covar=1e-6 * float(high - low) ** 2 + 1e-12,
            max_iter=200,
            random_state=0,
        ).fit(values[:, None])
        means = mixture.means_.ravel()
        upper = int(means.argmax())
        deviations = np.sqrt(mixture.covariances_.ravel())
        if abs(np.ptp(means)) <= apart * np.sqrt(0.5 * (deviations**2).sum()):
            continue
        share = mixture.predict_proba(values[:, None])[:, upper]
        # Below the lower mean the wider distribution wins again, for no reason.
        share[values <= means.min()] = 0.0
        out[rows] = share
    return out
