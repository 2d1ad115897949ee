# SPDX-License-Identifier: BSD-3-Clause
"""Confident learning on codes and probabilities: counts, the seven rules, the guard.

A few passes over the probabilities in blocks that stay in the processor's cache; the
rules are those of cleanlab 2.9, whose masks the tests compare with.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = [
    "RULES",
    "adjusted",
    "calibrated_joint",
    "capped",
    "confident_counts",
    "flagged",
]

RULES = (
    "prune_by_noise_rate",
    "prune_by_class",
    "both",
    "confident_learning",
    "predicted_neq_given",
    "low_self_confidence",
    "low_normalized_margin",
)
# Rules that take the lowest scores, as many as confident learning counts.
_RANKED = ("low_self_confidence", "low_normalized_margin")
_PRUNED = ("prune_by_noise_rate", "prune_by_class", "both")

# A probability that is lower than another by less is no lower.
_TOLERANCE = 1e-6
# No class is confident of a row that it gives nothing.
_LOWEST_THRESHOLD = 2e-6
# Rows of a block: with ten classes its columns fill a second-level cache.
_BLOCK = 1 << 14


@dataclass(frozen=True)
class ConfidentCounts:
    """What one pass over the probabilities tells.

    ``joint[i, j]`` counts rows with label i that are confidently of class j, before
    anything is rounded or scaled; ``suspects`` are the rows that it counts off its
    diagonal and whose label is not the most probable class.
    """

    joint: np.ndarray
    suspects: np.ndarray
    label_counts: np.ndarray


def confident_counts(proba: np.ndarray, codes: np.ndarray) -> ConfidentCounts:
    """Count the rows that are confidently of a class.

    A class is confident of a row whose probability reaches the mean over the rows with
    that label. Where one class is, the row is of that class; where several are, it is
    of the most probable class of all.
    """
    n, n_classes = proba.shape
    given = proba[np.arange(n), codes]
    labels = np.bincount(codes, minlength=n_classes)
    summed = np.bincount(codes, given, minlength=n_classes)
    # A class without a label is confident of nothing.
    limits = np.where(labels > 0, summed / np.maximum(labels, 1), 2.0)
    limits = np.maximum(limits, _LOWEST_THRESHOLD) - _TOLERANCE
    joint = np.zeros(n_classes * n_classes, dtype=np.int64)
    found = []
    small = np.uint8 if n_classes < 256 else np.int64
    numbers = np.arange(n_classes, dtype=small)
    for start, columns in _blocks(proba):
        rows = codes[start : start + columns.shape[1]]
        # In the limits' precision: float32 would round them up.
        sure = columns >= limits[:, None]
        count = np.add.reduce(sure, axis=0, dtype=small)
        guess = np.zeros(len(rows), dtype=small)
        for number in numbers[1:]:
            # The number of the one class that is sure; nonsense where several are.
            np.add(guess, sure[number] * number, out=guess)
        several = np.flatnonzero(count > 1)
        guess[several] = columns[:, several].argmax(axis=0)
        told = count > 0
        pairs = rows * n_classes + guess
        joint += np.bincount(pairs[told], minlength=len(joint))
        found.append(start + np.flatnonzero(told & (guess != rows)))
    suspects = np.concatenate(found) if found else np.empty(0, dtype=np.intp)
    suspects = suspects[~_is_predicted(proba[suspects], codes[suspects])]
    return ConfidentCounts(joint.reshape(n_classes, n_classes), suspects, labels)


def _blocks(proba: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Return the first row of each block, and its columns as contiguous rows."""
    for start in range(0, len(proba), _BLOCK):
        yield start, np.ascontiguousarray(proba[start : start + _BLOCK].T)


