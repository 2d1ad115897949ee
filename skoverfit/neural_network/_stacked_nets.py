# SPDX-License-Identifier: BSD-3-Clause
"""Many small nets, trained at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils._param_validation import (
    Interval,
    StrOptions,
    validate_parameter_constraints,
)

from skoverfit._core._arrays import n_rows, take_rows
from skoverfit._core._validation import check_same_length, warn
from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._base import BaseTabularMLP
from skoverfit.neural_network._planned_fits import FitRequest
from skoverfit.neural_network._stack_fits import MAX_NETS, fit_requests, nets_a_stack

__all__ = ["StackedNets"]


class StackedNets:
    """Train many tabular nets of one shape at once.

    A small net keeps a processor waiting: most of a step is the cost of starting its
    operations. Here the nets of several estimators lie beside each other in one module
    and share each operation, while every estimator keeps its own rows, encoder,
    held-out part, seeds, learning rate, weight decay and early stopping. What comes out
    are ordinary fitted estimators, equal up to rounding to those that
    ``clone(estimator).fit(X[rows], y[rows])`` gives one by one. See
    :doc:`/user_guide/neural_network`.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimators : sequence of TabularMLPClassifier and TabularMLPRegressor
        What to train. They are cloned.
    max_nets : int, default=32
        Nets of a stack at most; an estimator counts ``n_estimators``. More nets are
        trained in several stacks. On a CPU a stack gains no more time a net from some
        16 to 32 nets on, less where nets are wide; a GPU has use for more. Memory grows
        with them: a stack holds the encoded rows of its estimators, equal tables once.
    on_error : {"raise", "record"}, default="raise"
        What happens if an estimator can't be trained (its loss becomes NaN, say).
        ``"raise"`` raises the first such error after all have been tried; ``"record"``
        leaves None in its place of ``estimators_`` and the error in ``errors_``. The
        others end as they would without it in both cases.
    n_jobs : int, default=None
        Processes that train stacks, each at least one; None is 1.

    Attributes
    ----------
    estimators_ : list of TabularMLPClassifier and TabularMLPRegressor
        Fitted estimators in the order of ``estimators``.
    groups_ : list of list of int
        Numbers of the estimators that were trained at once. A group of one was trained
        alone; the logger ``"skoverfit"`` says why, at level INFO.
    errors_ : dict of int to Exception
        What went wrong, by the number of the estimator.

    See Also
    --------
    cross_val_predict_stacked : Predictions of held-out folds, trained at once.
    StackedGridSearchCV : A grid search that trains candidates and folds at once.

    Notes
    -----
    Nets of one stack have equal encoded columns (a fold in which a category does not
    occur may have less), outputs, batch size and number of batches, and equal
    parameters but for ``learning_rate``, ``weight_decay`` (with another optimizer than
    ``"adamw"`` the same) and ``random_state``. Estimators with ``module``,
    ``callbacks``, ``max_time`` or ``mixed_precision="float16"`` are always trained
    alone.

    Two trainings with the same seed differ in float32 from the seventh digit of a step
    on, since a product of stacked matrices adds in another order; where early stopping
    has to choose between two nearly equal epochs it may choose the other one.

    ``fit_time_`` of an estimator is its share of the time of its stack. ``partial_fit``
    afterwards goes on with a fresh state of the optimizer.

    Examples
    --------
    Four seeds on four halves of a table:

    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from skoverfit.neural_network import StackedNets, TabularMLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> nets = [
    ...     TabularMLPClassifier((16,), n_estimators=1, max_epochs=20, random_state=k)
    ...     for k in range(4)
    ... ]
    >>> halves = [np.arange(k % 2, 150, 2) for k in range(4)]
    >>> stack = StackedNets(nets).fit(X, y, rows=halves)
    >>> stack.groups_
    [[0, 1, 2, 3]]
    >>> [net.score(X, y) > 0.9 for net in stack.estimators_]
    [True, True, True, True]
    """

    _parameter_constraints: ClassVar[dict] = {
        "estimators": [list, tuple],
        "max_nets": [Interval(Integral, 1, None, closed="left")],
        "on_error": [StrOptions({"raise", "record"})],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        estimators: Sequence[Any],
        *,
        max_nets: int = MAX_NETS,
        on_error: str = "raise",
        n_jobs: int | None = None,
    ) -> None:
        self.estimators = estimators
        self.max_nets = max_nets
        self.on_error = on_error
        self.n_jobs = n_jobs

    def __repr__(self) -> str:
        return f"StackedNets({len(self.estimators)} estimators)"

    def fit(
        self,
        X: Any,
        y: Any,
        rows: Sequence[ArrayLike] | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> StackedNets:
        """Train all estimators.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n, p)
            The table.
        y : array-like of shape (n,) or (n, n_outputs)
            Labels, or values.
        rows : sequence of array-like, default=None
            Row numbers (or masks of n rows) that each estimator is fitted on, one an
            estimator; a number may come twice. None takes all rows for all.
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows of X.

        Returns
        -------
        StackedNets
            Itself.

        Raises
        ------
        ValueError
            Where a parameter or input is wrong.
        TrainingError
            Where a loss stopped being a number and ``on_error`` is ``"raise"``.
        """
        self._check_parameters()
        parts = self._check_rows(X, y, rows, sample_weight)
        found = fit_requests(
            self._requests(X, y, parts, sample_weight),
            len(self.estimators),
            max_nets=nets_a_stack(self.estimators, self.max_nets, self.n_jobs),
            n_jobs=self.n_jobs,
        )
        errors = {
            number: outcome
            for number, outcome in enumerate(found.outcomes)
            if isinstance(outcome, Exception)
        }
        if found.interrupted:
            # Estimators that were trained in part say so themselves.
            warn(
                f"The training of stacks was interrupted; {len(errors)} of "
                f"{len(self.estimators)} estimators are not fitted and None in "
                "estimators_."
            )
        elif errors and self.on_error == "raise":
            number, error = next(iter(errors.items()))
            error.add_note(
                f"This is estimators[{number}]; {len(errors)} of "
                f"{len(self.estimators)} failed. on_error='record' keeps the others."
            )
            raise error
        self.errors_ = errors
        self.groups_ = found.groups
        self.estimators_ = [
            None if number in errors else outcome
            for number, outcome in enumerate(found.outcomes)
        ]
        return self

    def _check_parameters(self) -> None:
        validate_parameter_constraints(
            self._parameter_constraints, vars(self), caller_name="StackedNets"
        )
        if not self.estimators:
            raise BadInputError(
                "The 'estimators' parameter must hold at least one estimator. Got an "
                "empty sequence instead."
            )
        for number, estimator in enumerate(self.estimators):
            if not isinstance(estimator, BaseTabularMLP):
                raise BadInputError(
                    "The 'estimators' parameter must hold TabularMLPClassifier and "
                    f"TabularMLPRegressor only. Got {estimator!r} at place {number}."
                )

    def _check_rows(
        self, X: Any, y: Any, rows: Any, sample_weight: Any
    ) -> list[np.ndarray] | None:
        if y is None:
            raise BadInputError("StackedNets requires y to be passed, but y is None.")
        check_same_length(X, y)
        n = n_rows(X)
        if sample_weight is not None and np.shape(sample_weight) != (n,):
            raise BadInputError(
                f"sample_weight must have the shape ({n},), one weight a row. Got the "
                f"shape {np.shape(sample_weight)} instead."
            )
        if rows is None:
            return None
        if len(rows) != len(self.estimators):
            raise BadInputError(
                f"rows must hold one array an estimator: there are {len(rows)} arrays "
                f"and {len(self.estimators)} estimators."
            )
        return [_row_numbers(part, n, place) for place, part in enumerate(rows)]

    def _requests(
        self, X: Any, y: Any, parts: list[np.ndarray] | None, weight: Any
    ) -> Iterator[FitRequest]:
        weight = None if weight is None else np.asarray(weight)
        for place, estimator in enumerate(self.estimators):
            own: tuple[Any, ...] = (X, y, weight)
            if parts is not None:
                rows = parts[place]
                own = (
                    take_rows(X, rows),
                    take_rows(y, rows),
                    None if weight is None else weight[rows],
                )
            yield FitRequest(
                estimator=clone(estimator), X=own[0], y=own[1], sample_weight=own[2]
            )


def _row_numbers(part: Any, n: int, place: int) -> np.ndarray:
    """Return row numbers, or say which entry of ``rows`` has none."""
    found = np.asarray(part)
    if found.dtype.kind == "b" and found.shape == (n,):
        found = np.flatnonzero(found)
    if found.ndim != 1 or found.dtype.kind not in "iu" or found.size == 0:
        raise BadInputError(
            f"rows[{place}] must hold at least one row number, or a mask of {n} rows. "
            f"Got an array of dtype {found.dtype} and shape {found.shape} instead."
        )
    if found.min() < 0 or found.max() >= n:
        wrong = found[(found < 0) | (found >= n)][0]
        raise BadInputError(
            f"rows[{place}] must hold row numbers from 0 to {n - 1}. Got {wrong}."
        )
    return found
