# SPDX-License-Identifier: BSD-3-Clause
"""A multi-layer perceptron for tables: the regressor."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.base import RegressorMixin, _fit_context
from sklearn.utils.validation import check_array, column_or_1d

from skoverfit._core._arrays import to_numpy
from skoverfit.neural_network._base import BaseTabularMLP
from skoverfit.neural_network._callbacks import with_callbacks
from skoverfit.neural_network._linear_start import ridge_start
from skoverfit.neural_network._losses import REGRESSION_LOSSES, get_loss

__all__ = ["TabularMLPRegressor"]


class TabularMLPRegressor(RegressorMixin, BaseTabularMLP):
    """Predict numbers from rows of a table by an ensemble of small nets.

    The net takes a table as it is, as `TabularMLPClassifier` does, and one target or
    several, which it standardizes. Each net starts as a ridge regression and learns
    what that misses; the mean of the nets is the prediction. Read more in the
    :doc:`User Guide </user_guide/neural_network>`.

    .. versionadded:: 0.1

    Parameters
    ----------
    hidden_layer_sizes : array-like of int, default=(128, 128)
        Widths of the hidden layers; empty for a linear model. RealMLP [1]_ uses three
        of 256 units; on small tables less width was better.
    activation : {"relu", "selu", "silu", "gelu", "mish", "tanh", "identity"}, \
default="relu"
        What follows each hidden layer. RealMLP uses SELU; in our ablation ReLU was no
        worse.
    dropout : float, default=0.1
        Probability that a hidden unit is left out of a step; 0.15 in RealMLP.
    numeric_embedding : {"auto", "periodic"} or None, default="auto"
        "periodic" adds trained waves of each number to the input [2]_, in the form of
        RealMLP. "auto" does so on tables of at most 100 encoded columns. None reads
        the scaled numbers only.
    linear_start : bool, default=True
        Whether each net starts as a ridge regression that was fitted to its own
        training rows, and learns the rest. On small tables few steps follow, on large
        ones the start is soon left behind. Without hidden layers, or with ``module``,
        it has no effect.
    n_estimators : int, default=8
        Nets, whose predictions are averaged [3]_. They are trained at once, as
        one batched module. RealMLP has one.
    loss : str, class or instance of torch.nn.Module, default="squared_error"
        "squared_error", "absolute_error", "huber", or a torch loss of values, all of
        the standardized target. A class is made with ``reduction="none"``, an instance
        needs it.
    optimizer : str or class of torch.optim.Optimizer, default="adamw"
        Name in lower case, such as "adam", "nadam" or "sgd", or a class. Fused where
        torch has it.
    optimizer_params : dict or None, default=None
        Its other parameters. None is ``betas=(0.9, 0.99)`` where there are such; the
        second is 0.95 in RealMLP and 0.999 in torch.
    learning_rate : float, default=4e-3
        Of the optimizer, before ``schedule``.
    weight_decay : float, default=1e-2
        Of the hidden layers and the last one; biases and embeddings are spared.
    schedule : {"constant", "coslog4", "cosine", "linear"}, default="constant"
        How the learning rate goes over ``max_epochs``. "coslog4" is RealMLP's four
        cycles. With early stopping the end of a schedule may never be reached.
    warmup_epochs : int, default=1
        Epochs over which the learning rate rises from nothing.
    batch_size : int or "auto", default="auto"
        Rows of a step and net. "auto" is a power of two near a sixteenth of the
        training rows, between 32 and 256. All batches of an epoch are of equal size, or
        one row apart.
    max_epochs : int, default=150
        Most passes over the training rows.
    early_stopping : bool, default=True
        Whether each net leaves out rows, is judged on them by the loss after each
        epoch, ends after ``n_iter_no_change`` epochs without a better one, and gets
        the weights of its best epoch back.
    validation_fraction : float, default=0.125
        Share of rows that a net leaves out. ``round(1 / validation_fraction)`` parts
        are made, and net ``k`` leaves out part ``k``, so that eight nets leave out
        every row once.
    n_iter_no_change : int, default=16
        Patience in epochs.
    tol : float, default=1e-5
        How much lower a validation loss has to be to be better.
    gradient_clip : float or None, default=None
        Largest norm of the gradient of each net.
    batch_step : {"adversarial", "manifold_mixup", "mixup", "winsorized"}, BatchStep \
