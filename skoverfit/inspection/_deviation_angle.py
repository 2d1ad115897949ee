# SPDX-License-Identifier: BSD-3-Clause
"""How far a linear boundary is tilted away from the direction between the classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils._param_validation import StrOptions, validate_params

from skoverfit.exceptions import BadInputError
from skoverfit.inspection._linear_boundary import (
    angle_between,
    over_pairs,
    read_boundary,
)

__all__ = ["deviation_angle", "mean_angle", "refuse_zero"]


@validate_params(
    {
        "estimator": "no_validation",
        "X": "no_validation",
        "y": "no_validation",
        "strategy": [StrOptions({"ovo", "ovr"})],
        "space": [StrOptions({"input", "model"})],
        "degrees": ["boolean"],
        "sample_weight": "no_validation",
    },
    prefer_skip_nested_validation=True,
)
def deviation_angle(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    strategy: str = "ovo",
    space: str = "input",
    degrees: bool = True,
    sample_weight: Any = None,
) -> Any:
    """Measure the angle of a linear boundary to that of the nearest class mean.

    0 is the plane halfway between the class means, at right angles to the line that
    joins them. The more a model leans on directions in which the rows vary little, the
    nearer it comes to 90 degrees: its predictions hardly change, and ever smaller
    changes of a row are enough to change them. Above 90 degrees the class means lie
    on the wrong sides.

    Parameters
    ----------
    estimator : estimator object
        Fitted; has ``coef_``, or is a pipeline or a search that ends in such a model.
        Steps before it that are linear (scalers, PCA, selections of columns) are taken
        into account; samplers don't matter.
    X : table of shape (n_samples, n_features)
        Rows of numbers, of which the class means are taken.
    y : array-like of shape (n_samples,)
        Their labels. For a regression two numbers.
    strategy : {"ovo", "ovr"}, default="ovo"
        Of more than two classes: each against each other, or each against the mean of
        all other rows.
    space : {"input", "model"}, default="input"
        Where the angle is measured: in the columns of ``X``, whose units matter, or in
        what the last step gets, which may come from any steps.
    degrees : bool, default=True
        Whether the angle is in degrees instead of radians.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows in the class means.

    Returns
    -------
    float or ndarray of shape (n_classes, n_classes) or (n_classes,)
        The angle; of more than two classes a symmetric matrix with NaN in its diagonal,
        or with ``strategy="ovr"`` one angle a class.

    Raises
    ------
    BadInputError
        If the model has no ``coef_``, a step is not linear, class means are equal, a
        class has no rows, or all coefficients are zero.

    See Also
    --------
    adversarial_strength : How much smaller a change suffices than has to.
    tilt_spectrum : In which directions the boundary is tilted.
    BoundaryTiltDisplay : The angle against a parameter that regularizes.

    References
    ----------
    Tanay & Griffin (2016), "A Boundary Tilting Perspective on the Phenomenon of
    Adversarial Examples", arXiv:1608.07690.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skoverfit.inspection import deviation_angle
    >>> X, y = load_digits(return_X_y=True)
    >>> X, y = X[(y == 3) | (y == 8)] / 16, y[(y == 3) | (y == 8)]
    >>> for C in (0.01, 1, 100):
    ...     model = LogisticRegression(C=C, max_iter=1000).fit(X, y)
    ...     print(f"{deviation_angle(model, X, y):.0f}")
    4
    27
    35
    """
    boundary = read_boundary(estimator, X, y, sample_weight=sample_weight, space=space)

    def angle(between: np.ndarray, normal: np.ndarray, *_: Any) -> float:
        refuse_zero(normal)
        found = angle_between(normal, between)
        return float(np.degrees(found)) if degrees else found

    return over_pairs(boundary, strategy, angle)


def refuse_zero(normal: np.ndarray) -> None:
    """Refuse a plane without direction."""
    if not np.any(normal):
        raise BadInputError(
            "All coefficients of the estimator are zero, so that it has no boundary; "
            "regularize less."
        )


def mean_angle(estimator: Any, X: Any, y: Any, *, space: str) -> float:
    """Return the mean angle over pairs of classes in degrees; NaN without direction."""
    boundary = read_boundary(estimator, X, y, space=space)

    def angle(between: np.ndarray, normal: np.ndarray, *_: Any) -> float:
        return float(np.degrees(angle_between(normal, between)))

    angles = np.atleast_2d(over_pairs(boundary, "ovo", angle))
    if angles.size == 1:
        return float(angles[0, 0])
    return float(angles[np.triu_indices_from(angles, k=1)].mean())
