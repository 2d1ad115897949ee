# SPDX-License-Identifier: BSD-3-Clause
"""Many small kinds of rows, most of them rare: where memorization pays."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils._param_validation import Interval, validate_params

from skoverfit._core._random import derive_generator, root_entropy

__all__ = ["make_long_tail_subpopulations"]


@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "n_subpopulations": [Interval(Integral, 2, None, closed="left")],
        "exponent": [Interval(Real, 0, None, closed="left")],
        "n_features": [Interval(Integral, 1, None, closed="left")],
        "n_classes": [Interval(Integral, 2, None, closed="left")],
        "separation": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state", np.random.Generator],
    },
    prefer_skip_nested_validation=True,
)
def make_long_tail_subpopulations(
    n_samples: int = 1000,
    n_subpopulations: int = 1000,
    *,
    exponent: float = 1.0,
    n_features: int = 20,
    n_classes: int = 2,
    separation: float = 10.0,
    random_state: Any = None,
) -> Bunch:
    """Draw rows of subpopulations whose frequencies fall like a power of their rank.

    Each subpopulation is a normal cloud with a label of its own, which tells nothing of
    the others' labels. With an exponent of about 1 many of them are seen once, and who
    will not learn a row that was seen once pays for it on the next one of its kind
    (Feldman [1]_); with an exponent of 0 or of 2 it hardly matters. Our construction
    of the paper's model; see :doc:`/user_guide/inspection`.

    .. versionadded:: 0.1

    Parameters
    ----------
    n_samples : int, default=1000
        Rows. Split them to have a test set of the same law.
    n_subpopulations : int, default=1000
        Kinds of rows.
    exponent : float, default=1.0
        Frequencies are proportional to ``rank ** -exponent``; 0 makes them equal.
    n_features : int, default=20
        Columns.
    n_classes : int, default=2
        Labels; each subpopulation has one, drawn uniformly.
    separation : float, default=10.0
        Standard deviation of a column of the centres, in units of a cloud's.
    random_state : int, RandomState, Generator or None, default=None
        Source of everything random.

    Returns
    -------
    Bunch
        With the attributes

        X : ndarray of shape (n_samples, n_features)
            Rows.
        y : ndarray of shape (n_samples,), int
            Their labels.
        subpopulation : ndarray of shape (n_samples,), int
            Their kinds, the most frequent one is 0.
        frequencies : ndarray of shape (n_subpopulations,)
            Probability of each kind.
        centers : ndarray of shape (n_subpopulations, n_features)
            Where they are.
        labels : ndarray of shape (n_subpopulations,), int
            Their labels.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    See Also
    --------
    skoverfit.inspection.long_tail_cost : What a row costs that is not learned.
    make_long_tail : Rare classes instead of rare kinds.

    References
    ----------
    .. [1] V. Feldman (2020), Does learning require memorization? A short tale about a
       long tail, STOC, arXiv:1906.05271.

    Examples
    --------
    >>> from skoverfit.datasets import make_long_tail_subpopulations
    >>> data = make_long_tail_subpopulations(1000, 1000, random_state=0)
    >>> data.X.shape, data.frequencies[:2].round(3)
    ((1000, 20), array([0.134, 0.067]))
    """
    entropy = root_entropy(random_state)
    rng = derive_generator(entropy, "datasets", "subpopulations")
    frequencies = np.arange(1, n_subpopulations + 1, dtype=np.float64) ** -exponent
    frequencies /= frequencies.sum()
    centers = separation * rng.normal(size=(n_subpopulations, n_features))
    labels = rng.integers(n_classes, size=n_subpopulations)
    kind = rng.choice(n_subpopulations, n_samples, p=frequencies)
    return Bunch(
        X=centers[kind] + rng.normal(size=(n_samples, n_features)),
        y=labels[kind],
        subpopulation=kind,
        frequencies=frequencies,
        centers=centers,
        labels=labels,
    )
