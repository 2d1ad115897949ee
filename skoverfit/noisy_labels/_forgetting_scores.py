# SPDX-License-Identifier: BSD-3-Clause
"""Forgetting events: how often a net unlearns a row in the course of its training."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils._param_validation import HasMethods, Interval, validate_params

from skoverfit._core._random import root_entropy

__all__ = ["forgetting_scores"]


@validate_params(
    {
        "estimator": [HasMethods(["fit"])],
        "X": "no_validation",
        "y": "no_validation",
        "n_runs": [Interval(Integral, 1, None, closed="left")],
        "epochs": "no_validation",
        "random_state": ["random_state", np.random.Generator],
    },
    prefer_skip_nested_validation=True,
)
def forgetting_scores(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    n_runs: int = 5,
    epochs: int | float = 1.0,
    random_state: Any = None,
) -> np.ndarray:
    """Return how often each row goes from right to wrong during training.

    All rows are predicted after each epoch; a forgetting event is a right answer that
    is followed by a wrong one (Toneva and others). See :doc:`/user_guide/inspection`.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator : TabularMLPClassifier
        Is cloned; ``n_runs`` nets are trained at once, on all rows. With
        ``linear_start=False`` a net learns from nothing, as in the paper.
    X : table of shape (n, p)
        What the net takes.
    y : array-like of shape (n,)
        Labels.
    n_runs : int, default=5
        Nets.
    epochs : int or float, default=1.0
        How long they are trained: epochs, or a share of ``max_epochs``.
    random_state : int, RandomState, Generator or None, default=None
        Seed.

    Returns
    -------
    ndarray of shape (n,)
        Mean number of events; infinite where no net ever had the row right. A net that
        never learns a row which others do counts as if it forgot it in every epoch (for
        one net this is the paper's count).

    Raises
    ------
    BadInputError
        Where the estimator is no `TabularMLPClassifier`, or ``epochs`` can't be used.

    See Also
    --------
    el2n_scores : Cheaper, from the start of the training.

    References
    ----------
    .. [1] M. Toneva, A. Sordoni, R. Tachet des Combes, A. Trischler, Y. Bengio and
       G. J. Gordon (2019), An empirical study of example forgetting during deep neural
       network learning, ICLR, arXiv:1812.05159.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skoverfit.neural_network import TabularMLPClassifier
    >>> from skoverfit.noisy_labels import forgetting_scores
    >>> X, y = load_iris(return_X_y=True)
    >>> y[3] = 2
    >>> net = TabularMLPClassifier((32,), linear_start=False)
    >>> scores = forgetting_scores(net, X, y, n_runs=3, epochs=20, random_state=0)
    >>> float(scores[3])
    inf
    """
    from skoverfit.noisy_labels._early_training import (
        check_epochs,
        check_net,
        trained_nets,
    )
    from skoverfit.noisy_labels._forgetting_events import ForgettingEvents

    check_net(estimator, "forgetting_scores")
    n_epochs = check_epochs(epochs, estimator.max_epochs)
    nets, _ = trained_nets(
        estimator,
        X,
        y,
        n_runs=n_runs,
        epochs=n_epochs,
        entropy=root_entropy(random_state),
        callbacks=[ForgettingEvents()],
    )
    (watcher,) = (c for _, c in nets.net_.callbacks_ if isinstance(c, ForgettingEvents))
    events = np.where(watcher.learned_, watcher.events_, n_epochs).mean(axis=0)
    return np.where(watcher.learned_.any(axis=0), events, np.inf)
