# SPDX-License-Identifier: BSD-3-Clause
"""Outliers within a class: RCAL's second step alone."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from skoverfit._core._arrays import to_numpy
from skoverfit._core._outlier_factor import (
    FEWEST,
    negative_outlier_factor,
    pass_as_inliers,
)
from skoverfit._core._resampling._data import ResamplingData
from skoverfit.noisy_labels._detection import BaseDetector, Issues

__all__ = ["LOFClassFilter"]


class LOFClassFilter(BaseDetector):
    """Find and drop rows that are outliers among the rows with their label.

    The local outlier factor [1]_ within each class, as RCAL cleans its classes [2]_.
    Rows should be a representation in which distances mean something; columns count as
    they are. Wrong labels that come in a cluster, all from one class, are not found.
    Read more in the :doc:`user guide </user_guide/label_noise>`.

    .. versionadded:: 0.1

    Parameters
    ----------
    n_neighbors : int, default=20
        Neighbours within the class; fewer where it has fewer rows.
    sampling_strategy : str, list or callable, default="all"
        Labels whose rows may be suspects, as in imbalanced-learn.
    contamination : "auto" or float, default="auto"
        Share of each class that is taken for outliers; ``"auto"`` compares with a
        factor of 1.5.
    n_jobs : int, default=None
        Threads of the search.

    Attributes
    ----------
    issue_mask_ : ndarray of shape (n_samples,), bool
        True for suspects.
    label_quality_ : ndarray of shape (n_samples,)
        1 over the outlier factor, at most 1. Classes of up to 5 rows have 1.
    predicted_label_ : None
        There is no proposal.
    inlier_mask_ : ndarray of shape (n_samples,), bool
        False for suspects.
    classes_ : ndarray of shape (n_classes,)
        Labels.
    sample_indices_ : ndarray of shape (n_kept,)
        Rows that `fit_resample` kept. A class whose rows are all suspects keeps the
        best one.
    sampling_strategy_ : dict
        Labels whose rows may be suspects.
    n_generated_ : dict
        Class -> rows made: 0.
    class_prior_before_ : ndarray of shape (n_classes,)
        Share of each class before, of the weight where rows have one.
    class_prior_after_ : ndarray of shape (n_classes,)
        The same after `fit_resample`.
    sample_weight_ : ndarray of shape (n_kept,) or None
        Weights of the kept rows, where weights were given to `fit_resample`.
    groups_ : ndarray of shape (n_kept,) or None
        Groups of the kept rows, where they were given to `fit_resample`.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features, if X had names that are all strings.

    See Also
    --------
    skoverfit.over_sampling.CalibratedGaussianOverSampler : RCAL's sampler around it.

    References
    ----------
    .. [1] M. Breunig, H.-P. Kriegel, R. Ng, J. Sander (2000). LOF: identifying
       density-based local outliers. SIGMOD, 93-104.
    .. [2] M. Zhang, X. Zhao, J. Yao, C. Yuan, W. Huang (2023). When noisy labels meet
       long tail dilemmas: a representation calibration method. ICCV. arXiv:2211.10955.

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit.noisy_labels import LOFClassFilter
    >>> X = np.random.default_rng(0).normal(size=(60, 2)) + np.repeat([[0], [9]], 30, 0)
    >>> y = np.repeat(["left", "right"], 30)
    >>> y[[3, 40]] = y[[40, 3]]  # both wrong
    >>> np.flatnonzero(LOFClassFilter().fit(X, y).issue_mask_)
    array([ 3, 40])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        **BaseDetector._parameter_constraints,
        "contamination": [
            StrOptions({"auto"}),
            Interval(Real, 0, 0.5, closed="right"),
        ],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        n_neighbors: int = 20,
        *,
        sampling_strategy: Any = "all",
        contamination: Any = "auto",
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.n_neighbors = n_neighbors
        self.contamination = contamination
        self.n_jobs = n_jobs

    def _detect(self, data: ResamplingData) -> Issues:
        quality = np.ones(data.n)
        mask = np.zeros(data.n, dtype=bool)
        values = data.values
        if data.spec.kind == "tensor":
            values = to_numpy(values)
        share = None if self.contamination == "auto" else self.contamination
        for k, count in enumerate(data.counts):
            if count < FEWEST:
                continue
            rows = np.flatnonzero(data.codes == k)
            factor = negative_outlier_factor(
                values[rows], self.n_neighbors, self.n_jobs
            )
            mask[rows] = ~pass_as_inliers(factor, share)
            quality[rows] = 1 / np.maximum(-factor, 1)
        return Issues(quality, mask)

    def _found(self, data: ResamplingData, issues: Issues) -> dict[str, Any]:
        return {**super()._found(data, issues), "inlier_mask_": ~issues.mask}
