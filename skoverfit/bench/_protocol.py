# SPDX-License-Identifier: BSD-3-Clause
"""The honest protocol: the same folds for all, drawn before anything is fitted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)

from skoverfit._core._random import derive_seed
from skoverfit.bench._types import Table, Task
from skoverfit.exceptions import BadInputError

__all__ = ["Fold", "default_repeats", "inner_folds", "make_folds"]

INNER_FOLDS = 3


@dataclass(frozen=True)
class Fold:
    """Training and test rows of one fold of one repeat."""

    repeat: int
    fold: int
    train: np.ndarray
    test: np.ndarray


def default_repeats(n_rows: int) -> int:
    """Return how often the folds are redrawn: small tables need it, large ones don't.

    Examples
    --------
    >>> [default_repeats(n) for n in (500, 10_000, 100_000)]
    [5, 2, 1]
    """
    if n_rows <= 3_000:
        return 5
    return 2 if n_rows <= 15_000 else 1


def make_folds(
    table: Table, *, n_splits: int, n_repeats: int, seed: int
) -> Iterator[Fold]:
    """Yield the folds of a table; groups never straddle them, time only goes forward.

    Raises
    ------
    BadInputError
        If a class, the rows or the groups can't be spread over so many folds.
    """
    _check_rows(table, n_splits)
    if table.groups is not None:
        n_groups = len(np.unique(table.groups))
        if n_groups < n_splits:
            raise BadInputError(
                f"folds={n_splits} is more than the {n_groups} groups of "
                f"{table.name!r}; rows of one group never straddle folds."
            )
    if table.time is not None:
        n_repeats = 1  # there is one past
    for repeat in range(n_repeats):
        random_state = derive_seed(seed, table.content_hash, "folds", repeat)
        for number, (train, test) in enumerate(_split(table, n_splits, random_state)):
            _check_fold(table, number, train, test)
            yield Fold(repeat, number, train, test)


def _check_rows(table: Table, n_splits: int) -> None:
    """Refuse more folds than the rows of a class, or of the table, can fill."""
    if table.time is not None:
        return
    if table.task == "regression":
        # Ranks need two rows.
        if 2 * n_splits > len(table.y):
            raise BadInputError(
                f"folds={n_splits} leaves folds of less than two of the "
                f"{len(table.y)} rows of {table.name!r}; use --folds "
                f"{max(2, len(table.y) // 2)} or fewer."
            )
        return
    counts = np.bincount(table.y, minlength=len(table.class_names))
    rarest = int(counts.argmin())
    if n_splits > counts[rarest]:
        raise BadInputError(
            f"folds={n_splits} is more than the {counts[rarest]} rows of class "
            f"{table.class_names[rarest]!r} in {table.name!r}; use --folds "
            f"{max(2, counts[rarest])} or fewer, or merge or drop that class."
        )


def _split(
    table: Table, n_splits: int, random_state: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    rows = np.zeros(len(table.y))
    if table.time is not None:
        yield from _forward_split(table, table.time, n_splits)
    else:
        splitter = _splitter(
            table.task, n_splits, random_state, grouped=table.groups is not None
        )
        yield from splitter.split(rows, table.y, table.groups)


def _splitter(task: Task, n_splits: int, random_state: int, *, grouped: bool) -> Any:
    """Return shuffled folds: stratified where there are classes, of whole groups."""
    if task == "regression":
        kind = GroupKFold if grouped else KFold
    else:
        kind = StratifiedGroupKFold if grouped else StratifiedKFold
    return kind(n_splits, shuffle=True, random_state=random_state)


def _forward_split(
    table: Table, time: np.ndarray, n_splits: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Train on the past, test on the next stretch; equal times are never cut apart."""
    times, position = np.unique(time, return_inverse=True)
    if len(times) <= n_splits:
        raise BadInputError(
            f"folds={n_splits} needs more than {n_splits} different times; "
            f"{table.name!r} has {len(times)}."
        )
    # Split rows in order of time, then move each cut to the next change of the time.
    ordered = np.sort(position)
    windows = TimeSeriesSplit(n_splits).split(ordered)
    starts = np.unique([ordered[future[0]] for _, future in windows])
    for start, stop in zip(starts, [*starts[1:], len(times)], strict=True):
        train = np.flatnonzero(position < start)
        test = np.flatnonzero((position >= start) & (position < stop))
        if table.groups is not None:
            train = train[~np.isin(table.groups[train], table.groups[test])]
        yield train, test


def _check_fold(table: Table, number: int, train: np.ndarray, test: np.ndarray) -> None:
    if table.task == "regression":
        if np.ptp(table.y[train]) == 0:
            raise BadInputError(
                f"The training rows of fold {number + 1} of {table.name!r} all have "
                "the same target; use fewer --folds, or other groups."
            )
        return
    for rows, part in ((train, "training"), (test, "test")):
        present = np.unique(table.y[rows])
        if len(present) < 2:
            only = table.class_names[present[0]] if len(present) else "no class at all"
            raise BadInputError(
                f"The {part} rows of fold {number + 1} of {table.name!r} hold only "
                f"class {only!r}; use fewer --folds, or other groups."
            )


def inner_folds(
    y: np.ndarray,
    *,
    groups: np.ndarray | None,
    time: np.ndarray | None,
    random_state: int,
    task: Task = "classification",
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the folds inside a training fold for remedies that tune something.

    They respect groups; with a time they are blocks of it. Empty where a class has
    one row.
    """
    n_splits = INNER_FOLDS
    if task == "classification":
        counts = np.bincount(y)
        n_splits = int(min(INNER_FOLDS, counts[counts > 0].min()))
    if groups is not None:
        n_splits = min(n_splits, len(np.unique(groups)))
    if n_splits < 2:
        return []
    rows = np.zeros(len(y))
    if groups is None and time is not None:
        order = np.argsort(time, kind="stable")
        unshuffled = KFold if task == "regression" else StratifiedKFold
        blocks = unshuffled(n_splits).split(rows, y[order])
        return [(order[train], order[test]) for train, test in blocks]
    splitter = _splitter(task, n_splits, random_state, grouped=groups is not None)
    return list(splitter.split(rows, y, groups))
