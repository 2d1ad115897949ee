# SPDX-License-Identifier: BSD-3-Clause
"""A net whose last features are compressed, against wrong labels."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils._param_validation import Interval, StrOptions

from skoverfit.neural_network import TabularMLPClassifier
from skoverfit.neural_network._nested_dropout import best_width

__all__ = ["CompressedMLPClassifier", "compression_options"]

# Rows of each net that a width is chosen by; more make no difference.
_MOST_ROWS = 5000
# Parameters of the parent that are none here.
_FIXED = ("linear_start", "label_smoothing", "module")


def compression_options(
    compression: str | None, sigma: float, feature_dropout: float
) -> dict[str, Any]:
    """Return the options of the module that compress its features."""
    if compression is None:
        return {}
    if compression == "nested":
        return {
            "nested_sigma": float(sigma),
            "feature_dropout": 0.0,
            "head_bias": False,
        }
    return {"feature_dropout": float(feature_dropout), "head_bias": False}


class CompressedMLPClassifier(TabularMLPClassifier):
    """Classify by nets that have few features to remember wrong labels with.

    The last layer of features is masked in training, by nested dropout or by strong
    dropout, and the layer behind it has no bias: what a net knows has to fit into few
    numbers, and single wrong labels don't. The nets are those of
    `TabularMLPClassifier` otherwise. Read more in the :doc:`User Guide
    </user_guide/label_noise>`.

    .. versionadded:: 0.1

    Parameters
    ----------
    hidden_layer_sizes : array-like of int, default=(256, 64)
        Widths of the hidden layers; the last one is the layer of features.
    compression : {"dropout", "nested"}, default="nested"
        What masks the features, see `NestedDropout`; "dropout" is ordinary dropout.
    sigma : float, default=10.0
        Width of the law of nested dropout; the paper has 10 for ten classes and 100 for
        a hundred.
    feature_dropout : float, default=0.3
        Probability that a feature is left out, with "dropout"; 0.1 to 0.7 in the paper.
    n_active : int, "auto" or None, default="auto"
        Features that a net predicts by, with "nested". "auto" takes, for each net, the
        number with the best accuracy on the rows that it left out, less 1e-5 a feature;
        without early stopping, and for None, all are taken.
    activation : str, default="relu"
        As in `TabularMLPClassifier`.
    dropout : float, default=0.1
        Probability that a hidden unit before the last layer of features is left out.
    numeric_embedding : {"auto", "periodic"} or None, default=None
        As in `TabularMLPClassifier`, where it is "auto": trained waves of single
        columns fit single wrong labels.
    n_estimators : int, default=8
        Nets, whose probabilities are averaged; the paper has one.
    loss : str, class or instance of torch.nn.Module, default="cross_entropy"
        As in `TabularMLPClassifier`.
    optimizer : str or class of torch.optim.Optimizer, default="adamw"
        As in `TabularMLPClassifier`; the papers have "sgd" and "adam".
    optimizer_params : dict or None, default=None
        As in `TabularMLPClassifier`.
    learning_rate : float, default=4e-3
        Of the optimizer, before ``schedule``.
    weight_decay : float, default=1e-2
        As in `TabularMLPClassifier`.
    schedule : {"constant", "coslog4", "cosine", "linear"}, default="constant"
        As in `TabularMLPClassifier`.
    warmup_epochs : int, default=1
        As in `TabularMLPClassifier`.
    batch_size : int or "auto", default="auto"
        As in `TabularMLPClassifier`.
    max_epochs : int, default=150
        Most passes over the training rows; the paper has 350.
    early_stopping : bool, default=True
        As in `TabularMLPClassifier`. The rows that are left out are also what chooses
        the width; their labels may be wrong, too, which biases no width over another if
        noise does not depend on the row.
    validation_fraction : float, default=0.125
        Share of rows that a net leaves out.
    n_iter_no_change : int, default=16
        Patience in epochs.
    tol : float, default=1e-5
        How much lower a validation loss has to be to be better.
    gradient_clip : float or None, default=None
        Largest norm of the gradient of each net.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes in the loss, times ``sample_weight``.
    batch_step : {"mixup"}, BatchStep or None, default=None
        As in `TabularMLPClassifier`.
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
    n_active_ : list of int of shape (n_estimators,)
        Features that each net predicts by.
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
    best_epochs_ : list of int of shape (n_estimators,)
        Epoch that each net was put back to, 0 for its start; only with early stopping.
    best_losses_ : list of float of shape (n_estimators,)
        Validation losses there; only with early stopping.

    See Also
    --------
    CoTeachingClassifier : May compress, too, and leaves out rows.
    skoverfit.neural_network.NestedDropout : The layer.

    Notes
    -----
    The paper chooses the width on clean rows in every epoch; here it is chosen once, at
    the end, on rows that are as noisy as the others.

    References
    ----------
    Chen, Hu, Shen, Ai & Suykens (2022), "Compressing features for learning with noisy
    labels", IEEE TNNLS, arXiv:2206.13140.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skoverfit.noisy_labels import CompressedMLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> net = CompressedMLPClassifier(
    ...     (32, 16), n_estimators=2, max_epochs=30, random_state=0
    ... ).fit(X, y)
    >>> net.score(X, y) > 0.9
    True
    >>> max(net.n_active_) <= 16
    True
    """

    linear_start: bool = False
    label_smoothing: float = 0.0
    module: Any = None

    _parameter_constraints: ClassVar[dict] = {
        **{
            name: allowed
            for name, allowed in TabularMLPClassifier._parameter_constraints.items()
            if name not in _FIXED
        },
        "compression": [StrOptions({"dropout", "nested"})],
        "sigma": [Interval(Real, 0, None, closed="neither")],
        "feature_dropout": [Interval(Real, 0, 1, closed="left")],
        "n_active": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
            None,
        ],
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (256, 64),
        *,
        compression: str = "nested",
        sigma: float = 10.0,
        feature_dropout: float = 0.3,
        n_active: Any = "auto",
        activation: str = "relu",
        dropout: float = 0.1,
        numeric_embedding: str | None = None,
        n_estimators: int = 8,
        loss: Any = "cross_entropy",
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
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            tol=tol,
            gradient_clip=gradient_clip,
            class_weight=class_weight,
            batch_step=batch_step,
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
        self.compression = compression
        self.sigma = sigma
        self.feature_dropout = feature_dropout
        self.n_active = n_active

    def _settings(self, *, incremental: bool = False) -> Any:
        settings = super()._settings(incremental=incremental)
        settings.module_extra = compression_options(
            self.compression, self.sigma, self.feature_dropout
        )
        return settings

    def _finish(self, net: Any, prepared: Any, *args: Any, **options: Any) -> None:
        nested, n_nets = net.module_.nested, len(net.plan.generators)
        sizes = net.module_.head.weight.shape[1]
        widths = [sizes] * n_nets
        if nested is not None:
            if isinstance(self.n_active, Integral):
                widths = [min(int(self.n_active), sizes)] * n_nets
            elif self.n_active == "auto" and prepared.valid is not None:
                widths = _chosen_widths(net, prepared)
            with torch.no_grad():
                nested.active.copy_(torch.tensor(widths, dtype=nested.active.dtype))
        self.n_active_ = widths
        super()._finish(net, prepared, *args, **options)


@torch.no_grad()
def _chosen_widths(net: Any, prepared: Any) -> list[int]:
    """Return the width of each net that is best on the rows that it left out."""
    module, parts = net.module_, [rows[:_MOST_ROWS] for rows in prepared.valid]
    module.eval()
    device = module.head.weight.device
    longest = max(len(rows) for rows in parts)
    rows = np.stack([np.resize(part, longest) for part in parts])
    made = []
    for first in range(0, longest, 512):
        chunk = rows[:, first : first + 512]
        dense = torch.from_numpy(prepared.rows.dense[chunk]).to(device)
        codes = prepared.rows.codes
        if codes is not None:
            codes = torch.from_numpy(codes[chunk]).to(device)
        made.append(module.features(module.encode(dense, codes)).cpu())
    features = torch.cat(made, dim=1).double().numpy()
    weight = module.head.weight.double().cpu().numpy()
    return [
        best_width(
            features[k, : len(part)],
            weight[k],
            np.zeros((len(part), weight.shape[2])),
            prepared.target[part],
        )
        for k, part in enumerate(parts)
    ]
