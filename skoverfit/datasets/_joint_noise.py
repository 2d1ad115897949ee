# SPDX-License-Identifier: BSD-3-Clause
"""Label noise of long-tailed data: wrong labels follow the class sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils._param_validation import validate_params

from skoverfit.datasets._flip import (
    NOISE_PARAMETERS,
    flip_by_matrix,
    flip_by_redrawing,
    read_labels,
)
from skoverfit.datasets._transition import make_transition_matrix

__all__ = ["joint_noise", "joint_proportional_noise"]


@validate_params(
    NOISE_PARAMETERS,
    prefer_skip_nested_validation=True,
)
def joint_noise(
    y: Any,
    rate: float = 0.2,
    *,
    exact: bool = True,
    stratify: bool = False,
    return_mask: bool = False,
    return_transition: bool = False,
    random_state: Any = None,
) -> Any:
    """Give a share of the rows another label, big classes being the likeliest.

    The noise of long-tailed data [1]_: every class loses the share ``rate``, and the
    wrong labels follow the class sizes, ``T[i, j] = rate * n_j / (n - n_i)``. Tail
    classes lose clean rows to the head, and the few per cent of the big head that come
    back can outnumber what is left of a tail class. The observed imbalance therefore
    differs from the clean one.

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

    See Also
    --------
    make_label_noise : All kinds under one name.
    make_transition_matrix : The transition matrix of each kind.

    References
    ----------
    .. [1] Zhang et al., "When Noisy Labels Meet Long Tail Dilemmas: A Representation
       Calibration Method", ICCV 2023. arXiv:2211.10955

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit.datasets import joint_noise
    >>> y = np.repeat([0, 1, 2], [80, 15, 5])
    >>> np.bincount(joint_noise(y, 0.2, stratify=True, random_state=0))
    array([68, 22, 10])
    """
    labels = read_labels(y)
    matrix = make_transition_matrix(
        len(labels.classes), rate, "joint", priors=labels.counts
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
def joint_proportional_noise(
    y: Any,
    rate: float = 0.2,
    *,
    exact: bool = True,
    stratify: bool = False,
    return_mask: bool = False,
    return_transition: bool = False,
    random_state: Any = None,
) -> Any:
    """Redraw labels in proportion to the class sizes, the own class included.

    The second protocol of long-tailed label noise [1]_: ``n * rate / r`` labels are
    redrawn with the probabilities p of the classes, where ``r = 1 - sum(p**2)`` is the
    chance that two rows differ in class. In expectation ``rate`` of all labels become
    wrong and no class grows or shrinks.

    Parameters
    ----------
    y : container of shape (n,) or (n, 1)
        Clean labels of any dtype: numpy, list, pandas, polars or torch. A class is a
        distinct label; "next" and "first" mean the sorted order of ``np.unique``.
    rate : float, default=0.2
        Expected share of wrong labels, in [0, r].
    exact : bool, default=True
        True redraws exactly ``round(rate / r * n)`` labels; False decides
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
        one class only. A rate above r is impossible.

    See Also
    --------
    make_label_noise : All kinds under one name.
    make_transition_matrix : The transition matrix of each kind.

    References
    ----------
    .. [1] Wei et al., "Robust Long-Tailed Learning under Label Noise", 2021.
       arXiv:2108.11569

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit.datasets import joint_proportional_noise
    >>> y = np.repeat([0, 1], [9000, 1000])
    >>> y_noisy = joint_proportional_noise(y, 0.1, random_state=0)
    >>> float((y_noisy != y).mean().round(2)), float((y_noisy == 1).mean().round(2))
    (0.1, 0.1)
    """
    labels = read_labels(y)
    shares = labels.counts / labels.counts.sum()
    # Refuses rates out of reach; the drawing itself keeps the redrawn labels in view.
    make_transition_matrix(
        len(shares), rate, "joint_proportional", priors=labels.counts
    )
    return flip_by_redrawing(
        labels,
        rate / (1 - float(np.sum(shares**2))),
        shares,
        random_state,
        exact=exact,
        stratify=stratify,
        return_mask=return_mask,
        return_transition=return_transition,
    )