or None, default=None
        What is computed on a batch, such as `Mixup`. None is the plain loss.
    callbacks : list of skorch callbacks or None, default=None
        Copied, and told of the training as in skorch. For the callbacks of
        scikit-learn 1.9 use ``set_callbacks``.
    module : torch.nn.Module, or class or function that returns one, default=None
        A net of your own in place of the perceptron. A class or function is called with
        those of ``n_features`` and ``n_outputs`` that it takes; an instance is copied
        and never trained in place. It gets the encoded columns and returns
        standardized values ``(rows, n_outputs)``. All nets of the ensemble are of this
        kind; they are run one after the other.
    categorical_features : array-like, "auto" or None, default="auto"
        Names, numbers or a mask of the columns that are categories. "auto": texts,
        categories and booleans of a dataframe or an object array; in an array of
        numbers there are none.
    numeric_scaling : {"robust", "standard"}, default="robust"
        "robust": median, quartiles and a smooth clip at 3, as in RealMLP. "standard":
        mean and standard deviation.
    device : str or torch.device, default="auto"
        "auto" is a GPU where there is one; otherwise "cpu", "cuda", "mps" and others.
    dtype : {"float32", "float64"}, default="float32"
        Of the net. Numbers are scaled in float64 before they are cast.
    mixed_precision : {"bfloat16", "float16"} or None, default=None
        Dtype of the products; "float16" needs a GPU.
    max_time : float or None, default=None
        Seconds after which the training ends, at the end of an epoch. Ask for less than
        you have: rows are encoded before, and the answer then depends on the machine.
    checkpoint : str, path-like or None, default=None
        File that the state of the training is written to, atomically, every
        `checkpoint_every` epochs and at the end. Ignored by ``partial_fit``; refused
        inside a search, a cross-validation or an ensemble, whose fits would overwrite
        each other's.
    checkpoint_every : int, default=10
        Epochs between two checkpoints.
    resume_from : str, path-like or None, default=None
        Checkpoint to go on from, with the same data and parameters; `max_time`,
        `device` and `callbacks` may differ, and `max_epochs` under a constant schedule.
        A missing file is an error unless it is the same path as `checkpoint`: the
        training begins there, then.
    warm_start : bool, default=False
        Whether a second ``fit`` goes on with the nets of the first one. The encoding of
        the columns is kept.
    verbose : int, default=0
        Whether the progress is shown on the standard error.
    random_state : int, RandomState instance or None, default=None
        Source of the parts, the start, the order of rows, and masks. With an int the
        same numbers come out for one thread and for several; on a GPU they may differ
        in the last digits.

    Attributes
    ----------
    n_outputs_ : int
        Number of targets.
    n_features_in_ : int
        Number of columns seen in fit.
    feature_names_in_ : ndarray of str of shape (n_features,)
        Names of the columns; only where all of them are texts.
    net_ : NeuralNet
        The skorch net that holds all nets.
    history_ : list of dict
        One row an epoch, see `history_frame`.
    n_iter_ : int
        Epochs that were trained.
    best_epochs_ : list of int of shape (n_estimators,)
        Epoch that each net was put back to, 0 for its start; only with early stopping.
    best_losses_ : list of float of shape (n_estimators,)
        Validation losses there; only with early stopping.
    fit_time_ : float
        Seconds of the last fit.

    See Also
    --------
    TabularMLPClassifier : The same for classes.
    Mixup : Training on mixtures of rows.
    skoverfit.inspection.TrainingCurveDisplay : Picture of the training.
    skoverfit.pipeline.Pipeline : Samplers before the net.

    Notes
    -----
    See `TabularMLPClassifier` for the cost and for what differs from RealMLP [1]_.
    There predictions are clamped to the range of the target in training; here they are
    not, since the linear start may be right beyond it.

    References
    ----------
    .. [1] Holzmueller, Grinsztajn & Steinwart (2024), "Better by default: Strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS, arXiv:2407.04491.
    .. [2] Gorishniy, Rubachev & Babenko (2022), "On embeddings for numerical features
       in tabular deep learning", NeurIPS, arXiv:2203.05556.
    .. [3] Lakshminarayanan, Pritzel & Blundell (2017), "Simple and scalable predictive
       uncertainty estimation using deep ensembles", NeurIPS, arXiv:1612.01474.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skoverfit.neural_network import TabularMLPRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> net = TabularMLPRegressor(n_estimators=2, max_epochs=5, random_state=0)
    >>> net.fit(X[:300], y[:300]).score(X[300:], y[300:]) > 0.4
    True
    """

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
        learning_rate: float = 4e-3,
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
        """Train the nets.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Array-like, dataframe, sparse matrix or tensor; infinite values are refused.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the loss and in everything that is fitted before.

        Returns
        -------
        TabularMLPRegressor
            The estimator itself. After Ctrl-C it is fitted, too, and warns.

        Raises
        ------
        BadInputError
            If a parameter can't be used, or no row would be left to validate on.
        ValueError
            If the rows or targets can't be used.
        TrainingError
            If the loss stops being a number.
        """
        return self._fit(X, y, sample_weight)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None
    ) -> TabularMLPRegressor:
        """Train for one epoch on these rows, without a held-out part.

        The first call decides how columns are encoded and the target is scaled, and its
        rows should look like those to come. The learning rate is constant.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Some rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        TabularMLPRegressor
            The estimator itself.
        """
        return self._partial_fit(X, y, sample_weight)

    def predict(self, X: Any) -> np.ndarray:
        """Return the mean prediction of the nets, in the units of y.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of fit; unseen categories belong to no level.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            As the target was given.
        """
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
        return ridge_start(dense, target, weight, penalty)
