# SPDX-License-Identifier: BSD-3-Clause
"""Which rows are answered only because they were seen, and who depends on them."""

from __future__ import annotations

from numbers import Integral, Real
from pickle import PicklingError
from typing import Any, Literal

import joblib
import numpy as np
from sklearn.base import is_classifier
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
    validate_params,
)

from skoverfit._core._arrays import n_rows
from skoverfit._core._random import root_entropy
from skoverfit._core._resampling._data import check_groups, check_weights
from skoverfit._core._resampling._strategy import plain
from skoverfit._core._row_scores import seeded
from skoverfit._core._validation import check_labels, check_same_length, warn
from skoverfit.exceptions import BadInputError
from skoverfit.noisy_labels._memorization_result import MemorizationResult
from skoverfit.noisy_labels._out_of_fold import refuse_fitted
from skoverfit.noisy_labels._retraining import draw_subsets, outcomes_of_runs

__all__ = ["influence_scores", "memorization_scores"]

_CONSTRAINTS: dict[str, list[Any]] = {
    "estimator": [HasMethods(["fit", "predict"])],
    "X": "no_validation",  # type: ignore[dict-item]
    "y": "no_validation",  # type: ignore[dict-item]
    "sample_weight": ["array-like", None],
    "groups": ["array-like", None],
    "n_runs": [Interval(Integral, 2, None, closed="left")],
    "subset_ratio": [Interval(Real, 0, 1, closed="neither")],
    "scoring": [StrOptions({"correct", "proba"})],
    "stratify": ["boolean"],
    "earlier": [MemorizationResult, None],
    "n_jobs": [Integral, None],
    "verbose": ["verbose"],
    "random_state": ["random_state", np.random.Generator],
}


@validate_params(_CONSTRAINTS, prefer_skip_nested_validation=True)
def memorization_scores(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    sample_weight: Any = None,
    groups: Any = None,
    n_runs: int = 100,
    subset_ratio: float = 0.7,
    scoring: Literal["correct", "proba"] = "correct",
    stratify: bool = True,
    earlier: MemorizationResult | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
    random_state: Any = None,
) -> MemorizationResult:
    """Estimate how much better a row is answered if it was trained on.

    The estimator is trained on many random subsets; the memorization of a row is its
    accuracy under runs that had it, less that under runs that had not (Feldman and
    Zhang). A row with a wrong label has a high one if the estimator can fit it, and so
    has a right row of a kind that is rare: look before you delete. Nets of this library
    are trained as stacks. See :doc:`/user_guide/inspection`.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator : classifier
        Is cloned; every ``random_state`` in it gets a seed of each run.
    X : container of shape (n, p)
        A table that the estimator takes.
    y : array-like of shape (n,)
        Labels.
    sample_weight : array-like of shape (n,), default=None
        Weights of the rows in the trainings.
    groups : array-like of shape (n,), default=None
        Rows of one group are all in a run or all out of it, or a twin that stays in
        would answer for a row that is out. Subsets are of groups then: a share
        ``subset_ratio`` of them, whatever the classes.
    n_runs : int, default=100
        Trainings. The standard error is at most .11 with 100 and .055 with 400, at a
        ratio of 0.7.
    subset_ratio : float, default=0.7
        Share of the rows that a run is trained on, without replacement. Memorization is
        that of a table of this size.
    scoring : {"correct", "proba"}, default="correct"
        Whether the row is predicted right, as in the paper, or the probability of its
        label, which varies less.
    stratify : bool, default=True
        Whether each class has its share in each subset; the paper draws from all rows.
    earlier : MemorizationResult, default=None
        Runs of the same estimator, data and settings. ``n_runs`` are added, and what
        comes out is what one call with all runs returns; for nets up to rounding.
    n_jobs : int, default=None
        Processes; None is 1. The answer does not depend on it.
    verbose : int, default=0
        As in joblib.
    random_state : int, RandomState, Generator or None, default=None
        Seed of subsets and estimators.

    Returns
    -------
    MemorizationResult
        With ``memorization``, ``memorization_error`` and all outcomes.

    Raises
    ------
    BadInputError
        Where a parameter or input can't be used.

    Warns
    -----
    SkoverfitWarning
        If a row was in all runs, or in none; its memorization is NaN.

    See Also
    --------
    influence_scores : Test rows, too.
    el2n_scores : A cheaper score.

    Notes
    -----
    Costs ``n_runs`` trainings. The claim that memorization is *necessary* for accuracy
    is disputed: models that were not trained to the end, near-duplicates and removed
    subpopulations inflate it. The score itself says what your estimator does.

    References
    ----------
    .. [1] V. Feldman (2020), Does learning require memorization? A short tale about a
       long tail, STOC, arXiv:1906.05271.
    .. [2] V. Feldman and C. Zhang (2020), What neural networks memorize and why:
       discovering the long tail via influence estimation, NeurIPS, arXiv:2008.03703.

    Examples
    --------
    A row with a wrong label amid twenty others:

    >>> import numpy as np
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skoverfit.noisy_labels import memorization_scores
    >>> X = np.arange(40.0).reshape(-1, 1)
    >>> y = np.repeat(["low", "high"], 20)
    >>> y[7] = "high"
    >>> nearest = KNeighborsClassifier(n_neighbors=1)
    >>> found = memorization_scores(nearest, X, y, n_runs=60, random_state=0)
    >>> int(found.memorization.argmax()), float(found.memorization[7])
    (7, 1.0)
    """
    return _scores(
        estimator, X, y, None, sample_weight, groups, n_runs, subset_ratio,
        scoring, stratify, earlier, n_jobs, verbose, random_state,
    )  # fmt: skip