def _is_predicted(proba: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Whether the label is the most probable class, or as good as that."""
    raised = proba.copy()
    raised[np.arange(len(codes)), codes] += _TOLERANCE
    return raised.argmax(axis=1) == codes


def _differs(proba: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return a mask of the rows whose label is not the most probable class."""
    out = np.empty(len(codes), dtype=bool)
    for start in range(0, len(codes), _BLOCK):
        block = slice(start, start + _BLOCK)
        out[block] = ~_is_predicted(proba[block], codes[block])
    return out


def calibrated_joint(counts: ConfidentCounts) -> np.ndarray:
    """Scale the counts so that each label has its number of rows, in whole rows."""
    joint = counts.joint.astype(np.float64)
    np.fill_diagonal(joint, np.maximum(joint.diagonal(), 1))
    # The order of the sums decides how halves are rounded: this one is cleanlab's.
    scaled = (np.ascontiguousarray(joint.T) / joint.sum(axis=1) * counts.label_counts).T
    scaled = scaled / scaled.sum() * counts.label_counts.sum()
    return np.array([_rounded(row) for row in scaled])


def _rounded(values: np.ndarray) -> np.ndarray:
    """Round to whole numbers of the same sum: the largest errors give way."""
    whole = values.round()
    missing = int(np.round(values.sum()) - whole.sum())
    order = np.argsort(values - whole)
    while missing:
        step = 1 if missing > 0 else -1
        chosen = order[::-step][: abs(missing)]
        whole[chosen] += step
        missing -= step * len(chosen)
    return whole.astype(np.int64)


def flagged(
    proba: np.ndarray,
    codes: np.ndarray,
    rule: str,
    *,
    frac_noise: float = 1.0,
    num_to_remove_per_class: Any = None,
    min_examples_per_class: int = 1,
) -> np.ndarray:
    """Return a mask of the rows whose label a rule takes for wrong."""
    if rule == "predicted_neq_given":
        return _differs(proba, codes)
    counts = confident_counts(proba, codes)
    mask = np.zeros(len(codes), dtype=bool)
    if rule == "confident_learning":
        mask[counts.suspects] = True
        return mask
    if rule in _RANKED:
        given = proba[np.arange(len(codes)), codes]
        score = given if rule == "low_self_confidence" else _margin(proba, codes)
        mask[_lowest(score, len(counts.suspects))] = True
        return mask
    # Column: given label; row: what the row is. Whole rows of the table to prune.
    matrix = _kept_at_least(
        calibrated_joint(counts).T, min_examples_per_class, frac_noise
    )
    if num_to_remove_per_class is not None:
        matrix = _with_totals(matrix, counts.label_counts, num_to_remove_per_class)
    # Short numbers are sorted by counting.
    order = np.argsort(codes.astype(np.min_scalar_type(len(matrix))), kind="stable")
    ends = np.cumsum(counts.label_counts)
    masks = []
    if rule in ("prune_by_class", "both"):
        masks.append(mask.copy())
    if rule in ("prune_by_noise_rate", "both"):
        masks.append(mask.copy())
    for k, (end, size) in enumerate(zip(ends, counts.label_counts, strict=True)):
        if size <= max(min_examples_per_class, 1):
            continue
        rows = order[end - size : end]
        if rule != "prune_by_noise_rate":
            given = proba[rows, k]
            masks[0][rows[_lowest(given, int(size - matrix[k, k]))]] = True
        if rule != "prune_by_class":
            columns = np.ascontiguousarray(proba[rows].T)
            for j in np.flatnonzero(matrix[:, k] > 0):
                if j != k:
                    margin = columns[k] - columns[j]
                    masks[-1][rows[_lowest(margin, int(matrix[j, k]))]] = True
    chosen = np.flatnonzero(np.logical_and.reduce(masks))
    chosen = chosen[~_is_predicted(proba[chosen], codes[chosen])]
    mask[chosen] = True
    return mask


def _margin(proba: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return the label's probability minus the largest other one."""
    rows = np.arange(len(codes))
    others = proba.copy()
    others[rows, codes] = -1.0
    return proba[rows, codes] - others.max(axis=1)


def _lowest(score: np.ndarray, n: int) -> np.ndarray:
    """Return where the n lowest scores are; of equal ones the earlier rows."""
    if n <= 0:
        return np.empty(0, dtype=np.intp)
    if n >= len(score):
        return np.arange(len(score))
    # Most of a long score lies above zero, or one half, and need not be ordered.
    low = np.flatnonzero(score < 0)
    if len(low) >= n and len(low) < len(score) // 2:
        return low[_lowest(score[low], n)]
    border = np.partition(score, n - 1)[n - 1]
    below = np.flatnonzero(score < border)
    equal = np.flatnonzero(score == border)
    return np.concatenate([below, equal[: n - len(below)]])


def _kept_at_least(matrix: np.ndarray, least: int, frac_noise: float) -> np.ndarray:
    """Leave each label so many right rows, and take a share of the wrong ones only.

    What the diagonal is raised by is taken evenly from the entries above zero of its
    column; what is left out by ``frac_noise`` goes to the diagonal.
    """
    right = np.maximum(matrix.diagonal(), least)
    raised = right - matrix.diagonal()
    sharers = np.maximum(np.count_nonzero(matrix, axis=0) - 1, 1)
    wrong = np.maximum(matrix - raised / sharers, 0)
    np.fill_diagonal(wrong, 0)
    taken = wrong * frac_noise
    np.fill_diagonal(taken, right + (wrong - taken).sum(axis=0))
    return taken.astype(np.int64)


def _with_totals(
    matrix: np.ndarray, label_counts: np.ndarray, totals: Any
) -> np.ndarray:
    """Scale the wrong rows of each label to a total."""
    totals = np.asarray(totals)
    wrong = matrix.astype(np.float64)
    np.fill_diagonal(wrong, 0)
    sums = wrong.sum(axis=0)
    # Where no wrong row was counted, nothing says which class they are of.
    spread = np.where(label_counts > 0, 1.0, 0.0)[:, None] * np.ones_like(wrong)
    np.fill_diagonal(spread, 0)
    wrong = np.where(sums > 0, wrong, spread)
    wrong *= totals / np.maximum(wrong.sum(axis=0), 1e-300)
    made = np.array([_rounded(column) for column in wrong.T]).T
    np.fill_diagonal(made, label_counts - totals)
    return made


# --- the tail guard -----------------------------------------------------------------


def adjusted(proba: np.ndarray, codes: np.ndarray, tau: float) -> np.ndarray:
    """Divide by the shares of the labels to the power tau; rows sum to 1 again.

    A model of unequal classes gives rare ones too little; without this their own rows
    look like rows of common classes. Classes without a label keep their probability.
    """
    if tau == 0:
        return proba
    labels = np.bincount(codes, minlength=proba.shape[1])
    shares = np.where(labels > 0, labels, labels.sum()) / labels.sum()
    made = proba / (shares**tau).astype(proba.dtype)
    made /= made.sum(axis=1, keepdims=True)
    return made


def capped(
    mask: np.ndarray, quality: np.ndarray, codes: np.ndarray, most: float
) -> np.ndarray:
    """Flag at most a share of each label: its rows of the lowest quality."""
    out = mask.copy()
    n_classes = int(codes.max()) + 1
    labels = np.bincount(codes, minlength=n_classes)
    flags = np.bincount(codes[mask], minlength=n_classes)
    allowed = np.floor(most * labels + 1e-9).astype(np.int64)
    for k in np.flatnonzero(flags > allowed):
        rows = np.flatnonzero(mask & (codes == k))
        out[rows] = False
        out[rows[_lowest(quality[rows], int(allowed[k]))]] = True
    return out
