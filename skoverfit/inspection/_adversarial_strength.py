# SPDX-License-Identifier: BSD-3-Clause
"""How much smaller the change of a row is that suffices than the one that has to be."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils._param_validation import StrOptions, validate_params

from skoverfit.inspection._deviation_angle import refuse_zero
from skoverfit.inspection._linear_boundary import (
    angle_between,
    over_pairs,
    read_boundary,
)

__all__ = ["adversarial_strength"]


@validate_params(
    {
        "estimator": "no_validation",
        "X": "no_validation",
        "y": "no_validation",
        "method": [StrOptions({"distance", "angle"})],
        "strategy": [StrOptions({"ovo", "ovr"})],
        "space": [StrOptions({"input", "model"})],
        "sample_weight": "no_validation",
    },
    prefer_skip_nested_validation=True,
)
def adversarial_strength(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    method: str = "distance",
    strategy: str = "ovo",
    space: str = "input",
    sample_weight: Any = None,
) -> Any:
    """Measure how much nearer to the rows a linear boundary lies than it has to.

    The nearest class mean would put it half the distance of the means away from the
    average row. The strength is that distance divided by the model's: about 1 is as
    good as can be, 10 means that a tenth of the change turns a row's prediction.

    Parameters
    ----------
    estimator : estimator object
        Fitted; has ``coef_``, or is a pipeline or a search that ends in such a model.
    X : table of shape (n_samples, n_features)
        Rows of numbers.
    y : array-like of shape (n_samples,)
        Their labels.
    method : {"distance", "angle"}, default="distance"
        "distance" measures the mean distance of the rows on their right side, the mean
        of both classes'; rows on the wrong side are left out, so that it may be a
        little below 1. "angle" is ``1 / cos`` of the deviation angle, which is the same
        where no row is wrong; infinite from 90 degrees on.
    strategy : {"ovo", "ovr"}, default="ovo"
        Of more than two classes: each against each other, or each against all others.
    space : {"input", "model"}, default="input"
        Where it is measured: in the columns of ``X``, or in what the last step gets.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.

    Returns
    -------
    float or ndarray of shape (n_classes, n_classes) or (n_classes,)
        The strength, as `deviation_angle` returns angles. Infinite where a class has no
        row on its right side.

    Raises
    ------
    BadInputError
        As `deviation_angle`.

    See Also
    --------
    deviation_angle : The angle behind it.

    References
    ----------
    Tanay & Griffin (2016), "A Boundary Tilting Perspective on the Phenomenon of
    Adversarial Examples", arXiv:1608.07690.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skoverfit.inspection import adversarial_strength
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], 50)
    >>> X = rng.normal(size=(100, 60)) + 6 * y[:, None] * (np.arange(60) == 0)
    >>> for C in (1e-3, 1e3):
    ...     model = LogisticRegression(C=C, max_iter=1000).fit(X, y)
    ...     print(f"{adversarial_strength(model, X, y):.2f}")
    1.00
    1.50
    """
    boundary = read_boundary(estimator, X, y, sample_weight=sample_weight, space=space)

    def strength(
        between: np.ndarray,
        normal: np.ndarray,
        offset: float,
        down: np.ndarray,
        up: np.ndarray,
    ) -> float:
        refuse_zero(normal)
        if method == "angle":
            cosine = float(np.cos(angle_between(normal, between)))
            return 1.0 / cosine if cosine > 1e-15 else np.inf
        length = float(np.linalg.norm(normal))
        means = []
        for rows, sign in ((down, -1.0), (up, 1.0)):
            distance = sign * (boundary.X[rows] @ normal + offset) / length
            weight = boundary.weight[rows] * (distance > 0)
            if not weight.sum() > 0:
                return np.inf
            means.append(float(np.average(distance, weights=weight)))
        return float(np.linalg.norm(between)) / sum(means)

    return over_pairs(boundary, strategy, strength)
