# SPDX-License-Identifier: BSD-3-Clause
"""What a sampler of calibrated Gaussians tells about them, built when it is asked."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from skoverfit._core._arrays import to_numpy
from skoverfit._core._resampling import ResamplerMixin
from skoverfit._core._resampling._strategy import plain
from skoverfit.over_sampling._gaussians import Gaussian, blend, mardia

__all__ = ["GaussianViewMixin"]

# Numbers in a stack of covariance matrices: 400 MB.
_MATRIX_LIMIT = 50_000_000


class GaussianViewMixin(ResamplerMixin):
    """Covariances from their factors, tests of the assumption, safe splits."""

    classes_: np.ndarray
    means_: np.ndarray
    borrowed_from_: dict[Any, tuple[np.ndarray, np.ndarray]]
    _factors: list[np.ndarray]
    _used_codes: np.ndarray
    _blending: tuple[float, float, float]

    def covariance(self, label: Any, *, calibrated: bool = True) -> np.ndarray:
        """Return the covariance of a class as a matrix.

        Parameters
        ----------
        label : scalar
            One of ``classes_``.
        calibrated : bool, default=True
            What rows are drawn from; False: the unbiased estimate of its inliers.

        Returns
        -------
        ndarray of shape (n_features, n_features)
            Built anew from the factors at each call.

        Raises
        ------
        ValueError
            If there is no such class.
        """
        check_is_fitted(self, "means_")
        found = np.flatnonzero(self.classes_ == label)
        if not len(found):
            raise ValueError(
                f"There is no class {plain(label)!r}; the classes are "
                f"{[plain(each) for each in self.classes_]}."
            )
        if not calibrated:
            factor = self._factors[int(found[0])]
            return factor.T @ factor
        gaussians = [
            Gaussian(mean, factor)
            for mean, factor in zip(self.means_, self._factors, strict=True)
        ]
        positions = {plain(each): c for c, each in enumerate(self.classes_)}
        lenders = {
            positions[plain(tail)]: (np.array([positions[plain(x)] for x in heads]), w)
            for tail, (heads, w) in self.borrowed_from_.items()
        }
        return blend(int(found[0]), gaussians, lenders, *self._blending).covariance()

    def _stack(self, calibrated: bool) -> np.ndarray:
        check_is_fitted(self, "means_")
        k, m = self.means_.shape
        if k * m * m > _MATRIX_LIMIT:
            raise ValueError(
                f"{k} covariance matrices of {m} columns would take "
                f"{k * m * m * 8 / 1e9:.1f} GB. Ask for one: covariance(label)."
            )
        return np.array(
            [self.covariance(c, calibrated=calibrated) for c in self.classes_]
        )

    @property
    def covariances_(self) -> np.ndarray:
        """Unbiased covariances of the inliers, built at each access.

        Returns
        -------
        ndarray of shape (n_classes, n_features, n_features)
            In the order of ``classes_``; refused above 400 MB, see `covariance`.
        """
        return self._stack(calibrated=False)

    @property
    def calibrated_covariances_(self) -> np.ndarray:
        """Covariances that rows are drawn from, built at each access.

        Returns
        -------
        ndarray of shape (n_classes, n_features, n_features)
            In the order of ``classes_``; refused above 400 MB, see `covariance`.
        """
        return self._stack(calibrated=True)

    def gaussianity(self, X: Any, y: ArrayLike) -> dict[Any, tuple[float, float]]:
        """Test the assumption that each class is Gaussian (Mardia).

        Parameters
        ----------
        X : container of shape (n_samples, n_features)
            The rows that were given to ``fit_resample``; outliers are left out.
        y : array-like of shape (n_samples,)
            Their labels.

        Returns
        -------
        dict
            Class -> p-values of skewness and of kurtosis; small ones speak against the
            assumption. NaN for classes whose rows don't span the columns.

        Raises
        ------
        ValueError
            If X has another number of rows than the one that was resampled.
        """
        check_is_fitted(self, "means_")
        table, labels = np.asarray(to_numpy(X), dtype=np.float64), to_numpy(y)
        if len(table) != len(self._used_codes) or len(labels) != len(table):
            raise ValueError(
                f"X has {len(table)} rows and y {len(labels)}; {len(self._used_codes)} "
                "were resampled."
            )
        return {
            label: mardia(table[self._used_codes == c])
            for c, label in enumerate(self.classes_)
        }

    def split_safe(self, train_indices: Any) -> bool:
        """Tell whether made rows of a training set know nothing outside of it.

        Parameters
        ----------
        train_indices : array-like of int, or a mask of bool of shape (n_samples,)
            Rows of the input that are used for training.

        Returns
        -------
        bool
            True where, for every made row whose base is a training row, all rows that
            its distribution was fitted to are training rows: those of its class and of
            the classes that it borrows from.

        Raises
        ------
        ValueError
            Where a row number is out of range, or a mask has another length.
        """
        super().split_safe(train_indices)  # checks
        inside = np.zeros(self._n_source, dtype=bool)
        inside[np.asarray(to_numpy(train_indices))] = True
        made = np.unique(self._used_codes[self._made_base[inside[self._made_base]]])
        for c in made:
            label = self.classes_[c]
            informing = {int(c)}
            if self._blending[0] > 0 and label in self.borrowed_from_:
                heads = self.borrowed_from_[label][0]
                informing.update(np.flatnonzero(np.isin(self.classes_, heads)).tolist())
            if not inside[np.isin(self._used_codes, list(informing))].all():
                return False
        return True
