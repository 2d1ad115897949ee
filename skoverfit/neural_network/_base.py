# SPDX-License-Identifier: BSD-3-Clause
"""What the classifier and the regressor share: from a table to a trained net."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from skoverfit._core._arrays import take_rows
from skoverfit._core._random import derive_seed, root_entropy
from skoverfit._core._validation import check_same_length
from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._callbacks import CallbackSupport, epoch_events
from skoverfit.neural_network._checkpoints import TrainingCheckpoint
from skoverfit.neural_network._devices import get_device
from skoverfit.neural_network._encoder_module import NetStart
from skoverfit.neural_network._encoding import (
    EncodedTable,
    TableEncoder,
    known_container,
)
from skoverfit.neural_network._export import PortableNet
from skoverfit.neural_network._history import HistoryMixin, history_rows
from skoverfit.neural_network._interruption import (
    tell_of_interruption,
    unchanged_on_error,
)
from skoverfit.neural_network._net import TabularNet
from skoverfit.neural_network._optimizers import get_optimizer, optimizer_parameters
from skoverfit.neural_network._parameters import (
    CONSTRAINTS,
    DTYPES,
    MIXED_PRECISIONS,
    layer_sizes,
)
from skoverfit.neural_network._planned_fits import fit_is_planned
from skoverfit.neural_network._prepared import (
    PreparationMemo,
    Prepared,
    holdout_parts,
    recall,
)
from skoverfit.neural_network._saving import SavableNet
from skoverfit.neural_network._settings import Settings
from skoverfit.neural_network._steps_by_name import get_batch_step
from skoverfit.neural_network._table_input import TableInput
from skoverfit.neural_network._training import train_stack

__all__ = ["BaseTableNet", "BaseTabularMLP"]


class BaseTableNet(
    SavableNet, TableInput, HistoryMixin, CallbackSupport, BaseEstimator
):
    """Base class of all that train a net on a table; use a derived class."""

    _parameter_constraints: ClassVar[dict] = CONSTRAINTS

    @abstractmethod
    def __init__(
        self,
        *,
        hidden_layer_sizes: Any,
        activation: str,
        dropout: float,
        numeric_embedding: str | None,
        linear_start: bool,
        n_estimators: int,
        loss: Any,
        optimizer: Any,
        optimizer_params: Any,
        learning_rate: float,
        weight_decay: float,
        schedule: str,
        warmup_epochs: int,
        batch_size: int | str,
        max_epochs: int,
        early_stopping: bool,
        validation_fraction: float,
        n_iter_no_change: int,
        tol: float,
        gradient_clip: float | None,
        batch_step: Any,
        callbacks: Any,
        module: Any,
        categorical_features: Any,
        numeric_scaling: str,
        device: Any,
        dtype: str,
        mixed_precision: str | None,
        max_time: float | None,
        checkpoint: Any,
        checkpoint_every: int,
        resume_from: Any,
        warm_start: bool,
        verbose: int,
        random_state: Any,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.numeric_embedding = numeric_embedding
        self.linear_start = linear_start
        self.n_estimators = n_estimators
        self.loss = loss
        self.optimizer = optimizer
        self.optimizer_params = optimizer_params
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.warmup_epochs = warmup_epochs
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.gradient_clip = gradient_clip
        self.batch_step = batch_step
        self.callbacks = callbacks
        self.module = module
        self.categorical_features = categorical_features
        self.numeric_scaling = numeric_scaling
        self.device = device
        self.dtype = dtype
        self.mixed_precision = mixed_precision
        self.max_time = max_time
        self.checkpoint = checkpoint
        self.checkpoint_every = checkpoint_every
        self.resume_from = resume_from
        self.warm_start = warm_start
        self.verbose = verbose
        self.random_state = random_state

    # --- what a subclass says --------------------------------------------------------

    @abstractmethod
    def _make_loss(self) -> torch.nn.Module:
        """Return the loss of one value a row."""

    @abstractmethod
    def _check_target(
        self, y: Any, weight: np.ndarray | None, *, first: bool
    ) -> dict[str, Any]:
        """Check the target.

        Return ``target`` (what the net is trained on), ``strata`` (class codes or None)
        and ``fitted`` (attributes to set after success).
        """

    @abstractmethod
    def _start_bias(
        self, target: np.ndarray, weight: np.ndarray | None, fitted: dict[str, Any]
    ) -> np.ndarray:
        """Return where the outputs of a net start that trains on these rows."""

    @abstractmethod
    def _linear_model(
        self,
        dense: np.ndarray,
        target: np.ndarray,
        weight: np.ndarray | None,
        fitted: dict[str, Any],
        penalty: float,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Fit a linear model; return weights ``(d, n_outputs)`` and the bias.

        ``penalty`` is the inverse strength of its L2 regularization.
        """

    @abstractmethod
    def _n_outputs(self, fitted: dict[str, Any]) -> int:
        """Return the outputs of the module."""

    # --- settings --------------------------------------------------------------------

    def _settings(self, *, incremental: bool = False) -> Settings:
        """Resolve the parameters; errors name the parameter."""
        sizes = layer_sizes(self.hidden_layer_sizes)
        device = get_device(self.device)
        # A linear model of the first rows only would be frozen into what follows.
        linear = self.linear_start and self.module is None and bool(sizes)
        linear = linear and not incremental
        if self.dtype == "float64" and device.type == "mps":
            raise BadInputError(
                "dtype='float64' needs another device: 'mps' has no double precision."
            )
        optimizer = get_optimizer(self.optimizer)
        mixed = (
            None
            if self.mixed_precision is None
            else MIXED_PRECISIONS[self.mixed_precision]
        )
        if mixed is torch.float16 and device.type == "cpu":
            raise BadInputError(
                "mixed_precision='float16' needs a GPU; use 'bfloat16' on the CPU."
            )
        return Settings(
            hidden_layer_sizes=sizes,
            activation=self.activation,
            dropout=self.dropout,
            numeric_embedding=self.numeric_embedding,
            linear_start=linear,
            train_linear=False,
            zero_head=linear,
            learning_rate=float(self.learning_rate),
            weight_decay=float(self.weight_decay),
            schedule="constant" if incremental else self.schedule,
            warmup_epochs=0 if incremental else self.warmup_epochs,
            max_epochs=1 if incremental else self.max_epochs,
            batch_size=self.batch_size,
            patience=self.n_iter_no_change if self.early_stopping else None,
            tol=self.tol,
            max_time=self.max_time,
            gradient_clip=self.gradient_clip,
            device=device,
            dtype=DTYPES[self.dtype],
            mixed_precision=mixed,
            optimizer=optimizer,
            optimizer_params=optimizer_parameters(optimizer, self.optimizer_params),
            loss=self._make_loss(),
            batch_step=get_batch_step(self.batch_step),
            module=self.module,
            callbacks=None if self.callbacks is None else list(self.callbacks),
        )

    # --- data ------------------------------------------------------------------------

    def _prepare(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        settings: Settings,
        *,
        encoder: TableEncoder | None = None,
        entropy: int | None = None,
        hold_out: bool,
        memo: PreparationMemo | None = None,
        first: bool | None = None,
    ) -> tuple[Prepared, dict[str, Any]]:
        """Check and encode the rows, decide who is trained on which.

        With an encoder the rows are further ones, unless ``first`` says otherwise.
        """
        first = encoder is None if first is None else first
        if memo is not None:
            memo.use(X)
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is "
                "None."
            )
        X, y = self._check_table(X, reset=first), known_container(y)
        check_same_length(X, y)
        weight = self._check_weights(sample_weight, X)
        told = self._check_target(y, weight, first=first)
        target, fitted = told["target"], told["fitted"]
        full_weight = weight = self._with_class_weight(weight, told)
        kept = np.arange(len(target)) if weight is None else np.flatnonzero(weight > 0)
        if weight is not None and len(kept) < len(target):
            X, target, weight = take_rows(X, kept), target[kept], weight[kept]
        scaling = self.numeric_scaling, self.categorical_features, self.dtype
        encoder, rows_ = recall(
            None if encoder else memo,
            ("encode", full_weight, *scaling),
            partial(self._encode, X, weight, encoder),
        )
        if entropy is None or self.random_state is not None:
            entropy = root_entropy(self.random_state)
        n, n_nets = len(target), self.n_estimators
        train, valid = [np.arange(n)] * n_nets, None
        if hold_out:
            train, valid = holdout_parts(
                told["strata"] if weight is None else self._strata(target),
                n,
                n_nets=n_nets,
                fraction=self.validation_fraction,
                entropy=entropy,
            )
        bias, linear = [], []
        for rows in train if hold_out else train[:1]:
            own = None if weight is None else weight[rows]
            if settings.linear_start and first:
                slope, start = recall(
                    memo,
                    ("linear", rows, target[rows], full_weight, scaling, type(self)),
                    partial(
                        self._linear_model,
                        rows_.dense[rows].astype(np.float64),
                        target[rows],
                        own,
                        fitted,
                        encoder.spread**2,
                    ),
                )
                linear.append(slope)
            else:
                start = self._start_bias(target[rows], own, fitted)
            bias.append(start)
        if not hold_out:
            bias, linear = bias * n_nets, linear * n_nets
        prepared = Prepared(
            encoder=encoder,
            rows=rows_,
            target=target,
            weight=weight,
            train=train,
            valid=valid,
            n_outputs=self._n_outputs(fitted),
            seeds=[derive_seed(entropy, "net", k) for k in range(n_nets)],
            bias=np.stack(bias),
            linear=np.stack(linear) if linear else None,
            extra={
                "entropy": entropy,
                "classes": fitted.get("classes_"),
                "kept_rows": kept,
            },
        )
        return prepared, fitted

    def _encode(
        self, X: Any, weight: np.ndarray | None, encoder: TableEncoder | None
    ) -> tuple[TableEncoder, EncodedTable]:
        """Return encoded rows and what encodes."""
        made = encoder or TableEncoder.fit(
            X,
            weight,
            scaling=self.numeric_scaling,
            categorical_features=self.categorical_features,
        )
        kind = np.float32 if self.dtype == "float32" else np.float64
        return made, made.transform(X, dtype=kind)

    def _strata(self, target: np.ndarray) -> np.ndarray | None:
        return target if target.dtype.kind == "i" else None

    def _with_class_weight(
        self, weight: np.ndarray | None, told: Mapping[str, Any]
    ) -> np.ndarray | None:
        return weight

    def _ready(self, prepared: Prepared, settings: Settings) -> None:
        """Change the settings by what is known of the rows, before a training."""

    # --- fitting ---------------------------------------------------------------------

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, start: NetStart | None = None
    ) -> Any:
        """Train; ``start`` is where a first training starts, with its encoder."""
        started = time.monotonic()
        with unchanged_on_error(self):
            settings = self._settings()
            again = self.warm_start and hasattr(self, "net_")
            if start is not None and not again:
                settings.start_from(start)
            given = None if start is None else start.encoder
            checkpoint = TrainingCheckpoint.of(self)
            prepared, fitted = self._prepare(
                X,
                y,
                sample_weight,
                settings,
                encoder=self._encoder if again else given,
                entropy=None if checkpoint is None else checkpoint.entropy,
                hold_out=self.early_stopping,
                first=not again,
            )
            self._ready(prepared, settings)
            if again:
                self._check_same_shape(prepared)
            if checkpoint is not None:
                checkpoint.check(prepared, settings)
            with epoch_events(self, X, y, settings.max_epochs) as on_epoch:
                net = train_stack(
                    [prepared],
                    [settings],
                    net=self.net_ if again else None,
                    on_epoch=on_epoch,
                    checkpoint=checkpoint,
                )
        if not self.warm_start:
            # `partial_fit` goes on with fresh moments, from a file and without one.
            net.optimizer_.state.clear()
        self._finish(net, prepared, fitted, time.monotonic() - started)
        return self

    def _finish(
        self,
        net: TabularNet,
        prepared: Prepared,
        fitted: dict[str, Any],
        seconds: float,
    ) -> None:
        """Set the fitted attributes, all at once."""
        for name, value in fitted.items():
            setattr(self, name, value)
        self._encoder = prepared.encoder
        if not hasattr(net, "made_with"):
            net.made_with = {
                **self.get_params(deep=False),
                "checkpoint": None,
                "resume_from": None,
            }
        self.net_ = net
        self.history_ = history_rows(net.history)
        self.n_iter_ = len(self.history_)
        self.fit_time_ = seconds
        if prepared.valid is not None:
            # Counted from the first epoch of all, which a warm start continues.
            before = self.n_iter_ - net.best_.epoch
            self.best_epochs_ = (net.best_.epochs + before).tolist()
            self.best_losses_ = net.best_.losses.tolist()
        if net.interrupted_:
            judged = prepared.valid is not None
            n_epochs = self.n_iter_ - getattr(net, "first_row_", 0)
            tell_of_interruption(n_epochs, self.max_epochs, judged=judged)

    def _check_same_shape(self, prepared: Prepared) -> None:
        was = self.net_.n_nets
        if was != self.n_estimators:
            raise BadInputError(
                f"warm_start goes on with {was} nets, but n_estimators is "
                f"{self.n_estimators}; set warm_start=False to start anew."
            )

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any) -> Any:
        started = time.monotonic()
        with unchanged_on_error(self):
            settings = self._settings(incremental=True)
            again = hasattr(self, "net_")
            prepared, fitted = self._prepare(
                X,
                y,
                sample_weight,
                settings,
                encoder=self._encoder if again else None,
                hold_out=False,
            )
            self._ready(prepared, settings)
            net = train_stack(
                [prepared], [settings], net=self.net_ if again else None, epochs=1
            )
        self._finish(net, prepared, fitted, time.monotonic() - started)
        return self

    # --- answers ---------------------------------------------------------------------

    def _outputs(self, X: Any) -> np.ndarray:
        """Return the outputs ``(n_nets, n, n_outputs)`` in float64."""
        check_is_fitted(self)
        X = self._check_table(X, reset=False)
        kind = np.float32 if self.dtype == "float32" else np.float64
        rows = self._encoder.transform(X, dtype=kind)
        codes = None if rows.codes is None else torch.from_numpy(rows.codes)
        outputs = self.net_.outputs(torch.from_numpy(rows.dense), codes)
        return outputs.double().cpu().numpy()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


class BaseTabularMLP(PortableNet, BaseTableNet):
    """Base class of the tabular nets; use a derived class."""

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, start: NetStart | None = None
    ) -> Any:
        if start is None and fit_is_planned(self, X, y, sample_weight):
            return self
        return super()._fit(X, y, sample_weight, start)
