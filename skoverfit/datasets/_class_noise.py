# SPDX-License-Identifier: BSD-3-Clause
"""Label noise that depends on the class alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import validate_params

from skoverfit._core._names import suggest
from skoverfit._core._random import root_entropy
from skoverfit.datasets._flip import (
    NOISE_PARAMETERS,
    flip_by_matrix,
    flip_by_redrawing,
    read_labels,
    warn_if_dominant,
)
from skoverfit.datasets._transition import (
    check_transition_matrix,
    make_transition_matrix,
)

__all__ = [
    "asymmetric_noise",
    "class_conditional_noise",
    "pair_noise",
    "symmetric_noise",
]


@validate_params(
    {**NOISE_PARAMETERS, "include_self": ["boolean"]},
    prefer_skip_nested_validation=True,
)
def symmetric_noise(
    y: Any,
    rate: float = 0.2,
    *,
    include_self: bool = False,
    exact: bool = True,
    stratify: bool = False,
    return_mask: bool = False,
    return_transition: bool = False,
    random_state: Any = None,
) -> Any:
    """Give a share of the rows any other label, all equally likely.

    The mildest noise: the wrong labels carry no pattern. With two classes it swaps
    them.

    Parameters
    ----------
    y : container of shape (n,) or (n, 1)
        Clean labels of any dtype: numpy, list, pandas, polars or torch. A class is a
        distinct label; "next" and "first" mean the sorted order of ``np.unique``.
    rate : float, default=0.2
        Share of wrong labels, in [0, 1].
    include_self : bool, default=False
        False draws among the other K - 1 classes, so ``rate`` of the labels are wrong.
        True draws among all K, as the DivideMix loaders do: ``rate`` of the labels
        are redrawn, and about ``rate * (K - 1) / K`` become wrong.
    exact : bool, default=True
        True redraws exactly ``round(rate * n)`` labels; False decides
        on each row by itself, so that the number varies as in the i.i.d. model.
    stratify : bool, default=False
        With ``exact=True``, whether each class gets its share, rounded down or up.
    return_mask : bool, default=False
        Whether to return also which labels are wrong.
    return_transition : bool, default=False
        Whether to return also the transition matrix that was drawn from.
    random_state : int, RandomState, Generator or None, default=None
        Seed; the same one gives the same labels.

    Returns
    -------
    y_noisy : container
        Labels in the same container, dtype and index as y; y is not changed.
    is_noisy : ndarray of shape (n,), bool
        Where the label differs from y. Only with ``return_mask=True``.
    transition_matrix : ndarray of shape (n_classes, n_classes)
        Rows are clean classes. Only with ``return_transition=True``.

    Raises
    ------
    ValueError
        Where a parameter is out of range, a label is missing or continuous, or y has
        one class only.

    Warns
    -----
    SkoverfitWarning
        Where the rate makes the right label no more frequent than a wrong one, or no
        row of some class is left.

    See Also
    --------
    make_label_noise : All kinds under one name.
    make_transition_matrix : The transition matrix of each kind.

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit.datasets import symmetric_noise
    >>> y = np.repeat(["ham", "spam"], 50)
    >>> y_noisy, is_noisy = symmetric_noise(y, 0.1, return_mask=True, random_state=0)
    >>> int(is_noisy.sum()), int((y_noisy != y).sum())
    (10, 10)
    """
    labels = read_labels(y)
    n_classes = len(labels.classes)
    matrix = make_transition_matrix(n_classes, rate, include_self=include_self)
    warn_if_dominant(matrix, rate, "symmetric")
    if include_self:
        target = np.full(n_classes, 1 / n_classes)
        return flip_by_redrawing(
            labels,
            rate,
            target,
            random_state,
            exact=exact,
            stratify=stratify,
            return_mask=return_mask,
            return_transition=return_transition,
        )
    return flip_by_matrix(
        labels,
        matrix,
        random_state,
        exact=exact,
        stratify=stratify,
        return_mask=return_mask,
        return_transition=return_transition,
    )


@validate_params(
    NOISE_PARAMETERS,
    prefer_skip_nested_validation=True,
)
def pair_noise(
    y: Any,
    rate: float = 0.2,
    *,
    exact: bool = True,
    stratify: bool = False,
    return_mask: bool = False,
    return_transition: bool = False,
    random_state: Any = None,
) -> Any:
    """Give a share of the rows the label of the next class.

    Each class leaks into one other, as where people mistake one breed for another;
    harder than symmetric noise of the same rate. With two classes it swaps them.

    Parameters
    ----------
    y : container of shape (n,) or (n, 1)
        Clean labels of any dtype: numpy, list, pandas, polars or torch. A class is a
        distinct label; "next" and "first" mean the sorted order of ``np.unique``.
    rate : float, default=0.2
        Share of wrong labels, in [0, 1].
    exact : bool, default=True
        True changes exactly ``round(rate * n)`` labels; False decides
        on each row by itself, so that the number varies as in the i.i.d. model.
    stratify : bool, default=False
        With ``exact=True``, whether each class gets its share, rounded down or up.
    return_mask : bool, default=False
        Whether to return also which labels are wrong.
    return_transition : bool, default=False
        Whether to return also the transition matrix that was drawn from.
    random_state : int, RandomState, Generator or None, default=None
        Seed; the same one gives the same labels.

    Returns
    -------
    y_noisy : container
        Labels in the same container, dtype and index as y; y is not changed.
    is_noisy : ndarray of shape (n,), bool
        Where the label differs from y. Only with ``return_mask=True``.
    transition_matrix : ndarray of shape (n_classes, n_classes)
        Rows are clean classes. Only with ``return_transition=True``.

    Raises
    ------
    ValueError
        Where a parameter is out of range, a label is missing or continuous, or y has
        one class only.

    Warns
    -----
    SkoverfitWarning
        From ``rate=0.5`` on, where the wrong label is the more frequent one.

    See Also
    --------
    make_label_noise : All kinds under one name.
    make_transition_matrix : The transition matrix of each kind.

    Examples
    --------
    >>> from skoverfit.datasets import pair_noise
    >>> pair_noise(["a", "a", "b", "b", "c", "c"], 0.34, random_state=0)
    ['a', 'b', 'b', 'c', 'c', 'c']
    """
    labels = read_labels(y)
    matrix = make_transition_matrix(len(labels.classes), rate, "pair")
    warn_if_dominant(matrix, rate, "pair")
    return flip_by_matrix(
        labels,
        matrix,
        random_state,
        exact=exact,
        stratify=stratify,
        return_mask=return_mask,
        return_transition=return_transition,
    )


@validate_params(
    {**NOISE_PARAMETERS, "mapping": [Mapping, None]}, prefer_skip_nested_validation=True
)
def asymmetric_noise(
    y: Any,
    rate: float = 0.2,
    *,
    mapping: Mapping[Any, Any] | None = None,
    exact: bool = True,
    stratify: bool = False,
    return_mask: bool = False,
    return_transition: bool = False,
    random_state: Any = None,
) -> Any:
    """Give a share of the rows of chosen classes the label of one other class.

    The noise of confusable classes (truck and car, 7 and 1). Classes without an entry
    in ``mapping`` stay clean.

    Parameters
    ----------
    y : container of shape (n,) or (n, 1)
        Clean labels of any dtype: numpy, list, pandas, polars or torch. A class is a
        distinct label; "next" and "first" mean the sorted order of ``np.unique``.
    rate : float, default=0.2
        Share of wrong labels in each source class of the mapping, in [0, 1].
    mapping : dict, default=None
        Source label to target label, ``{"truck": "car"}``. None gives each class one
        random other class.
    exact : bool, default=True
        True changes exactly ``round(rate * n)`` of the n mapped labels; False decides
        on each row by itself, so that the number varies as in the i.i.d. model.
    stratify : bool, default=False
        With ``exact=True``, whether each class gets its share, rounded down or up.
    return_mask : bool, default=False
        Whether to return also which labels are wrong.
    return_transition : bool, default=False
        Whether to return also the transition matrix that was drawn from.
    random_state : int, RandomState, Generator or None, default=None
        Seed; the same one gives the same labels.

    Returns
    -------
    y_noisy : container
        Labels in the same container, dtype and index as y; y is not changed.
    is_noisy : ndarray of shape (n,), bool
        Where the label differs from y. Only with ``return_mask=True``.
    transition_matrix : ndarray of shape (n_classes, n_classes)
        Rows are clean classes. Only with ``return_transition=True``.

    Raises
    ------
    ValueError
        Where a parameter is out of range, a label is missing or continuous, or y has
        one class only, or the mapping names a label that y does not have.

    Warns
    -----
    SkoverfitWarning
        From ``rate=0.5`` on, where the wrong label is the more frequent one.

    See Also
    --------
    make_label_noise : All kinds under one name.
    make_transition_matrix : The transition matrix of each kind.

    Examples
    --------
    >>> from skoverfit.datasets import asymmetric_noise
    >>> y = ["car"] * 4 + ["truck"] * 4
    >>> y_noisy = asymmetric_noise(y, 0.25, mapping={"truck": "car"}, random_state=0)
    >>> y_noisy[:4], y_noisy.count("truck")
    (['car', 'car', 'car', 'car'], 3)
    """
    labels = read_labels(y)
    entropy = root_entropy(random_state)
    matrix = make_transition_matrix(
        len(labels.classes),
        rate,
        "asymmetric",
        mapping=_code_mapping(mapping, labels.classes),
        random_state=entropy,
    )
    warn_if_dominant(matrix, rate, "asymmetric")
    return flip_by_matrix(
        labels,
        matrix,
        entropy,
        exact=exact,
        stratify=stratify,
        return_mask=return_mask,
        return_transition=return_transition,
    )


def _code_mapping(
    mapping: Mapping[Any, Any] | None, classes: np.ndarray
) -> dict[int, int] | None:
    """Translate labels to class numbers."""
    if mapping is None:
        return None
    numbers = {label: code for code, label in enumerate(classes.tolist())}
    for label in (*mapping.keys(), *mapping.values()):
        if label not in numbers:
            raise ValueError(
                f"mapping names the label {label!r}, which y does not have. "
                f"{suggest(label, numbers)}"
            )
    for source, target in mapping.items():
        if source == target:
            raise ValueError(f"mapping sends the label {source!r} to itself.")
    return {numbers[source]: numbers[target] for source, target in mapping.items()}


@validate_params(
    {
        **{name: NOISE_PARAMETERS[name] for name in NOISE_PARAMETERS if name != "rate"},
        "transition_matrix": ["array-like"],
    },
    prefer_skip_nested_validation=True,
)
def class_conditional_noise(
    y: Any,
    transition_matrix: ArrayLike,
    *,
    exact: bool = True,
    stratify: bool = False,
    return_mask: bool = False,
    return_transition: bool = False,
    random_state: Any = None,
) -> Any:
    """Draw labels from any transition matrix.

    The general model of noise that depends on the class alone.

    Parameters
    ----------
    y : container of shape (n,) or (n, 1)
        Clean labels of any dtype: numpy, list, pandas, polars or torch. A class is a
        distinct label; "next" and "first" mean the sorted order of ``np.unique``.
    transition_matrix : array-like of shape (n_classes, n_classes)
        ``T[i, j]`` is the probability that a row of clean class i gets label j, the
        classes in sorted order. cleanlab's ``noise_matrix`` is the transpose.
    exact : bool, default=True
        True changes exactly ``round(sum_i n_i (1 - T[i, i]))`` labels; False decides
        on each row by itself, so that the number varies as in the i.i.d. model.
    stratify : bool, default=False
        With ``exact=True``, whether each class gets its share, rounded down or up.
    return_mask : bool, default=False
        Whether to return also which labels are wrong.
    return_transition : bool, default=False
        Whether to return also the transition matrix that was drawn from.
    random_state : int, RandomState, Generator or None, default=None
        Seed; the same one gives the same labels.

    Returns
    -------
    y_noisy : container
        Labels in the same container, dtype and index as y; y is not changed.
    is_noisy : ndarray of shape (n,), bool
        Where the label differs from y. Only with ``return_mask=True``.
    transition_matrix : ndarray of shape (n_classes, n_classes)
        Rows are clean classes. Only with ``return_transition=True``.

    Raises
    ------
    ValueError
        Where the matrix is not row-stochastic or does not fit the classes, a label
        is missing or continuous, or y has one class only.

    See Also
    --------
    make_label_noise : All kinds under one name.
    make_transition_matrix : The transition matrix of each kind.

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit.datasets import class_conditional_noise
    >>> y = np.repeat([0, 1], 100)
    >>> y_noisy = class_conditional_noise(y, [[1, 0], [0.3, 0.7]], random_state=0)
    >>> np.bincount(y_noisy)
    array([130,  70])
    """
    labels = read_labels(y)
    return flip_by_matrix(
        labels,
        check_transition_matrix(transition_matrix, len(labels.classes)),
        random_state,
        exact=exact,
        stratify=stratify,
        return_mask=return_mask,
        return_transition=return_transition,
    )
