# SPDX-License-Identifier: BSD-3-Clause
"""A regressor on features that were learnt from all rows, with a target or without."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.linear_model import Ridge
from sklearn.utils.validation import check_array, column_or_1d

from skoverfit._core._arrays import to_numpy
from skoverfit.neural_network import TabularMLPRegressor
from skoverfit.neural_network._base import BaseTabularMLP
from skoverfit.representation._base_pretrained import BasePretrained

__all__ = ["PretrainedRegressor"]


class PretrainedRegressor(RegressorMixin, BasePretrained):
    """Predict numbers by features that were learnt from all rows.

    First an encoder is fitted on all rows; it sees no target. Then an estimator is
    fitted on the features of the rows that have one, or the encoder's net is trained
    further by them. For few targets and many rows. Read more in the
    :doc:`User Guide </user_guide/representation>`.

    .. versionadded:: 0.1

    Parameters
    ----------
    encoder : str or estimator, default="factor"
        What learns from all rows, as in `PretrainedClassifier`.
    estimator : estimator or None, default=None
        What learns from the features; None is a ridge regression. With ``fine_tune``
        the settings of the further training, a `TabularMLPRegressor` with
        ``n_estimators=1``; None has 50 epochs and a learning rate of 1e-3.
    fine_tune : bool, default=False
        Whether the net of the encoder itself is trained further, with a new last
        layer. The encoder has to be a net of this library.
    n_components : int or "auto", default="auto"
        As in `PretrainedClassifier`; a mixture has 2, 4 or 8 components.
    use_labeled_X : bool, default=True
        Whether the encoder sees the rows with a target, too.
    append_input : bool, default=False
        Whether the estimator gets the rows beside their features.
    measure_informativeness : bool, default=False
        Whether to fit two more encoders, on a half of the rows each, and to measure
        how well they agree, as in `PretrainedClassifier`.
    random_state : int, RandomState instance or None, default=None
        Of the encoder, if it is named, and of fine-tuning without an estimator.

    Attributes
    ----------
    encoder_ : estimator
        The fitted encoder.
    estimator_ : estimator
        The fitted second stage.
    n_labeled_ : int
        Rows with a target.
    n_unlabeled_ : int
        Further rows that the encoder saw.
    informativeness_ : float
        How well the rows identify the features, only with
        ``measure_informativeness=True``: 1 is up to linear maps, below 0.8 there is a
        warning; NaN where the rows are too few (see `PretrainedClassifier`).
    n_features_in_ : int
        Number of columns seen in fit.
    feature_names_in_ : ndarray of str of shape (n_features,)
        Names of the columns; only where all of them are texts.

    Warns
    -----
    SkoverfitWarning
        If ``informativeness_`` is below 0.8, or can't be measured.

    See Also
    --------
    skoverfit.metrics.labeled_scorer : For cross-validation: judges labeled rows only.
    PretrainedClassifier : The same for classes.

    References
    ----------
    Ge, Tang, Fan & Jin (2024), "On the provable advantage of unsupervised
    pretraining", ICLR, arXiv:2303.01566.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_diabetes
    >>> from skoverfit.representation import PretrainedRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> few = np.where(np.arange(len(y)) % 10 == 0, y, np.nan)
    >>> model = PretrainedRegressor(n_components=2, random_state=0).fit(X, few)
    >>> model.n_labeled_, model.n_unlabeled_
    (45, 397)
    """

    _parameter_constraints: ClassVar[dict] = {**BasePretrained._parameter_constraints}

    def __init__(
        self,
        encoder: Any = "factor",
        estimator: Any = None,
        *,
        fine_tune: bool = False,
        n_components: int | str = "auto",
        use_labeled_X: bool = True,
        append_input: bool = False,
        measure_informativeness: bool = False,
        random_state: Any = None,
    ) -> None:
        super().__init__(
            encoder,
            estimator,
            fine_tune=fine_tune,
            n_components=n_components,
            use_labeled_X=use_labeled_X,
            append_input=append_input,
            measure_informativeness=measure_informativeness,
            random_state=random_state,
        )

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(
        self, X: Any, y: Any, X_unlabeled: Any = None, sample_weight: Any = None
    ) -> PretrainedRegressor:
        """Fit the encoder on all rows, and the second stage on those with a target.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows of any kind that the encoder takes.
        y : array-like of shape (n_samples,)
            Numbers, NaN where there is none.
        X_unlabeled : table of shape (n_more, n_features), default=None
            Further rows without a target.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, for the second stage.

        Returns
        -------
        PretrainedRegressor
            The regressor itself.

        Raises
        ------
        BadInputError
            If a parameter can't be used.
        ValueError
            If the rows or targets can't be used.
        """
        self._fit(X, y, X_unlabeled, sample_weight)
        return self

    def _labeled(self, y: Any) -> tuple[Any, np.ndarray]:
        values = check_array(
            to_numpy(y),
            ensure_2d=False,
            dtype=np.float64,
            ensure_all_finite=False,
            input_name="y",
        )
        values = column_or_1d(values, warn=True)
        endless = np.flatnonzero(np.isinf(values))
        if len(endless):
            raise ValueError(
                f"Input y contains infinity or a value too large, in row {endless[0]}; "
                "NaN stands for no target."
            )
        rows = ~np.isnan(values)
        if not rows.any():
            raise ValueError("No row has a target: y is NaN everywhere.")
        return values[rows], rows

    def _default_head(self) -> Any:
        return Ridge()

    def _default_net(self, seed: int) -> BaseTabularMLP:
        return TabularMLPRegressor(
            n_estimators=1,
            learning_rate=1e-3,
            max_epochs=50,
            early_stopping=False,
            random_state=seed,
        )
