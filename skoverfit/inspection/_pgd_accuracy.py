# SPDX-License-Identifier: BSD-3-Clause
"""Accuracy on rows that were moved to where a net errs."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, validate_params
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from skoverfit._core._random import derive_seed, root_entropy
from skoverfit._core._validation import check_labels

__all__ = ["pgd_accuracy"]

_ROWS_AT_ONCE = 4096


@validate_params(
    {
        "y": ["array-like"],
        "eps": [Interval(Real, 0, None, closed="left")],
        "n_steps": [Interval(Integral, 1, None, closed="left")],
        "n_restarts": [Interval(Integral, 1, None, closed="left")],
        "step_size": [Interval(Real, 0, None, closed="neither"), None],
        "feature_range": [tuple, list, None],
        "frozen_features": ["array-like", None],
        "sample_weight": ["array-like", None],
        "random_state": ["random_state", np.random.Generator],
    },
    prefer_skip_nested_validation=True,
)
def pgd_accuracy(
    estimator: Any,
    X: Any,
    y: ArrayLike,
    eps: float = 0.1,
    *,
    n_steps: int = 50,
    n_restarts: int = 10,
    step_size: float | None = None,
    feature_range: tuple[float, float] | None = None,
    frozen_features: Sequence[int] | None = None,
    sample_weight: ArrayLike | None = None,
    random_state: Any = None,
) -> float:
    """Compute the accuracy of a net on rows that were moved against it.

    Each row climbs the loss by signs of its gradient, within ``eps`` in every column
    (projected gradient descent), from itself and from random starts. It counts as
    right only if the net is right about the row and about all its moved copies. That
    is an upper bound of the accuracy under the worst attack.

    Parameters
    ----------
    estimator : TabularMLPClassifier or skorch.NeuralNetClassifier
        Fitted net.
    X : table of shape (n, n_features)
        Rows, as the net takes them.
    y : array-like of shape (n,)
        True labels.
    eps : float, default=0.1
        Radius in each numeric column. In our nets a unit is that of the encoded
        column, about its standard deviation; in a plain net that of X.
    n_steps : int, default=50
        Steps of a climb.
    n_restarts : int, default=10
        Climbs; the first begins at the row itself, the others within the radius.
    step_size : float, default=None
        Length of a step; None is ``eps / 4``.
    feature_range : tuple of two floats, default=None
        Where moved rows are kept, in the same units; None: anywhere.
    frozen_features : sequence of int, default=None
        Columns that never move (of the encoded ones in our nets). Columns that are
        not numbers don't, anyway.
    sample_weight : array-like of shape (n,), default=None
        Weights of the rows.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the random starts. More restarts keep those of fewer.

    Returns
    -------
    float
        In [0, 1]; with ``eps=0`` the accuracy.

    Raises
    ------
    TypeError
        If the estimator is no net whose gradients are known.
    ValueError
        If y has a class that the net does not know, or a parameter is out of range.

    See Also
    --------
    skoverfit.neural_network.AdversarialMonitor : The same in training.
    skoverfit.metrics.abnormal_adversarial_rate : Share of rows whose loss an attack
        lowered.

    References
    ----------
    Madry, Makelov, Schmidt, Tsipras & Vladu (2018), "Towards Deep Learning Models
    Resistant to Adversarial Attacks", ICLR, arXiv:1706.06083.

    Lin, Yu & Liu (2023), "Eliminating Catastrophic Overfitting Via Abnormal Adversarial
    Examples Regularization", NeurIPS, arXiv:2404.08154.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skoverfit.inspection import pgd_accuracy
    >>> from skoverfit.neural_network import TabularMLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> net = TabularMLPClassifier(max_epochs=20, random_state=0).fit(X, y)
    >>> pgd_accuracy(net, X, y, eps=0) == net.score(X, y)
    True
    >>> bool(pgd_accuracy(net, X, y, eps=1.0, n_steps=5, n_restarts=1) < 0.9)
    True
    """
    import torch

    from skoverfit.neural_network._attack import climb, row_slope

    net = _opened(estimator)
    check_is_fitted(estimator)
    classes, own = check_labels(y)
    position = np.searchsorted(estimator.classes_, classes)
    position = position.clip(max=len(estimator.classes_) - 1)
    unknown = estimator.classes_[position] != classes
    if unknown.any():
        raise ValueError(
            f"y has the class {classes[unknown][0]!s}, which the net does not know."
        )
    dense, codes = net.encoded(X)
    if len(dense) != len(own):
        raise ValueError(f"X has {len(dense)} rows, but y has {len(own)} labels.")
    weights = None
    if sample_weight is not None:
        weights = _check_sample_weight(sample_weight, own)
    target = torch.from_numpy(position[own])
    moves = net.moves(dense)
    for column in np.asarray(() if frozen_features is None else frozen_features):
        if not -len(moves) <= column < len(moves):
            raise ValueError(
                f"The 'frozen_features' parameter has {column}, but there are "
                f"{len(moves)} columns."
            )
        moves[int(column)] = 0.0
    box = _box(feature_range)
    right = net.decided(dense, codes) == target.numpy()
    generator = torch.Generator().manual_seed(
        derive_seed(root_entropy(random_state), "attack")
    )
    length = eps / 4 if step_size is None else float(step_size)
    for restart in range(n_restarts if eps > 0 else 0):
        start = None
        if restart:
            start = torch.rand(dense.shape, generator=generator, dtype=dense.dtype)
            start = eps * (2 * start - 1) * moves
        for first in range(0, len(dense), _ROWS_AT_ONCE):
            part = slice(first, first + _ROWS_AT_ONCE)
            more = None if codes is None else codes[part]
            with torch.enable_grad():
                slope = row_slope(net.losses(more, target[part]), moves)
                moved = climb(
                    dense[part],
                    slope,
                    eps=float(eps),
                    step_size=length,
                    n_steps=n_steps,
                    start=None if start is None else start[part],
                    box=box,
                )
            right[part] &= net.decided(moved.detach(), more) == target[part].numpy()
    return float(np.average(right, weights=weights))


def _box(feature_range: Any) -> tuple[float, float] | None:
    if feature_range is None:
        return None
    try:
        low, high = (float(value) for value in feature_range)
        if low < high:
            return low, high
    except (TypeError, ValueError):
        pass
    raise ValueError(
        "The 'feature_range' parameter of pgd_accuracy must be None or two numbers, "
        f"the smaller first. Got {feature_range!r} instead."
    )


def _opened(estimator: Any) -> Any:
    from skorch import NeuralNetClassifier

    from skoverfit.inspection._opened_nets import OurNet, PlainNet
    from skoverfit.neural_network import TabularMLPClassifier

    if isinstance(estimator, TabularMLPClassifier):
        return OurNet(estimator)
    if isinstance(estimator, NeuralNetClassifier):
        return PlainNet(estimator)
    raise TypeError(
        "pgd_accuracy needs a net whose gradients are known: a TabularMLPClassifier or "
        f"a skorch.NeuralNetClassifier. Got {type(estimator).__name__} instead."
    )
