# SPDX-License-Identifier: BSD-3-Clause
"""EL2N: how wrong nets are about a row early in their training."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.utils._param_validation import HasMethods, Interval, validate_params

from skoverfit._core._arrays import n_rows
from skoverfit._core._random import root_entropy
from skoverfit._core._resampling._data import check_weights
from skoverfit._core._row_scores import error_norms, repeated_error_norms
from skoverfit._core._validation import check_labels, check_same_length
from skoverfit.exceptions import BadInputError
from skoverfit.noisy_labels._retraining import is_net

__all__ = ["el2n_scores"]


@validate_params(
    {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "X": "no_validation",
        "y": "no_validation",
        "sample_weight": ["array-like", None],
        "n_runs": [Interval(Integral, 1, None, closed="left")],
        "epochs": "no_validation",
        "n_jobs": [Integral, None],
        "random_state": ["random_state", np.random.Generator],
    },
    prefer_skip_nested_validation=True,
)
def el2n_scores(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    sample_weight: Any = None,
    n_runs: int = 10,
    epochs: int | float = 0.1,
    n_jobs: int | None = None,
    random_state: Any = None,
) -> np.ndarray:
    """Return the mean error norm of each row early in training (EL2N).

    ``|p - onehot(y)|`` of each row, averaged over trainings that differ in their start
    and order of rows (Paul, Ganguli and Dziugaite). Rows with a small one are easy and
    can be dropped; those with the largest ones are hard, or have a wrong label. See
    :doc:`/user_guide/inspection`.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator : classifier
        Is cloned. Nets of this library are stopped after ``epochs`` and trained at
        once; another classifier with ``predict_proba`` is fitted as it is, so give one
        that learns little: few iterations, few or shallow trees.
    X : container of shape (n, p)
        A table that the estimator takes.
    y : array-like of shape (n,)
        Labels.
    sample_weight : array-like of shape (n,), default=None
        Weights of the rows in the trainings.
    n_runs : int, default=10
        Trainings; scores of one differ much from those of another.
    epochs : int or float, default=0.1
        How long a net is trained: epochs, or a share of its ``max_epochs``. The paper
        has 20 of 200. No score is taken before the training.
    n_jobs : int, default=None
        Processes for other classifiers; None is 1.
    random_state : int, RandomState, Generator or None, default=None
        Seed.

    Returns
    -------
    ndarray of shape (n,)
        Between 0 and the square root of 2.

    Raises
    ------
    BadInputError
        Where a parameter or input can't be used.

    See Also
    --------
    grand_scores : Norms of gradients, for nets.
    forgetting_scores : How often a row is unlearned.
    skoverfit.under_sampling.EL2NPruner : Drops rows by these scores.

    References
    ----------
    .. [1] M. Paul, S. Ganguli and G. K. Dziugaite (2021), Deep learning on a data diet:
       finding important examples early in training, NeurIPS, arXiv:2107.07075.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skoverfit.neural_network import TabularMLPClassifier
    >>> from skoverfit.noisy_labels import el2n_scores
    >>> X, y = load_iris(return_X_y=True)
    >>> y[3] = 2
    >>> net = TabularMLPClassifier((32,), linear_start=False)
    >>> scores = el2n_scores(net, X, y, n_runs=5, epochs=10, random_state=0)
    >>> int(scores.argmax())
    3
    """
    if not is_classifier(estimator):
        raise BadInputError(
            "The 'estimator' parameter must be a classifier. Got "
            f"{type(estimator).__name__} instead."
        )
    classes, codes = check_labels(y)
    check_same_length(X, y)
    weight = check_weights(sample_weight, n_rows(X))
    entropy = root_entropy(random_state)
    # A net alone; inside of a pipeline it is a classifier as any other.
    if is_net(estimator):
        from skoverfit.noisy_labels._early_training import check_epochs, trained_nets

        if not clone(estimator).set_params(early_stopping=False)._has_probabilities():
            raise BadInputError(
                f"loss={estimator.loss!r} leaves no probabilities without held-out "
                "rows, and none are held out here; use loss='cross_entropy'."
            )
        nets, codes = trained_nets(
            estimator,
            X,
            y,
            n_runs=n_runs,
            epochs=check_epochs(epochs, estimator.max_epochs),
            entropy=entropy,
            sample_weight=weight,
        )
        proba = np.exp(nets._log_probabilities(nets._outputs(X)))
        return error_norms(proba, codes).mean(axis=0)
    return repeated_error_norms(
        estimator,
        X,
        classes,
        codes,
        n_runs=n_runs,
        entropy=entropy,
        sample_weight=weight,
        n_jobs=n_jobs,
    )
