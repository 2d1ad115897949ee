# SPDX-License-Identifier: BSD-3-Clause
"""The boundary of a linear classifier, pushed back to the columns of the table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from sklearn.svm import SVC, NuSVC
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from skoverfit._core._arrays import as_narwhals, kind_of, n_rows, to_numpy
from skoverfit._core._validation import check_labels, check_same_length
from skoverfit.exceptions import BadInputError

__all__ = [
    "LinearBoundary",
    "angle_between",
    "like",
    "numbers_of",
    "over_pairs",
    "read_boundary",
]

# Pairs of rows whose middle shows whether a step is affine, and how well it must.
_PAIRS, _TOLERANCE = 64, 1e-4
# Columns that are tried at once, and cells of a sparse table that are made dense.
_AT_ONCE, _LARGEST = 256, 1e8


@dataclass(frozen=True, kw_only=True)
class LinearBoundary:
    """Rows, classes and planes in one space.

    ``coef`` has a row a class, a row a pair of classes (``one_vs_one``), or one row
    that points to the second of two classes.
    """

    classes: np.ndarray
    X: np.ndarray
    codes: np.ndarray
    weight: np.ndarray
    coef: np.ndarray
    intercept: np.ndarray
    one_vs_one: bool

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

    def rows(self, *which: int) -> np.ndarray:
        """Return the places of the rows of these classes."""
        return np.flatnonzero(np.isin(self.codes, which))

    def mean(self, *which: int) -> np.ndarray:
        """Return the mean row of these classes."""
        rows = self.rows(*which)
        return np.average(self.X[rows], axis=0, weights=self.weight[rows])

    def plane(self, first: int, second: int) -> tuple[np.ndarray, float]:
        """Return normal and offset of the plane between two classes.

        The normal points from the first to the second.
        """
        if len(self.coef) == 1:
            sign = 1.0 if first < second else -1.0
            return sign * self.coef[0], sign * float(self.intercept[0])
        if self.one_vs_one:  # rows point to the first class of a pair
            pairs = list(combinations(range(self.n_classes), 2))
            row = pairs.index((min(first, second), max(first, second)))
            sign = -1.0 if first < second else 1.0
            return sign * self.coef[row], sign * float(self.intercept[row])
        return (
            self.coef[second] - self.coef[first],
            float(self.intercept[second] - self.intercept[first]),
        )

    def between(self, first: int, second: int) -> np.ndarray:
        """Return the difference of two class means, which must not be zero."""
        return self._difference(
            self.mean(first),
            self.mean(second),
            f"of the classes {self.name(first)} and {self.name(second)}",
        )

    def from_rest(self, which: int) -> tuple[np.ndarray, np.ndarray, float]:
        """Return the difference to the mean of the rest, and the plane of a class."""
        if self.one_vs_one:
            raise BadInputError(
                "strategy='ovr' needs a plane for each class, and this model has one "
                "for each pair of classes; use strategy='ovo'."
            )
        rest = [k for k in range(self.n_classes) if k != which]
        difference = self._difference(
            self.mean(*rest),
            self.mean(which),
            f"of the class {self.name(which)} and of all others",
        )
        return difference, self.coef[which], float(self.intercept[which])

    def name(self, which: int) -> str:
        """Return a class as messages have it."""
        label = self.classes[which]
        return repr(label.item() if isinstance(label, np.generic) else label)

    def _difference(self, a: np.ndarray, b: np.ndarray, whose: str) -> np.ndarray:
        size = max(float(np.abs(a).max()), float(np.abs(b).max()))
        if np.linalg.norm(b - a) <= 1e-12 * size:
            raise BadInputError(
                f"The means {whose} are equal, so that there is no direction between "
                "them from which a boundary could be tilted."
            )
        return b - a


def angle_between(a: np.ndarray, b: np.ndarray) -> float:
    """Return the angle of two vectors in radians; NaN where one is zero.

    Exact for small angles, too, where the arc cosine isn't (Kahan).
    """
    lengths = np.linalg.norm(a), np.linalg.norm(b)
    if not min(lengths) > 0:
        return np.nan
    u, v = a / lengths[0], b / lengths[1]
    return 2.0 * float(np.arctan2(np.linalg.norm(u - v), np.linalg.norm(u + v)))


def over_pairs(
    boundary: LinearBoundary, strategy: str, figure: Callable[..., float]
) -> Any:
    """Return a figure: one number, a matrix of pairs, or one number a class.

    ``figure`` is called with the difference of the means, normal and offset of the
    plane, and the places of the rows on its two sides.
    """
    K = boundary.n_classes
    if K == 2:
        return figure(boundary.between(0, 1), *boundary.plane(0, 1), *_sides(boundary))
    if strategy == "ovr":
        return np.array(
            [
                figure(*boundary.from_rest(k), *_sides(boundary, k, None))
                for k in range(K)
            ]
        )
    made = np.full((K, K), np.nan)
    for i, j in combinations(range(K), 2):
        made[i, j] = made[j, i] = figure(
            boundary.between(i, j), *boundary.plane(i, j), *_sides(boundary, j, i)
        )
    return made


def _sides(
    boundary: LinearBoundary, up: int = 1, down: int | None = 0
) -> tuple[np.ndarray, np.ndarray]:
    others = [k for k in range(boundary.n_classes) if k != up]
    return boundary.rows(*(others if down is None else [down])), boundary.rows(up)


def read_boundary(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    sample_weight: Any = None,
    space: str = "input",
) -> LinearBoundary:
    """Read a fitted linear model, alone or behind steps.

    Parameters
    ----------
    estimator : estimator object
        Has ``coef_``; or a pipeline or search that ends in such a model.
    X : table of shape (n_samples, n_features)
        Rows of numbers.
    y : array-like of shape (n_samples,)
        Their labels.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows in the class means.
    space : {"input", "model"}, default="input"
        "input": the columns of ``X``; all steps have to be affine. "model": what the
        last step gets, whatever the steps are.
    """
    check_is_fitted(estimator)
    while hasattr(estimator, "best_estimator_"):
        estimator = estimator.best_estimator_
    transforms, model = _parts(estimator)
    coef, intercept = _coefficients(model)
    check_same_length(X, y)
    values = None if transforms and space == "model" else numbers_of(X)
    if transforms:
        encoded = _encoded(transforms, X)
        if values is None:
            values = encoded
        else:
            _check_affine(transforms, X)
            coef, intercept = _pulled_back(
                transforms, X, values, encoded, coef, intercept
            )
    assert values is not None
    if values.shape[1] != coef.shape[1]:
        raise BadInputError(
            f"X has {values.shape[1]} columns, but {type(model).__name__} was fitted "
            f"on {coef.shape[1]}."
        )
    classes, codes, offset = _classes(model, y, len(coef))
    one_vs_one = isinstance(model, (SVC, NuSVC)) and len(classes) > 2
    n_pairs = len(classes) * (len(classes) - 1) // 2
    if len(coef) not in (
        {n_pairs} if one_vs_one else {1 if len(classes) == 2 else 0, len(classes)}
    ):
        raise BadInputError(
            f"{type(model).__name__} has {len(coef)} rows of coefficients for "
            f"{len(classes)} classes, which is no classifier by planes."
        )
    weight = np.ones(len(codes))
    if sample_weight is not None:
        weight = _check_sample_weight(
            sample_weight, values, dtype=np.float64, ensure_non_negative=True
        )
    boundary = LinearBoundary(
        classes=classes,
        X=values,
        codes=codes,
        weight=weight,
        coef=coef,
        intercept=intercept - offset,
        one_vs_one=one_vs_one,
    )
    for k in range(len(classes)):
        if not weight[codes == k].sum() > 0:
            raise BadInputError(
                f"y has no rows of the class {boundary.name(k)}, so that it has no "
                "mean; pass rows of all classes."
            )
    return boundary


def _parts(estimator: Any) -> tuple[list[tuple[str, Any]], Any]:
    """Return the steps that transform, nested ones in order, and the last."""
    if not hasattr(estimator, "steps"):
        return [], estimator
    transforms: list[tuple[str, Any]] = []
    for name, step in estimator.steps[:-1]:
        # A sampler changes the rows of fit only.
        if step in (None, "passthrough") or not hasattr(step, "transform"):
            continue
        transforms.append((name, step))
    inner, model = _parts(estimator.steps[-1][1])
    return transforms + inner, model


def _coefficients(model: Any) -> tuple[np.ndarray, np.ndarray]:
    coef = getattr(model, "coef_", None)
    if coef is None:
        raise BadInputError(
            f"The 'estimator' parameter must end in a linear model that has coef_; "
            f"{type(model).__name__} has none."
        )
    coef = np.atleast_2d(
        np.asarray(coef.toarray() if hasattr(coef, "toarray") else coef, float)
    )
    intercept = np.asarray(getattr(model, "intercept_", 0.0), float).ravel()
    return coef, np.broadcast_to(intercept, len(coef))


def _classes(model: Any, y: Any, n_planes: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Return classes, codes of y, and the threshold of the model's output."""
    found, codes = check_labels(y)
    known = getattr(model, "classes_", None)
    if known is None:  # a regression on two numbers
        if len(found) != 2 or found.dtype.kind not in "biuf" or n_planes != 1:
            raise BadInputError(
                f"{type(model).__name__} is no classifier; its boundary is known where "
                f"y has two numbers as labels. Got {len(found)} labels: "
                f"{found[:5].tolist()}."
            )
        return found, codes, float(np.asarray(found, float).mean())
    known = np.asarray(known)
    unknown = ~np.isin(found, known)
    if unknown.any():
        raise BadInputError(
            f"y has the label {found[unknown].tolist()[0]!r}, which the estimator "
            f"doesn't know: {known[:10].tolist()}."
        )
    return known, np.searchsorted(known, found)[codes], 0.0