@validate_params(
    {**_CONSTRAINTS, "X_test": "no_validation", "y_test": "no_validation"},
    prefer_skip_nested_validation=True,
)
def influence_scores(
    estimator: Any,
    X: Any,
    y: Any,
    X_test: Any,
    y_test: Any,
    *,
    sample_weight: Any = None,
    groups: Any = None,
    n_runs: int = 100,
    subset_ratio: float = 0.7,
    scoring: Literal["correct", "proba"] = "correct",
    stratify: bool = True,
    earlier: MemorizationResult | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
    random_state: Any = None,
) -> MemorizationResult:
    """Estimate how much each training row helps each test row.

    The runs of `memorization_scores` judge the test rows, too. See
    :doc:`/user_guide/inspection`.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator : classifier
        Is cloned; every ``random_state`` in it gets a seed of each run.
    X : container of shape (n, p)
        The training rows.
    y : array-like of shape (n,)
        Their labels.
    X_test : container of shape (n_test, p)
        The test rows.
    y_test : array-like of shape (n_test,)
        Their labels.
    sample_weight : array-like of shape (n,), default=None
        Weights of the training rows.
    groups : array-like of shape (n,), default=None
        As in `memorization_scores`.
    n_runs : int, default=100
        Trainings.
    subset_ratio : float, default=0.7
        Share of the rows that a run is trained on.
    scoring : {"correct", "proba"}, default="correct"
        What is averaged over the runs.
    stratify : bool, default=True
        Whether each class has its share in each subset.
    earlier : MemorizationResult, default=None
        Runs to which ``n_runs`` are added.
    n_jobs : int, default=None
        Processes; None is 1.
    verbose : int, default=0
        As in joblib.
    random_state : int, RandomState, Generator or None, default=None
        Seed of subsets and estimators.

    Returns
    -------
    MemorizationResult
        With ``influence()``, ``influence_error()`` and ``influential_pairs()``.

    Raises
    ------
    BadInputError
        Where a parameter or input can't be used.

    See Also
    --------
    memorization_scores : Training rows only.

    References
    ----------
    .. [1] V. Feldman and C. Zhang (2020), What neural networks memorize and why:
       discovering the long tail via influence estimation, NeurIPS, arXiv:2008.03703.

    Examples
    --------
    A test row beside the only training row of its kind there:

    >>> import numpy as np
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skoverfit.noisy_labels import influence_scores
    >>> X = np.append(np.arange(20.0), [100.0, -100.0]).reshape(-1, 1)
    >>> y = np.array(["common"] * 20 + ["rare"] * 2)
    >>> nearest = KNeighborsClassifier(n_neighbors=1)
    >>> found = influence_scores(
    ...     nearest, X, y, [[101.0]], ["rare"], n_runs=50, random_state=0)
    >>> rows, test_rows, influence = found.influential_pairs(min_influence=0.9)
    >>> rows, influence
    (array([20]), array([1.], dtype=float32))
    """
    check_same_length(X_test, y_test)
    return _scores(
        estimator, X, y, (X_test, y_test), sample_weight, groups, n_runs, subset_ratio,
        scoring, stratify, earlier, n_jobs, verbose, random_state,
    )  # fmt: skip


