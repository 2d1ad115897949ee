# SPDX-License-Identifier: BSD-3-Clause
"""What the pretrained classifier and regressor share: two stages, one estimator."""

from __future__ import annotations

from abc import abstractmethod
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from skoverfit._core._arrays import n_rows, take_rows
from skoverfit._core._random import root_entropy
from skoverfit._core._rebuild import concatenate_rows
from skoverfit._core._validation import check_same_length
from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._base import BaseTabularMLP
from skoverfit.neural_network._encoding import is_mixed_table, known_container
from skoverfit.representation._base import BaseEncoder
from skoverfit.representation._encoded_rows import EncodedRowsMixin
from skoverfit.representation._informativeness import informativeness, reseeded
from skoverfit.representation._pretraining import (
    ENCODERS,
    features_of,
    fitted_encoder,
)

__all__ = ["BasePretrained"]


class BasePretrained(EncodedRowsMixin, MetaEstimatorMixin, BaseEstimator):
    """Base class of the pretrained estimators; use a derived class."""

    _parameter_constraints: ClassVar[dict] = {
        "encoder": [str, HasMethods(["fit", "transform"]),
                    HasMethods(["fit", "predict_proba"])],
        "estimator": [HasMethods(["fit", "predict"]), None],
        "fine_tune": ["boolean"],
        "n_components": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "use_labeled_X": ["boolean"],
        "append_input": ["boolean"],
        "measure_informativeness": ["boolean"],
        "random_state": ["random_state"],
    }  # fmt: skip

    @abstractmethod
    def __init__(
        self,
        encoder: Any,
        estimator: Any,
        *,
        fine_tune: bool,
        n_components: int | str,
        use_labeled_X: bool,
        append_input: bool,
        measure_informativeness: bool,
        random_state: Any,
    ) -> None:
        self.encoder = encoder
        self.estimator = estimator
        self.fine_tune = fine_tune
        self.n_components = n_components
        self.use_labeled_X = use_labeled_X
        self.append_input = append_input
        self.measure_informativeness = measure_informativeness
        self.random_state = random_state

    # --- what a subclass says --------------------------------------------------------

    @abstractmethod
    def _labeled(self, y: Any) -> tuple[Any, np.ndarray]:
        """Return the checked target of the labeled rows, and which these are."""

    @abstractmethod
    def _default_head(self) -> Any:
        """Return what is fitted on the features where the user names nothing."""

    @abstractmethod
    def _default_net(self, seed: int) -> BaseTabularMLP:
        """Return the net that is fine-tuned where the user names none."""

    # --- fitting ---------------------------------------------------------------------

    def _fit(self, X: Any, y: Any, X_unlabeled: Any, sample_weight: Any) -> Any:
        self._check_fine_tuning()
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is "
                "None."
            )
        X = self._check_rows(X, reset=True)
        y = known_container(y)
        check_same_length(X, y)
        target, rows = self._labeled(y)
        weight = None if sample_weight is None else np.asarray(sample_weight)
        if weight is not None and weight.shape != (n_rows(X),):
            raise ValueError(
                f"sample_weight must have the shape ({n_rows(X)},), one weight a row. "
                f"Got the shape {weight.shape} instead."
            )
        labeled = take_rows(X, rows)
        parts = [X if self.use_labeled_X else take_rows(X, ~rows)]
        if X_unlabeled is not None:
            parts.append(self._check_rows(X_unlabeled, reset=False))
        parts = [part for part in parts if n_rows(part)]
        if not parts:
            raise BadInputError(
                "use_labeled_X=False leaves no rows to pretrain on: all rows of X have "
                "labels, and X_unlabeled is empty or None."
            )
        every = parts[0] if len(parts) == 1 else concatenate_rows(parts)
        entropy = root_entropy(self.random_state)
        n_classes = len(np.unique(target)) if target.ndim == 1 else 2
        encoder = self._pretrained(every, n_classes, entropy)
        informative = None
        if self.measure_informativeness:
            informative = self._informativeness(encoder, every, n_classes, entropy)
        own = None if weight is None else weight[rows]
        estimator = self._headed(encoder, labeled, target, own, entropy)
        self.encoder_, self.estimator_ = encoder, estimator
        if informative is not None:
            self.informativeness_ = informative
        elif hasattr(self, "informativeness_"):
            del self.informativeness_  # of an earlier fit
        self.n_labeled_ = int(rows.sum())
        self.n_unlabeled_ = sum(n_rows(part) for part in parts)
        self.n_unlabeled_ -= self.n_labeled_ if self.use_labeled_X else 0
        return self

    def _check_fine_tuning(self) -> None:
        if isinstance(self.encoder, str) and self.encoder not in ENCODERS:
            fitted_encoder(self.encoder, None, "auto", 2, 0)  # says what is allowed
        if not self.fine_tune:
            return
        if self.encoder != "contrastive" and not isinstance(self.encoder, BaseEncoder):
            raise BadInputError(
                "fine_tune=True needs an encoder that is a net of this library, such "
                f"as ContrastiveEncoder. Got encoder={self.encoder!r}."
            )
        if self.append_input:
            raise BadInputError(
                "append_input=True can't be had with fine_tune=True, where there is no "
                "estimator behind the features."
            )
        if self.estimator is not None and not isinstance(
            self.estimator, BaseTabularMLP
        ):
            raise BadInputError(
                "fine_tune=True needs a net as estimator, such as "
                "TabularMLPClassifier(n_estimators=1), or None. Got "
                f"{self.estimator!r} instead."
            )

    def _pretrained(self, X: Any, n_classes: int, entropy: int) -> Any:
        if isinstance(self.encoder, str):
            return fitted_encoder(
                self.encoder, X, self.n_components, n_classes, entropy
            )
        return clone(self.encoder).fit(X)

    def _informativeness(
        self, encoder: Any, X: Any, n_classes: int, entropy: int
    ) -> float:
        """Return how well encoders of two halves of the rows tell one another."""
        n_components = getattr(encoder, "n_components", "auto")

        def fit(rows: Any, seed: int) -> Any:
            if isinstance(self.encoder, str):
                return fitted_encoder(self.encoder, rows, n_components, n_classes, seed)
            return reseeded(self.encoder, seed).fit(rows)

        return informativeness(fit, encoder, X, entropy)

    def _headed(
        self, encoder: Any, X: Any, y: Any, weight: np.ndarray | None, entropy: int
    ) -> Any:
        """Return the second stage, fitted on the labeled rows."""
        if self.fine_tune:
            net = (
                self._default_net(entropy % 2**31)
                if self.estimator is None
                else clone(self.estimator)
            )
            net._validate_params()
            return net._fit(X, y, weight, encoder.net_start())
        head = self._default_head() if self.estimator is None else clone(self.estimator)
        features = self._with_input(X, features_of(encoder, X))
        if weight is None:
            return head.fit(features, y)
        if not has_fit_parameter(head, "sample_weight"):
            raise BadInputError(
                f"sample_weight was passed, but {type(head).__name__} takes none."
            )
        return head.fit(features, y, sample_weight=weight)

    def _with_input(self, X: Any, features: Any) -> Any:
        if not self.append_input:
            return features
        if is_mixed_table(X):
            raise BadInputError(
                "append_input=True needs a table of numbers, an array or a matrix. Got "
                f"{type(X).__name__}; encode it first."
            )
        rows = X.toarray() if issparse(X) else np.asarray(X)
        return np.hstack([rows, np.asarray(features)])

    def _ask(self, method: str, X: Any) -> Any:
        check_is_fitted(self)
        X = self._check_rows(X, reset=False)
        if not self.fine_tune:
            X = self._with_input(X, features_of(self.encoder_, X))
        return getattr(self.estimator_, method)(X)

    def predict(self, X: Any) -> np.ndarray:
        """Return what the second stage predicts.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of fit.

        Returns
        -------
        ndarray of shape (n_samples,)
            Class labels, or numbers.
        """
        return np.asarray(self._ask("predict", X))


def second_stage_has(method: str) -> Any:
    """Return a check that the second stage has a method."""

    def check(self: Any) -> bool:
        known = getattr(self, "estimator_", None) or self.estimator
        if known is None:
            known = self._default_net(0) if self.fine_tune else self._default_head()
        getattr(known, method)  # its AttributeError says what is missing
        return True

    return check
