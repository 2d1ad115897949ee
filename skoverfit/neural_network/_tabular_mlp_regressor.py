# SPDX-License-Identifier: BSD-3-Clause
"""A multi-layer perceptron for tables: the regressor."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.base import RegressorMixin, _fit_context
from sklearn.linear_model import Ridge
from sklearn.utils.validation import check_array, column_or_1d

from skoverfit._core._arrays import to_numpy
from skoverfit.neural_network._base import BaseTabularMLP
from skoverfit.neural_network._callbacks import with_callbacks
from skoverfit.neural_network._losses import REGRESSION_LOSSES, get_loss

__all__ = ["TabularMLPRegressor"]


class TabularMLPRegressor(RegressorMixin, BaseTabularMLP):
    """Predict numbers from rows of a table by an ensemble of small nets."""

    _parameter_constraints: ClassVar[dict] = {**BaseTabularMLP._parameter_constraints}

    def __init__(
        self,
        hidden_layer_sizes: Any = (128, 128),
        *,
        activation: str = "relu",
        dropout: float = 0.1,
        numeric_embedding: str | None = "auto",
        linear_start: bool = True,
        n_estimators: int = 8,
        loss: Any = "squared_error",
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
        batch_step: Any = None,
        callbacks: Any = None,
        module: Any = None,
        categorical_features: Any = "auto",
        numeric_scaling: str = "robust",
        device: Any = "auto",
        dtype: str = "float32",
        mixed_precision: str | None = None,
        max_time: float | None = None,
        checkpoint: Any = None,
        checkpoint_every: int = 10,
        resume_from: Any = None,
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
            checkpoint=checkpoint,
            checkpoint_every=checkpoint_every,
            resume_from=resume_from,
            warm_start=warm_start,
            verbose=verbose,
            random_state=random_state,
        )

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> TabularMLPRegressor:
        """Train the nets."""
        return self._fit(X, y, sample_weight)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None
    ) -> TabularMLPRegressor:
        """Train for one epoch on these rows, without a held-out part."""
        return self._partial_fit(X, y, sample_weight)

    def predict(self, X: Any) -> np.ndarray:
        """Return the mean prediction of the nets, in the units of y."""
        mean = self._outputs(X).mean(axis=0)
        values = mean * self._target_scale + self._target_mean
        return values[:, 0] if self._target_is_flat else values

    # --- what the base asks ----------------------------------------------------------

    def _make_loss(self) -> torch.nn.Module:
        return get_loss(self.loss, REGRESSION_LOSSES)

    def _check_target(
        self, y: Any, weight: np.ndarray | None, *, first: bool
    ) -> dict[str, Any]:
        values = check_array(
            to_numpy(y), ensure_2d=False, dtype=np.float64, input_name="y"
        )
        if values.ndim == 2 and values.shape[1] == 1:
            values = column_or_1d(values, warn=True)
        flat = values.ndim == 1
        values = values.reshape(len(values), -1)
        if first:
            mean = np.average(values, axis=0, weights=weight)
            square = np.average((values - mean) ** 2, axis=0, weights=weight)
            scale = np.sqrt(square)
            scale[scale == 0] = 1.0
        else:
            mean, scale = self._target_mean, self._target_scale
            if len(mean) != values.shape[1]:
                raise ValueError(
                    f"y has {values.shape[1]} targets, but the net was trained on "
                    f"{len(mean)}."
                )
        fitted = {
            "_target_mean": mean,
            "_target_scale": scale,
            "_target_is_flat": flat,
            "n_outputs_": values.shape[1],
        }
        return {"target": (values - mean) / scale, "strata": None, "fitted": fitted}

    def _n_outputs(self, fitted: dict[str, Any]) -> int:
        return fitted["n_outputs_"]

    def _start_bias(
        self, target: np.ndarray, weight: np.ndarray | None, fitted: dict[str, Any]
    ) -> np.ndarray:
        return np.average(target, axis=0, weights=weight)

    def _linear_model(
        self,
        dense: np.ndarray,
        target: np.ndarray,
        weight: np.ndarray | None,
        fitted: dict[str, Any],
        penalty: float,
    ) -> tuple[np.ndarray, np.ndarray]:
        model = Ridge(alpha=1 / penalty).fit(dense, target, sample_weight=weight)
        return np.atleast_2d(model.coef_).T, np.atleast_1d(model.intercept_)
