# SPDX-License-Identifier: BSD-3-Clause
"""Transition matrices of label noise: made, checked and judged."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from skoverfit._core._random import derive_generator, root_entropy

__all__ = [
    "check_transition_matrix",
    "is_learnable_transition",
    "make_transition_matrix",
]


def check_transition_matrix(
    transition_matrix: ArrayLike, n_classes: int | None = None
) -> np.ndarray:
    """Check that a matrix is row-stochastic and return it as float64.

    Parameters
    ----------
    transition_matrix : array-like of shape (n_classes, n_classes)
        ``T[i, j]`` is the probability that a row of clean class i carries label j.
        cleanlab's ``noise_matrix`` is the transpose.
    n_classes : int, default=None
        The number of classes that it must have; None allows any from 2 on.

    Returns
    -------
    ndarray of shape (n_classes, n_classes)
        A float64 copy.

    Raises
    ------
    ValueError
        Where it is not square, has the wrong size, entries outside [0, 1] or rows
        that do not sum to 1 within 1e-6.

    Examples
    --------
    >>> from skoverfit.datasets import check_transition_matrix
    >>> check_transition_matrix([[0.9, 0.1], [0, 1]])
    array([[0.9, 0.1],
           [0. , 1. ]])
    """
    matrix = np.array(transition_matrix, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) < 2:
        raise ValueError(
            "transition_matrix must be square with at least 2 classes. Got shape "
            f"{matrix.shape} instead."
        )
    if n_classes is not None and len(matrix) != n_classes:
        raise ValueError(
            f"transition_matrix has {len(matrix)} classes, but the labels have "
            f"{n_classes}."
        )
    outside = ~((matrix >= 0) & (matrix <= 1))
    if outside.any():
        i, j = np.argwhere(outside)[0]
        raise ValueError(
            f"transition_matrix must lie in [0, 1]. Got {matrix[i, j]:g} in row {i}, "
            f"column {j}."
        )
    sums = matrix.sum(axis=1)
    wrong = np.abs(sums - 1) > 1e-6
    if wrong.any():
        i = int(np.flatnonzero(wrong)[0])
        raise ValueError(
            f"Each row of transition_matrix must sum to 1 (rows are clean classes). "
            f"Row {i} sums to {sums[i]:g}."
        )
    return matrix


def is_learnable_transition(
    transition_matrix: ArrayLike, priors: ArrayLike | None = None
) -> np.ndarray:
    """Tell for which noisy labels the label is still the most probable truth.

    Label j is learnable where ``T[j, j] p_j > T[i, j] p_i`` for all other classes i:
    among the rows that carry label j, those of clean class j are then the most
    frequent ones.

    Parameters
    ----------
    transition_matrix : array-like of shape (n_classes, n_classes)
        Rows are clean classes.
    priors : array-like of shape (n_classes,), default=None
        Shares or counts of the clean classes; None means equal shares.

    Returns
    -------
    ndarray of shape (n_classes,), bool
        ``.all()`` is the usual condition on a whole matrix.

    Raises
    ------
    ValueError
        Where the matrix is not row-stochastic or the priors do not fit it.

    Examples
    --------
    >>> from skoverfit.datasets import is_learnable_transition
    >>> is_learnable_transition([[0.8, 0.2], [0.3, 0.7]])
    array([ True,  True])
    >>> is_learnable_transition([[0.8, 0.2], [0.3, 0.7]], priors=[0.95, 0.05])
    array([ True, False])
    """
    matrix = check_transition_matrix(transition_matrix)
    joint = matrix * _check_priors(priors, len(matrix))[:, None]
    right = np.diag(joint).copy()
    np.fill_diagonal(joint, -np.inf)
    return right > joint.max(axis=0)


@validate_params(
    {
        "n_classes": [Interval(Integral, 2, None, closed="left")],
        "rate": [Interval(Real, 0, 1, closed="both")],
        "kind": [
            StrOptions(
                {
                    "symmetric",
                    "pair",
                    "asymmetric",
                    "joint",
                    "joint_proportional",
                    "random",
                }
            )
        ],
        "priors": ["array-like", None],
        "mapping": [Mapping, None],
        "include_self": ["boolean"],
        "random_state": "no_validation",
    },
    prefer_skip_nested_validation=True,
)
def make_transition_matrix(
    n_classes: int,
    rate: float = 0.2,
    kind: str = "symmetric",
    *,
    priors: ArrayLike | None = None,
    mapping: Mapping[int, int] | None = None,
    include_self: bool = False,
    random_state: Any = None,
) -> np.ndarray:
    """Make the transition matrix of a kind of label noise.

    ``T[i, j]`` is the probability that a row of clean class i carries label j: rows
    are clean classes, and each row sums to 1.

    Parameters
    ----------
    n_classes : int
        Number of classes K, at least 2.
    rate : float, default=0.2
        Noise rate in [0, 1].
    kind : str, default="symmetric"
        What happens to the share ``rate`` of a class:

        - ``"symmetric"``: it goes to the other classes in equal parts.
        - ``"pair"``: it goes to the next class, from the last one to the first.
        - ``"asymmetric"``: it goes where ``mapping`` says; other classes stay clean.
        - ``"joint"``: it goes to the other classes in proportion to their size,
          ``T[i, j] = rate * n_j / (n - n_i)`` [1]_: mostly to the big ones.
        - ``"joint_proportional"``: rows are redrawn in proportion to the class sizes,
          their own class included, ``T[i, j] = (rate / r) p_j`` off the diagonal,
          where ``r = 1 - sum(p**2)`` makes ``rate`` the expected share of wrong
          labels in the whole data set [2]_.
        - ``"random"``: it goes to the other classes in random parts, uniform on the
          simplex.
    priors : array-like of shape (n_classes,), default=None
        Shares or counts of the clean classes; needed by the two joint kinds only.
    mapping : dict of int to int, default=None
        Numbers of the source and the target class, for ``"asymmetric"`` only. None
        gives each class one random other class.
    include_self : bool, default=False
        For ``"symmetric"`` only: whether a label that is redrawn may stay what it was.
        True is the convention of the DivideMix loaders, in which only a share
        ``rate * (K - 1) / K`` becomes wrong.
    random_state : int, RandomState, Generator or None, default=None
        For ``"random"``, and for ``"asymmetric"`` without a mapping.

    Returns
    -------
    ndarray of shape (n_classes, n_classes)
        Row-stochastic, float64.

    Raises
    ------
    ValueError
        Where a parameter is out of range, belongs to another kind or is missing, and
        where ``rate`` is larger than r: then no proportional redrawing reaches it.

    See Also
    --------
    make_label_noise : Draw noisy labels.
    is_learnable_transition : Which labels survive the noise.

    References
    ----------
    .. [1] Zhang et al., "When Noisy Labels Meet Long Tail Dilemmas: A Representation
       Calibration Method", ICCV 2023. arXiv:2211.10955
    .. [2] Wei et al., "Robust Long-Tailed Learning under Label Noise", 2021.
       arXiv:2108.11569

    Examples
    --------
    >>> from skoverfit.datasets import make_transition_matrix
    >>> make_transition_matrix(3, 0.2)
    array([[0.8, 0.1, 0.1],
           [0.1, 0.8, 0.1],
           [0.1, 0.1, 0.8]])
    >>> make_transition_matrix(3, 0.2, "joint", priors=[90, 9, 1]).round(3)
    array([[0.8  , 0.18 , 0.02 ],
           [0.198, 0.8  , 0.002],
           [0.182, 0.018, 0.8  ]])
    """
    if mapping is not None and kind != "asymmetric":
        raise ValueError(f"mapping belongs to kind='asymmetric', not to {kind!r}.")
    if include_self and kind != "symmetric":
        raise ValueError(f"include_self belongs to kind='symmetric', not to {kind!r}.")
    identity = np.eye(n_classes)
    if kind in ("joint", "joint_proportional"):
        if priors is None:
            raise ValueError(f"kind={kind!r} needs priors: the sizes of the classes.")
        shares = _check_priors(priors, n_classes)
        if kind == "joint_proportional":
            return _proportional(shares, rate)
        return rate * _others(np.tile(shares, (n_classes, 1))) + (1 - rate) * identity
    if kind == "symmetric":
        wrong = rate * (n_classes - 1) / n_classes if include_self else rate
        return wrong * _others(np.ones_like(identity)) + (1 - wrong) * identity
    if kind == "pair":
        return rate * np.roll(identity, 1, axis=1) + (1 - rate) * identity
    rng = derive_generator(root_entropy(random_state), "datasets", "transition")
    if kind == "random":
        parts = _others(rng.standard_exponential((n_classes, n_classes)))
        return rate * parts + (1 - rate) * identity
    return _mapped(n_classes, rate, mapping, rng)


def _others(weights: np.ndarray) -> np.ndarray:
    """Set the diagonal to 0 and let each row sum to 1."""
    weights = weights.astype(float)
    np.fill_diagonal(weights, 0)
    return weights / weights.sum(axis=1, keepdims=True)


def _check_priors(priors: ArrayLike | None, n_classes: int) -> np.ndarray:
    if priors is None:
        return np.full(n_classes, 1 / n_classes)
    shares = np.asarray(priors, dtype=float)
    if shares.shape != (n_classes,):
        raise ValueError(
            f"priors must have shape ({n_classes},), one value a class. Got shape "
            f"{shares.shape} instead."
        )
    if not (np.isfinite(shares).all() and (shares > 0).all()):
        raise ValueError(f"priors must be finite and positive. Got {priors!r} instead.")
    return shares / shares.sum()


def _proportional(shares: np.ndarray, rate: float) -> np.ndarray:
    diversity = 1 - np.sum(shares**2)
    redrawn = rate / diversity
    if redrawn > 1:
        raise ValueError(
            f"kind='joint_proportional' can't reach rate={rate:g} here: even if all "
            f"labels were redrawn, only r = 1 - sum(shares**2) = {diversity:.3g} of "
            "them would be wrong. Use a rate up to r, or kind='joint'."
        )
    return (1 - redrawn) * np.eye(len(shares)) + redrawn * shares


def _mapped(
    n_classes: int,
    rate: float,
    mapping: Mapping[int, int] | None,
    rng: np.random.Generator,
) -> np.ndarray:
    matrix = np.eye(n_classes)
    if mapping is None:
        # One random other class each: skip 1 to K-1 steps ahead.
        steps = rng.integers(1, n_classes, size=n_classes)
        targets = (np.arange(n_classes) + steps) % n_classes
        mapping = dict(enumerate(targets))
    for source, target in mapping.items():
        for number in (source, target):
            if not (isinstance(number, Integral) and 0 <= number < n_classes):
                raise ValueError(
                    f"mapping must hold class numbers in 0..{n_classes - 1}. Got "
                    f"{number!r} instead."
                )
        if source == target:
            raise ValueError(f"mapping sends class {source!r} to itself.")
        matrix[source, source], matrix[source, target] = 1 - rate, rate
    return matrix
