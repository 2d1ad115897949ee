# SPDX-License-Identifier: BSD-3-Clause
"""Rows of an estimator that asks an encoder first: what it takes is what that takes."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import get_tags
from sklearn.utils.validation import (
    _check_feature_names,
    _check_n_features,
    check_is_fitted,
    validate_data,
)

from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._encoding import is_mixed_table, known_container
from skoverfit.representation._base import BaseEncoder
from skoverfit.representation._image_views import flat_images
from skoverfit.representation._pretraining import features_of

__all__ = ["EncodedRowsMixin"]


class EncodedRowsMixin:
    """Mixin: checked rows, their features in ``encoder_``, and the encoder's tags."""

    encoder: Any
    encoder_: Any
    append_input: bool = False

    def _check_rows(self, X: Any, *, reset: bool) -> Any:
        """Return checked rows; the encoder looks into tables of mixed content."""
        X = known_container(X)
        if isinstance(self.encoder, BaseEncoder) and self.encoder.image_shape:
            X = flat_images(X, self.encoder.image_shape)
        # The decompositions are of scikit-learn, and are given plain numbers.
        plain = isinstance(self.encoder, str) and self.encoder != "contrastive"
        if not plain and (is_mixed_table(X) or getattr(X, "ndim", 2) > 2):
            _check_n_features(self, X, reset=reset)
            _check_feature_names(self, X, reset=reset)
            return X
        tags = self.__sklearn_tags__().input_tags
        try:
            X = validate_data(
                self,
                X,
                accept_sparse=["csr"] if tags.sparse else False,
                dtype=[np.float64, np.float32],
                ensure_all_finite="allow-nan" if tags.allow_nan else True,
                reset=reset,
            )
        except ValueError as error:
            if not plain or "could not convert string" not in str(error):
                raise
            raise BadInputError(
                f"encoder={self.encoder!r} needs columns of numbers ({error}); encode "
                "texts first, or use encoder='contrastive', which reads them."
            ) from error
        return X.toarray() if plain and issparse(X) else X

    def features(self, X: Any) -> Any:
        """Return the features that the encoder makes of rows.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of fit.

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
            Features of the encoder as it was pretrained, before any fine-tuning.
        """
        check_is_fitted(self)
        return features_of(self.encoder_, self._check_rows(X, reset=False))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        nets = self.encoder == "contrastive" or isinstance(self.encoder, BaseEncoder)
        for name in ("sparse", "allow_nan", "string", "categorical"):
            known = nets
            if not isinstance(self.encoder, str):
                known = getattr(get_tags(self.encoder).input_tags, name)
            elif name == "sparse":
                known = True  # made dense
            setattr(tags.input_tags, name, known and not self.append_input)
        return tags
