# SPDX-License-Identifier: BSD-3-Clause
"""Features from which a row can be restored whose cells were replaced."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval

from skoverfit.neural_network import BatchStep
from skoverfit.neural_network._encoding import TableEncoder
from skoverfit.neural_network._parameters import layer_sizes
from skoverfit.neural_network._prepared import Prepared
from skoverfit.neural_network._settings import Settings
from skoverfit.representation._base import BaseEncoder
from skoverfit.representation._feature_corruption import FeatureCorruption
from skoverfit.representation._view_steps import RestoringStep

__all__ = ["VIMEEncoder"]


class VIMEEncoder(BaseEncoder):
    """Learn features without labels, by restoring values that were replaced.

    A part of each row is replaced by values of other rows, and a net is trained to
    tell which cells were, and what stood there. For tables whose columns depend on each
    other. Read more in the :doc:`User Guide </user_guide/representation>`.

    .. versionadded:: 0.1

    Parameters
    ----------
    hidden_layer_sizes : array-like of int, default=(256, 256)
        Widths of the encoder's layers; the last one is the number of features.
    projector_sizes : array-like of int, default=()
        Widths of hidden layers between the features and what is restored; VIME has
        none.
    rate : float, default=0.3
        Probability with which a cell is replaced, by that of another row of the batch.
    alpha : float, default=2.0
        Weight of telling which cells were replaced; restoring them has 1.
    views : "auto" or view maker, default="auto"
        What replaces values; "auto" is ``FeatureCorruption("swap", rate=rate,
        exact=False)``.
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
    ContrastiveEncoder : Learns by telling rows apart.
    FeatureCorruption : What replaces the values.

    Notes
    -----
    A cell counts as replaced where its value has changed: another row may have the same
    one. Numbers are restored as they are scaled for the net, categories as their
    one-hot columns; of columns with many levels it is told only whether they were
    replaced. The second, semi-supervised stage of the paper is `PretrainedClassifier`.

    References
    ----------
    Yoon, Zhang, Jordon & van der Schaar (2020), "VIME: Extending the success of self-
    and semi-supervised learning to tabular domain", NeurIPS.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skoverfit.representation import VIMEEncoder
    >>> X, _ = load_iris(return_X_y=True)
    >>> encoder = VIMEEncoder((16,), max_epochs=5, random_state=0).fit(X)
    >>> encoder.transform(X).shape
    (150, 16)
    """

    _parameter_constraints: ClassVar[dict] = {
        **BaseEncoder._parameter_constraints,
        "projector_sizes": ["array-like"],
        "rate": [Interval(Real, 0, 1, closed="right")],
        "alpha": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (256, 256),
        *,
        projector_sizes: Any = (),
        rate: float = 0.3,
        alpha: float = 2.0,
        views: Any = "auto",
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
        self.rate = rate
        self.alpha = alpha
        self.views = views
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
        view = FeatureCorruption("swap", rate=self.rate, exact=False)
        return None, view

    def _head(self, encoder: TableEncoder) -> tuple[tuple[int, ...], int]:
        n_cells = encoder.n_dense + len(encoder.n_codes)
        return layer_sizes(self.projector_sizes), encoder.n_dense + n_cells

    def _make_step(
        self, views: tuple[Any, Any], prepared: Prepared, settings: Settings
    ) -> BatchStep:
        return RestoringStep(views[1], self.alpha)
