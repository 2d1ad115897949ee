# SPDX-License-Identifier: BSD-3-Clause
"""Nets that choose rows with right labels for each other."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._available_if import available_if
from sklearn.utils._param_validation import Interval, StrOptions

from skoverfit._core._arrays import n_rows, take_rows
from skoverfit._core._random import derive_seed
from skoverfit.exceptions import BadInputError
from skoverfit.neural_network import CoTeaching, TabularMLPClassifier
from skoverfit.neural_network._encoding import known_container
from skoverfit.noisy_labels._compressed_mlp_classifier import compression_options
from skoverfit.noisy_labels._estimate_transition_matrix import estimate

__all__ = ["CoTeachingClassifier"]

# Parameters of the parent that are none here.
_FIXED = (
    "batch_step",
    "early_stopping",
    "label_smoothing",
    "linear_start",
    "module",
    "n_iter_no_change",
    "tol",
    "validation_fraction",
)
# More rows than this share are never left out by an estimate.
_MOST_FORGOTTEN = 0.8


class CoTeachingClassifier(TabularMLPClassifier):
    """Classify by pairs of nets that leave out rows with wrong labels for each other.

    The nets of `TabularMLPClassifier`, trained by `CoTeaching`: in each step a net
    learns the rows of small loss that its peer chose. How many rows are left out is
    estimated, or given. How often a row was chosen tells how its label is to be
    trusted. Read more in the :doc:`User Guide </user_guide/label_noise>`.

    .. versionadded:: 0.1

    Parameters
    ----------
    hidden_layer_sizes : array-like of int, default=(128, 128)
        Widths of the hidden layers.
    forget_rate : float or "auto", default="auto"
        Share of the rows that is left out at last, below 1; "auto" estimates the share
        of wrong labels by the confident joint of a small net, out of fold.
    n_gradual : int, default=5
        Epochs over which the share grows from 0; 10 in the first paper.
    exponent : float, default=1.0
        How the share grows: ``forget_rate min((t / n_gradual)^exponent, 1)``.
    exchange : {"cross", "split"}, default="cross"
        Whether the two nets of a pair meet the same batch [1]_ or parted ones [2]_, see
        `CoTeaching`.
    class_balanced : bool, default=True
        Whether the same share of each label is kept (ours): the rows of rare classes
        have large losses and would be left out first.
    pretrain_epochs : int, default=0
        Epochs before rows are left out.
    compression : {"dropout", "nested"} or None, default=None
        What masks the last features, see `CompressedMLPClassifier`; all of them are
        used to predict.
    sigma : float, default=10.0
        Width of the law of nested dropout.
    feature_dropout : float, default=0.3
        Probability that a feature is left out, with ``compression="dropout"``.
    activation : str, default="relu"
        As in `TabularMLPClassifier`.
    dropout : float, default=0.5
        Probability that a hidden unit is left out of a step; 0.1 in
        `TabularMLPClassifier`, where wrong labels are learned before they are left out.
    numeric_embedding : {"auto", "periodic"} or None, default=None
        As in `TabularMLPClassifier`, where it is "auto": trained waves of single
        columns fit single wrong labels.
    n_estimators : int, default=8
        Nets, an even number: net 0 and 1 teach each other, and so on. Their
        probabilities are averaged. The papers have two.
    loss : str, class or instance of torch.nn.Module, default="cross_entropy"
        As in `TabularMLPClassifier`.
    optimizer : str or class of torch.optim.Optimizer, default="adamw"
        As in `TabularMLPClassifier`; the papers have "sgd" and "adam".
    optimizer_params : dict or None, default=None
        As in `TabularMLPClassifier`.
    learning_rate : float, default=1e-3
        Of the optimizer, before ``schedule``; as in the first paper. With the 4e-3 of
        `TabularMLPClassifier` wrong labels are learned before they are left out.
    weight_decay : float, default=1e-2
        As in `TabularMLPClassifier`.
    schedule : {"constant", "coslog4", "cosine", "linear"}, default="constant"
        As in `TabularMLPClassifier`.
    warmup_epochs : int, default=1
        As in `TabularMLPClassifier`.
    batch_size : int or "auto", default="auto"
        As in `TabularMLPClassifier`.
    max_epochs : int, default=60
        Passes over the training rows; all are done. The first paper has 200.
    gradient_clip : float or None, default=None
        Largest norm of the gradient of each net.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes in the loss, times ``sample_weight``.
    callbacks : list of skorch callbacks or None, default=None
        As in `TabularMLPClassifier`.
    categorical_features : array-like, "auto" or None, default="auto"
        As in `TabularMLPClassifier`.
    numeric_scaling : {"robust", "standard"}, default="robust"
        As in `TabularMLPClassifier`.
    device : str or torch.device, default="auto"
        As in `TabularMLPClassifier`.
    dtype : {"float32", "float64"}, default="float32"
        Of the net.
    mixed_precision : {"bfloat16", "float16"} or None, default=None
        Dtype of the products.
    max_time : float or None, default=None
        Seconds after which the training ends, at the end of an epoch.
    checkpoint : str, path-like or None, default=None
        As in `TabularMLPClassifier`.
    checkpoint_every : int, default=10
        As in `TabularMLPClassifier`.
    resume_from : str, path-like or None, default=None
        As in `TabularMLPClassifier`.
    warm_start : bool, default=False
        Whether a second ``fit`` goes on with the nets of the first one.
    verbose : int, default=0
        Whether the progress is shown on the standard error.
    random_state : int, RandomState instance or None, default=None
        Source of everything random.

    Attributes
    ----------
    forget_rate_ : float
        Share of the rows that was left out at last.
    selection_frequency_ : ndarray of shape (n_samples,)
        How often the row was chosen once rows were left out, from 0 to 1: low for wrong
        labels. Rows of weight 0 have NaN.
    selected_fraction_ : list of float
        Share of the rows that was kept in each epoch.
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    class_prior_ : ndarray of shape (n_classes,)
        Shares of the classes that the probabilities stand for.
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
    fit_time_ : float
        Seconds of the last fit.

    See Also
    --------
    CompressedMLPClassifier : Nets with few features to remember wrong labels.
    NoiseCorrectedClassifier : Trains by all rows and a matrix of the confusion.
    skoverfit.neural_network.CoTeaching : The batch step.

    Notes
    -----
    An epoch costs half as much again as one of `TabularMLPClassifier`: rows are chosen
    in evaluation mode, without masks. All epochs are trained, since rows that would be
    held out to judge the nets have wrong labels, too. The second paper trains the nets
    apart first (``pretrain_epochs``) and co-teaches at a smaller learning rate.

    References
    ----------
    .. [1] Han et al. (2018), "Co-teaching: robust training of deep neural networks with
       extremely noisy labels", NeurIPS, arXiv:1804.06872.
    .. [2] Chen, Hu, Shen, Ai & Suykens (2022), "Compressing features for learning with
       noisy labels", IEEE TNNLS, arXiv:2206.13140.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from skoverfit.datasets import make_label_noise
    >>> from skoverfit.noisy_labels import CoTeachingClassifier
    >>> X, y = make_blobs(600, centers=3, cluster_std=0.7, random_state=1)
    >>> y_noisy, wrong = make_label_noise(y, rate=0.3, return_mask=True, random_state=0)
    >>> model = CoTeachingClassifier(
    ...     (16,), forget_rate=0.3, n_estimators=2, max_epochs=30, random_state=0
    ... ).fit(X, y_noisy)
    >>> model.score(X, y) > 0.95
    True
    >>> chosen = model.selection_frequency_
    >>> bool(chosen[~wrong].mean() > 2 * chosen[wrong].mean())
    True
    """

    batch_step: Any = None
    early_stopping: bool = False
    label_smoothing: float = 0.0
    linear_start: bool = False
    module: Any = None
    tol: float = 0.0

    _parameter_constraints: ClassVar[dict] = {
        **{
            name: allowed
            for name, allowed in TabularMLPClassifier._parameter_constraints.items()
            if name not in _FIXED
        },
        "forget_rate": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="left")],
        "n_gradual": [Interval(Integral, 0, None, closed="left")],
        "exponent": [Interval(Real, 0, None, closed="neither")],
        "exchange": [StrOptions({"cross", "split"})],
        "class_balanced": ["boolean"],
        "pretrain_epochs": [Interval(Integral, 0, None, closed="left")],
        "compression": [StrOptions({"dropout", "nested"}), None],
        "sigma": [Interval(Real, 0, None, closed="neither")],
        "feature_dropout": [Interval(Real, 0, 1, closed="left")],
        "n_estimators": [Interval(Integral, 2, None, closed="left")],
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (128, 128),
        *,
        forget_rate: Any = "auto",
        n_gradual: int = 5,
        exponent: float = 1.0,
        exchange: str = "cross",
        class_balanced: bool = True,
        pretrain_epochs: int = 0,
        compression: Any = None,
        sigma: float = 10.0,
        feature_dropout: float = 0.3,
        activation: str = "relu",
        dropout: float = 0.5,
        numeric_embedding: str | None = None,
        n_estimators: int = 8,
        loss: Any = "cross_entropy",
        optimizer: Any = "adamw",
        optimizer_params: Any = None,
        learning_rate: float = 1e-3,
        weight_decay: float = 1e-2,
        schedule: str = "constant",
        warmup_epochs: int = 1,
        batch_size: int | str = "auto",
        max_epochs: int = 60,
        gradient_clip: float | None = None,
        class_weight: Any = None,
        callbacks: Any = None,
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
            hidden_layer_sizes,
            activation=activation,
            dropout=dropout,
            numeric_embedding=numeric_embedding,
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
            gradient_clip=gradient_clip,
            class_weight=class_weight,
            callbacks=callbacks,
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
        for name in _FIXED:  # no parameters here: the class has them
            del self.__dict__[name]
        self.forget_rate = forget_rate
        self.n_gradual = n_gradual
        self.exponent = exponent
        self.exchange = exchange
        self.class_balanced = class_balanced
        self.pretrain_epochs = pretrain_epochs
        self.compression = compression
        self.sigma = sigma
        self.feature_dropout = feature_dropout

    @available_if(lambda self: False)
    def partial_fit(self, *args: Any, **options: Any) -> Any:
        """Not there: rows are chosen over many epochs of all rows."""

    def _settings(self, *, incremental: bool = False) -> Any:
        if self.n_estimators % 2:
            raise BadInputError(
                "The 'n_estimators' parameter of CoTeachingClassifier must be even: "
                f"nets teach each other in pairs. Got {self.n_estimators} instead."
            )
        settings = super()._settings(incremental=incremental)
        settings.module_extra = compression_options(
            self.compression, self.sigma, self.feature_dropout
        )
        settings.batch_step = CoTeaching(
            0.0 if isinstance(self.forget_rate, str) else float(self.forget_rate),
            n_gradual=self.n_gradual,
            exponent=self.exponent,
            exchange=self.exchange,
            class_balanced=self.class_balanced,
            pretrain_epochs=self.pretrain_epochs,
        )
        return settings

    def _prepare(
        self, X: Any, y: Any, sample_weight: Any, settings: Any, **options: Any
    ) -> Any:
        prepared, fitted = super()._prepare(X, y, sample_weight, settings, **options)
        step = settings.batch_step
        if isinstance(self.forget_rate, str):
            step.forget_rate = self._estimated_rate(X, prepared, fitted["classes_"])
        step.count_rows(len(prepared.target))
        if options.get("encoder") is not None:  # a net that goes on
            self.net_.batch_step = step
        fitted["_n_rows"] = n_rows(known_container(y))
        return prepared, fitted

    def _finish(
        self, net: Any, prepared: Any, fitted: Any, *args: Any, **options: Any
    ) -> None:
        frequency = np.full(fitted.pop("_n_rows"), np.nan)
        super()._finish(net, prepared, fitted, *args, **options)
        step = net.batch_step
        frequency[prepared.extra["kept_rows"]] = step.chosen_frequency()
        self.selection_frequency_ = frequency
        self.forget_rate_ = float(step.forget_rate)
        trained = self.n_iter_ - getattr(net, "first_row_", 0)
        self.selected_fraction_ = [step.kept_share(t) for t in range(trained)]

    def _estimated_rate(self, X: Any, prepared: Any, classes: np.ndarray) -> float:
        """Return the share of wrong labels, by the labels that two folds can have."""
        counts = np.bincount(prepared.target, minlength=len(classes))
        rows = np.flatnonzero(counts[prepared.target] > 1)
        if (counts > 1).sum() < 2:
            raise BadInputError(
                "forget_rate='auto' needs two labels of at least 2 rows each; "
                f"{classes.tolist()[int(counts.argmin())]!r} has {counts.min()}. Give "
                "the share of wrong labels as a number."
            )
        table = self._encoded(X, prepared)
        try:
            found = estimate(
                classes[prepared.target[rows]],
                X=table
                if len(rows) == len(prepared.target)
                else take_rows(table, rows),
                classes=classes[counts > 1],
                random_state=derive_seed(prepared.extra["entropy"], "forget_rate"),
            )
        except ValueError as error:
            raise BadInputError(
                "forget_rate='auto' can't be estimated from these rows; give the share "
                f"of wrong labels as a number. ({error})"
            ) from error
        return float(np.clip(found.noise_rate, 0.0, _MOST_FORGOTTEN))

    @staticmethod
    def _encoded(X: Any, prepared: Any) -> Any:
        """Return the rows for an estimate: encoded, if no category is left to embed."""
        if prepared.rows.codes is None:
            return prepared.rows.dense
        return take_rows(known_container(X), prepared.extra["kept_rows"])