def numbers_of(X: Any, what: str = "X") -> np.ndarray:
    """Return a dense table of float64."""
    if kind_of(X) == "sparse":
        if float(X.shape[0]) * X.shape[1] > _LARGEST:
            raise BadInputError(
                f"{what} is a sparse table of {X.shape[0]} x {X.shape[1]} cells, too "
                "large for this figure. Pass fewer rows, or a projection of it."
            )
        return np.asarray(X.toarray(), dtype=np.float64)
    try:
        values = np.asarray(to_numpy(X), dtype=np.float64)
    except (TypeError, ValueError) as exc:
        raise BadInputError(
            f"{what} must hold numbers, since angles are measured between its columns; "
            "for other columns use space='model', which measures behind the steps."
        ) from exc
    if values.ndim != 2:
        raise BadInputError(
            f"{what} must have 2 dimensions, rows and columns. Got {values.ndim}."
        )
    if not np.isfinite(values).all():
        raise BadInputError(
            f"{what} has missing or infinite values, and a mean with them is none; "
            "fill them, or use space='model'."
        )
    return values


def like(X: Any, values: np.ndarray) -> Any:
    """Return numbers in a container that names its columns as X does."""
    if kind_of(X) != "dataframe":
        return values
    import narwhals.stable.v2 as nw

    frame = as_narwhals(X)
    columns = dict(zip(frame.columns, values.T, strict=True))
    made = nw.from_dict(columns, backend=frame.implementation).to_native()
    if hasattr(X, "iloc"):
        made.columns = X.columns  # names that are no strings
    return made


