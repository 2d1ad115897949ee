# SPDX-License-Identifier: BSD-3-Clause
"""The benchmark's preparation as a step of a pipeline that can be saved."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skoverfit.bench._preparation import FoldPreparation, plain_rows

__all__ = ["TablePreparation"]


class TablePreparation(TransformerMixin, BaseEstimator):
    """Encode, impute and scale the rows of a table as a benchmark's fold does.

    Its state is plain values, so that `skoverfit.load` takes it from a file without
    trusting anything but scikit-learn.

    Parameters
    ----------
    table_name : str, default="table"
        For messages.
    random_state : int, default=0
        Seed of the text encoder.

    Attributes
    ----------
    preparation_ : FoldPreparation
        What the training rows taught.
    n_features_in_ : int
        Number of columns.
    """

    def __init__(self, table_name: str = "table", random_state: int = 0) -> None:
        self.table_name = table_name
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the columns of training rows.

        Parameters
        ----------
        X : DataFrame or ndarray of shape (n_samples, n_features)
            Training rows.
        y : object, default=None
            Not used.

        Returns
        -------
        TablePreparation
            Itself.
        """
        self.fit_transform(X)
        return self

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> np.ndarray:
        """Learn the columns of training rows and return them encoded.

        Parameters
        ----------
        X : DataFrame or ndarray of shape (n_samples, n_features)
            Training rows.
        y : object, default=None
            Not used.
        **fit_params : object
            Not used.

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
            Finite numbers.
        """
        preparation = FoldPreparation(self.table_name, int(self.random_state))
        rows = plain_rows(X)
        if hasattr(rows, "reset_index"):
            rows = rows.reset_index(drop=True)
        encoded = preparation.fit_transform(rows)
        self.preparation_ = preparation
        self.n_features_in_ = int(rows.shape[1])
        return encoded

    def transform(self, X: Any) -> np.ndarray:
        """Encode rows.

        Parameters
        ----------
        X : DataFrame or ndarray of shape (n_samples, n_features)
            The columns of the training rows.

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
            Finite numbers.
        """
        check_is_fitted(self)
        return self.preparation_.transform(plain_rows(X))

    def __getstate__(self) -> dict[str, Any]:
        state = dict(vars(self))
        if "preparation_" in state:
            state["preparation_"] = self.preparation_.plain_state()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        if "preparation_" in state:
            state["preparation_"] = FoldPreparation.from_plain(state["preparation_"])
        self.__dict__.update(state)
