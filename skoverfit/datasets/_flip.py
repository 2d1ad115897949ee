# SPDX-License-Identifier: BSD-3-Clause
"""What all kinds of label noise share: which rows change, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval

from skoverfit._core._arrays import copy_index, take_rows
from skoverfit._core._random import derive_generator, root_entropy
from skoverfit._core._validation import check_labels, warn

__all__ = [
    "NOISE_PARAMETERS",
    "Labels",
    "cap_probabilities",
    "flip",
    "flip_by_matrix",
    "flip_by_redrawing",
    "read_labels",
    "warn_if_dominant",
]

# Constraints of the parameters that every kind of noise has.
NOISE_PARAMETERS: dict[str, Any] = {
    "y": "no_validation",
    "rate": [Interval(Real, 0, 1, closed="both")],
    "exact": ["boolean"],
    "stratify": ["boolean"],
    "return_mask": ["boolean"],
    "return_transition": ["boolean"],
    "random_state": "no_validation",
}


@dataclass(frozen=True)
class Labels:
    """Checked labels: the container met, its classes and the codes into them."""

    given: Any
    classes: np.ndarray
    codes: np.ndarray

    @property
    def counts(self) -> np.ndarray:
        """Rows of each class."""
        return np.bincount(self.codes, minlength=len(self.classes))

    def replace(self, codes: np.ndarray) -> Any:
        """Return new labels in the container of the old ones.

        Each new label is a copy of a row that carries it, so that dtype, categories
        and device stay whatever they were.
        """
        first = np.unique(self.codes, return_index=True)[1]
        return copy_index(take_rows(self.given, first[codes]), self.given)


def read_labels(y: Any) -> Labels:
    """Check labels that are to be made noisy."""
    classes, codes = check_labels(y)
    if len(classes) < 2:
        raise ValueError(
            f"y has one class only ({classes.tolist()[0]!r}); label noise needs at "
            "least 2."
        )
    return Labels(y, classes, codes)


def cap_probabilities(weights: np.ndarray, total: float) -> np.ndarray:
    """Scale weights to probabilities of the given sum, none of them above 1."""
    probabilities = np.asarray(weights, dtype=float)
    if total > np.count_nonzero(probabilities):
        raise ValueError(
            f"{total:g} labels shall become wrong, but only "
            f"{np.count_nonzero(probabilities)} rows may change. Use a lower rate."
        )
    full = np.zeros(len(probabilities), dtype=bool)
    while True:
        rest = probabilities[~full].sum()
        left = total - full.sum()
        scaled = probabilities * (left / rest if rest > 0 else 0.0)
        scaled[full] = 1.0
        over = scaled > 1.0
        if not over.any():
            return scaled
        full |= over


def _choose_rows(
    probabilities: np.ndarray, strata: np.ndarray | None, rng: np.random.Generator
) -> np.ndarray:
    """Draw exactly round(sum of probabilities) rows, each with its probability.

    Systematic sampling over a random order: points one apart on the line on which
    each row has a stretch as long as its probability. Over equal probabilities this
    is simple random sampling; over rows sorted by class each class gets its expected
    count, rounded down or up.
    """
    # 15 * 0.1 adds up to 1.4999999999999996, which is to round like 1.5.
    total = round(round(float(probabilities.sum()), 9))
    if total == 0:
        return np.empty(0, dtype=np.intp)
    probabilities = cap_probabilities(probabilities, total)
    order = rng.permutation(len(probabilities))
    if strata is not None:
        order = order[np.argsort(strata[order], kind="stable")]
    ends = np.cumsum(probabilities[order])
    ends *= total / ends[-1]
    points = rng.random() + np.arange(total)
    return order[np.searchsorted(ends, points, side="right")]


def _draw(distributions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw one class from each row of probabilities."""
    ends = np.cumsum(distributions, axis=1)
    points = rng.random(len(ends)) * ends[:, -1]
    return (points[:, None] >= ends).sum(axis=1)


