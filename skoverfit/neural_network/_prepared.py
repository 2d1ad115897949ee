# SPDX-License-Identifier: BSD-3-Clause
"""What an estimator hands to the training loop: encoded rows, parts, seeds, a start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import joblib
import numpy as np

from skoverfit._core._random import derive_generator
from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._encoding import EncodedTable, TableEncoder

__all__ = ["PreparationMemo", "Prepared", "holdout_parts", "recall"]


Made = TypeVar("Made")


class PreparationMemo:
    """What estimators share that are prepared one after the other on one table.

    The candidates of a search encode the same rows and start from the same linear
    models. Only the last table is remembered.
    """

    def __init__(self) -> None:
        self._table: Any = None
        self._known: dict[str, Any] = {}

    def use(self, table: Any) -> None:
        """Forget what was made from another table."""
        if table is not self._table:
            self._table, self._known = table, {}

    def recall(self, key: tuple[Any, ...], make: Callable[[], Made]) -> Made:
        """Return what was made for this key before, or make it."""
        digest = str(joblib.hash(key))
        if digest not in self._known:
            self._known[digest] = make()
        return self._known[digest]


def recall(
    memo: PreparationMemo | None, key: tuple[Any, ...], make: Callable[[], Made]
) -> Made:
    """Return what the memo has for this key, or make it; without a memo, make it."""
    return make() if memo is None else memo.recall(key, make)


@dataclass(kw_only=True)
class Prepared:
    """One estimator's data, ready for a stack.

    Attributes
    ----------
    encoder : TableEncoder
        How new rows are encoded.
    rows : EncodedTable
        The encoded rows.
    target : ndarray of shape (n,) or (n, m)
        Class codes, or standardized values.
    weight : ndarray of shape (n,) or None
        Sample weights, class weights included; all above 0.
    train, valid : list of ndarray of int, one a net
        Rows that a net trains on and is judged on; ``valid`` is None without early
        stopping.
    n_outputs : int
        Outputs of the module.
    seeds : list of int, one a net
        Seeds of the nets.
    bias : ndarray of shape (n_nets, n_outputs)
        Where the outputs start.
    linear : ndarray of shape (n_nets, n_dense, n_outputs) or None
        Linear model that a net starts from.
    """

    encoder: TableEncoder
    rows: EncodedTable
    target: np.ndarray
    weight: np.ndarray | None
    train: list[np.ndarray]
    valid: list[np.ndarray] | None
    n_outputs: int
    seeds: list[int]
    bias: np.ndarray
    linear: np.ndarray | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def table_id(self) -> tuple[int, ...]:
        """Equal where the arrays of two are the same objects."""
        return id(self.rows), id(self.target), id(self.weight)

    @property
    def batch_rows(self) -> int:
        """Rows that the largest net trains on."""
        return max(len(rows) for rows in self.train)


def holdout_parts(
    strata: np.ndarray | None,
    n: int,
    *,
    n_nets: int,
    fraction: float,
    entropy: int,
    groups: np.ndarray | None = None,
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Deal rows into folds; each net leaves out another one.

    Rows of a class (or group) are dealt out in turn in a random order, so that folds
    have equal shares and every row trains some net. Where there are more nets than
    folds the folds are used again.

    Parameters
    ----------
    strata : ndarray of int of shape (n,) or None
        Class codes.
    n : int
        Rows.
    n_nets : int
        Nets.
    fraction : float
        Share of rows that a net leaves out; ``round(1 / fraction)`` folds are made.
    entropy : int
        Source of the random order.
    groups : ndarray of int of shape (n,), optional
        Rows of one group stay in one fold.

    Returns
    -------
    train, valid : lists of ndarray, one a net
        Row numbers, ascending.

    Raises
    ------
    BadInputError
        If a fold would be empty, or leave nothing to train on.
    """
    n_folds = max(2, round(1 / fraction))
    generator = derive_generator(entropy, "holdout")
    units = np.arange(n) if groups is None else np.arange(int(groups.max()) + 1)
    if len(units) < n_folds:
        what = "rows" if groups is None else "groups"
        raise BadInputError(
            f"validation_fraction={fraction:g} leaves no {what[:-1]} to validate on: "
            f"there are {len(units)} {what} and {n_folds} parts. Use a larger "
            "validation_fraction, or early_stopping=False."
        )
    order = generator.permutation(len(units))
    if strata is not None and groups is None:
        order = order[np.argsort(strata[order], kind="stable")]
    fold = np.empty(len(units), dtype=np.int64)
    fold[order] = np.arange(len(units)) % n_folds
    if groups is not None:
        fold = fold[groups]
    train = [np.flatnonzero(fold != net % n_folds) for net in range(n_nets)]
    valid = [np.flatnonzero(fold == net % n_folds) for net in range(n_nets)]
    return train, valid
