# SPDX-License-Identifier: BSD-3-Clause
"""Distribution calibration for noisy, long-tailed classes: RCAL's sampler."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, ClassVar, Literal

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, RealNotInt, StrOptions

from skoverfit._core._arrays import take_rows, to_numpy
from skoverfit._core._outlier_factor import inliers
from skoverfit._core._rebuild import concatenate_rows, restore
from skoverfit._core._resampling import Resampled, ResamplerMixin, ResamplingData
from skoverfit._core._resampling._strategy import plain
from skoverfit.over_sampling._gaussian_columns import refuse_columns, rounded
from skoverfit.over_sampling._gaussian_view import GaussianViewMixin
from skoverfit.over_sampling._gaussians import (
    Blend,
    Gaussian,
    blend,
    borrow,
    estimate,
)

__all__ = ["CalibratedGaussianOverSampler"]


class CalibratedGaussianOverSampler(GaussianViewMixin, ResamplerMixin, BaseOverSampler):
    r"""Draw rows of rare classes from Gaussians that borrow from the large classes.

    For classes that are both unequal in size and partly mislabelled, where SMOTE
    multiplies wrong labels. Rows that are outliers in their class are not looked at;
    each class becomes a Gaussian; a tail class takes a part of its mean and covariance
    from the nearest head classes, and new rows are drawn from the result:

    .. math:: \mu'_k = \gamma \sum_c \omega_c \mu_c + (1-\gamma) \mu_k, \quad
              \Sigma'_k = \gamma \sum_c \omega_c \Sigma_c + (1-\gamma) \Sigma_k
              + \alpha 1 1^\top.

    It is the distributional calibration of RCAL, which is meant for *representations*:
    scale the columns, and reduce many columns (PCA, an encoder) before. See
    :doc:`/user_guide/distribution_calibration`.

    .. versionadded:: 0.1

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        How many rows of which class to have: as in imbalanced-learn. ``"auto"`` fills
        all classes up to the largest one.
    outlier : {"lof"} or None, default="lof"
        How outliers are found: the local outlier factor within each class. Classes of
        up to 5 rows are taken as they are. None takes all rows.
    contamination : "auto", float, dict or array-like, default="auto"
        Share of outliers, in [0, 0.5]: one for all, by class label, or one a class in
        the order of ``classes_``. ``"auto"`` compares the factor with 1.5.
    n_neighbors : int, default=20
        Neighbours of the outlier factor, at most the class's rows less 1.
    head_classes : "auto", int, float or array-like, default="auto"
        The classes that lend: those with at least the median number of rows; that many
        of the largest; those with at least this share of the largest one's rows; or
        labels. All others borrow.
    n_borrow : int, default=3
        From how many head classes, the nearest by their means, each tail class borrows.
    gamma : float, default=0.5
        Share that is borrowed. 0 takes each class's own Gaussian. The paper's value is
        not known to us; 0.9 did worse than 0 in our measurements.
    alpha : float, default=0.0
        Added to every entry of a tail class's covariance (0.1 to 1 in the paper), on
        the squared scale of the columns. It correlates all columns positively.
    weighting : {"paper", "inverse", "size"}, default="paper"
        Weights of the lenders: ``n_c d_c^2`` as printed, which prefers the farther of
        the chosen; ``n_c / d_c^2``; or ``n_c``.
    shrinkage : float, default=0.0
        Share of each covariance that is replaced by its diagonal, for classes with few
        rows. 0 in the paper.
    return_cleaned : bool, default=False
        Whether outliers are dropped from the output, too. They are not replaced: the
        number of new rows stays as ``sampling_strategy`` counts it.
    n_jobs : int, default=None
        Threads of the neighbour search; the result does not depend on it.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the draws; each class has a stream of its own.

    Attributes
    ----------
    means_ : ndarray of shape (n_classes, n_features)
        Means of the inliers.
    calibrated_means_ : ndarray of shape (n_classes, n_features)
        Means that rows are drawn around.
    borrowed_from_ : dict
        Tail class -> (labels of the lenders, their weights, which sum to 1).
    inlier_mask_ : ndarray of shape (n_samples,), bool
        False for outliers.
    n_effective_ : dict
        Class -> number of rows that its Gaussian rests on; with weights Kish's
        ``(sum w)^2 / sum w^2``.
    sampling_strategy_ : dict
        Class -> rows to add.
    classes_ : ndarray of shape (n_classes,)
        Labels.
    sample_indices_ : ndarray of shape (n_out,), intp
        Source row of each output row; for a made row some inlier of its class.
    is_synthetic_ : ndarray of shape (n_out,), bool
        Which output rows were made.
    parents_ : ndarray of shape (n_out, p), intp
        Input rows that an output row is made of: itself for a kept row, none (-1) for
        a made one.
    weights_ : ndarray of shape (n_out, p)
        Their shares.
    sample_weight_ : ndarray of shape (n_out,) or None
        Weights of the output rows; a made row gets the mean weight of the inliers of
        its class. None if none were given.
    groups_ : None
        Groups are refused.
    n_generated_ : dict
        Class -> made rows.
    class_prior_before_ : ndarray of shape (n_classes,)
        Shares of the classes in the input, by weight where there are weights.
    class_prior_after_ : ndarray of shape (n_classes,)
        The same for the output.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, if X has any.

    See Also
    --------
    SMOTE : Between neighbours, without any assumption on the shape of a class.
    skoverfit.datasets.make_noisy_long_tail : Data of the kind it is made for.

    Notes
    -----
    Costs O(n^2 m) for the outliers and O(min(n, m) m) numbers a class: covariances are
    kept as thin factors, and a draw from a sum of covariances is a sum of draws, so
    the law is exact with more columns than rows and no m x m matrix is made. Columns
    of whole numbers get rounded draws. Sparse matrices, missing values and nominal or
    boolean columns are refused.

    Groups are refused because a made row is drawn from all rows of its class: it
    belongs to no group, and a later split by groups would leak. Resample inside of the
    training folds instead.

    Outliers that come as a cluster, such as wrong labels that all come from one other
    class, are not found within a large class.

    References
    ----------
    M. Zhang, X. Zhao, J. Yao, C. Yuan, W. Huang (2023). When Noisy Labels Meet Long
    Tail Dilemmas: A Representation Calibration Method. ICCV. arXiv:2211.10955.

    S. Yang, L. Liu, M. Xu (2021). Free Lunch for Few-Shot Learning: Distribution
    Calibration. ICLR. arXiv:2101.06395.

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit.over_sampling import CalibratedGaussianOverSampler
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["cat", "dog", "elk"], [200, 150, 6])
    >>> X = rng.normal(size=(356, 4)) + 3 * (y == "dog")[:, None]
    >>> sampler = CalibratedGaussianOverSampler(random_state=0)
    >>> X_more, y_more = sampler.fit_resample(X, y)
    >>> X_more.shape, sampler.borrowed_from_["elk"][0]
    ((600, 4), array(['cat', 'dog'], dtype='<U3'))
    """

    _allow_sparse: ClassVar[bool] = False

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseOverSampler._parameter_constraints,
        "outlier": [StrOptions({"lof"}), None],
        "contamination": [
            StrOptions({"auto"}),
            Interval(Real, 0, 0.5, closed="both"),
            dict,
            "array-like",
        ],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "head_classes": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="right"),
            "array-like",
        ],
        "n_borrow": [Interval(Integral, 1, None, closed="left")],
        "gamma": [Interval(Real, 0, 1, closed="both")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "weighting": [StrOptions({"paper", "inverse", "size"})],
        "shrinkage": [Interval(Real, 0, 1, closed="both")],
        "return_cleaned": ["boolean"],
        "n_jobs": [Integral, None],
        "random_state": ["random_state", np.random.Generator],
    }

    def __init__(
        self,
        *,
        sampling_strategy: Any = "auto",
        outlier: Literal["lof"] | None = "lof",
        contamination: Any = "auto",
        n_neighbors: int = 20,
        head_classes: Literal["auto"] | float | ArrayLike = "auto",
        n_borrow: int = 3,
        gamma: float = 0.5,
        alpha: float = 0.0,
        weighting: Literal["paper", "inverse", "size"] = "paper",
        shrinkage: float = 0.0,
        return_cleaned: bool = False,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.outlier = outlier
        self.contamination = contamination
        self.n_neighbors = n_neighbors
        self.head_classes = head_classes
        self.n_borrow = n_borrow
        self.gamma = gamma
        self.alpha = alpha
        self.weighting = weighting
        self.shrinkage = shrinkage
        self.return_cleaned = return_cleaned
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _check(self, X: Any, y: Any, sample_weight: Any, groups: Any) -> ResamplingData:
        if groups is not None:
            raise ValueError(
                "CalibratedGaussianOverSampler can't keep groups: a made row is drawn "
                "from a distribution of all rows of its class, so it belongs to no "
                "group. Leave the groups out and resample inside of training folds."
            )
        refuse_columns(X)
        data = super()._check(X, y, sample_weight, None)
        if str(getattr(data.values, "dtype", "")) in ("bool", "torch.bool"):
            raise ValueError("X is boolean, and a Gaussian needs numbers.")
        return data

    def _resample(self, data: ResamplingData) -> Resampled:
        values = data.values
        values = values.toarray() if hasattr(values, "toarray") else to_numpy(values)
        table = np.asarray(values, dtype=np.float64)
        head = self._head(data)
        mask, used = self._inliers(data, table)
        gaussians, effective = self._estimate(data, table, used)
        means = np.array([each.mean for each in gaussians])
        lenders = self._lenders(data, head, means)
        blends = [
            blend(k, gaussians, lenders, self.gamma, self.alpha, self.shrinkage)
            for k in range(len(gaussians))
        ]
        made, base = self._draw(data, blends, used)
        kept = np.flatnonzero(mask) if self.return_cleaned else None
        X = data.X if kept is None else take_rows(data.X, kept)
        if len(base):
            X = concatenate_rows([X, restore(rounded(made, data), data.spec)])
        elif kept is None:
            X = take_rows(X, np.arange(data.n))
        self.means_ = means
        self.calibrated_means_ = np.array([each.mean for each in blends])
        self.inlier_mask_ = mask
        self.n_effective_ = dict(zip(data.classes, effective, strict=True))
        self.borrowed_from_ = {
            data.classes[k]: (data.classes[positions], weights)
            for k, (positions, weights) in lenders.items()
        }
        self._factors = [each.factor for each in gaussians]
        self._blending = (
            float(self.gamma),
            float(self.alpha),
            float(self.shrinkage),
        )
        self._used_codes = np.where(used, data.codes, -1)
        return Resampled(
            X=X,
            kept=kept,
            base=base,
            n_parents=0,
            sample_weight=self._made_weights(data, kept, base, used),
        )

    def _head(self, data: ResamplingData) -> np.ndarray:
        """Return a mask of the classes that lend."""
        wanted, counts = self.head_classes, data.counts
        if isinstance(wanted, str):
            return counts >= np.median(counts)
        if isinstance(wanted, Integral):
            largest = np.argsort(-counts, kind="stable")[: int(wanted)]
            return np.isin(np.arange(len(counts)), largest)
        if isinstance(wanted, Real):
            return counts >= float(wanted) * counts.max()
        labels = np.asarray(wanted)
        unknown = np.setdiff1d(labels, data.classes)
        if len(unknown) or not labels.size:
            met = plain(unknown[0]) if len(unknown) else "no class at all"
            raise ValueError(
                f"'head_classes' names {met!r}; the classes are "
                f"{[plain(label) for label in data.classes]}."
            )
        return np.isin(data.classes, labels)

    def _shares(self, data: ResamplingData) -> list[float | None]:
        """Return the share of outliers of each class; None compares with an offset."""
        given, k = self.contamination, len(data.classes)
        if isinstance(given, str):
            return [None] * k
        if isinstance(given, Real):
            return [float(given)] * k
        if isinstance(given, Mapping):
            named = {plain(label): share for label, share in given.items()}
            missing = [c for c in map(plain, data.classes) if c not in named]
            if missing:
                raise ValueError(
                    f"'contamination' has no share of class {missing[0]!r}."
                )
            given = [named[plain(label)] for label in data.classes]
        shares = np.asarray(given, dtype=np.float64)
        if shares.shape != (k,) or not ((shares >= 0) & (shares <= 0.5)).all():
            raise ValueError(
                "'contamination' must hold one share in [0, 0.5] for each of the "
                f"{k} classes. Got {self.contamination!r}."
            )
        return shares.tolist()

    def _inliers(
        self, data: ResamplingData, table: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return masks of the rows that are no outliers, and of those that count."""
        weights = data.sample_weight
        counting = np.ones(data.n, bool) if weights is None else weights > 0
        mask = np.ones(data.n, dtype=bool)
        if self.outlier is not None:
            for c, share in enumerate(self._shares(data)):
                rows = np.flatnonzero((data.codes == c) & counting)
                mask[rows] = inliers(table[rows], self.n_neighbors, share, self.n_jobs)
        return mask, mask & counting

    def _estimate(
        self, data: ResamplingData, table: np.ndarray, used: np.ndarray
    ) -> tuple[list[Gaussian], list[float]]:
        gaussians, effective = [], []
        for c in range(len(data.classes)):
            rows = np.flatnonzero((data.codes == c) & used)
            w = None if data.sample_weight is None else data.sample_weight[rows]
            gaussians.append(estimate(table[rows], w))
            kish = len(rows) if w is None else w.sum() ** 2 / (w**2).sum()
            effective.append(float(kish))
        return gaussians, effective

    def _lenders(
        self, data: ResamplingData, head: np.ndarray, means: np.ndarray
    ) -> dict[int, tuple[np.ndarray, np.ndarray]]:
        sizes = np.bincount(data.codes, weights=data.sample_weight)
        lending = np.flatnonzero(head)
        return {
            int(k): borrow(int(k), means, sizes, lending, self.n_borrow, self.weighting)
            for k in np.flatnonzero(~head)
        }

    def _draw(
        self, data: ResamplingData, blends: list[Blend], used: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        made = [np.empty((0, len(blends[0].mean)))]
        base = [np.empty(0, dtype=np.intp)]
        for label, m in data.targets.items():
            if m > 0:
                rows = np.flatnonzero((data.codes == data.position(label)) & used)
                made.append(blends[data.position(label)].draw(m, data.generator(label)))
                base.append(data.generator(label, "base").choice(rows, m))
        return np.concatenate(made), np.concatenate(base)

    def _made_weights(
        self, data: ResamplingData, kept: Any, base: np.ndarray, used: np.ndarray
    ) -> np.ndarray | None:
        weights = data.sample_weight
        if weights is None:
            return None
        counts = np.bincount(data.codes[used], minlength=len(data.classes))
        totals = np.bincount(
            data.codes[used], weights=weights[used], minlength=len(data.classes)
        )
        made = (totals / counts)[data.codes[base]].astype(weights.dtype)
        return np.concatenate([weights if kept is None else weights[kept], made])