def flip(
    labels: Labels,
    chosen: np.ndarray,
    redraw: np.ndarray,
    rng: np.random.Generator,
    *,
    of_class: bool,
    exact: bool,
    stratify: bool,
    return_mask: bool,
    return_transition: bool,
) -> Any:
    """Choose rows, redraw their labels and assemble what the caller asked for.

    Parameters
    ----------
    labels : Labels
        The clean labels.
    chosen : ndarray of shape (n,)
        Probability of each row to be redrawn.
    redraw : ndarray of shape (n, n_classes) or (n_classes, n_classes)
        Distribution of the new label: of each row, or of each clean class.
    rng : Generator
        Source of randomness.
    of_class : bool
        Whether the rows of redraw are clean classes.
    exact, stratify, return_mask, return_transition : bool
        As in the public functions.
    """
    if stratify and not exact:
        raise ValueError("stratify=True needs exact=True: i.i.d. noise has no strata.")
    codes = labels.codes
    if exact:
        rows = _choose_rows(chosen, codes if stratify else None, rng)
    else:
        rows = np.flatnonzero(rng.random(len(codes)) < chosen)
    per_row = codes if of_class else np.arange(len(codes))
    noisy = codes.copy()
    noisy[rows] = _draw(redraw[per_row[rows]], rng)
    _warn_if_vanished(labels, noisy)
    out = [labels.replace(noisy)]
    if return_mask:
        out.append(noisy != codes)
    if return_transition:
        out.append(_transition(labels, chosen, redraw, per_row))
    return out[0] if len(out) == 1 else tuple(out)


def _transition(
    labels: Labels, chosen: np.ndarray, redraw: np.ndarray, per_row: np.ndarray
) -> np.ndarray:
    """Average the probabilities of a new label over the rows of each class."""
    n_classes = len(labels.classes)
    matrix = np.empty((n_classes, n_classes))
    for code in range(n_classes):
        rows = np.flatnonzero(labels.codes == code)
        weight = chosen[rows]
        matrix[code] = weight @ redraw[per_row[rows]] / len(rows)
        matrix[code, code] += 1 - weight.mean()
    return matrix


def _warn_if_vanished(labels: Labels, noisy: np.ndarray) -> None:
    left = np.bincount(noisy, minlength=len(labels.classes))
    if (left == 0).any():
        gone = ", ".join(repr(c) for c in labels.classes[left == 0].tolist())
        warn(f"The noise left no row with the label {gone}: classifiers won't know it.")


def warn_if_dominant(matrix: np.ndarray, rate: float, kind: str) -> None:
    """Warn where a wrong label is as frequent in a class as the right one."""
    if not is_dominant_right(matrix):
        warn(
            f"{kind} noise with rate={rate:g} makes a wrong label at least as frequent "
            "as the right one in some class: no method can tell them apart."
        )


def is_dominant_right(matrix: np.ndarray) -> bool:
    """Whether the right label is the most frequent one in every class."""
    off = matrix.copy()
    np.fill_diagonal(off, -1)
    return bool((np.diag(matrix) > off.max(axis=1) + 1e-12).all())


def flip_by_matrix(
    labels: Labels, matrix: np.ndarray, random_state: Any, **options: bool
) -> Any:
    """Draw labels from the rows of a transition matrix."""
    leaves = 1 - np.diag(matrix)
    redraw = matrix.copy()
    np.fill_diagonal(redraw, 0)
    # A class that never changes keeps a valid, unused distribution.
    redraw[leaves <= 0] = 1 / len(redraw)
    redraw /= redraw.sum(axis=1, keepdims=True)
    rng = derive_generator(root_entropy(random_state), "datasets", "label_noise")
    chosen = leaves.clip(0, 1)[labels.codes]
    return flip(labels, chosen, redraw, rng, of_class=True, **options)


def flip_by_redrawing(
    labels: Labels, share: float, target: np.ndarray, random_state: Any, **options: bool
) -> Any:
    """Redraw a share of all labels from one distribution, the old label included."""
    rng = derive_generator(root_entropy(random_state), "datasets", "label_noise")
    chosen = np.full(len(labels.codes), share)
    redraw = np.tile(target, (len(target), 1))
    return flip(labels, chosen, redraw, rng, of_class=True, **options)
