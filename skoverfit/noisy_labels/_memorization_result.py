# SPDX-License-Identifier: BSD-3-Clause
"""What many trainings on random subsets tell of each row."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import ndtri

from skoverfit.exceptions import BadInputError

__all__ = ["MemorizationResult"]

# Numbers of a block of influences: 64 MiB in float32.
_BLOCK = 1 << 24


@dataclass(frozen=True, kw_only=True, eq=False)
class MemorizationResult:
    """Memorization of training rows, and their influence on test rows.

    `memorization_scores` and `influence_scores` return it. It keeps the outcome of
    every run, so that runs can be added and everything else follows from it. See
    :doc:`/user_guide/inspection`.

    .. versionadded:: 0.1

    Parameters
    ----------
    included : ndarray of bool of shape (n_runs, n)
        Which rows each run was trained on.
    outcomes : ndarray of shape (n_runs, n)
        Whether each run predicted each row right (uint8), or the probability that it
        gave to the label (float32).
    codes : ndarray of int of shape (n,)
        Position of each row's label in ``classes``.
    classes : ndarray of shape (n_classes,)
        Labels, sorted.
    test_outcomes : ndarray of shape (n_runs, n_test) or None, default=None
        The outcomes of the test rows.
    scoring : {"correct", "proba"}, default="correct"
        What an outcome is.
    subset_ratio : float, default=0.7
        Share of the rows that a run was trained on.
    entropy : int, default=0
        Source of all seeds; runs that are added go on with it.
    fingerprint : str, default=""
        Hash of the estimator, the data and the settings.

    See Also
    --------
    memorization_scores : Makes one.
    skoverfit.inspection.MemorizationDisplay : Picture of it.

    References
    ----------
    .. [1] V. Feldman and C. Zhang (2020), What neural networks memorize and why:
       discovering the long tail via influence estimation, NeurIPS, arXiv:2008.03703.
    .. [2] A. Agresti and B. Caffo (2000), Simple and effective confidence intervals for
       proportions and differences of proportions result from adding two successes and
       two failures, The American Statistician 54, 280-288.

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit.noisy_labels import MemorizationResult
    >>> runs = MemorizationResult(
    ...     included=np.array([[True, False], [False, True], [True, False]]),
    ...     outcomes=np.array([[1, 1], [0, 1], [1, 0]], dtype=np.uint8),
    ...     codes=np.array([0, 1]), classes=np.array(["a", "b"]))
    >>> runs.memorization
    array([1. , 0.5])
    """

    included: np.ndarray
    outcomes: np.ndarray
    codes: np.ndarray
    classes: np.ndarray
    test_outcomes: np.ndarray | None = None
    scoring: str = "correct"
    subset_ratio: float = 0.7
    entropy: int = 0
    fingerprint: str = ""

    def __repr__(self) -> str:
        runs, n = self.included.shape
        return f"MemorizationResult({runs} runs, {n} rows, scoring={self.scoring!r})"

    @property
    def n_runs(self) -> int:
        """Number of trainings.

        Returns
        -------
        int
            Rows of ``included``.
        """
        return len(self.included)

    @cached_property
    def n_included(self) -> np.ndarray:
        """How many runs were trained on each row.

        Returns
        -------
        ndarray of int of shape (n,)
            The other ``n_runs - n_included`` runs left it out.
        """
        return np.count_nonzero(self.included, axis=0)

    @cached_property
    def _means(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean outcome of each row by runs with it and without it."""
        outcomes = self.outcomes.astype(np.float64)
        n_out = self.n_runs - self.n_included
        with np.errstate(invalid="ignore"):
            inside = (outcomes * self.included).sum(axis=0) / self.n_included
            outside = (outcomes * ~self.included).sum(axis=0) / n_out
        return inside, outside

    @property
    def outcome_included(self) -> np.ndarray:
        """How well a row is answered by runs that were trained on it.

        Returns
        -------
        ndarray of shape (n,)
            Mean outcome; NaN where there is no such run.
        """
        return self._means[0]

    @property
    def outcome_excluded(self) -> np.ndarray:
        """How well a row is answered by runs that left it out.

        Returns
        -------
        ndarray of shape (n,)
            Mean outcome; NaN where there is no such run.
        """
        return self._means[1]

    @cached_property
    def memorization(self) -> np.ndarray:
        """How much better each row is answered if it was trained on.

        Returns
        -------
        ndarray of shape (n,)
            Between -1 and 1; NaN where all runs had the row, or none.
        """
        inside, outside = self._means
        return inside - outside

    @cached_property
    def memorization_error(self) -> np.ndarray:
        """Standard error of the memorization.

        Returns
        -------
        ndarray of shape (n,)
            For right and wrong answers with one more of each on both sides (Agresti
            and Caffo), so that no row has an error of 0 after few runs; for
            probabilities from their variances. Infinite where a side has less than two.
        """
        squares = np.zeros((2, self.included.shape[1]))
        for place, mask in enumerate((self.included, ~self.included)):
            squares[place] = _squared_error(
                np.count_nonzero(mask, axis=0),
                (self.outcomes * mask).sum(axis=0, dtype=np.float64),
                self.scoring,
                (np.square(self.outcomes, dtype=np.float64) * mask).sum(axis=0),
            )
        return np.sqrt(squares.sum(axis=0))

    def confidence_interval(self, confidence: float = 0.95) -> np.ndarray:
        """Return a normal interval of the memorization of each row.

        Parameters
        ----------
        confidence : float, default=0.95
            How often it holds the truth, row by row.

        Returns
        -------
        ndarray of shape (n, 2)
            Lower and upper ends, within -1 and 1.
        """
        if not 0 < confidence < 1:
            raise BadInputError(
                "The 'confidence' parameter must be a float in (0, 1). Got "
                f"{confidence!r} instead."
            )
        centre = self.memorization
        if self.scoring == "correct":
            n_in, n_out = self.n_included, self.n_runs - self.n_included
            inside, outside = self._means
            centre = (inside * n_in + 1) / (n_in + 2)
            centre = centre - (outside * n_out + 1) / (n_out + 2)
        half = ndtri(0.5 + confidence / 2) * self.memorization_error
        return np.clip(np.stack([centre - half, centre + half], axis=1), -1.0, 1.0)

    def influence(self, test_rows: np.ndarray | None = None) -> np.ndarray:
        """Return how much each training row helps each test row.

        Parameters
        ----------
        test_rows : ndarray of int, default=None
            Test rows; None takes all.

        Returns
        -------
        ndarray of shape (n_test, n), float32
            The mean outcome of a test row by runs that were trained on a row, less
            that by the others.
        """
        outcomes = self._test(test_rows).astype(np.float32)
        inside = outcomes.T @ self.included.astype(np.float32)
        total = outcomes.sum(axis=0, dtype=np.float64).astype(np.float32)[:, None]
        n_in = self.n_included.astype(np.float32)
        with np.errstate(invalid="ignore", divide="ignore"):
            return inside / n_in - (total - inside) / (self.n_runs - n_in)

    def influence_error(self, test_rows: np.ndarray | None = None) -> np.ndarray:
        """Return the standard errors of `influence`.

        Parameters
        ----------
        test_rows : ndarray of int, default=None
            Test rows; None takes all.

        Returns
        -------
        ndarray of shape (n_test, n)
            In the way of ``memorization_error``.
        """
        outcomes = self._test(test_rows).astype(np.float64)
        made: Any = 0.0
        for mask in (self.included, ~self.included):
            weights = mask.astype(np.float64)
            made = made + _squared_error(
                np.count_nonzero(mask, axis=0),
                outcomes.T @ weights,
                self.scoring,
                np.square(outcomes).T @ weights,
            )
        return np.sqrt(made)

    def influential_pairs(
        self, *, min_influence: float = 0.15, min_memorization: float = 0.25
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return memorized rows with the test rows that depend on them.

        Parameters
        ----------
        min_influence, min_memorization : float, default=0.15, 0.25
            What the paper calls high. With few runs many pairs reach it by chance:
            look at `influence_error`.

        Returns
        -------
        rows, test_rows : ndarray of int
            The pairs, the largest influence first.
        influence : ndarray of float32
            Of each pair.
        """
        rows = np.flatnonzero(self.memorization >= min_memorization)
        n_test = self._test(None).shape[1]
        step = max(1, _BLOCK // max(self.included.shape[1], 1))
        found = [], [], []  # type: tuple[list, list, list]
        for first in range(0, n_test, step):
            part = np.arange(first, min(first + step, n_test))
            block = self.influence(part)[:, rows]
            test, train = np.nonzero(block >= min_influence)
            found[0].append(rows[train])
            found[1].append(part[test])
            found[2].append(block[test, train])
        made = tuple(np.concatenate(part) for part in found)
        order = np.argsort(-made[2], kind="stable")
        return made[0][order], made[1][order], made[2][order]

    def _test(self, rows: np.ndarray | None) -> np.ndarray:
        if self.test_outcomes is None:
            raise BadInputError(
                "There are no test rows here; influence_scores(estimator, X, y, "
                "X_test, y_test) has them."
            )
        return self.test_outcomes if rows is None else self.test_outcomes[:, rows]

    def joined(self, more: MemorizationResult) -> MemorizationResult:
        """Return the runs of both.

        Parameters
        ----------
        more : MemorizationResult
            Other runs of the same estimator and data.

        Returns
        -------
        MemorizationResult
            A new one; the two are not changed.
        """
        if self.fingerprint != more.fingerprint:
            raise BadInputError(
                "The runs to join are of another estimator, data or setting; runs can "
                "only be added where all of these are the same."
            )
        tests = None
        if self.test_outcomes is not None and more.test_outcomes is not None:
            tests = np.concatenate([self.test_outcomes, more.test_outcomes])
        return replace(
            self,
            included=np.concatenate([self.included, more.included]),
            outcomes=np.concatenate([self.outcomes, more.outcomes]),
            test_outcomes=tests,
        )


def _squared_error(
    n: np.ndarray, total: np.ndarray, scoring: str, squares: np.ndarray
) -> np.ndarray:
    """Return the squared standard error of a mean outcome over n runs."""
    with np.errstate(invalid="ignore", divide="ignore"):
        if scoring == "correct":
            share = (total + 1) / (n + 2)
            made = share * (1 - share) / (n + 2)
        else:
            spread = np.maximum(squares - total**2 / n, 0.0) / (n - 1)
            made = spread / n
    return np.where(n > 1, made, np.inf)
