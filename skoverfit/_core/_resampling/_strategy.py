# SPDX-License-Identifier: BSD-3-Clause
"""``sampling_strategy``: how many rows of which class, with imbalanced-learn's meaning.

Written anew on counts that are known already: imbalanced-learn's function counts the
labels again for each question, and its sentences don't name the class.
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np

__all__ = ["plain", "resolve_strategy"]


def plain(label: Any) -> Any:
    """Return a label as a Python scalar, whose repr people know."""
    return label.item() if isinstance(label, np.generic) else label


def resolve_strategy(
    strategy: Any,
    classes: np.ndarray,
    counts: np.ndarray,
    sampling_type: str,
    labels: Any = None,
) -> dict[Any, int]:
    """Return the rows to add (over-sampling) or to keep (under-sampling) by class.

    Parameters
    ----------
    strategy : str, float, mapping or callable
        As imbalanced-learn's ``sampling_strategy``.
    classes : ndarray of shape (n_classes,)
        Sorted labels.
    counts : ndarray of shape (n_classes,)
        Their rows.
    sampling_type : {"over-sampling", "under-sampling"}
        What the numbers mean.
    labels : ndarray of shape (n,), optional
        What a callable gets.

    Returns
    -------
    dict
        Class -> rows, in the order of ``classes``; classes that stay are left out.

    Raises
    ------
    ValueError
        Where the strategy can't be met; the sentence names the class.
    """
    over = sampling_type == "over-sampling"
    if isinstance(strategy, str):
        wanted = _by_name(strategy, counts, over)
    elif isinstance(strategy, Mapping):
        wanted = _by_class(strategy, classes, counts, over)
    elif isinstance(strategy, Real):
        wanted = _by_ratio(float(strategy), classes, counts, over)
    else:
        answer = strategy(labels)
        if not isinstance(answer, Mapping):
            raise ValueError(
                "A callable 'sampling_strategy' must return a dict of class -> rows. "
                f"Got {answer!r} instead."
            )
        wanted = _by_class(answer, classes, counts, over)
    return {classes[position]: wanted[position] for position in sorted(wanted)}


def _by_name(name: str, counts: np.ndarray, over: bool) -> dict[int, int]:
    largest, smallest = int(counts.argmax()), int(counts.argmin())
    everybody = set(range(len(counts)))
    chosen = {
        "all": everybody,
        "auto": everybody - {largest if over else smallest},
        "not majority": everybody - {largest},
        "not minority": everybody - {smallest},
        "minority": {smallest},
        "majority": {largest},
    }[name]
    if over:
        return {c: int(counts[largest] - counts[c]) for c in chosen}
    return {c: int(counts[smallest]) for c in chosen}


def _by_class(
    strategy: Mapping[Any, Any], classes: np.ndarray, counts: np.ndarray, over: bool
) -> dict[int, int]:
    positions = {plain(label): c for c, label in enumerate(classes)}
    unknown = [plain(key) for key in strategy if plain(key) not in positions]
    if unknown:
        raise ValueError(
            f"'sampling_strategy' names the target class {unknown[0]!r}, which is/are "
            f"not present in the data. The classes are {list(positions)}."
        )
    wanted = {}
    for key, value in strategy.items():
        c = positions[plain(key)]
        whole = isinstance(value, Integral) and not isinstance(value, bool)
        if not whole or int(value) < 0:
            raise ValueError(
                "The number of samples in a class cannot be negative or fractional: "
                f"'sampling_strategy' asks for {plain(value)!r} rows of class "
                f"{plain(key)!r}."
            )
        there = int(counts[c])
        if over and value < there:
            raise ValueError(
                "With over-sampling methods, the number of samples in a class should "
                "be greater or equal to the original number of samples. Originally, "
                f"there is {there} samples of class {plain(key)!r} and {int(value)} "
                "samples are asked. Use an under-sampler to drop rows."
            )
        if not over and value > there:
            raise ValueError(
                "With under-sampling methods, the number of samples in a class should "
                "be less or equal to the original number of samples. Originally, "
                f"there is {there} samples of class {plain(key)!r} and {int(value)} "
                "samples are asked. Use an over-sampler to add rows."
            )
        wanted[c] = int(value) - there if over else int(value)
    return wanted


def _by_ratio(
    ratio: float, classes: np.ndarray, counts: np.ndarray, over: bool
) -> dict[int, int]:
    if len(classes) != 2:
        raise ValueError(
            '"sampling_strategy" can be a float only when the type of target is '
            f"binary; there are {len(classes)} classes. For multi-class, use a dict."
        )
    largest, smallest = int(counts.argmax()), int(counts.argmin())
    if over:
        other = 1 - largest
        missing = int(counts[largest] * ratio - counts[other])
        if missing <= 0:
            raise ValueError(
                "The specified ratio required to remove samples from the minority "
                "class while trying to generate new samples. Please increase the "
                f"ratio: {ratio:g} of the {counts[largest]} rows of class "
                f"{plain(classes[largest])!r} are no more than the {counts[other]} of "
                f"class {plain(classes[other])!r}."
            )
        return {other: missing}
    other = 1 - smallest
    kept = int(counts[smallest] / ratio)
    if kept > counts[other]:
        raise ValueError(
            "The specified ratio required to generate new sample in the majority class "
            "while trying to remove samples. Please increase the ratio: the "
            f"{counts[smallest]} rows of class {plain(classes[smallest])!r} divided by "
            f"{ratio:g} are more than the {counts[other]} of class "
            f"{plain(classes[other])!r}."
        )
    return {other: kept}