def _encoded(transforms: Sequence[tuple[str, Any]], X: Any) -> np.ndarray:
    for _, step in transforms:
        X = step.transform(X)
    return numbers_of(X, "What the last step gets")


def _check_affine(transforms: Sequence[tuple[str, Any]], X: Any) -> None:
    """Refuse a step by name that doesn't map the middle of two rows to the middle."""
    n = n_rows(X)
    here = np.unique(np.linspace(0, n - 1, min(n, _PAIRS)).astype(int))
    there = np.roll(here, len(here) // 2 or 1)
    for name, step in transforms:
        values = numbers_of(X, f"What the step {name!r} gets")
        middle = like(X, (values[here] + values[there]) / 2)
        X = step.transform(X)
        image = numbers_of(X, f"What the step {name!r} returns")
        wanted = (image[here] + image[there]) / 2
        got = numbers_of(step.transform(middle))
        # Against the spread of its column, since columns may have any unit.
        spread = image.std(axis=0) + 1e-12 * np.abs(image).max(axis=0)
        if np.any(np.abs(got - wanted) > _TOLERANCE * spread + 1e-300):
            raise BadInputError(
                f"The step {name!r} ({type(step).__name__}) is not linear, so that the "
                "boundary is no plane in the columns of X; use space='model', which "
                "measures behind the steps."
            )


def _pulled_back(
    transforms: Sequence[tuple[str, Any]],
    X: Any,
    values: np.ndarray,
    encoded: np.ndarray,
    coef: np.ndarray,
    intercept: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients for the columns of X, by a step along each of them."""
    centre, step = values.mean(axis=0), values.std(axis=0)
    step[step == 0] = 1.0
    start = _encoded(transforms, like(X, centre[None]))[0]
    made = np.empty((len(coef), values.shape[1]))
    for first in range(0, values.shape[1], _AT_ONCE):
        part = np.arange(first, min(first + _AT_ONCE, values.shape[1]))
        rows = np.repeat(centre[None], len(part), axis=0)
        rows[np.arange(len(part)), part] += step[part]
        moved = _encoded(transforms, like(X, rows)) - start
        made[:, part] = coef @ moved.T / step[part]
    offset = intercept + coef @ start - made @ centre
    wanted = encoded @ coef.T + intercept
    got = values @ made.T + offset
    spread = wanted.std(axis=0) + 1e-9 * np.abs(encoded).max() * np.abs(coef).max()
    if np.any(np.abs(got - wanted) > 10 * _TOLERANCE * spread + 1e-300):
        raise BadInputError(
            "The steps before the model are linear between the rows of X but not "
            "around them, so that the boundary is no plane; use space='model'."
        )
    return made, offset
