# SPDX-License-Identifier: BSD-3-Clause
"""Wrong labels in unequal classes: first the tail, then the noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch

from skoverfit._core._random import derive_seed, root_entropy
from skoverfit._core._validation import check_labels
from skoverfit.datasets._label_noise import make_label_noise
from skoverfit.datasets._long_tail import make_long_tail

__all__ = ["make_noisy_long_tail"]


def make_noisy_long_tail(
    X: Any,
    y: Any,
    *,
    imbalance_ratio: float = 100,
    kind: str = "exp",
    noise: str = "joint",
    rate: float = 0.2,
    n_max: int | None = None,
    class_order: str | ArrayLike = "frequency",
    noise_params: Mapping[str, Any] | None = None,
    random_state: Any = None,
) -> Bunch:
    """Cut a long tail, then make some of the labels that are left wrong.

    The protocol of the literature on noisy long tails [1]_: in this order, because
    noise that is drawn first would be cut away with the rows.

    Parameters
    ----------
    X : container of shape (n, ...)
        Rows to choose from: numpy, pandas, polars, scipy sparse, torch or list.
    y : container of shape (n,) or (n, 1)
        Clean class labels of any dtype.
    imbalance_ratio : float, default=100
        Size of the largest class divided by that of the smallest one.
    kind : {"exp", "step", "linear"}, default="exp"
        How the class sizes fall; see `make_long_tail`.
    noise : str, default="joint"
        Kind of noise; see `make_label_noise`. The features that some kinds need are
        those of the rows that are left.
    rate : float, default=0.2
        Share of wrong labels. The literature uses 0.1 to 0.5.
    n_max : int, default=None
        Size of the largest class; None takes that of the largest class there is.
    class_order : {"frequency", "given", "shuffle"} or array-like, default="frequency"
        From head to tail; see `make_long_tail`.
    noise_params : dict, default=None
        Further parameters of `make_label_noise`, for example ``{"stratify": True}``.
    random_state : int, RandomState, Generator or None, default=None
        Seed of both steps.

    Returns
    -------
    Bunch
        With the attributes

        X : container of shape (n_kept, ...)
            The rows that are left.
        y : container of shape (n_kept,)
            Their labels, some of them wrong: what a model is trained on.
        y_clean : container of shape (n_kept,)
            Their true labels.
        is_noisy : ndarray of shape (n_kept,), bool
            Where the two differ.
        transition_matrix : ndarray of shape (n_classes, n_classes)
            What the noise was drawn from; rows are clean classes.
        classes : ndarray of shape (n_classes,)
            Labels, sorted: the order of the matrix and the counts.
        counts_clean, counts_noisy : ndarray of shape (n_classes,), int
            Rows of each true and of each given label.
        indices : ndarray of shape (n_kept,), int
            Row numbers into the X that was given.

    Raises
    ------
    ValueError
        As `make_long_tail` and `make_label_noise`.

    Warns
    -----
    SkoverfitWarning
        Where the noise takes the last row of a class, among others.

    See Also
    --------
    make_long_tail : The first step.
    make_label_noise : The second step.

    Notes
    -----
    With joint noise a tail class loses the share ``rate`` of its clean rows, while the
    few that come over from the head may be as many as it has. The observed ratio is
    therefore smaller or larger than ``imbalance_ratio``: compare the two counts. The
    cut leaves each class a row; noise may take it.

    References
    ----------
    .. [1] Zhang et al., "When Noisy Labels Meet Long Tail Dilemmas: A Representation
       Calibration Method", ICCV 2023. arXiv:2211.10955

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit.datasets import make_noisy_long_tail
    >>> X, y = np.arange(900).reshape(-1, 1), np.repeat(["a", "b", "c"], 300)
    >>> data = make_noisy_long_tail(
    ...     X, y, imbalance_ratio=25, rate=0.2, random_state=0
    ... )
    >>> data.counts_clean
    array([300,  60,  12])
    >>> int(data.is_noisy.sum()), data.transition_matrix.shape
    (74, (3, 3))
    """
    extra = dict(noise_params or {})
    ours = {"kind", "rate", "X", "return_mask", "return_transition", "random_state"}
    if clash := sorted(ours & extra.keys()):
        raise ValueError(f"noise_params can't hold {clash}: they are set here.")
    entropy = root_entropy(random_state)
    X_cut, y_clean, indices = make_long_tail(
        X,
        y,
        imbalance_ratio=imbalance_ratio,
        kind=kind,
        n_max=n_max,
        class_order=class_order,
        return_indices=True,
        random_state=derive_seed(entropy, "datasets", "tail"),
    )
    y_noisy, is_noisy, matrix = make_label_noise(
        y_clean,
        kind=noise,
        rate=rate,
        X=X_cut,
        return_mask=True,
        return_transition=True,
        random_state=derive_seed(entropy, "datasets", "noise"),
        **extra,
    )
    classes, codes = check_labels(y_clean)
    noisy_classes, noisy_codes = check_labels(y_noisy)
    counts_noisy = np.zeros(len(classes), dtype=np.intp)
    counts_noisy[np.searchsorted(classes, noisy_classes)] = np.bincount(noisy_codes)
    return Bunch(
        X=X_cut,
        y=y_noisy,
        y_clean=y_clean,
        is_noisy=is_noisy,
        transition_matrix=matrix,
        classes=classes,
        counts_clean=np.bincount(codes),
        counts_noisy=counts_noisy,
        indices=indices,
    )
