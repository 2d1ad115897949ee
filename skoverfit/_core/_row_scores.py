# SPDX-License-Identifier: BSD-3-Clause
"""How wrong a trained classifier is about a row: what scores of rows are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.ensemble._base import _set_random_states

from skoverfit._core._arrays import to_numpy
from skoverfit._core._random import derive_seed
from skoverfit.exceptions import BadInputError

__all__ = ["aligned_proba", "error_norms", "repeated_error_norms", "seeded"]


def error_norms(proba: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return ``|p - onehot(y)|`` of each row (EL2N of one model).

    Parameters
    ----------
    proba : ndarray of shape (..., n, n_classes)
        Probabilities; columns in the order of the codes.
    codes : ndarray of int of shape (n,)
        The label of each row.

    Returns
    -------
    ndarray of shape (..., n)
        Between 0 and the square root of 2.
    """
    own = np.take_along_axis(
        proba, np.broadcast_to(codes[:, None], (*proba.shape[:-1], 1)), axis=-1
    )[..., 0]
    # |p - e|^2 = |p|^2 - 2 p_y + 1, but not by this formula, which cancels.
    others = np.square(proba).sum(axis=-1) - np.square(own)
    return np.sqrt(np.maximum(others, 0.0) + np.square(1.0 - own))


def seeded(estimator: Any, seed: int) -> Any:
    """Return a clone whose every ``random_state``, nested ones too, follows a seed."""
    made = clone(estimator)
    _set_random_states(made, seed)
    return made


def aligned_proba(model: Any, X: Any, classes: np.ndarray) -> np.ndarray:
    """Return probabilities with a column for each of ``classes``.

    A class that the model was not trained on has probability 0.
    """
    proba = to_numpy(model.predict_proba(X))
    known = np.asarray(model.classes_)
    if len(known) == len(classes):
        return proba
    made = np.zeros((len(proba), len(classes)), dtype=proba.dtype)
    made[:, np.searchsorted(classes, known)] = proba
    return made


def repeated_error_norms(
    estimator: Any,
    X: Any,
    classes: np.ndarray,
    codes: np.ndarray,
    *,
    n_runs: int,
    entropy: int,
    sample_weight: np.ndarray | None = None,
    n_jobs: int | None = None,
) -> np.ndarray:
    """Fit clones with seeds of their own; return the mean error norm of each row.

    Parameters
    ----------
    estimator : classifier
        With ``predict_proba``. Is cloned.
    X : container of shape (n, p)
        The table, trained on and judged.
    classes, codes : ndarray
        The labels, as `check_labels` returns them.
    n_runs : int
        How many clones.
    entropy : int
        Source of their seeds.
    sample_weight : ndarray of shape (n,), optional
        Weights in the training.
    n_jobs : int, optional
        Processes.

    Returns
    -------
    ndarray of shape (n,)
        EL2N.
    """
    if not hasattr(estimator, "predict_proba"):
        raise BadInputError(
            "The 'estimator' parameter must be a classifier with predict_proba. Got "
            f"{type(estimator).__name__} instead."
        )
    labels = classes[codes]
    more = {} if sample_weight is None else {"sample_weight": sample_weight}

    def one(run: int) -> np.ndarray:
        model = seeded(estimator, derive_seed(entropy, "run", run))
        model.fit(X, labels, **more)
        return error_norms(aligned_proba(model, X, classes), codes)

    runs = Parallel(n_jobs=n_jobs)(delayed(one)(run) for run in range(n_runs))
    return np.stack(list(runs)).mean(axis=0, dtype=np.float64)
