# SPDX-License-Identifier: BSD-3-Clause
"""A multi-layer perceptron for tables: the classifier."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.linear_model import LogisticRegression
from sklearn.utils._available_if import available_if
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_y, check_is_fitted, column_or_1d

from skoverfit._core._validation import check_labels
from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._base import BaseTabularMLP
from skoverfit.neural_network._callbacks import with_callbacks
from skoverfit.neural_network._loss_links import LossLinks
from skoverfit.neural_network._losses import CLASSIFICATION_LOSSES, get_loss

__all__ = ["TabularMLPClassifier"]


class TabularMLPClassifier(ClassifierMixin, LossLinks, BaseTabularMLP):
    """Classify rows of a table by an ensemble of small nets."""

    _parameter_constraints: ClassVar[dict] = {
        **BaseTabularMLP._parameter_constraints,
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (128, 128),
        *,
        activation: str = "relu",
        dropout: float = 0.1,
        numeric_embedding: str | None = "auto",
        linear_start: bool = True,
        n_estimators: int = 8,
        loss: Any = "cross_entropy",
        label_smoothing: float = 0.0,
        optimizer: Any = "adamw",
        optimizer_params: Any = None,
        learning_rate: float = 2e-3,
        weight_decay: float = 1e-2,
        schedule: str = "constant",
        warmup_epochs: int = 1,
        batch_size: int | str = "auto",
        max_epochs: int = 150,
        early_stopping: bool = True,
        validation_fraction: float = 0.125,
        n_iter_no_change: int = 16,
        tol: float = 1e-5,
        gradient_clip: float | None = None,
        class_weight: Any = None,
        batch_step: Any = None,
        callbacks: Any = None,
        module: Any = None,
        categorical_features: Any = "auto",
        numeric_scaling: str = "robust",
        device: Any = "auto",
        dtype: str = "float32",
        mixed_precision: str | None = None,
        max_time: float | None = None,
        warm_start: bool = False,
        verbose: int = 0,
        random_state: Any = None,
    ) -> None:
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            dropout=dropout,
            numeric_embedding=numeric_embedding,
            linear_start=linear_start,
            n_estimators=n_estimators,
            loss=loss,
            optimizer=optimizer,
            optimizer_params=optimizer_params,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            schedule=schedule,
            warmup_epochs=warmup_epochs,
            batch_size=batch_size,
            max_epochs=max_epochs,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            tol=tol,
            gradient_clip=gradient_clip,
            batch_step=batch_step,
            callbacks=callbacks,
            module=module,
            categorical_features=categorical_features,
            numeric_scaling=numeric_scaling,
            device=device,
            dtype=dtype,
            mixed_precision=mixed_precision,
            max_time=max_time,
            warm_start=warm_start,
            verbose=verbose,
            random_state=random_state,
        )
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> TabularMLPClassifier:
        """Train the nets."""
        return self._fit(X, y, sample_weight)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> TabularMLPClassifier:
        """Train for one epoch on these rows, without a held-out part."""
        if not hasattr(self, "net_"):
            if classes is None:
                raise ValueError(
                    "classes must be passed on the first call to partial_fit."
                )
            self._told_classes = check_labels(classes, "classes")[0]
        try:
            return self._partial_fit(X, y, sample_weight)
        finally:
            self.__dict__.pop("_told_classes", None)

    @available_if(LossLinks._has_probabilities)
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probabilities of the classes."""
        return np.exp(self.predict_log_proba(X))

    @available_if(LossLinks._has_probabilities)
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return the logarithms of the probabilities of the classes."""
        logs = self._log_probabilities(self._outputs(X))
        mean = np.logaddexp.reduce(logs, axis=0) - np.log(len(logs))
        return mean - np.logaddexp.reduce(mean, axis=1, keepdims=True)

    def decision_function(self, X: Any) -> np.ndarray:
        """Return log-odds of the second class, or log-probabilities of each."""
        logs = self._scores(X)
        return logs[:, 1] - logs[:, 0] if logs.shape[1] == 2 else logs

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class of each row."""
        logs = self._scores(X)
        return self.classes_[logs.argmax(axis=1)]

    def _scores(self, X: Any) -> np.ndarray:
        """Return log-probabilities, or the nets' mean logits where there are none."""
        check_is_fitted(self)
        if self._has_probabilities():
            return self.predict_log_proba(X)
        return self._outputs(X).mean(axis=0)

    # --- what the base asks ----------------------------------------------------------

    def _make_loss(self) -> torch.nn.Module:
        if self.loss == "cross_entropy":
            return get_loss(
                self.loss, CLASSIFICATION_LOSSES, label_smoothing=self.label_smoothing
            )
        return get_loss(self.loss, CLASSIFICATION_LOSSES)

    def _check_target(
        self, y: Any, weight: np.ndarray | None, *, first: bool
    ) -> dict[str, Any]:
        if np.ndim(y) == 2 and np.shape(y)[1] == 1:
            y = column_or_1d(y, warn=True)
        if isinstance(y, np.ndarray) and y.dtype.kind == "f":
            _check_y(y, y_numeric=True)
            check_classification_targets(y)
        classes, codes = check_labels(y)
        told = getattr(self, "_told_classes", None)
        if not first:
            told = self.classes_
        if told is not None:
            unknown = np.setdiff1d(classes, told)
            if len(unknown):
                raise ValueError(
                    f"y has the label {unknown[0]!r}, which is not in classes: "
                    f"{told.tolist()}."
                )
            codes = np.searchsorted(told, classes)[codes]
            classes = told
        if len(classes) < 2:
            raise ValueError(
                "TabularMLPClassifier can't train when only one class is present: "
                f"{classes[0]!r}."
            )
        return {"target": codes, "strata": codes, "fitted": {"classes_": classes}}

    def _with_class_weight(
        self, weight: np.ndarray | None, told: Mapping[str, Any]
    ) -> np.ndarray | None:
        if self.class_weight is None:
            return weight
        classes, codes = told["fitted"]["classes_"], told["target"]
        if isinstance(self.class_weight, dict):
            unknown = set(self.class_weight) - set(classes.tolist())
            if unknown:
                raise BadInputError(
                    f"class_weight has the class {min(unknown, key=str)!r}, which is "
                    f"not in y: {classes.tolist()}."
                )
            factors = np.array(
                [self.class_weight.get(c, 1.0) for c in classes.tolist()]
            )
        else:
            present = np.unique(codes)
            factors = np.ones(len(classes))
            factors[present] = compute_class_weight(
                "balanced", classes=present, y=codes, sample_weight=weight
            )
        own = factors[codes]
        return own if weight is None else weight * own

    def _n_outputs(self, fitted: dict[str, Any]) -> int:
        return len(fitted["classes_"])

    def _start_bias(
        self, target: np.ndarray, weight: np.ndarray | None, fitted: dict[str, Any]
    ) -> np.ndarray:
        n_classes = len(fitted["classes_"])
        shares = np.bincount(target, weight, minlength=n_classes)
        # A class that has no row here starts far below the others.
        logs = np.log(np.maximum(shares / shares.sum(), 1e-4))
        return logs - logs.mean()

    def _linear_model(
        self,
        dense: np.ndarray,
        target: np.ndarray,
        weight: np.ndarray | None,
        fitted: dict[str, Any],
        penalty: float,
    ) -> tuple[np.ndarray, np.ndarray]:
        n_classes = len(fitted["classes_"])
        slope = np.zeros((dense.shape[1], n_classes))
        present = np.unique(target)
        bias = self._start_bias(target, weight, fitted)
        if len(present) < 2:
            return slope, bias
        model = LogisticRegression(C=penalty, max_iter=200, tol=1e-3)
        model.fit(dense, target, sample_weight=weight)
        if len(present) == 2:
            coef = np.vstack([-model.coef_, model.coef_]) / 2
            start = np.concatenate([-model.intercept_, model.intercept_]) / 2
        else:
            coef = model.coef_
            start = model.intercept_ - model.intercept_.mean()
        slope[:, present] = coef.T
        # A class without a row here starts far below the others.
        bias = np.full(n_classes, start.min() - 3.0)
        bias[present] = start
        return slope, bias
