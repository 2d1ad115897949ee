# SPDX-License-Identifier: BSD-3-Clause
"""Losses of single rows and scores of parts, one way for all sections."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import pearsonr
from sklearn.metrics import recall_score

from skoverfit.exceptions import SkoverfitWarning
from skoverfit.metrics import multiclass_roc_auc

__all__ = ["Answer", "Judge"]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a model says of some rows, and how wrong it is.

    Attributes
    ----------
    loss : ndarray of shape (n,)
        Log-loss of classifiers with probabilities, 0-1 loss of others, squared error
        over the variance of all targets for regressors (its mean is ``1 - R2``).
    prediction : ndarray of shape (n,)
        Class codes, or predicted targets.
    proba : ndarray of shape (n, n_classes) or None
        Never 0 or 1 exactly (see `Judge`).
    ranking : ndarray or None
        Scores that order rows: probabilities, else decision values, else None.
    """

    loss: np.ndarray
    prediction: np.ndarray
    proba: np.ndarray | None
    ranking: np.ndarray | None


@dataclass(frozen=True, kw_only=True)
class Judge:
    """Losses and scores of a task.

    Probabilities that are 0 or 1 somewhere (trees, neighbours) are drawn towards even
    ones as if half a row of each class were added to the ``n`` training rows:
    ``(n p + .5) / (n + n_classes / 2)``.
    """

    classes: np.ndarray | None
    scale: float
    scorer: Callable[..., float] | None
    has_proba: bool

    @property
    def loss_name(self) -> str:
        """Name of the loss of a row."""
        if self.classes is None:
            return "squared error (in variances of the target)"
        return "log-loss" if self.has_proba else "error rate"

    @property
    def score_name(self) -> str:
        """Name of the primary score; higher is better."""
        if self.scorer is not None:
            return str(getattr(self.scorer, "_score_name", "") or "score")
        return "R2 - 1" if self.classes is None else f"-{self.loss_name}"

    def answer(self, model: Any, X: Any, y: np.ndarray, n_train: int) -> Answer:
        """Let a fitted model answer for rows with targets y (codes or numbers)."""
        if self.classes is None:
            prediction = np.asarray(model.predict(X), dtype=np.float64).reshape(len(y))
            if not np.isfinite(prediction).all():
                raise ValueError(
                    f"{type(model).__name__}.predict gave NaN or infinity."
                )
            loss = (y - prediction) ** 2 / self.scale
            return Answer(
                loss=loss, prediction=prediction, proba=None, ranking=prediction
            )
        n_classes = len(self.classes)
        columns = np.searchsorted(self.classes, model.classes_)
        if self.has_proba:
            p = np.asarray(model.predict_proba(X), dtype=np.float64)
            if not np.isfinite(p).all():
                raise ValueError(
                    f"{type(model).__name__}.predict_proba gave NaN or infinity."
                )
            proba = np.zeros((len(y), n_classes))
            proba[:, columns] = p
            if proba.size and (proba.min() <= 0.0 or proba.max() >= 1.0):
                proba = (n_train * proba + 0.5) / (n_train + 0.5 * n_classes)
            proba /= proba.sum(axis=1, keepdims=True)
            loss = -np.log(proba[np.arange(len(y)), y])
            return Answer(
                loss=loss, prediction=proba.argmax(axis=1), proba=proba, ranking=proba
            )
        prediction = np.searchsorted(self.classes, model.predict(X))
        ranking = None
        if hasattr(model, "decision_function") and len(columns) == n_classes:
            ranking = np.asarray(model.decision_function(X), dtype=np.float64)
        loss = (prediction != y).astype(np.float64)
        return Answer(loss=loss, prediction=prediction, proba=None, ranking=ranking)

    def score(
        self,
        model: Any,
        X: Any,
        labels: np.ndarray,
        answer: Answer,
        sample_weight: np.ndarray | None,
    ) -> float:
        """Return the primary score of the rows; higher is better."""
        if self.scorer is None:
            return -float(np.average(answer.loss, weights=sample_weight))
        value = float(self.scorer(model, X, labels))
        if not np.isfinite(value):
            raise ValueError(f"scoring gave {value!r}; it must be a finite number.")
        return value

    def signal(
        self, y: np.ndarray, answer: Answer, sample_weight: np.ndarray | None = None
    ) -> float:
        """Return how well the order of the answers follows y; chance is a constant.

        Area under the ROC curve (one class against one, mean), balanced accuracy
        where nothing orders rows, correlation for numbers. Unlike a loss it doesn't
        punish a model for being too sure.
        """
        if self.classes is None:
            spread = np.ptp(answer.prediction) > 0 and np.ptp(y) > 0
            return float(pearsonr(y, answer.prediction)[0]) if spread else 0.0
        present = np.unique(y)
        if answer.ranking is None or len(present) < 2:
            return float(
                recall_score(
                    y, answer.prediction, labels=present, average="macro",
                    sample_weight=sample_weight,
                )
            )  # fmt: skip
        ranking = answer.ranking
        if ranking.ndim == 2 and len(self.classes) == 2:
            ranking = ranking[:, 1]
        labels = np.arange(len(self.classes))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SkoverfitWarning)
            return multiclass_roc_auc(
                y, ranking, labels=labels, sample_weight=sample_weight
            )
