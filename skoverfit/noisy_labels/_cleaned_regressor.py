# SPDX-License-Identifier: BSD-3-Clause
"""A regressor that is trained on cleaned numbers."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr
from sklearn.base import (
    BaseEstimator,
    RegressorMixin,
    _fit_context,
    clone,
)
from sklearn.utils import indexable
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.metadata_routing import (
    UNUSED,
    _raise_for_params,
)
from sklearn.utils.validation import (
    _check_sample_weight,
    _check_y,
    check_is_fitted,
)

from skoverfit._core._arrays import take_rows, to_numpy
from skoverfit._core._random import root_entropy
from skoverfit._core._resampling._data import check_groups
from skoverfit._core._resampling._strategy import plain
from skoverfit._core._wrapping import WrappingMixin, remember_columns
from skoverfit.noisy_labels._detection import issues_table
from skoverfit.noisy_labels._issues_input import GivenIssues, as_issues
from skoverfit.noisy_labels._out_of_fold import (
    checked_splits,
    mean_over_folds,
    refuse_fitted,
)
from skoverfit.noisy_labels._repair import (
    MODES,
    checked_proposals,
    estimator_params,
    suspect_weights,
)

__all__ = ["CleanedRegressor"]

_NOTHING = "issues flags every row; there is nothing to train on."

# Median of the absolute value of a standard normal number.
_MEDIAN_ABSOLUTE = 0.6744897501960817


class CleanedRegressor(WrappingMixin, RegressorMixin, BaseEstimator):
    """Find wrong numbers in y, repair the training rows, then fit the regressor.

    Every row is predicted by models that did not train on it. Suspects are rows whose
    residual is large against the spread of the residuals. Read more in the :doc:`user
    guide </user_guide/label_noise>`.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator : regressor
        It is cloned, not changed.
    mode : {"drop", "weight", "relabel"}, default="drop"
        What happens to suspects: they are left out, their weight is multiplied by
        their quality, or they get the out-of-fold prediction.
    spread : {"global", "local"}, default="global"
        Of all residuals, or of those of the ``n_neighbors`` rows with the nearest
        predictions, for noise that grows with the value.
    threshold : float, default=3.5
        Suspects are so many standard deviations off; the deviation is told from the
        median of the absolute residuals, which wrong numbers hardly move [1]_.
    n_neighbors : int, default=50
        Rows that a local spread is told from.
    cv : int, splitter, iterable or None, default=None
        Folds of the predictions. None is 5 shuffled ones, which keep groups together
        where there are any.
    random_state : int, RandomState instance or None, default=None
        Deals the folds.
    n_jobs : int, default=None
        Folds that are fitted at the same time.

    Attributes
    ----------
    estimator_ : regressor
        Fitted on the repaired rows.
    issue_mask_ : ndarray of shape (n_samples,), bool, or None
        True for suspects; None where only qualities were given.
    label_quality_ : ndarray of shape (n_samples,) or None
        Chance of a residual as large as that of the row, if residuals were normal.
    predicted_label_ : ndarray of shape (n_samples,) or None
        Out-of-fold predictions.
    n_features_in_ : int
        Number of features, if the regressor tells.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Feature names, if the regressor tells.

    See Also
    --------
    CleanedClassifier : The same for classes.

    Notes
    -----
    A row far from all others has a large residual whether its number is right or
    wrong. Look at what is dropped: `issues_frame`.

    References
    ----------
    .. [1] B. Iglewicz, D. C. Hoaglin (1993). How to detect and handle outliers. ASQC
       Quality Press. The threshold of 3.5.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import make_regression
    >>> from sklearn.linear_model import LinearRegression
    >>> from skoverfit.noisy_labels import CleanedRegressor
    >>> X, y = make_regression(200, 3, noise=5, random_state=0)
    >>> y[:8] += 500  # wrong
    >>> cleaned = CleanedRegressor(LinearRegression(), random_state=0).fit(X, y)
    >>> np.flatnonzero(cleaned.issue_mask_)
    array([0, 1, 2, 3, 4, 5, 6, 7])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit", "predict"])],
        "mode": [StrOptions(set(MODES))],
        "spread": [StrOptions({"global", "local"})],
        "threshold": [Interval(Real, 0, None, closed="neither")],
        "n_neighbors": [Interval(Integral, 5, None, closed="left")],
        "cv": ["cv_object"],
        "random_state": ["random_state", np.random.Generator],
        "n_jobs": [Integral, None],
    }
    # Weights and groups go to the regressor where it asks for them.
    __metadata_request__fit: ClassVar[dict[str, str]] = {
        "sample_weight": UNUSED,
        "groups": UNUSED,
        "issues": UNUSED,
    }

    def __init__(
        self,
        estimator: Any,
        *,
        mode: Literal["drop", "weight", "relabel"] = "drop",
        spread: Literal["global", "local"] = "global",
        threshold: float = 3.5,
        n_neighbors: int = 50,
        cv: Any = None,
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.mode = mode
        self.spread = spread
        self.threshold = threshold
        self.n_neighbors = n_neighbors
        self.cv = cv
        self.random_state = random_state
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: Any,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        issues: Any = None,
        **fit_params: Any,
    ) -> Self:
        """Find wrong numbers and fit the regressor on what is made of them.

        Parameters
        ----------
        X : array-like, dataframe or sparse matrix of shape (n_samples, n_features)
            Training rows, as the regressor takes them.
        y : array-like of shape (n_samples,)
            Numbers, some of them wrong.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, for the regressor.
        groups : array-like of shape (n_samples,), default=None
            Rows of one group are kept on one side of each fold.
        issues : object, default=None
            What is known already, in any form that `CleanedClassifier` takes.
        **fit_params : dict
            With metadata routing enabled: what the regressor's `fit` requests.

        Returns
        -------
        self : object
            The fitted instance.

        Raises
        ------
        ValueError
            If y is no column of finite numbers, ``issues`` can't be read, or the
            regressor takes no weights.
        """
        _raise_for_params(fit_params, self, "fit")
        refuse_fitted(self.estimator, "estimator")
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is "
                "None."
            )
        X, given = indexable(X, y)
        kind = np.asarray(to_numpy(given)).dtype.kind
        if kind in "UST":
            raise ValueError(
                f"y must hold numbers; it holds texts ({plain(given[0])!r} in row 0). "
                "CleanedClassifier takes them as labels."
            )
        values: np.ndarray = _check_y(given, y_numeric=True, estimator=self)
        n, weights = len(values), None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        groups, _ = check_groups(groups, n)
        if self.mode == "weight":  # refused before the folds are fitted
            estimator_params(self, np.ones(n), groups, fit_params)
        if issues is None:
            found = self._look(X, values, weights, groups)
        else:
            found = as_issues(issues, n)
        rows, numbers, weights = self._repaired(found, values, weights)
        params = {
            name: take_rows(value, rows)
            if value is not None and np.shape(value)[:1] == (n,)
            else value
            for name, value in {"groups": groups, **fit_params}.items()
        }
        params = estimator_params(self, weights, params.pop("groups"), params)
        table = X if len(rows) == n else take_rows(X, rows)
        estimator = clone(self.estimator).fit(table, numbers, **params)
        remember_columns(self, estimator)
        self.estimator_ = estimator
        self.issue_mask_, self.label_quality_ = found.mask, found.quality
        self.predicted_label_ = found.predicted
        self._given_label = values
        return self

    def _look(
        self, X: Any, y: np.ndarray, weights: Any, groups: np.ndarray | None
    ) -> GivenIssues:
        splits = checked_splits(
            self.cv,
            X,
            np.zeros(len(y), dtype=np.int64),
            groups,
            root_entropy(self.random_state),
            stratify=False,
        )

        def answer(model: Any, table: Any) -> np.ndarray:
            return np.asarray(model.predict(table), dtype=np.float64).ravel()

        predicted, _ = mean_over_folds(
            self.estimator, X, y, splits, answer, weights, self.n_jobs
        )
        residual = np.abs(y - predicted)
        deviations = residual / self._deviation(residual, predicted)
        return GivenIssues(
            deviations > self.threshold, 2 * ndtr(-deviations), predicted
        )

    def _deviation(self, residual: np.ndarray, predicted: np.ndarray) -> Any:
        """Return the standard deviation that the residuals have, told robustly."""
        smallest = 1e-12 * max(float(np.abs(predicted).max()), 1e-300)
        if self.spread == "global" or len(residual) <= self.n_neighbors:
            return max(float(np.median(residual)) / _MEDIAN_ABSOLUTE, smallest)
        order = np.argsort(predicted, kind="stable")
        windows = np.lib.stride_tricks.sliding_window_view(
            residual[order], self.n_neighbors
        )
        middle = np.median(windows, axis=1)
        # At the ends the first and the last whole window.
        start = np.arange(len(residual)) - self.n_neighbors // 2
        out = np.empty(len(residual))
        out[order] = middle[np.clip(start, 0, len(middle) - 1)]
        return np.maximum(out / _MEDIAN_ABSOLUTE, smallest)

    def _repaired(
        self, found: GivenIssues, y: np.ndarray, weights: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Return the rows to train on, their numbers and their weights."""
        rows = np.arange(len(y))
        if self.mode == "weight":
            quality = found.quality
            if quality is None:
                assert found.mask is not None
                quality = (~found.mask).astype(np.float64)
            factor = suspect_weights(found.mask, quality)
            if not factor.any():
                raise ValueError(_NOTHING)
            return rows, y, factor if weights is None else weights * factor
        if found.mask is None:
            raise ValueError(
                f"issues holds qualities only, and mode={self.mode!r} needs a mask; "
                "use mode='weight', or pass for example quality < 0.5."
            )
        if self.mode == "relabel":
            proposed = checked_proposals(found, "issues", "numbers")
            try:
                put_in = proposed.astype(np.float64)
            except (TypeError, ValueError):
                raise ValueError(
                    "predicted_label must propose numbers for a regressor. Got "
                    f"{plain(proposed[0])!r}."
                ) from None
            numbers = y.astype(np.result_type(y, np.float32))
            numbers[found.mask] = put_in
            return rows, numbers, weights
        kept = np.flatnonzero(~found.mask)
        if not len(kept):
            raise ValueError(_NOTHING)
        return kept, y[kept], None if weights is None else weights[kept]

    def issues_frame(self) -> Any:
        """Return what was found, with the column names of cleanlab.

        Returns
        -------
        pandas.DataFrame
            Columns ``is_label_issue``, ``label_quality``, ``given_label`` and
            ``predicted_label``, as far as they are known; one row a training row.
        """
        check_is_fitted(self)
        return issues_table(
            self._given_label,
            self.issue_mask_,
            self.label_quality_,
            self.predicted_label_,
        )

    def predict(self, X: Any) -> np.ndarray:
        """Predict numbers.

        Parameters
        ----------
        X : array-like, dataframe or sparse matrix of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples,)
            Predictions of the regressor of the repaired rows.
        """
        check_is_fitted(self)
        return self.estimator_.predict(X)
