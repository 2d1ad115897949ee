# SPDX-License-Identifier: BSD-3-Clause
"""The tabular net, trained by EnsLoss."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import torch
from sklearn.utils._param_validation import Interval, StrOptions

from skoverfit.neural_network._ens_loss import EnsLoss
from skoverfit.neural_network._losses import get_loss
from skoverfit.neural_network._tabular_mlp_classifier import TabularMLPClassifier

__all__ = ["EnsLossClassifier"]


class EnsLossClassifier(TabularMLPClassifier):
    """Classify rows of a table by nets that see another loss in every batch.

    The nets of `TabularMLPClassifier`, trained by `EnsLoss`: each batch of each net has
    a freshly drawn convex loss that leads to the most probable class. For tables where
    a net fits every training row and the decision matters more than the probability.
    Gains over cross-entropy that is trained as well are small. Read more in the
    :doc:`User Guide </user_guide/neural_network>`.

    .. versionadded:: 0.1

    Parameters
    ----------
    hidden_layer_sizes : array-like of int, default=(128, 128)
        Widths of the hidden layers. The paper has one, three or five of 1024.
    lam : float, default=0.0
        Of the inverse Box-Cox transform of the draws; 0 as published.
    lam_range : tuple of two floats or None, default=None
        ``lam`` is drawn from here anew every ``period`` epochs.
    period : int, default=10
        Epochs between new ``lam``.
    tail_power : float, default=1.0
        Slopes of margins above 1 are divided by this power of the margin; 1 as
        published.
    sampling : {"random", "expected"}, default="random"
        "expected" draws nothing, see `EnsLoss`.
    multiclass : {"pairwise", "ovr"}, default="pairwise"
        Our extension to several classes, see `EnsLoss`. Two classes are as published.
    eval_loss : {"logistic", "hinge", "zero_one"}, default="zero_one"
        What early stopping looks at. Margins grow all the time, so that the logistic
        loss ends the training too early.
    activation : str, default="relu"
        As in `TabularMLPClassifier`.
    dropout : float, default=0.1
        As in `TabularMLPClassifier`.
    numeric_embedding : {"auto", "periodic"} or None, default="auto"
        As in `TabularMLPClassifier`.
    linear_start : bool, default=False
        As in `TabularMLPClassifier`; the start is trained by cross-entropy.
    n_estimators : int, default=8
        Nets, whose probabilities are averaged; the paper has one.
    optimizer : str or class of torch.optim.Optimizer, default="adamw"
        As in `TabularMLPClassifier`; the paper has "sgd".
    optimizer_params : dict or None, default=None
        As in `TabularMLPClassifier`.
    learning_rate : float, default=4e-3
        Compare losses only after tuning it for each: the slopes of EnsLoss do not fade
        when rows are fitted.
    weight_decay : float, default=1e-2
        As in `TabularMLPClassifier`.
    schedule : {"constant", "coslog4", "cosine", "linear"}, default="constant"
        As in `TabularMLPClassifier`; the paper has "cosine".
    warmup_epochs : int, default=1
        As in `TabularMLPClassifier`.
    batch_size : int or "auto", default="auto"
        As in `TabularMLPClassifier`; the paper has 128.
    max_epochs : int, default=150
        Most passes over the training rows; the paper has 300.
    early_stopping : bool, default=True
        As in `TabularMLPClassifier`. The paper has none; it is what makes the loss pay
        where labels are wrong. Without it there are no probabilities.
    validation_fraction : float, default=0.125
        Share of rows that a net leaves out; on these its margins are calibrated, too.
    n_iter_no_change : int, default=16
        Patience in epochs.
    tol : float, default=1e-5
        How much lower a validation loss has to be to be better.
    gradient_clip : float or None, default=None
        Largest norm of the gradient of each net.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes in the loss, times ``sample_weight``.
    batch_step : {"adversarial", "manifold_mixup", "mixup", "winsorized"}, BatchStep \
or None, default=None
        As in `TabularMLPClassifier`.
    callbacks : list of skorch callbacks or None, default=None
        As in `TabularMLPClassifier`.
    module : torch.nn.Module, or class or function that returns one, default=None
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
        Dtype of the products; slopes are found in float32.
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
        Whether anything is printed.
    random_state : int, RandomState instance or None, default=None
        Source of the parts, the start, the order of rows, masks, and the losses.

    Attributes
    ----------
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
        One row an epoch, see `history_frame`. The training losses mean nothing.
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
    EnsLoss : The loss, for a loop of your own.
    TabularMLPClassifier : The same with other losses.

    Notes
    -----
    ``predict_proba`` comes from one slope and an offset a class, fitted to the margins
    of the rows that each net left out (Platt's sigmoid for two classes): what EnsLoss
    leaves in the logits are no log-odds. ``decision_function`` is then the calibrated
    log-odds, and ``predict`` its sign. Without early stopping, and after
    ``partial_fit``, there are no such rows: ``decision_function`` is the mean margin
    and ``predict_proba`` is missing.

    References
    ----------
    Dai (2025), "EnsLoss: Stochastic calibrated loss ensembles for preventing
    overfitting in classification", ICML, arXiv:2409.00908.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skoverfit.neural_network import EnsLossClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> net = EnsLossClassifier(n_estimators=4, max_epochs=20, random_state=0).fit(X, y)
    >>> net.score(X, y) > 0.9
    True
    >>> hasattr(EnsLossClassifier(early_stopping=False), "predict_proba")
    False
    """

    loss: Any = "ens_loss"
    label_smoothing: float = 0.0

    _parameter_constraints: ClassVar[dict] = {
        **{
            name: allowed
            for name, allowed in TabularMLPClassifier._parameter_constraints.items()
            if name not in ("loss", "label_smoothing")
        },
        "lam": [Real],
        "lam_range": [tuple, None],
        "period": [Interval(Integral, 1, None, closed="left")],
        "tail_power": [Interval(Real, 0, None, closed="left")],
        "sampling": [StrOptions({"expected", "random"})],
        "multiclass": [StrOptions({"ovr", "pairwise"})],
        "eval_loss": [StrOptions({"hinge", "logistic", "zero_one"})],
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (128, 128),
        *,
        lam: float = 0.0,
        lam_range: tuple[float, float] | None = None,
        period: int = 10,
        tail_power: float = 1.0,
        sampling: str = "random",
        multiclass: str = "pairwise",
        eval_loss: str = "zero_one",
        activation: str = "relu",
        dropout: float = 0.1,
        numeric_embedding: str | None = "auto",
        linear_start: bool = False,
        n_estimators: int = 8,
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
            linear_start=linear_start,
            n_estimators=n_estimators,
            loss="ens_loss",
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
            class_weight=class_weight,
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
        del self.loss, self.label_smoothing  # no parameters here: the class has them
        self.lam = lam
        self.lam_range = lam_range
        self.period = period
        self.tail_power = tail_power
        self.sampling = sampling
        self.multiclass = multiclass
        self.eval_loss = eval_loss

    def _make_loss(self) -> torch.nn.Module:
        loss: torch.nn.Module = get_loss(
            EnsLoss(
                lam=self.lam,
                lam_range=self.lam_range,
                period=self.period,
                tail_power=self.tail_power,
                sampling=self.sampling,
                multiclass=self.multiclass,
                eval_loss=self.eval_loss,
            ),
            {},
        )
        return loss
