# SPDX-License-Identifier: BSD-3-Clause
"""In which directions a linear boundary is tilted, and how much the rows vary there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils._param_validation import StrOptions, validate_params

from skoverfit._core._names import suggest
from skoverfit.exceptions import BadInputError
from skoverfit.inspection._deviation_angle import refuse_zero
from skoverfit.inspection._linear_boundary import (
    LinearBoundary,
    angle_between,
    read_boundary,
)

__all__ = ["TiltSpectrum", "tilt_spectrum"]


@dataclass(frozen=True, kw_only=True)
class TiltSpectrum:
    """Result of :func:`tilt_spectrum`; its attributes are described there."""

    variances: np.ndarray
    contributions: np.ndarray
    cumulative: np.ndarray
    added: np.ndarray
    directions: np.ndarray
    angle: float
    classes: tuple[Any, Any]

    def share_below(self, variance_share: float = 0.01) -> float:
        """Return the share of what was added in the directions of least variance.

        Parameters
        ----------
        variance_share : float, default=0.01
            These directions together have at most this share of all variance.

        Returns
        -------
        float
            Between 0 and 1; 0 for a boundary that is not tilted.
        """
        held = np.cumsum(self.variances)
        low = held <= variance_share * held[-1]
        total = float(self.added.sum())
        return float(self.added[low].sum()) / total if total > 0 else 0.0


@validate_params(
    {
        "estimator": "no_validation",
        "X": "no_validation",
        "y": "no_validation",
        "pair": ["array-like", None],
        "space": [StrOptions({"input", "model"})],
        "sample_weight": "no_validation",
    },
    prefer_skip_nested_validation=True,
)
def tilt_spectrum(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    pair: Sequence[Any] | None = None,
    space: str = "input",
    sample_weight: Any = None,
) -> TiltSpectrum:
    """Split the tilt of a linear boundary by the variance of the directions.

    Tilt in directions in which the rows vary much may buy accuracy. Tilt in directions
    in which they hardly vary changes hardly any prediction, and is what regularization
    takes away first. The decomposition is ours: the unit normal of the boundary minus
    the unit vector between the class means, along the principal directions of the rows
    about their class means.

    Parameters
    ----------
    estimator : estimator object
        Fitted; has ``coef_``, or is a pipeline or a search that ends in such a model.
    X : table of shape (n_samples, n_features)
        Rows of numbers.
    y : array-like of shape (n_samples,)
        Their labels.
    pair : sequence of two labels, default=None
        Which two of more than two classes.
    space : {"input", "model"}, default="input"
        Where it is measured: in the columns of ``X``, or in what the last step gets.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows in means and variances.

    Returns
    -------
    TiltSpectrum
        Frozen dataclass with the attributes

        - ``variances``: of the directions, rising. Of the directions without any
          variance (where there are more columns than rows) only those are there that
          the tilt needs, two at most;
        - ``contributions``: square of the tilt along each; their sum is
          ``2 - 2 cos(angle)``;
        - ``cumulative``: its sums, from the least variance upward, as shares of it;
        - ``added``: square of what the normal has along each and at right angles to the
          line between the means; their sum is the square of the angle's sine;
        - ``directions``: unit vectors, one a row;
        - ``angle``: the deviation angle in degrees;
        - ``classes``: the two labels;

        and the method ``share_below(variance_share)``: the share of ``added`` in the
        directions that together have at most this share of all variance.

    Raises
    ------
    BadInputError
        As `deviation_angle`; if ``pair`` is needed or names no two classes.

    See Also
    --------
    deviation_angle : The tilt as one number.

    References
    ----------
    Tanay & Griffin (2016), "A Boundary Tilting Perspective on the Phenomenon of
    Adversarial Examples", arXiv:1608.07690.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skoverfit.inspection import tilt_spectrum
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], 50)
    >>> X = rng.normal(size=(100, 40)) * np.where(np.arange(40) < 4, 1.0, 0.01)
    >>> X[:, 0] += 2 * y
    >>> model = LogisticRegression(C=1e6, max_iter=10_000).fit(X, y)
    >>> spectrum = tilt_spectrum(model, X, y)
    >>> print(f"{spectrum.angle:.0f} {spectrum.share_below(0.01):.2f}")
    89 1.00
    """
    boundary = read_boundary(estimator, X, y, sample_weight=sample_weight, space=space)
    first, second = _pair(boundary, pair)
    between = boundary.between(first, second)
    normal, _ = boundary.plane(first, second)
    refuse_zero(normal)
    unit = normal / np.linalg.norm(normal)
    toward = between / np.linalg.norm(between)
    tilt, across = unit - toward, unit - (unit @ toward) * toward
    variances, directions = _within(boundary, first, second)
    if len(directions) < len(unit):
        # What lies outside the rows is one more direction, or two: that of the tilt,
        # and that of what was added.
        variances, directions = _completed(variances, directions, tilt, across)
    contributions = (directions @ tilt) ** 2
    total = contributions.sum()
    sums = np.cumsum(contributions)
    return TiltSpectrum(
        variances=variances,
        contributions=contributions,
        cumulative=sums / total if total > 0 else np.zeros_like(sums),
        added=(directions @ across) ** 2,
        directions=directions,
        angle=float(np.degrees(angle_between(normal, between))),
        classes=(boundary.classes[first], boundary.classes[second]),
    )


def _pair(boundary: LinearBoundary, pair: Sequence[Any] | None) -> tuple[int, int]:
    if pair is None:
        if boundary.n_classes > 2:
            raise BadInputError(
                "The 'pair' parameter must name two of the "
                f"{boundary.n_classes} classes: {boundary.classes[:10].tolist()}."
            )
        return 0, 1
    known = boundary.classes.tolist()
    for label in pair:
        if label not in known:
            raise BadInputError(
                f"The 'pair' parameter has {label!r}, which is no class. "
                f"{suggest(label, known)}"
            )
    places = [known.index(label) for label in pair]
    if len(places) != 2 or places[0] == places[1]:
        raise BadInputError(
            f"The 'pair' parameter must name two different classes. Got {pair!r}."
        )
    return places[0], places[1]


def _within(
    boundary: LinearBoundary, first: int, second: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return variances, rising, and directions of the rows about their class means."""
    parts = []
    for k in (first, second):
        rows = boundary.rows(k)
        root = np.sqrt(boundary.weight[rows])[:, None]
        parts.append(root * (boundary.X[rows] - boundary.mean(k)))
    centred = np.concatenate(parts)
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    # Two means were taken, so that two directions of many columns have no variance.
    held = sizes > 1e-10 * max(float(sizes[0]), 1e-300)
    total = boundary.weight[boundary.rows(first, second)].sum()
    variances = sizes[held] ** 2 / total
    return variances[::-1], directions[held][::-1]


def _completed(
    variances: np.ndarray, directions: np.ndarray, *vectors: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Add the directions without variance that the vectors need, each of length 1."""
    new: list[np.ndarray] = []
    for vector in vectors:
        rest = vector
        for _ in range(2):  # twice is enough
            rest = rest - (directions @ rest) @ directions
            for other in new:
                rest = rest - (other @ rest) * other
        size = float(np.linalg.norm(rest))
        if size > 1e-9:
            new.append(rest / size)
    return (
        np.concatenate([np.zeros(len(new)), variances]),
        np.concatenate([*(direction[None] for direction in new), directions]),
    )
