# SPDX-License-Identifier: BSD-3-Clause
"""Features by which a row is told from all others, whatever view of it is seen."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval, StrOptions

from skoverfit.neural_network import BatchStep, NTXentLoss
from skoverfit.neural_network._prepared import Prepared
from skoverfit.neural_network._settings import Settings
from skoverfit.representation._base import BaseEncoder
from skoverfit.representation._feature_corruption import FeatureCorruption
from skoverfit.representation._view_steps import ContrastiveStep, MoCoStep

__all__ = ["ContrastiveEncoder"]

_TEMPERATURES = {"simclr": 0.5, "scarf": 1.0, "moco": 0.2}
_LARGEST_QUEUE = 4096


class ContrastiveEncoder(BaseEncoder):
    """Learn features without labels, by telling rows apart from views of them.

    Two views of each row are made (a part of its features is replaced; an image is
    moved), and a net is trained to find the other view of a row among those of others.
    For tables with many rows of which few have labels, or labels that can't be
    trusted: no label is looked at. Read more in the
    :doc:`User Guide </user_guide/representation>`.

    .. versionadded:: 0.1

    Parameters
    ----------
    hidden_layer_sizes : array-like of int, default=(256, 256)
        Widths of the encoder's layers; the last one is the number of features.
    projector_sizes : array-like of int, default=(256, 128)
        Widths of the layers behind it that only the loss sees.
    method : {"moco", "scarf", "simclr"}, default="simclr"
        "simclr": all views of a batch are told from each other. "scarf": second views
        are told apart by first ones, the clean rows. "moco": keys come from a slow copy
        of the net and are told from a queue of past keys, so that batches may be small.
    views : "auto", view maker or pair of them, default="auto"
        What makes the views; one maker makes both, None in a pair leaves the rows as
        they are. "auto" is `ImageViews` twice with ``image_shape``, otherwise the row
        and its `FeatureCorruption`, as in SCARF; for "moco" twice
        ``FeatureCorruption(rate=0.3)``.
    temperature : float or None, default=None
        Of the similarities; None is 0.5, 1 and 0.2 for "simclr", "scarf" and "moco".
    momentum : float, default=0.99
        Share of itself that the slow copy of "moco" keeps in a step. MoCo has 0.999,
        which needs tens of thousands of steps.
    queue_size : int or None, default=None
        Past keys of "moco", at most the training rows; None is at most 4096, in whole
        batches; 0 takes the other keys of the batch instead.
    architecture : {"auto", "conv", "mlp"}, default="auto"
        "conv" has three convolutions in front of the layers; "auto" takes it where
        ``image_shape`` is given.
    activation : str, default="relu"
        As in `TabularMLPClassifier`.
    normalization : {"batch"} or None, default="batch"
        Whether layers are normalized over the batch.
    image_shape : tuple of int or None, default=None
        ``(height, width)`` or ``(channels, height, width)`` of images; pixels are
        scaled together then, and none may be missing. Arrays of images may have their
        channels last; flat rows have them first.
    normalize_output : bool, default=False
        Whether the features of a row are scaled to length 1.
    optimizer : str or class of torch.optim.Optimizer, default="adam"
        As in `TabularMLPClassifier`.
    optimizer_params : dict or None, default=None
        As in `TabularMLPClassifier`.
    learning_rate : float, default=1e-3
        Largest one.
    weight_decay : float, default=1e-6
        Weight of the squared norm of the weights.
    schedule : {"constant", "coslog4", "cosine", "linear"}, default="cosine"
        As in `TabularMLPClassifier`.
    warmup_epochs : int, default=10
        Epochs over which the learning rate rises.
    batch_size : int or "auto", default=256
        Rows of a step, at least 4; all rows where these are fewer.
    max_epochs : int, default=200
        Most passes over the training rows.
    early_stopping : bool, default=False
        Whether a part is held out, on whose loss the best weights are chosen. Its
        views are the same in each epoch.
    validation_fraction : float, default=0.1
        Share of the rows that is held out.
    n_iter_no_change : int, default=3
        Patience in epochs, as in SCARF.
    tol : float, default=0.0
        How much lower a held-out loss has to be to be better.
    gradient_clip : float or None, default=None
        Largest norm of the gradient.
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
        As in `TabularMLPClassifier`.
    max_time : float or None, default=None
        Seconds after which the training ends, at the end of an epoch.
    warm_start : bool, default=False
        Whether a second ``fit`` goes on with the net of the first one.
    verbose : int, default=0
        Whether anything is printed.
    random_state : int, RandomState instance or None, default=None
        Source of the start, the order of rows and the views.

    Attributes
    ----------
    module_ : torch.nn.Module
        The trained net: ``module_.features(module_.encode(dense, codes))`` are the
        features, ``module_.head`` is the projector.
    net_ : NeuralNet
        The skorch net that holds it.
    n_features_in_ : int
        Number of columns seen in fit.
    feature_names_in_ : ndarray of str of shape (n_features,)
        Names of the columns; only where all of them are texts.
    history_ : list of dict
        One row an epoch: ``epoch``, ``train_loss``, with early stopping ``valid_loss``,
        ``learning_rate``, ``seconds``.
    n_iter_ : int
        Epochs that were trained.
    best_epochs_ : list of int
        Epoch that the net was put back to, 0 for its start; only with early stopping.
    best_losses_ : list of float
        Held-out loss there; only with early stopping.
    fit_time_ : float
        Seconds of the last fit.

    See Also
    --------
    PretrainedClassifier : Encoder and classifier in one object.
    VIMEEncoder : Learns by restoring what was replaced.
    MixedBarlowTwins : Learns from views without telling rows apart.

    Notes
    -----
    In "moco" no gradient flows through keys. With the clean row as the query a net
    would never be trained on rows like those that it has to see through; hence views
    on both sides there.

    The slow copy and the queue of "moco" start anew with each training; the queue is
    empty at first, and keys of the batch stand in for it. An older key of the same row
    is not counted as another row, which is ours: in small tables the queue holds most
    rows. Batches go through the slow copy in two random halves, as MoCo shuffles them
    between devices. The same seed gives the same features on one machine; a GPU may
    differ in the last digits.

    References
    ----------
    Chen, Kornblith, Norouzi & Hinton (2020), "A simple framework for contrastive
    learning of visual representations", ICML, arXiv:2002.05709.

    Bahri, Jiang, Tay & Metzler (2022), "SCARF: Self-supervised contrastive learning
    using random feature corruption", ICLR, arXiv:2106.15147.

    He, Fan, Wu, Xie & Girshick (2020), "Momentum contrast for unsupervised visual
    representation learning", CVPR, arXiv:1911.05722.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skoverfit.representation import ContrastiveEncoder
    >>> X, _ = load_iris(return_X_y=True)
    >>> encoder = ContrastiveEncoder((16,), max_epochs=5, random_state=0).fit(X)
    >>> encoder.transform(X).shape
    (150, 16)
    """

    _parameter_constraints: ClassVar[dict] = {
        **BaseEncoder._parameter_constraints,
        "projector_sizes": ["array-like"],
        "method": [StrOptions(set(_TEMPERATURES))],
        "temperature": [Interval(Real, 0, None, closed="neither"), None],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "queue_size": [Interval(Integral, 0, None, closed="left"), None],
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (256, 256),
        *,
        projector_sizes: Any = (256, 128),
        method: str = "simclr",
        views: Any = "auto",
        temperature: float | None = None,
        momentum: float = 0.99,
        queue_size: int | None = None,
        architecture: str = "auto",
        activation: str = "relu",
        normalization: str | None = "batch",
        image_shape: Any = None,
        normalize_output: bool = False,
        optimizer: Any = "adam",
        optimizer_params: Any = None,
        learning_rate: float = 1e-3,
        weight_decay: float = 1e-6,
        schedule: str = "cosine",
        warmup_epochs: int = 10,
        batch_size: int | str = 256,
        max_epochs: int = 200,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 3,
        tol: float = 0.0,
        gradient_clip: float | None = None,
        callbacks: Any = None,
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
        self.hidden_layer_sizes = hidden_layer_sizes
        self.projector_sizes = projector_sizes
        self.method = method
        self.views = views
        self.temperature = temperature
        self.momentum = momentum
        self.queue_size = queue_size
        self.architecture = architecture
        self.activation = activation
        self.normalization = normalization
        self.image_shape = image_shape
        self.normalize_output = normalize_output
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
        self.callbacks = callbacks
        self.categorical_features = categorical_features
        self.numeric_scaling = numeric_scaling
        self.device = device
        self.dtype = dtype
        self.mixed_precision = mixed_precision
        self.max_time = max_time
        self.warm_start = warm_start
        self.verbose = verbose
        self.random_state = random_state

    def _auto_views(self) -> tuple[Any, Any]:
        if self.method != "moco" or self.image_shape is not None:
            return super()._auto_views()
        view = FeatureCorruption(rate=0.3)
        return view, view

    def _make_step(
        self, views: tuple[Any, Any], prepared: Prepared, settings: Settings
    ) -> BatchStep:
        temperature = self.temperature or _TEMPERATURES[self.method]
        if self.method != "moco":
            symmetric = self.method == "simclr"
            return ContrastiveStep(
                views, NTXentLoss(temperature, symmetric=symmetric, reduction="none")
            )
        n = prepared.batch_rows
        batch = settings.batch_rows(n)
        size = min(_LARGEST_QUEUE, n - n % batch)
        if self.queue_size is not None:
            size = min(self.queue_size, n)
        return MoCoStep(
            views,
            temperature=temperature,
            momentum=self.momentum,
            queue_size=size,
        )
