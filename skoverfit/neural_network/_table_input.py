# SPDX-License-Identifier: BSD-3-Clause
"""Tables and weights that a net is given, checked."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import (
    _check_feature_names,
    _check_n_features,
    _check_sample_weight,
    validate_data,
)

from skoverfit._core._arrays import kind_of, n_rows, to_numpy
from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._encoding import (
    TableEncoder,
    is_mixed_table,
    known_container,
)

__all__ = ["TableInput"]


class TableInput:
    """Mixin: what an estimator that holds a net is given."""

    categorical_features: Any
    _encoder: TableEncoder

    def _check_table(self, X: Any, *, reset: bool) -> Any:
        """Return a table that the encoder reads: numbers, or columns of any type."""
        X = known_container(X)
        mixed = (
            is_mixed_table(X) if reset else self._encoder.nominal_columns is not None
        )
        if not mixed and kind_of(X) == "tensor":
            X = to_numpy(X)
        named = not isinstance(self.categorical_features, (str, type(None)))
        if mixed or (reset and named):
            # An "object" array of numbers is one of numbers, and a frame may be.
            _check_n_features(self, X, reset=reset) if hasattr(X, "shape") else None
            _check_feature_names(self, X, reset=reset)
            return X
        X = validate_data(
            self,
            X,
            accept_sparse=["csr", "csc", "coo"],
            dtype=[np.float64, np.float32],
            ensure_all_finite="allow-nan",
            reset=reset,
        )
        return X.toarray() if hasattr(X, "toarray") else X

    def _check_weights(self, sample_weight: Any, X: Any) -> np.ndarray | None:
        if sample_weight is None:
            return None
        weight = _check_sample_weight(
            sample_weight,
            np.empty((n_rows(X), 1)),
            dtype=np.float64,
            ensure_non_negative=True,
        )
        if not (weight > 0).any():
            raise BadInputError(
                f"sample_weight is zero in all {len(weight)} rows; no row is left to "
                "train on."
            )
        return weight
