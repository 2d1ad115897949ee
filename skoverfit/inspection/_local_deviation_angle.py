# SPDX-License-Identifier: BSD-3-Clause
"""The tilt of a boundary that is no plane, where lines between rows cross it."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from scipy.special import logit
from sklearn.utils._param_validation import Interval, validate_params
from sklearn.utils.validation import check_is_fitted

from skoverfit._core._random import derive_generator, root_entropy
from skoverfit._core._validation import check_labels, check_same_length
from skoverfit.exceptions import BadInputError
from skoverfit.inspection._linear_boundary import angle_between, like, numbers_of

__all__ = ["local_deviation_angle"]

# Halvings of a line, and steps of the differences in deviations of a column. Nets
# compute in float32, where smaller steps would drown in rounding.
_HALVINGS, _STEP = 40, 1e-3
_ROWS_AT_ONCE = 1 << 15


@validate_params(
    {
        "estimator": "no_validation",
        "X": "no_validation",
        "y": "no_validation",
        "n_pairs": [Interval(Integral, 1, None, closed="left")],
        "n_neighbors": [Interval(Integral, 1, None, closed="left"), None],
        "degrees": ["boolean"],
        "random_state": "no_validation",
    },
    prefer_skip_nested_validation=True,
)
def local_deviation_angle(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    n_pairs: int = 64,
    n_neighbors: int | None = None,
    degrees: bool = True,
    random_state: Any = None,
) -> np.ndarray:
    """Measure the tilt of any smooth boundary between two classes, point by point.

    Pairs of rows of both classes are drawn that are predicted right. The line between
    them crosses the boundary; there the gradient of the model's output stands in for
    the coefficients of a linear one (of trees, the jump of their output). The measure
    is ours; of a linear model all angles are its `deviation_angle`.

    Parameters
    ----------
    estimator : estimator object
        Fitted classifier of two classes, such as a net or a kernel machine, with
        ``decision_function`` or ``predict_proba``.
    X : table of shape (n_samples, n_features)
        Rows of numbers.
    y : array-like of shape (n_samples,)
        Their labels.
    n_pairs : int, default=64
        Pairs that are drawn. Each costs predictions of twice as many rows as there are
        columns.
    n_neighbors : int, default=None
        Rows of each class, nearest to the crossing, whose means the angle refers to.
        None is all rows; where a class lies on several sides of the other, a few tell
        more.
    degrees : bool, default=True
        Whether the angles are in degrees instead of radians.
    random_state : int, RandomState instance or None, default=None
        Seed of the pairs.

    Returns
    -------
    ndarray of shape (n_pairs,)
        The angles.

    Raises
    ------
    BadInputError
        If there are not two classes, the estimator has no such output, or a class has
        no row that is predicted right.

    See Also
    --------
    deviation_angle : The angle of a linear model, exact and at once.

    References
    ----------
    Tanay & Griffin (2016), "A Boundary Tilting Perspective on the Phenomenon of
    Adversarial Examples", arXiv:1608.07690.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from sklearn.svm import SVC
    >>> from skoverfit.inspection import local_deviation_angle
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X = scale(X)
    >>> for C in (0.01, 100):
    ...     model = SVC(C=C).fit(X, y)
    ...     print(f"{local_deviation_angle(model, X, y, random_state=0).mean():.0f}")
    26
    58
    """
    check_is_fitted(estimator)
    check_same_length(X, y)
    classes, codes = check_labels(y)
    known = np.asarray(getattr(estimator, "classes_", classes))
    if len(classes) != 2 or not np.array_equal(known, classes):
        raise BadInputError(
            "local_deviation_angle needs two classes in y, those of the estimator. Got "
            f"{classes[:5].tolist()}, and the estimator has {known[:5].tolist()}."
        )
    values = numbers_of(X)

    def margin(rows: np.ndarray) -> np.ndarray:
        return np.concatenate(
            [
                _margin(estimator, like(X, rows[first : first + _ROWS_AT_ONCE]))
                for first in range(0, len(rows), _ROWS_AT_ONCE)
            ]
        )

    right = (margin(values) > 0) == (codes == 1)
    sides = [np.flatnonzero(right & (codes == k)) for k in (0, 1)]
    for k, rows in enumerate(sides):
        if not len(rows):
            raise BadInputError(
                f"No row of the class {classes.tolist()[k]!r} is predicted right, "
                "so that no line between two rows crosses the boundary where it should."
            )
    rng = derive_generator(root_entropy(random_state), "local deviation angle")
    low, high = (values[rng.choice(rows, n_pairs)] for rows in sides)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        above = margin(middle)[:, None] > 0
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    between = values[codes == 1].mean(axis=0) - values[codes == 0].mean(axis=0)
    step = _STEP * np.where(values.std(axis=0) > 0, values.std(axis=0), 1.0)
    angles = np.empty(n_pairs)
    for number, point in enumerate((low + high) / 2):
        moved = np.concatenate([point + np.diag(step), point - np.diag(step)])
        ahead, behind = np.split(margin(moved), 2)
        slope = (ahead - behind) / (2 * step)
        if n_neighbors is not None:
            between = _between_neighbours(values, codes, point, step, n_neighbors)
        angles[number] = angle_between(slope, between)
    return np.degrees(angles) if degrees else angles


def _margin(estimator: Any, X: Any) -> np.ndarray:
    """Return what is above 0 for the second class."""
    if hasattr(estimator, "decision_function"):
        return np.asarray(estimator.decision_function(X), dtype=np.float64).ravel()
    if not hasattr(estimator, "predict_proba"):
        raise BadInputError(
            "The 'estimator' parameter must have decision_function or predict_proba; "
            f"{type(estimator).__name__} has none."
        )
    second = np.asarray(estimator.predict_proba(X), dtype=np.float64)[:, 1]
    return np.asarray(logit(np.clip(second, 1e-15, 1 - 1e-15)))


def _between_neighbours(
    values: np.ndarray,
    codes: np.ndarray,
    point: np.ndarray,
    step: np.ndarray,
    n_neighbors: int,
) -> np.ndarray:
    """Return the difference of the means of each class's nearest rows.

    Near is meant in deviations of the columns, so that no unit decides.
    """
    far = (((values - point) / step) ** 2).sum(axis=1)
    means = []
    for k in (0, 1):
        rows = np.flatnonzero(codes == k)
        nearest = rows[np.argsort(far[rows], kind="stable")[:n_neighbors]]
        means.append(values[nearest].mean(axis=0))
    return means[1] - means[0]
