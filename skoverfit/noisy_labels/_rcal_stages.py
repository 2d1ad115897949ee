# SPDX-License-Identifier: BSD-3-Clause
"""The stages of `RCALClassifier`, each from its parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    column_or_1d,
    has_fit_parameter,
)

from skoverfit._core._arrays import to_numpy
from skoverfit._core._random import derive_seed
from skoverfit._core._validation import check_labels, refuse_missing
from skoverfit.exceptions import BadInputError
from skoverfit.neural_network import BatchStep, TabularMLPClassifier
from skoverfit.neural_network._anchored_step import AnchoredStep, FeatureRows
from skoverfit.noisy_labels._class_gaussians import MadeRows
from skoverfit.over_sampling import CalibratedGaussianOverSampler
from skoverfit.representation import ContrastiveEncoder, FeatureCorruption
from skoverfit.representation._base import BaseEncoder

__all__ = ["RCALStages", "dense"]


class RCALStages:
    """Mixin: what the fit of `RCALClassifier` is made of."""

    encoder: Any
    head: Any
    train_encoder: bool
    hidden_layer_sizes: Any
    pretrain_epochs: int
    made_weight: float
    beta: float
    mixup_alpha: float
    anchor: str
    view: Any
    learning_rate: float
    weight_decay: float
    schedule: str
    batch_size: int | str
    max_epochs: int
    device: Any
    verbose: int

    def _trains_net(self) -> bool:
        is_net = self.encoder == "contrastive" or isinstance(self.encoder, BaseEncoder)
        return bool(self.train_encoder and is_net)

    def _check_stages(self, *, weighted: bool) -> None:
        """Refuse parameters that contradict each other, before any work."""
        if weighted and not self._trains_net():
            head = self._new_head()
            if not has_fit_parameter(head, "sample_weight"):
                raise BadInputError(
                    "sample_weight was passed, but the head "
                    f"{type(head).__name__} takes none."
                )
        if self._trains_net() and self.head is not None:
            raise BadInputError(
                "The 'head' parameter must be None where the encoder is trained with a "
                "linear layer; set train_encoder=False for a head of its own. Got "
                f"{self.head!r} instead."
            )
        if self.view is not None and not self._trains_net():
            raise BadInputError(
                "The 'view' parameter must be None where the encoder is not trained: "
                f"a head sees fixed features. Got {self.view!r} instead."
            )
        if isinstance(self.view, FeatureCorruption):
            raise BadInputError(
                "The 'view' parameter must be a view maker that learns nothing of the "
                f"table, such as ImageViews. Got {self.view!r} instead."
            )
        if self._trains_net() and getattr(self.encoder, "normalize_output", False):
            raise BadInputError(
                "An encoder that is trained further needs normalize_output=False: the "
                "head reads its features before they are scaled. Got normalize_output="
                f"{self.encoder.normalize_output!r}."
            )

    @staticmethod
    def _checked_labels(y: Any) -> tuple[np.ndarray, np.ndarray]:
        refuse_missing(y)
        labels = to_numpy(y)
        if labels.ndim == 2 and labels.shape[1] > 1:
            raise ValueError(
                "Multilabel and multioutput targets are not supported. y should be a "
                f"1d array, got an array of shape {labels.shape} instead."
            )
        labels = column_or_1d(labels, warn=True)
        check_classification_targets(labels)
        classes, codes = check_labels(labels)
        if len(classes) < 2:
            raise ValueError(
                "RCALClassifier can't train when only one class is present: "
                f"{classes.tolist()[0]!r}."
            )
        return classes, codes

    @staticmethod
    def _checked_weights(sample_weight: Any, n: int) -> np.ndarray | None:
        if sample_weight is None:
            return None
        weight: np.ndarray = _check_sample_weight(
            sample_weight, np.empty((n, 1)), dtype=np.float64, ensure_non_negative=True
        )
        if not (weight > 0).any():
            raise BadInputError(
                f"sample_weight is zero in all {n} rows; no row is left to train on."
            )
        return weight

    def _new_encoder(self, entropy: int) -> Any:
        seed = derive_seed(entropy, "encoder")
        if isinstance(self.encoder, str):
            if self.encoder == "passthrough":
                return FunctionTransformer()
            return ContrastiveEncoder(
                self.hidden_layer_sizes,
                method="moco",
                max_epochs=self.pretrain_epochs,
                batch_size=self.batch_size,
                device=self.device,
                verbose=self.verbose,
                random_state=seed,
            )
        return _seeded(self.encoder, seed)

    def _new_head(self) -> Any:
        return LogisticRegression(max_iter=1000) if self.head is None else self.head

    def _step(
        self,
        encoder: BaseEncoder,
        features: np.ndarray,
        classes: np.ndarray,
        made: MadeRows,
        scale: float,
        weight: np.ndarray | None,
    ) -> AnchoredStep:
        kind = np.float32 if encoder.dtype == "float32" else np.float64
        rows = None
        if len(made.labels) and self.made_weight > 0:
            own = None
            if weight is not None and made.weight is not None:
                own = torch.from_numpy((made.weight / weight.mean()).astype(kind))
            rows = FeatureRows(
                features=torch.from_numpy((made.features * scale).astype(kind)),
                target=torch.from_numpy(np.searchsorted(classes, made.labels)),
                weight=own,
            )
        return AnchoredStep(
            torch.from_numpy(features.astype(kind)),
            scale=scale,
            beta=float(self.beta),
            mixup_alpha=float(self.mixup_alpha),
            anchor=self.anchor,
            made=rows,
            made_weight=float(self.made_weight),
            view=self.view,
        )

    def _trained_net(
        self,
        encoder: BaseEncoder,
        step: AnchoredStep,
        X: Any,
        labels: np.ndarray,
        weight: np.ndarray | None,
        entropy: int,
    ) -> TabularMLPClassifier:
        """Train the encoder's net with a linear head, by the one loop."""
        net = TabularMLPClassifier(
            n_estimators=1,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            schedule=self.schedule,
            batch_size=self.batch_size,
            max_epochs=self.max_epochs,
            early_stopping=False,
            batch_step=step,
            device=self.device,
            dtype=encoder.dtype,
            mixed_precision=encoder.mixed_precision,
            verbose=self.verbose,
            random_state=derive_seed(entropy, "net"),
        )
        net._validate_params()
        net._fit(X, labels, weight, encoder.net_start())
        # The step holds features of all training rows; a fitted net keeps none.
        net.batch_step = net.net_.made_with["batch_step"] = None
        net.net_.batch_step = BatchStep()
        return net

    def _fitted_head(
        self,
        features: np.ndarray,
        labels: np.ndarray,
        weight: np.ndarray | None,
        made: MadeRows,
        entropy: int,
    ) -> Any:
        head = _seeded(self._new_head(), derive_seed(entropy, "head"))
        table = np.concatenate([features, made.features.astype(features.dtype)])
        targets = np.concatenate([labels, made.labels])
        if weight is None:
            return head.fit(table, targets)
        assert made.weight is not None
        every = np.concatenate([weight, made.weight])
        return head.fit(table, targets, sample_weight=every)

    def _prior(
        self,
        sampler: CalibratedGaussianOverSampler,
        made: MadeRows,
        labels: np.ndarray,
        weight: np.ndarray | None,
    ) -> np.ndarray:
        factor = float(self.made_weight) if self._trains_net() else 1.0
        before = np.bincount(np.searchsorted(sampler.classes_, labels), weight)
        k = len(before)
        after = np.bincount(
            np.searchsorted(sampler.classes_, made.labels), made.weight, minlength=k
        )
        shares = before + factor * after
        return np.asarray(shares / shares.sum())


def _seeded(estimator: Any, seed: int) -> Any:
    """Return a clone whose missing ``random_state`` s are set."""
    made = clone(estimator)
    for name, value in sorted(made.get_params(deep=True).items()):
        own = name == "random_state" or name.endswith("__random_state")
        if own and value is None:
            made.set_params(**{name: derive_seed(seed, name)})
    return made


def dense(features: Any) -> np.ndarray:
    """Return features as an array of numbers."""
    table = np.asarray(features.toarray() if issparse(features) else features)
    return table if table.dtype.kind == "f" else table.astype(np.float64)