def _scores(
    estimator: Any,
    X: Any,
    y: Any,
    test: tuple[Any, Any] | None,
    sample_weight: Any,
    groups: Any,
    n_runs: int,
    subset_ratio: float,
    scoring: Literal["correct", "proba"],
    stratify: bool,
    earlier: MemorizationResult | None,
    n_jobs: int | None,
    verbose: int,
    random_state: Any,
) -> MemorizationResult:
    _check_estimator(estimator, scoring)
    classes, codes = check_labels(y)
    check_same_length(X, y)
    weight = check_weights(sample_weight, n_rows(X))
    kept_together = check_groups(groups, n_rows(X))[1]
    labels = classes[codes]
    tests = []
    if test is not None:
        test_classes, test_codes = check_labels(test[1], "y_test")
        if set(test_classes.tolist()).isdisjoint(classes.tolist()):
            raise BadInputError(
                f"No label of y_test ({plain(test_classes[0])!r} and so on) is one of "
                f"y ({plain(classes[0])!r} and so on); are they of one type?"
            )
        tests.append((test[0], test_classes[test_codes]))
    fingerprint = _fingerprint(
        (seeded(estimator, 0), X, labels, tests, weight, subset_ratio, scoring),
        stratify if kept_together is None else kept_together,
    )
    entropy, first = _start(earlier, random_state, fingerprint)
    runs = range(first, first + n_runs)
    included = draw_subsets(
        codes,
        runs,
        ratio=subset_ratio,
        entropy=entropy,
        stratify=stratify,
        groups=kept_together,
    )
    _check_subsets(included, codes, classes, subset_ratio)
    outcomes = outcomes_of_runs(
        estimator,
        X,
        labels,
        included,
        runs,
        tables=[(X, labels), *tests],
        classes=classes,
        scoring=scoring,
        entropy=entropy,
        sample_weight=weight,
        n_jobs=n_jobs,
        verbose=verbose,
    )
    found = MemorizationResult(
        included=included,
        outcomes=outcomes[0],
        codes=codes,
        classes=classes,
        test_outcomes=outcomes[1] if tests else None,
        scoring=scoring,
        subset_ratio=float(subset_ratio),
        entropy=entropy,
        fingerprint=fingerprint,
    )
    if earlier is not None:
        found = earlier.joined(found)
    one_sided = np.count_nonzero(np.isnan(found.memorization))
    if one_sided:
        warn(
            f"{one_sided} of {len(codes)} rows were in all of the {found.n_runs} runs "
            "or in none; their memorization is NaN. More runs (n_runs) help."
        )
    return found


def _check_estimator(estimator: Any, scoring: str) -> None:
    refuse_fitted(estimator, "estimator")
    if not is_classifier(estimator):
        raise BadInputError(
            "The 'estimator' parameter must be a classifier: memorization is about "
            f"right answers. Got {type(estimator).__name__} instead."
        )
    if scoring == "proba" and not hasattr(estimator, "predict_proba"):
        raise BadInputError(
            f"scoring='proba' needs predict_proba, which {type(estimator).__name__} "
            "does not have; use scoring='correct'."
        )


def _fingerprint(parts: tuple[Any, ...], subsets: Any) -> str:
    """Return a hash of what runs depend on; of what can't be hashed, its text."""
    made = []
    for part in (*parts, subsets):
        try:
            made.append(str(joblib.hash(part)))
        except (PicklingError, AttributeError, TypeError):
            # A lambda inside of an estimator, say. Its text may be the same for two.
            made.append(repr(part))
    return str(joblib.hash(made))


def _start(
    earlier: MemorizationResult | None, random_state: Any, fingerprint: str
) -> tuple[int, int]:
    """Return the source of the seeds and the number of the first run."""
    if earlier is None:
        return root_entropy(random_state), 0
    if earlier.fingerprint != fingerprint:
        raise BadInputError(
            "The 'earlier' parameter has runs of another estimator, data or setting; "
            "runs can only be added where all of these are the same."
        )
    if random_state is not None and root_entropy(random_state) != earlier.entropy:
        raise BadInputError(
            "Runs that are added go on with the seed of the earlier ones; leave "
            "random_state out, or give the same integer."
        )
    return earlier.entropy, earlier.n_runs


def _check_subsets(
    included: np.ndarray, codes: np.ndarray, classes: np.ndarray, ratio: float
) -> None:
    if len(classes) < 2:
        raise BadInputError(
            f"y has only one class ({classes.tolist()[0]!r}); memorization needs at "
            "least two."
        )
    for mask in included:
        present = np.unique(codes[mask])
        if len(present) < 2:
            raise BadInputError(
                f"A run on a share of {ratio:g} of the {len(codes)} rows would have "
                f"{'no row' if not len(present) else 'one class only'}; use a larger "
                "subset_ratio, or classes of at least two rows with stratify=True."
            )
