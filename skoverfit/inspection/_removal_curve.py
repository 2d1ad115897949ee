# SPDX-License-Identifier: BSD-3-Clause
"""What it does to a test score to drop the rows with the highest scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.metrics import check_scoring
from sklearn.utils._param_validation import HasMethods, Interval, validate_params

from skoverfit._core._arrays import n_rows, take_rows, to_numpy
from skoverfit._core._random import derive_generator, derive_seed, root_entropy
from skoverfit._core._row_scores import seeded
from skoverfit._core._validation import check_same_length
from skoverfit.exceptions import BadInputError

__all__ = ["RemovalCurve", "removal_curve"]


@dataclass(frozen=True, kw_only=True)
class RemovalCurve:
    """Test scores after rows were dropped, by their scores and at random.

    Parameters
    ----------
    fractions : ndarray of shape (n_fractions,)
        Shares of the rows that were dropped.
    highest : ndarray of shape (n_fractions, n_repeats)
        Test scores without the rows of the highest scores.
    random : ndarray of shape (n_fractions, n_repeats)
        Test scores without as many random rows, others in each repeat.

    See Also
    --------
    removal_curve : Makes one.
    MemorizationDisplay : Draws it.

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit.inspection import RemovalCurve
    >>> curve = RemovalCurve(fractions=np.array([0.1]), highest=np.array([[0.9, 0.8]]),
    ...                      random=np.array([[0.6, 0.7]]))
    >>> curve.difference()
    (array([0.2]), array([0.1]))
    """

    fractions: np.ndarray
    highest: np.ndarray
    random: np.ndarray

    def difference(self) -> tuple[np.ndarray, np.ndarray]:
        """Return by how much dropping by scores beats dropping at random.

        Returns
        -------
        mean, error : ndarray of shape (n_fractions,)
            Mean over the repeats and its standard error; that of the choice of random
            rows and of the seeds of the estimator, not of the test rows.
        """
        gap = self.highest - self.random
        n = gap.shape[1]
        error = gap.std(axis=1, ddof=1) / n**0.5 if n > 1 else np.full(len(gap), np.inf)
        return gap.mean(axis=1), error


@validate_params(
    {
        "estimator": [HasMethods(["fit"])],
        "X": "no_validation",
        "y": "no_validation",
        "X_test": "no_validation",
        "y_test": "no_validation",
        "scores": ["array-like"],
        "fractions": ["array-like"],
        "scoring": "no_validation",
        "n_repeats": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state", np.random.Generator],
    },
    prefer_skip_nested_validation=True,
)
def removal_curve(
    estimator: Any,
    X: Any,
    y: Any,
    X_test: Any,
    y_test: Any,
    scores: Any,
    *,
    fractions: Sequence[float] = (0.0, 0.05, 0.1, 0.2, 0.3),
    scoring: Any = None,
    n_repeats: int = 5,
    n_jobs: int | None = None,
    random_state: Any = None,
) -> RemovalCurve:
    """Train without the rows of the highest scores, and without random ones.

    Where the rows with high scores are wrong, the test score rises as they go; where
    they are rare but right, it falls faster than without random rows. See
    :doc:`/user_guide/inspection`.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator : estimator
        Is cloned; each repeat has seeds of its own.
    X : container of shape (n, p)
        Training rows.
    y : array-like of shape (n,)
        Their targets.
    X_test : container of shape (n_test, p)
        Rows that were not scored.
    y_test : array-like of shape (n_test,)
        Their targets; let them be right.
    scores : array-like of shape (n,)
        Of the training rows, such as ``memorization``. A NaN is never among the
        highest.
    fractions : sequence of float, default=(0.0, 0.05, 0.1, 0.2, 0.3)
        Shares of the rows to drop, in [0, 1).
    scoring : str, callable or None, default=None
        As in scikit-learn; None is ``estimator.score``.
    n_repeats : int, default=5
        Trainings of each kind.
    n_jobs : int, default=None
        Processes; None is 1.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the random rows and of the estimator.

    Returns
    -------
    RemovalCurve
        Test scores.

    Raises
    ------
    BadInputError
        Where ``scores`` or ``fractions`` can't be used.

    References
    ----------
    .. [1] V. Feldman and C. Zhang (2020), What neural networks memorize and why:
       discovering the long tail via influence estimation, NeurIPS, arXiv:2008.03703.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skoverfit.inspection import removal_curve
    >>> X = np.arange(60.0).reshape(-1, 1)
    >>> y = np.repeat([0, 1], 30)
    >>> wrong = np.arange(60) % 10 == 4
    >>> given = np.where(wrong, 1 - y, y)
    >>> curve = removal_curve(
    ...     KNeighborsClassifier(1), X, given, X, y, wrong, fractions=[0, 0.1],
    ...     random_state=0)
    >>> [float(score) for score in curve.highest.mean(axis=1)]
    [0.9, 1.0]
    """
    check_same_length(X, y)
    check_same_length(X_test, y_test)
    n = n_rows(X)
    values = np.asarray(to_numpy(scores), dtype=np.float64)
    if values.shape != (n,):
        raise BadInputError(
            f"scores must hold one number a row, of shape ({n},). Got the shape "
            f"{values.shape} instead."
        )
    if np.isnan(values).all():
        raise BadInputError("scores are all NaN, which says nothing of any row.")
    shares = np.asarray(fractions, dtype=np.float64)
    if shares.ndim != 1 or not len(shares) or not ((shares >= 0) & (shares < 1)).all():
        raise BadInputError(
            f"The 'fractions' parameter must hold numbers in [0, 1). Got {fractions!r} "
            "instead."
        )
    entropy = root_entropy(random_state)
    highest = np.argsort(-np.where(np.isnan(values), -np.inf, values), kind="stable")
    scorer = check_scoring(estimator, scoring=scoring)

    def one(share: float, repeat: int, by_score: bool) -> float:
        order = highest
        if not by_score:
            order = derive_generator(entropy, "rows", repeat).permutation(n)
        rows = np.sort(order[round(share * n) :])
        model = seeded(estimator, derive_seed(entropy, "model", repeat))
        model.fit(take_rows(X, rows), take_rows(y, rows))
        return float(scorer(model, X_test, y_test))

    made = Parallel(n_jobs=n_jobs)(
        delayed(one)(share, repeat, by_score)
        for by_score in (True, False)
        for share in shares.tolist()
        for repeat in range(n_repeats)
    )
    both = np.array(list(made)).reshape(2, len(shares), n_repeats)
    return RemovalCurve(fractions=shares, highest=both[0], random=both[1])
