# SPDX-License-Identifier: BSD-3-Clause
"""Cut a data set down to unequal classes."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from skoverfit._core._arrays import take_rows
from skoverfit._core._names import suggest
from skoverfit._core._random import derive_generator, root_entropy
from skoverfit._core._validation import check_labels, check_same_length, warn

__all__ = ["make_linear_imbalance", "make_long_tail", "make_step_imbalance"]


@validate_params(
    {
        "X": "no_validation",
        "y": "no_validation",
        "imbalance_ratio": [Interval(Real, 1, None, closed="left")],
        "kind": [StrOptions({"exp", "step", "linear"})],
        "n_max": [Interval(Integral, 1, None, closed="left"), None],
        "class_order": [StrOptions({"frequency", "given", "shuffle"}), "array-like"],
        "minority_fraction": [Interval(Real, 0, 1, closed="neither")],
        "return_indices": ["boolean"],
        "random_state": "no_validation",
    },
    prefer_skip_nested_validation=True,
)
def make_long_tail(
    X: Any,
    y: Any,
    *,
    imbalance_ratio: float = 100,
    kind: str = "exp",
    n_max: int | None = None,
    class_order: str | ArrayLike = "frequency",
    minority_fraction: float = 0.5,
    return_indices: bool = False,
    random_state: Any = None,
) -> tuple[Any, ...]:
    """Drop rows until the class sizes fall from a head to a tail.

    Use it to measure what imbalance does to a model, on training rows only. With two
    classes the second one in ``class_order`` shrinks: by default the rarer one.

    Parameters
    ----------
    X : container of shape (n, ...)
        Rows to choose from: numpy, pandas, polars, scipy sparse, torch or list.
    y : container of shape (n,) or (n, 1)
        Class labels of any dtype.
    imbalance_ratio : float, default=100
        Size of the largest class divided by that of the smallest one, at least 1.
        The literature uses 10, 50, 100 and 200.
    kind : {"exp", "step", "linear"}, default="exp"
        How the size falls over the classes c = 0..K-1, from ``n_max`` to
        ``n_max / imbalance_ratio``:

        - "exp": ``n_max * imbalance_ratio ** (-c / (K - 1))``, the long tail [1]_.
        - "step": the last ``minority_fraction`` of the classes is small, the others
          are large [2]_.
        - "linear": in equal steps [2]_.
    n_max : int, default=None
        Size of the largest class after cutting; None takes that of the largest class
        there is. At most that, since no row is invented.
    class_order : {"frequency", "given", "shuffle"} or array-like, default="frequency"
        From head to tail:

        - "frequency": by decreasing number of rows, so that the rarest class stays the
          rarest; equal classes in sorted order.
        - "given": in sorted order of the labels.
        - "shuffle": in random order.
        - array-like of shape (n_classes,): all labels in the order wanted.
    minority_fraction : float, default=0.5
        For "step": share of small classes, rounded to at least one class and at most
        all but one.
    return_indices : bool, default=False
        Whether to return also the numbers of the rows kept.
    random_state : int, RandomState, Generator or None, default=None
        Seed for the rows kept and for "shuffle". With one seed, a higher ratio keeps a
        subset of the rows that a lower one keeps of each class.

    Returns
    -------
    X_cut : container of shape (n_kept, ...)
        The rows kept, in their old order and in the container of X; a pandas result
        keeps its index labels.
    y_cut : container of shape (n_kept,)
        Their labels, likewise.
    indices : ndarray of shape (n_kept,), int
        Row numbers into X. Only with ``return_indices=True``.

    Raises
    ------
    ValueError
        Where a parameter is out of range, X and y differ in length, ``n_max`` is
        larger than every class, or there is one class only.

    Warns
    -----
    SkoverfitWarning
        Where a class is larger than one before it in the order, because that one has
        too few rows.

    See Also
    --------
    make_noisy_long_tail : The same, followed by label noise.

    Notes
    -----
    Sizes are rounded down, and every class keeps at least one row. A class that has
    fewer rows than its size keeps them all: on naturally unequal classes the realised
    ratio can be larger than asked, and ``imbalance_ratio=1`` changes nothing.

    References
    ----------
    .. [1] Cui et al., "Class-Balanced Loss Based on Effective Number of Samples",
       CVPR 2019. arXiv:1901.05555
    .. [2] Buda, Maki and Mazurowski, "A systematic study of the class imbalance problem
       in convolutional neural networks", Neural Networks 106, 2018. arXiv:1710.05381

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit.datasets import make_long_tail
    >>> X, y = np.arange(300).reshape(-1, 1), np.repeat([0, 1, 2], 100)
    >>> X_cut, y_cut = make_long_tail(X, y, imbalance_ratio=25, random_state=0)
    >>> np.bincount(y_cut)
    array([100,  20,   4])
    """
    check_same_length(X, y)
    classes, codes = check_labels(y)
    if len(classes) < 2:
        raise ValueError(
            f"y has one class only ({classes.tolist()[0]!r}); imbalance needs at "
            "least 2."
        )
    entropy = root_entropy(random_state)
    available = np.bincount(codes)
    order = _order(class_order, classes, available, entropy)
    if n_max is None:
        n_max = int(available.max())
    elif n_max > available.max():
        raise ValueError(
            f"n_max={n_max} is larger than the largest class, which has "
            f"{available.max()} rows. No row is invented: use n_max=None or a smaller "
            "value."
        )
    sizes = _sizes(len(classes), n_max, imbalance_ratio, kind, minority_fraction)
    sizes = np.minimum(sizes, available[order])
    if imbalance_ratio > 1 and (np.diff(sizes) > 0).any():
        warn(
            "Some class is larger than one before it in class_order, which has too few "
            f"rows; the sizes are {sizes.tolist()}. Use class_order='frequency' or a "
            "smaller n_max."
        )
    indices = _choose(codes, order, sizes, entropy)
    cut = take_rows(X, indices), take_rows(y, indices)
    return (*cut, indices) if return_indices else cut


def make_step_imbalance(
    X: Any,
    y: Any,
    *,
    imbalance_ratio: float = 10,
    minority_fraction: float = 0.5,
    n_max: int | None = None,
    class_order: str | ArrayLike = "frequency",
    return_indices: bool = False,
    random_state: Any = None,
) -> tuple[Any, ...]:
    """Drop rows until a share of the classes is small and the others are large.

    Step imbalance [1]_: ``make_long_tail(..., kind="step")``.

    Parameters
    ----------
    X : container of shape (n, ...)
        Rows to choose from: numpy, pandas, polars, scipy sparse, torch or list.
    y : container of shape (n,) or (n, 1)
        Class labels of any dtype.
    imbalance_ratio : float, default=10
        Size of a large class divided by that of a small one (rho in the paper).
    minority_fraction : float, default=0.5
        Share of small classes (mu in the paper).
    n_max : int, default=None
        Size of the large classes; None takes that of the largest class there is.
    class_order : {"frequency", "given", "shuffle"} or array-like, default="frequency"
        From head to tail; the last classes become small.
    return_indices : bool, default=False
        Whether to return also the numbers of the rows kept.
    random_state : int, RandomState, Generator or None, default=None
        Seed for the rows kept.

    Returns
    -------
    X_cut : container of shape (n_kept, ...)
        The rows kept, in their old order.
    y_cut : container of shape (n_kept,)
        Their labels.
    indices : ndarray of shape (n_kept,), int
        Row numbers into X. Only with ``return_indices=True``.

    Raises
    ------
    ValueError
        As `make_long_tail`.

    See Also
    --------
    make_long_tail : What this is built on, with its rules.

    References
    ----------
    .. [1] Buda, Maki and Mazurowski, "A systematic study of the class imbalance problem
       in convolutional neural networks", Neural Networks 106, 2018. arXiv:1710.05381

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit.datasets import make_step_imbalance
    >>> X, y = np.arange(400).reshape(-1, 1), np.repeat([0, 1, 2, 3], 100)
    >>> np.bincount(make_step_imbalance(X, y, random_state=0)[1])
    array([100, 100,  10,  10])
    """
    return make_long_tail(
        X,
        y,
        imbalance_ratio=imbalance_ratio,
        kind="step",
        n_max=n_max,
        class_order=class_order,
        minority_fraction=minority_fraction,
        return_indices=return_indices,
        random_state=random_state,
    )


def make_linear_imbalance(
    X: Any,
    y: Any,
    *,
    imbalance_ratio: float = 10,
    n_max: int | None = None,
    class_order: str | ArrayLike = "frequency",
    return_indices: bool = False,
    random_state: Any = None,
) -> tuple[Any, ...]:
    """Drop rows until the class sizes fall in equal steps.

    Linear imbalance [1]_: ``make_long_tail(..., kind="linear")``.

    Parameters
    ----------
    X : container of shape (n, ...)
        Rows to choose from: numpy, pandas, polars, scipy sparse, torch or list.
    y : container of shape (n,) or (n, 1)
        Class labels of any dtype.
    imbalance_ratio : float, default=10
        Size of the largest class divided by that of the smallest (rho in the paper).
    n_max : int, default=None
        Size of the largest class; None takes that of the largest class there is.
    class_order : {"frequency", "given", "shuffle"} or array-like, default="frequency"
        From head to tail.
    return_indices : bool, default=False
        Whether to return also the numbers of the rows kept.
    random_state : int, RandomState, Generator or None, default=None
        Seed for the rows kept.

    Returns
    -------
    X_cut : container of shape (n_kept, ...)
        The rows kept, in their old order.
    y_cut : container of shape (n_kept,)
        Their labels.
    indices : ndarray of shape (n_kept,), int
        Row numbers into X. Only with ``return_indices=True``.

    Raises
    ------
    ValueError
        As `make_long_tail`.

    See Also
    --------
    make_long_tail : What this is built on, with its rules.

    References
    ----------
    .. [1] Buda, Maki and Mazurowski, "A systematic study of the class imbalance problem
       in convolutional neural networks", Neural Networks 106, 2018. arXiv:1710.05381

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit.datasets import make_linear_imbalance
    >>> X, y = np.arange(400).reshape(-1, 1), np.repeat([0, 1, 2, 3], 100)
    >>> np.bincount(make_linear_imbalance(X, y, random_state=0)[1])
    array([100,  70,  40,  10])
    """
    return make_long_tail(
        X,
        y,
        imbalance_ratio=imbalance_ratio,
        kind="linear",
        n_max=n_max,
        class_order=class_order,
        return_indices=return_indices,
        random_state=random_state,
    )


def _order(
    class_order: Any, classes: np.ndarray, available: np.ndarray, entropy: int
) -> np.ndarray:
    """Return the class numbers from head to tail."""
    n_classes = len(classes)
    if isinstance(class_order, str):
        if class_order == "frequency":
            return np.argsort(-available, kind="stable")
        if class_order == "given":
            return np.arange(n_classes)
        rng = derive_generator(entropy, "datasets", "long_tail", "order")
        return rng.permutation(n_classes)
    numbers = {label: code for code, label in enumerate(classes.tolist())}
    wanted = list(np.asarray(class_order, dtype=object).tolist())
    for label in wanted:
        if label not in numbers:
            raise ValueError(
                f"class_order names the label {label!r}, which y does not have. "
                f"{suggest(label, numbers)}"
            )
    order = np.array([numbers[label] for label in wanted], dtype=np.intp)
    if len(order) != n_classes or len(set(order.tolist())) != n_classes:
        raise ValueError(
            f"class_order must name each of the {n_classes} labels once. Got "
            f"{wanted!r} instead."
        )
    return order


def _sizes(
    n_classes: int, n_max: int, ratio: float, kind: str, minority_fraction: float
) -> np.ndarray:
    """Return the sizes wanted, from head to tail."""
    position = np.arange(n_classes) / (n_classes - 1)
    if kind == "exp":
        sizes = n_max / ratio**position
    elif kind == "linear":
        sizes = n_max + (n_max / ratio - n_max) * position
    else:
        n_small = min(max(round(minority_fraction * n_classes), 1), n_classes - 1)
        small = np.arange(n_classes) >= n_classes - n_small
        sizes = np.where(small, n_max / ratio, n_max)
    # Rounding down, but 100 / 10 must not become 9 by the last bit of a power.
    return np.maximum(np.floor(sizes * (1 + 1e-12)), 1).astype(np.intp)


def _choose(
    codes: np.ndarray, order: np.ndarray, sizes: np.ndarray, entropy: int
) -> np.ndarray:
    """Choose rows of each class; its stream knows the class, not the ratio."""
    kept = []
    for code, size in zip(order.tolist(), sizes.tolist(), strict=True):
        rng = derive_generator(entropy, "datasets", "long_tail", "class", code)
        kept.append(rng.permutation(np.flatnonzero(codes == code))[:size])
    return np.sort(np.concatenate(kept))
