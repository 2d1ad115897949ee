# SPDX-License-Identifier: BSD-3-Clause
"""What all encoders share: a table in, features out, a net in between."""

from __future__ import annotations

import math
from abc import abstractmethod
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.base import (
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from skoverfit._core._arrays import n_rows
from skoverfit.exceptions import BadInputError
from skoverfit.neural_network import BatchStep
from skoverfit.neural_network._base import BaseTableNet
from skoverfit.neural_network._callbacks import with_callbacks
from skoverfit.neural_network._encoder_module import EncoderModule, NetStart
from skoverfit.neural_network._encoding import (
    EncodedTable,
    TableEncoder,
    known_container,
)
from skoverfit.neural_network._net import TabularNet
from skoverfit.neural_network._parameters import layer_sizes
from skoverfit.neural_network._prepared import Prepared
from skoverfit.neural_network._settings import Settings
from skoverfit.representation._feature_corruption import FeatureCorruption
from skoverfit.representation._image_views import (
    ImageViews,
    flat_images,
    image_shape_of,
    warn_of_last_channels,
)

__all__ = ["BaseEncoder"]

_SHARED = (
    "hidden_layer_sizes", "activation", "optimizer", "optimizer_params",
    "learning_rate", "weight_decay", "schedule", "warmup_epochs", "max_epochs",
    "early_stopping", "validation_fraction", "n_iter_no_change", "tol",
    "gradient_clip", "callbacks", "categorical_features", "numeric_scaling", "device",
    "dtype", "mixed_precision", "max_time", "warm_start", "verbose", "random_state",
)  # fmt: skip


class BaseEncoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseTableNet):
    """Base class of the encoders; use a derived class."""

    # What a net has and an encoder has not: parameters of targets, of ensembles, and
    # checkpoints, which would have to hold the step's own nets and queues.
    dropout: float = 0.0
    numeric_embedding: str | None = None
    linear_start: bool = False
    n_estimators: int = 1
    loss: Any = "squared_error"
    batch_step: Any = None
    module: Any = None
    checkpoint: Any = None
    checkpoint_every: int = 1
    resume_from: Any = None

    _parameter_constraints: ClassVar[dict] = {
        **{name: BaseTableNet._parameter_constraints[name] for name in _SHARED},
        # Smaller ones would leave a batch of one row, which is told from no other.
        "batch_size": [
            StrOptions({"auto"}),
            Interval(Integral, 4, None, closed="left"),
        ],
        "views": [StrOptions({"auto"}), callable, tuple],
        "architecture": [StrOptions({"auto", "conv", "mlp"})],
        "normalization": [StrOptions({"batch"}), None],
        "image_shape": [tuple, list, None],
        "normalize_output": ["boolean"],
    }

    # --- what a subclass says --------------------------------------------------------

    @abstractmethod
    def _make_step(
        self, views: tuple[Any, Any], prepared: Prepared, settings: Settings
    ) -> BatchStep:
        """Return the batch step of a training."""

    def _auto_views(self) -> tuple[Any, Any]:
        """Return the makers of the two views where the user names none."""
        if self.image_shape is not None:
            view = ImageViews(image_shape_of(self.image_shape))
            return view, view
        return None, FeatureCorruption()

    def _head(self, encoder: TableEncoder) -> tuple[tuple[int, ...], int]:
        """Return the widths of the projector's hidden layers, and its outputs."""
        sizes = layer_sizes(self.projector_sizes)
        if not sizes:
            raise BadInputError(
                "The 'projector_sizes' parameter must hold at least one integer, the "
                f"width of the projections. Got {self.projector_sizes!r} instead."
            )
        return sizes[:-1], sizes[-1]

    # --- training --------------------------------------------------------------------

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Any:
        """Learn features of the rows.

        Parameters
        ----------
        X : table of shape (n_samples, n_features), or images (n_samples, C, H, W)
            Array-like, dataframe, sparse matrix or tensor; infinite values are refused.
        y : None
            Not used: features that know no labels can't learn wrong ones.

        Returns
        -------
        self : object
            The encoder itself. After Ctrl-C it is fitted, too, and warns.

        Raises
        ------
        BadInputError
            If a parameter can't be used.
        ValueError
            If the rows can't be used.
        TrainingError
            If the loss stops being a number.
        """
        return self._fit(X, np.zeros(_count(X)), None)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any = None) -> Any:
        """Train for one epoch on these rows, without a held-out part.

        The first call decides how columns are encoded, and its rows should look like
        those to come. The learning rate is constant.

        Parameters
        ----------
        X : table of shape (n_samples, n_features), or images (n_samples, C, H, W)
            Some rows.
        y : None
            Not used.

        Returns
        -------
        self : object
            The encoder itself.
        """
        return self._partial_fit(X, np.zeros(_count(X)), None)

    def _ready(self, prepared: Prepared, settings: Settings) -> None:
        encoder = prepared.encoder
        n_train = min(len(rows) for rows in prepared.train)
        if n_train < 2:
            raise BadInputError(
                f"{type(self).__name__} needs at least 2 rows to train on, and has "
                f"n_samples={n_train}."
            )
        if not encoder.n_dense and not encoder.n_codes:
            raise BadInputError(
                f"{type(self).__name__} needs a column that is not constant; in all "
                f"{len(prepared.target)} rows there is none."
            )
        projector, prepared.n_outputs = self._head(encoder)
        settings.start_from(NetStart(options=self._options(projector)))
        views = self._fitted_views(prepared, settings)
        settings.batch_step = self._make_step(views, prepared, settings)
        if hasattr(self, "net_"):  # a training that goes on, in a net that is there
            self.net_.batch_step = settings.batch_step

    def _finish(self, net: TabularNet, *args: Any) -> None:
        super()._finish(net, *args)
        net.batch_step = BatchStep()  # the views held the training rows
        self._n_projections = self.module_.n_outputs

    def _options(self, projector: tuple[int, ...]) -> dict[str, Any]:
        shape = None
        if self.image_shape is not None and self.architecture != "mlp":
            shape = image_shape_of(self.image_shape)
        elif self.architecture == "conv":
            raise BadInputError(
                "architecture='conv' needs image_shape, the shape of an image."
            )
        sizes = layer_sizes(self.hidden_layer_sizes)
        if not sizes:
            raise BadInputError(
                "The 'hidden_layer_sizes' parameter must hold at least one integer, "
                f"the width of the features. Got {self.hidden_layer_sizes!r} instead."
            )
        return {
            "hidden_layer_sizes": sizes,
            "projector_sizes": projector,
            "activation": self.activation,
            "normalization": self.normalization,
            "image_shape": shape,
        }

    def _fitted_views(self, prepared: Prepared, settings: Settings) -> tuple[Any, Any]:
        """Return the makers of both views, fitted on the training rows."""
        given = self._auto_views() if isinstance(self.views, str) else self.views
        pair = given if isinstance(given, tuple) else (given, given)
        if len(pair) != 2 or not all(v is None or callable(v) for v in pair):
            raise BadInputError(
                "The 'views' parameter must be 'auto', a view maker, or a pair of view "
                f"makers or None. Got {self.views!r} instead."
            )
        if not any(hasattr(view, "fit") for view in pair):
            return pair
        rows = prepared.train[0]
        table = torch.from_numpy(prepared.rows.dense[rows])
        if prepared.rows.codes is not None:
            codes = torch.from_numpy(prepared.rows.codes[rows]).to(table.dtype)
            table = torch.cat([table, codes], dim=1)
        table, groups = table.to(settings.device), self._groups(prepared.encoder)
        made: dict[int, Any] = {}
        for view in pair:
            if id(view) in made or not hasattr(view, "fit"):
                made.setdefault(id(view), view)
            elif isinstance(view, FeatureCorruption):
                # Columns are those of the encoded table, unless the user says so.
                own = groups if view.categorical_groups is None else None
                made[id(view)] = view.unfitted().fit(table, groups=own)
            else:
                made[id(view)] = _fresh(view).fit(table)
        return made[id(pair[0])], made[id(pair[1])]

    def _groups(self, encoder: TableEncoder) -> list[list[int]]:
        """Return the encoded columns that come from one column of the table."""
        if self.image_shape is not None:
            return []
        return encoder.column_groups()

    # --- what the base asks ----------------------------------------------------------

    def _make_loss(self) -> torch.nn.Module:
        # The step has the loss; the loop wants a criterion to hold.
        return torch.nn.MSELoss(reduction="none")

    def _check_target(
        self, y: Any, weight: np.ndarray | None, *, first: bool
    ) -> dict[str, Any]:
        # There is none. In its place a step gets each row's number.
        return {"target": np.arange(len(y)), "strata": None, "fitted": {}}

    def _start_bias(
        self, target: np.ndarray, weight: np.ndarray | None, fitted: dict[str, Any]
    ) -> np.ndarray:
        return np.zeros(1)

    def _linear_model(
        self,
        dense: np.ndarray,
        target: np.ndarray,
        weight: np.ndarray | None,
        fitted: dict[str, Any],
        penalty: float,
    ) -> tuple[np.ndarray, np.ndarray]:
        raise NotImplementedError

    def _n_outputs(self, fitted: dict[str, Any]) -> int:
        # Of a file; what is about to be trained is told by `_ready`.
        return int(fitted.get("_n_projections", 0))

    # --- input -----------------------------------------------------------------------

    def _check_table(self, X: Any, *, reset: bool) -> Any:
        if self.image_shape is None:
            return super()._check_table(X, reset=reset)
        pixels = math.prod(image_shape_of(self.image_shape))
        X = flat_images(X, self.image_shape)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=reset)
        if X.shape[1] != pixels:
            raise BadInputError(
                f"image_shape={self.image_shape!r} has {pixels} pixels, but a row of X "
                f"has {X.shape[1]} numbers."
            )
        if reset:
            warn_of_last_channels(X, image_shape_of(self.image_shape))
        return X

    def _encode(
        self, X: Any, weight: np.ndarray | None, encoder: TableEncoder | None
    ) -> tuple[TableEncoder, EncodedTable]:
        if encoder is None:
            encoder = (
                TableEncoder.fit(
                    X,
                    scaling=self.numeric_scaling,
                    categorical_features=self.categorical_features,
                    rotate=False,  # views replace columns, which have to be there
                )
                if self.image_shape is None
                else _pixel_encoder(X, image_shape_of(self.image_shape))
            )
        kind = np.float32 if self.dtype == "float32" else np.float64
        return encoder, encoder.transform(X, dtype=kind)

    # --- answers ---------------------------------------------------------------------

    @property
    def module_(self) -> EncoderModule:
        """The trained module: ``encode``, ``features`` and the head."""
        check_is_fitted(self, "net_")
        made: EncoderModule = self.net_.module_
        return made

    @property
    def _n_features_out(self) -> int:
        return self.module_.n_features

    def transform(self, X: Any) -> np.ndarray:
        """Return the features of rows.

        Parameters
        ----------
        X : table of shape (n_samples, n_features), or images (n_samples, C, H, W)
            Rows with the columns of fit; unseen categories belong to no level.

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
            In front of the projector, the same for the same rows. float32 for float32
            rows, otherwise float64.
        """
        check_is_fitted(self)
        made = self._run(X, self.module_.features)
        if self.normalize_output:
            lengths = np.linalg.norm(made, axis=1, keepdims=True)
            made = made / np.where(lengths > 0, lengths, 1)
        return made

    def project(self, X: Any) -> np.ndarray:
        """Return what the projector makes of rows, which the loss looks at.

        Parameters
        ----------
        X : table of shape (n_samples, n_features), or images (n_samples, C, H, W)
            Rows with the columns of fit.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)
            Projections. For other tasks than the encoder's own, `transform` is better.
        """
        check_is_fitted(self)
        return self._run(X, self.module_.decode)

    def _run(self, X: Any, part: Any) -> np.ndarray:
        kind = np.float32 if _is_single(X) else np.float64
        X = self._check_table(X, reset=False)
        _, rows = self._encode(X, None, self._encoder)
        codes = None if rows.codes is None else torch.from_numpy(rows.codes)
        outputs = self.net_.outputs(torch.from_numpy(rows.dense), codes, decode=part)
        return outputs[0].to(torch.float64).cpu().numpy().astype(kind)

    def net_start(self) -> NetStart:
        """Return what another net starts from that goes on with these weights.

        Returns
        -------
        NetStart
            The table's encoding and copies of all weights but the head's.
        """
        check_is_fitted(self)
        options = {
            name: value
            for name, value in self.module_.options.items()
            if name not in ("n_dense", "n_codes", "n_outputs", "projector_sizes")
        }
        return NetStart(
            options=options,
            encoder=self._encoder,
            weights=self.module_.body_weights(),
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        if self.image_shape is not None:
            tags.input_tags.allow_nan = tags.input_tags.sparse = False
        return tags


def _count(X: Any) -> int:
    """Return the rows; 0 for what has none, which is refused later."""
    try:
        return n_rows(known_container(X))
    except TypeError:
        return 0


def _fresh(view: Any) -> Any:
    return view.unfitted() if hasattr(view, "unfitted") else view


def _is_single(X: Any) -> bool:
    """Whether all numbers of a table are float32."""
    dtypes = getattr(X, "dtypes", None)
    if dtypes is None:
        return str(getattr(X, "dtype", "")).lower().endswith("float32")
    kinds = [str(kind).lower() for kind in dtypes]
    return bool(kinds) and all(kind == "float32" for kind in kinds)


def _pixel_encoder(X: np.ndarray, shape: tuple[int, int, int]) -> TableEncoder:
    """Scale images by one mean and deviation a channel; no pixel is left out."""
    images = X.reshape(len(X), shape[0], -1).astype(np.float64)
    center, scale = images.mean(axis=(0, 2)), images.std(axis=(0, 2))
    scale = np.where(scale > 0, scale, 1.0)
    n, each = X.shape[1], images.shape[2]
    return TableEncoder(
        scaling="standard",
        center=np.repeat(center, each),
        scale=np.repeat(scale, each),
        used=np.ones(n, dtype=bool),
        has_missing=np.zeros(n, dtype=bool),
        mean=np.zeros(n),
        order=np.arange(n),
        n_numeric=n,
    )
