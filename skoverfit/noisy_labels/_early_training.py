# SPDX-License-Identifier: BSD-3-Clause
"""Train a few nets on all rows for some epochs, for scores of rows."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
import torch
from sklearn.base import clone

from skoverfit._core._random import derive_seed
from skoverfit._core._validation import check_labels, check_same_length
from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._tabular_mlp_classifier import TabularMLPClassifier

__all__ = ["check_epochs", "check_net", "encoded", "trained_nets"]


def check_epochs(epochs: Any, max_epochs: int) -> int:
    """Return a number of epochs, given as such or as a share of ``max_epochs``."""
    whole = isinstance(epochs, Integral) and not isinstance(epochs, bool)
    if whole and int(epochs) >= 1:
        return int(epochs)
    if isinstance(epochs, float) and 0 < epochs <= 1:
        return max(1, round(epochs * max_epochs))
    raise BadInputError(
        "The 'epochs' parameter must be an int of at least 1, or a float in (0, 1] as "
        f"a share of max_epochs. Got {epochs!r} instead. (Scores of untrained nets are "
        "no better than random ones: Kirsch 2023, arXiv:2303.14753.)"
    )


def check_net(estimator: Any, what: str) -> None:
    """Refuse what is no net classifier of ours."""
    if not isinstance(estimator, TabularMLPClassifier):
        raise BadInputError(
            f"{what} needs a TabularMLPClassifier, whose training can be looked into. "
            f"Got {type(estimator).__name__} instead; el2n_scores takes any classifier."
        )


def trained_nets(
    estimator: TabularMLPClassifier,
    X: Any,
    y: Any,
    *,
    n_runs: int,
    epochs: int,
    entropy: int,
    sample_weight: np.ndarray | None = None,
    callbacks: list[Any] | None = None,
) -> tuple[TabularMLPClassifier, np.ndarray]:
    """Return a fitted estimator of ``n_runs`` nets on all rows, and the label codes.

    Parameters
    ----------
    estimator : TabularMLPClassifier
        Is cloned. No row is held out; ``n_estimators`` becomes ``n_runs``.
    X, y : table and labels
        All rows.
    n_runs : int
        Nets, which start and shuffle in ways of their own.
    epochs : int
        How long they are trained.
    entropy : int
        Source of their seeds.
    sample_weight : ndarray of shape (n,), optional
        Weights of the rows.
    callbacks : list, optional
        Further skorch callbacks.
    """
    check_same_length(X, y)
    _, codes = check_labels(y)
    own = estimator.callbacks
    made = clone(estimator).set_params(
        n_estimators=n_runs,
        early_stopping=False,
        max_epochs=epochs,
        checkpoint=None,
        resume_from=None,
        warm_start=False,
        random_state=derive_seed(entropy, "nets"),
    )
    if callbacks:
        made.set_params(callbacks=[*(own or []), *callbacks])
    if sample_weight is None:
        return made.fit(X, y), codes
    return made.fit(X, y, sample_weight=sample_weight), codes


def encoded(
    fitted: TabularMLPClassifier, X: Any
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return rows as the nets read them: dense columns and codes."""
    table = fitted._check_table(X, reset=False)
    kind = np.float32 if fitted.dtype == "float32" else np.float64
    rows = fitted._encoder.transform(table, dtype=kind)
    codes = None if rows.codes is None else torch.from_numpy(rows.codes)
    return torch.from_numpy(rows.dense), codes
