# SPDX-License-Identifier: BSD-3-Clause
"""Clusters whose classes no line parts."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, validate_params

from skoverfit._core._random import derive_generator, root_entropy

__all__ = ["make_xor_clusters"]


@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "n_features": [Interval(Integral, 2, None, closed="left")],
        "class_sep": [Interval(Real, 0, None, closed="left")],
        "flip_y": [Interval(Real, 0, 1, closed="both")],
        "rotate": ["boolean"],
        "return_clean": ["boolean"],
        "random_state": "no_validation",
    },
    prefer_skip_nested_validation=True,
)
def make_xor_clusters(
    n_samples: int = 200,
    n_features: int = 2000,
    *,
    class_sep: float = 12.0,
    flip_y: float = 0.1,
    rotate: bool = False,
    return_clean: bool = False,
    random_state: Any = None,
) -> tuple[np.ndarray, ...]:
    """Make four normal clusters in an XOR pattern, with wrong labels.

    The centres are ``+mu1``, ``-mu1`` (class 1) and ``+mu2``, ``-mu2`` (class 0), with
    orthogonal ``mu`` of equal length and noise of variance 1 in every column. A wide
    net of two layers, trained by whole-batch gradient descent from a tiny start, fits
    all wrong labels after one step while it predicts at chance, and after a few more
    predicts almost perfectly: harmful overfitting turns benign.

    Parameters
    ----------
    n_samples : int, default=200
        Rows. The cluster of each is drawn uniformly.
    n_features : int, default=2000
        Columns. Overfitting is benign only where they are many more than the rows.
    class_sep : float, default=12.0
        Length of ``mu``. With 6 at these sizes overfitting stays harmful; with 20 the
        clusters are learnt before the wrong labels.
    flip_y : float, default=0.1
        Probability of a wrong label.
    rotate : bool, default=False
        Whether the clusters lie along a random orthogonal basis instead of the first
        two columns.
    return_clean : bool, default=False
        Whether to return the right labels and the clusters, too.
    random_state : int, RandomState instance or None, default=None
        Seed. The rows don't depend on ``flip_y``.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
        The rows.
    y : ndarray of shape (n_samples,)
        Labels 0 and 1, some of them wrong.
    y_clean : ndarray of shape (n_samples,)
        Right labels. Only with ``return_clean``.
    clusters : ndarray of shape (n_samples,)
        0 and 1 for ``+mu1`` and ``-mu1``, 2 and 3 for ``+mu2`` and ``-mu2``. Only with
        ``return_clean``.

    References
    ----------
    Xu, Wang, Frei, Vardi & Hu (2024), "Benign Overfitting and Grokking in ReLU Networks
    for XOR Cluster Data", ICLR, arXiv:2310.02541.

    Examples
    --------
    >>> from skoverfit.datasets import make_xor_clusters
    >>> X, y, y_clean, clusters = make_xor_clusters(return_clean=True, random_state=0)
    >>> X.shape, bool(((clusters < 2) == y_clean).all())
    ((200, 2000), True)
    """
    entropy = root_entropy(random_state)

    def stream(name: str) -> np.random.Generator:
        return derive_generator(entropy, "xor clusters", name)

    clusters = stream("clusters").integers(4, size=n_samples)
    X = stream("noise").standard_normal((n_samples, n_features))
    basis = np.eye(2, n_features)
    if rotate:
        # The noise looks the same along any basis, so two directions are enough.
        drawn = stream("rotation").standard_normal((n_features, 2))
        basis = np.linalg.qr(drawn)[0].T
    sign = 1.0 - 2.0 * (clusters % 2)
    X += class_sep * sign[:, None] * basis[clusters // 2]
    clean = (clusters < 2).astype(np.int64)
    wrong = stream("labels").random(n_samples) < flip_y
    y = np.where(wrong, 1 - clean, clean)
    return (X, y, clean, clusters) if return_clean else (X, y)
